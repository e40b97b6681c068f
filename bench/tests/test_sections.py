"""Tests of the document with a section for each processor: python3 -m unittest discover -s bench/tests."""

import sys
import tempfile
import unittest
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCH))

import machine  # noqa: E402
import sections  # noqa: E402

STEP = sections.Chapter("compare.py", "One training step")
WHOLE = sections.Chapter("end_to_end.py", "Whole programs")
ONE, OTHER = "AMD EPYC (family 25, model 1), avx2", "AMD EPYC (family 25, model 17), avx512"

DOCUMENT = f"""# Speed, side by side

Prose at the top.

## One training step

### {OTHER}

<!-- compare.py: {OTHER} -->

- a line

| old | table |

<!-- end of compare.py -->

What the table says:

- something.

## Whole programs

### {OTHER}

<!-- end_to_end.py: {OTHER} -->

whole

<!-- end of end_to_end.py -->

## Tables: reading

Other prose.
"""


class Sections(unittest.TestCase):
    def test_a_section_is_replaced_and_all_else_stays(self):
        found = sections.updated(DOCUMENT, STEP, OTHER, "new\n\n| new | table |\n")
        old = "- a line\n\n| old | table |"
        self.assertEqual(found, DOCUMENT.replace(old, "new\n\n| new | table |"))
        self.assertEqual(sections.updated(found, STEP, OTHER, old), DOCUMENT)

    def test_another_processor_gets_a_section_at_the_end_of_the_chapter(self):
        found = sections.updated(DOCUMENT, STEP, ONE, "measured here")
        section = f"### {ONE}\n\n<!-- compare.py: {ONE} -->\n\nmeasured here\n\n<!-- end of compare.py -->\n\n"
        self.assertEqual(found, DOCUMENT.replace("## Whole programs", section + "## Whole programs"))
        again = sections.updated(found, STEP, ONE, "measured again")
        self.assertEqual(again, found.replace("measured here", "measured again"))

    def test_the_chapters_of_two_programs_do_not_mix(self):
        found = sections.updated(DOCUMENT, WHOLE, OTHER, "new")
        self.assertEqual(found, DOCUMENT.replace("\nwhole\n", "\nnew\n"))

    def test_a_chapter_and_a_document_are_made_where_they_are_not_there(self):
        inference = sections.Chapter("inference.py", "Inference")
        section = f"## Inference\n\n### {ONE}\n\n<!-- inference.py: {ONE} -->\n\nrows\n\n<!-- end of inference.py -->\n"
        self.assertEqual(sections.updated(DOCUMENT, inference, ONE, "rows"), f"{DOCUMENT}\n{section}")
        self.assertEqual(sections.updated("", inference, ONE, "rows"), f"# Speed, side by side\n\n{section}")

    def test_a_section_at_the_end_of_the_document_gets_a_neighbour(self):
        first = sections.updated("", STEP, ONE, "first")
        second = sections.updated(first, STEP, OTHER, "second")
        self.assertTrue(second.startswith(first + "\n### "))
        self.assertEqual(sections.updated(second, STEP, ONE, "third"), second.replace("first", "third"))

    def test_a_mark_without_its_end_is_an_error(self):
        for document in (
            DOCUMENT.replace("<!-- end of compare.py -->\n", ""),
            sections.updated(DOCUMENT, STEP, ONE, "x").replace("<!-- end of compare.py -->\n", "", 1),
        ):
            with self.assertRaises(ValueError):
                sections.updated(document, STEP, OTHER, "new")

    def test_prose_behind_the_marks_is_found(self):
        self.assertEqual(sections.prose(DOCUMENT, STEP, OTHER), "What the table says:\n\n- something.")
        self.assertEqual(sections.prose(DOCUMENT, WHOLE, OTHER), "")
        self.assertEqual(sections.prose(DOCUMENT, STEP, ONE), "")

    def test_a_file_is_made_and_updated_and_its_prose_is_told_of(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "benchmarks.md"
            self.assertIsNone(sections.update(path, STEP, ONE, "first"))
            path.write_text(path.read_text() + "\nIt says much.\n")
            self.assertIn(ONE, sections.update(path, STEP, ONE, "second") or "")
            self.assertIn("second", path.read_text())
            self.assertIn("It says much.", path.read_text())

    def test_the_document_of_this_project_has_its_marks(self):
        document = (BENCH.parent / "docs" / "benchmarks.md").read_text()
        for chapter in (STEP, WHOLE):
            self.assertIn(f"\n## {chapter.title}\n", document)
            # It has no section of this machine, or both of its marks.
            sections.updated(document, chapter, "no machine", "nothing")
            begins = [line for line in document.splitlines() if line.startswith(f"<!-- {chapter.program}: ")]
            self.assertTrue(begins)
            for begin in begins:
                name = begin.removeprefix(f"<!-- {chapter.program}: ").removesuffix(" -->")
                self.assertIn(f"\n### {name}\n\n{begin}\n", document)
                sections.updated(document, chapter, name, "nothing")


class Machine(unittest.TestCase):
    def test_a_processor_has_family_and_model(self):
        said = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD  EPYC \nflags\t\t: fpu avx2 fma\n"
        self.assertEqual(machine.processor_of(said), "AMD EPYC (family 25, model 1)")
        self.assertEqual(machine.instructions_of(said, None), "avx2")
        self.assertEqual(machine.instructions_of(said, "plain"), "plain")
        both = said + "flags\t\t: avx2 fma avx512f avx512bw avx512cd avx512dq avx512vl\n"
        self.assertEqual(machine.instructions_of(both.replace("flags\t\t: fpu avx2 fma\n", ""), None), "avx512")
        self.assertEqual(machine.instructions_of("flags : sse2\n", None), "plain")

    def test_a_command_line_has_no_paths_of_this_machine(self):
        words = ["--baseline", "old=/tmp/old/chainrule", "--chainrule=/a/b", "/c/d", "-o", "docs/benchmarks.md"]
        expected = ["--baseline", "old=PATH", "--chainrule=PATH", "PATH", "-o", "docs/benchmarks.md"]
        self.assertEqual([machine.without_path(word) for word in words], expected)


if __name__ == "__main__":
    unittest.main()
