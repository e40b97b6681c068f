"""A document with a section for each processor: a run replaces what was measured on its own, and nothing else.

A section stands in the chapter of its program, under a heading with the processor's name and the instruction set. What
was measured stands between two marks; what is written behind the second one is prose, and stays:

    ## One training step

    ### AMD EPYC (family 25, model 17), avx512

    <!-- compare.py: AMD EPYC (family 25, model 17), avx512 -->

    what was measured

    <!-- end of compare.py -->

    What it says.
"""

from dataclasses import dataclass
from pathlib import Path

TITLE = "# Speed, side by side"


@dataclass(frozen=True)
class Chapter:
    program: str
    """The program that measures, such as compare.py."""
    title: str

    def begin(self, machine: str) -> str:
        return f"<!-- {self.program}: {machine} -->"

    def end(self) -> str:
        return f"<!-- end of {self.program} -->"


def update(path: Path, chapter: Chapter, machine: str, measured: str) -> str | None:
    """Writes what was measured into the file, which is made if it is not there. Returns what to tell, if anything."""
    document = path.read_text() if path.exists() else ""
    path.write_text(updated(document, chapter, machine, measured))
    if prose(document, chapter, machine):
        return f"{path}: the prose of the section {machine} was written for the run before; read it again"
    return None


def updated(document: str, chapter: Chapter, machine: str, measured: str) -> str:
    """The document with what was measured on this machine: a processor and an instruction set."""
    lines = document.splitlines() or [TITLE, ""]
    block = [chapter.begin(machine), "", *measured.strip().splitlines(), "", chapter.end()]
    place = marks(lines, chapter, machine)
    if place is not None:
        first, last = place
        return text_of(lines[:first] + block + lines[last + 1 :])
    section = [f"### {machine}", "", *block]
    heading = f"## {chapter.title}"
    if heading not in lines:
        return text_of([*stripped(lines), "", heading, "", *section])
    end = next_heading(lines, lines.index(heading) + 1, ["## "])
    rest = lines[end:]
    return text_of([*stripped(lines[:end]), "", *section, *([""] if rest else []), *rest])


def prose(document: str, chapter: Chapter, machine: str) -> str:
    """What is written behind what was measured on this machine, up to the next heading."""
    lines = document.splitlines()
    place = marks(lines, chapter, machine)
    if place is None:
        return ""
    start = place[1] + 1
    return "\n".join(lines[start : next_heading(lines, start, ["## ", "### "])]).strip()


def marks(lines: list[str], chapter: Chapter, machine: str) -> tuple[int, int] | None:
    """The lines with the marks of a machine's section."""
    if chapter.begin(machine) not in lines:
        return None
    first = lines.index(chapter.begin(machine))
    for index in range(first + 1, len(lines)):
        if lines[index] == chapter.end():
            return first, index
        if lines[index].startswith(f"<!-- {chapter.program}: "):
            break
    raise ValueError(f"line {first + 1} has no line {chapter.end()} behind it")


def next_heading(lines: list[str], start: int, beginnings: list[str]) -> int:
    """The first line from `start` that begins like that, or the end."""
    is_heading = (index for index in range(start, len(lines)) if lines[index].startswith(tuple(beginnings)))
    return next(is_heading, len(lines))


def stripped(lines: list[str]) -> list[str]:
    """Without the empty lines at the end."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def text_of(lines: list[str]) -> str:
    return "\n".join(stripped(lines)) + "\n"
