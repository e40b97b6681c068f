"""Writes a CSV file that looks like a table of measurements:

    make_table.py FILE ROWS NUMBERS [--category]

The columns are x1, x2, ..., with four decimals and about seven characters each; with --category one of eight words;
and `class`, stays or leaves, which the first three numbers and the category decide, with noise. One seed: the same
arguments give the same file.
"""

import argparse
import os
from pathlib import Path

import numpy

WORDS = ["oak", "pine", "birch", "spruce", "maple", "willow", "juniper", "hornbeam"]
CLASSES = ["stays", "leaves"]
DEVIATION = 60.0
CELLS_AT_ONCE = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes a CSV file that looks like a table of measurements.")
    parser.add_argument("file", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("numbers", type=int)
    parser.add_argument("--category", action="store_true")
    arguments = parser.parse_args()
    # A file that bears the name is whole.
    unfinished = arguments.file.with_name(arguments.file.name + ".part")
    with unfinished.open("w", newline="\n") as file:
        write(file, arguments.rows, arguments.numbers, arguments.category)
    os.replace(unfinished, arguments.file)


def write(file, rows: int, numbers: int, category: bool) -> None:
    generator = numpy.random.default_rng(13)
    effects = generator.normal(size=len(WORDS))
    names = [f"x{index}" for index in range(1, numbers + 1)] + ["tree"] * category + ["class"]
    file.write(",".join(names) + "\n")
    template = ",".join(["%.4f"] * numbers + ["%s"] * category + ["%s"]) + "\n"
    decisive = min(numbers, 3)
    at_once = max(1, CELLS_AT_ONCE // numbers)
    for start in range(0, rows, at_once):
        count = min(at_once, rows - start)
        values = generator.normal(scale=DEVIATION, size=(count, numbers))
        words = generator.integers(len(WORDS), size=count)
        score = values[:, :decisive] @ numpy.array([1.0, -1.0, 0.5])[:decisive] / DEVIATION
        score += effects[words] * category + 0.7 * generator.normal(size=count)
        for row, word, leaves in zip(values.tolist(), words.tolist(), (score > 0).tolist()):
            texts = [WORDS[word]] if category else []
            file.write(template % (*row, *texts, CLASSES[leaves]))


if __name__ == "__main__":
    main()
