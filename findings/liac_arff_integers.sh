#!/usr/bin/env bash
# liac-arff 2.5.0: an attribute declared INTEGER is read through a float.
#
# Behaviour: every cell of an INTEGER attribute becomes a Python int, which could hold it, but by way of a float.
# Integers beyond 2^53 come back as their neighbours, two different ones can become equal, and a cell with a
# fraction loses it. Nothing is said.
#
# Seen:
#     9007199254740993 -> 9007199254740992
#     9007199254740992 -> 9007199254740992
#     1234567890123456789 -> 1234567890123456768
#     1.9 -> 1
#     -1.9 -> -1
#
# Expected: 9007199254740993 as written; for 1.9 an error like the one a word gives (BadNumericalValue).
#
# Touches: ARFF tables with an INTEGER key (customers, patients, groups): two of them can fall into one, in a join or
# in a split that must keep groups whole. A column declared INTEGER whose later rows hold fractions is cut, not refused.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check liac-arff==2.5.0

"$folder/venv/bin/python" - <<'PYTHON'
import arff

cells = ["9007199254740993", "9007199254740992", "1234567890123456789", "1.9", "-1.9"]
table = "@RELATION keys\n@ATTRIBUTE key INTEGER\n@DATA\n" + "\n".join(cells) + "\n"
read = [row[0] for row in arff.loads(table)["data"]]
for cell, value in zip(cells, read):
    print(cell, "->", value)

assert all(type(value) is int for value in read), "behaviour changed"
assert read == [9007199254740992, 9007199254740992, 1234567890123456768, 1, -1], "behaviour changed"
PYTHON
