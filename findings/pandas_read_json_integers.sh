#!/usr/bin/env bash
# pandas 3.1.1: read_json rounds integers beside a null even when a nullable integer type is asked for.
#
# Behaviour: with one null in the column, dtype={"id": "Int64"}, dtype_backend="numpy_nullable" and
# dtype_backend="pyarrow" all return the integer type and a missing cell, but the number passed through a float
# first: 9007199254740993 comes back as 9007199254740992. read_csv with the same arguments is exact, and so is
# read_json when no cell is missing.
#
# Seen (id 9007199254740993 and a missing one):
#     read_json {'dtype': {'id': 'Int64'}}: Int64 9007199254740992
#     read_json {'dtype_backend': 'numpy_nullable'}: Int64 9007199254740992
#     read_json {'dtype_backend': 'pyarrow'}: int64[pyarrow] 9007199254740992
#     read_csv {'dtype': {'id': 'Int64'}}: Int64 9007199254740993
#     read_csv {'dtype_backend': 'numpy_nullable'}: Int64 9007199254740993
#     read_csv {'dtype_backend': 'pyarrow'}: int64[pyarrow] 9007199254740993
#     read_json without null, {'dtype': {'id': 'Int64'}}: Int64 9007199254740993
#
# Expected: 9007199254740993 in all of them: nullable integers are what one takes to keep integers beside missing cells.
#
# Touches: tables made from JSON records with 64-bit keys, times in nanoseconds or hashes. Since the type shown is
# an integer type, nothing hints at the rounding; keys no longer match the same table read from CSV.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pandas==3.1.1 pyarrow==26.0.1

"$folder/venv/bin/python" - <<'PYTHON'
from io import StringIO

import pandas

JSON = '[{"id": 9007199254740993, "y": 1}, {"id": null, "y": 0}]'
CSV = "id,y\n9007199254740993,1\n,0\n"
EXACT, ROUNDED = 9007199254740993, 9007199254740992


def first(label, table):
    print(f"{label}: {table['id'].dtype} {table['id'].iloc[0]}")
    return int(table["id"].iloc[0])


ways = [{"dtype": {"id": "Int64"}}, {"dtype_backend": "numpy_nullable"}, {"dtype_backend": "pyarrow"}]
from_json = [first(f"read_json {way}", pandas.read_json(StringIO(JSON), **way)) for way in ways]
from_csv = [first(f"read_csv {way}", pandas.read_csv(StringIO(CSV), **way)) for way in ways]
without_null = first(
    f"read_json without null, {ways[0]}", pandas.read_json(StringIO(JSON.replace("null", "1")), **ways[0])
)

assert from_json == [ROUNDED] * 3, "behaviour changed"
assert from_csv == [EXACT] * 3 and without_null == EXACT, "behaviour changed"
PYTHON
