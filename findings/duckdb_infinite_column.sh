#!/usr/bin/env bash
# DuckDB 2.0.1: a column of infinite numbers, written by DuckDB to CSV, is read back as dates.
#
# Behaviour: COPY writes the DOUBLE infinity as `inf`, and read_csv finds the type DATE for a column of nothing else;
# Python receives 31 December 9999 and 1 January 1. A finite cell below the infinite ones makes the column text, the
# same cell above them makes it a DOUBLE.
#
# Seen:
#     upper = [inf, inf, -inf]: DATE [datetime.date(9999, 12, 31), datetime.date(9999, 12, 31), datetime.date(1, 1, 1)]
#     upper = [inf, inf, 5.0]: VARCHAR ['inf', 'inf', '5.0']
#     upper = [5.0, inf, inf]: DOUBLE [5.0, inf, inf]
#
# Expected: DOUBLE three times: the file came from a DOUBLE, `inf` is how this program spells one, and the order of
# the rows should not choose the type.
#
# Touches: tables with a column of limits or thresholds that are mostly open (bounds of a search, upper ends of
# intervals, the first threshold of a ROC curve): sorted one way it is a number, sorted the other way a category, and
# a part of the table without finite cells gives dates, whose year, month and day are inputs that look right.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from datetime import date

import duckdb

infinity = float("inf")


def there_and_back(values):
    cells = ", ".join(f"('{value}'::DOUBLE)" for value in values)
    duckdb.sql(f"COPY (FROM (VALUES {cells}) bounds(upper)) TO 'bounds.csv' (HEADER)")
    read = duckdb.sql("FROM read_csv('bounds.csv')")
    kind, cells = str(read.types[0]), [row[0] for row in read.fetchall()]
    print(f"upper = {values}: {kind} {cells}")
    return kind, cells


assert there_and_back([infinity, infinity, -infinity]) == (
    "DATE",
    [date(9999, 12, 31), date(9999, 12, 31), date(1, 1, 1)],
), "behaviour changed"
assert there_and_back([infinity, infinity, 5.0]) == ("VARCHAR", ["inf", "inf", "5.0"]), "behaviour changed"
assert there_and_back([5.0, infinity, infinity]) == ("DOUBLE", [5.0, infinity, infinity]), "behaviour changed"
PYTHON
