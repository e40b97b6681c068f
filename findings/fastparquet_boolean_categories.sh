#!/usr/bin/env bash
# fastparquet 2026.9.0: a categorical of True and False comes back as True in every row.
#
# Behaviour: write() takes a pandas categorical whose categories are booleans, and to_pandas() gives a categorical
# with the same two categories, but each row is True. A plain boolean column and a categorical of the words are kept.
#
# Seen:
#     bool: [True, False, False, True] -> [True, False, False, True]
#     category of words: ['True', 'False', 'False', 'True'] -> ['True', 'False', 'False', 'True']
#     category of booleans: [True, False, False, True] -> [True, True, True, True]; categories [False, True]
#
# Expected: the rows as written, or an error on writing.
#
# Touches: a two-class target or an answer column that somebody turned into a category to save memory or to mark it
# as a class. The type and the categories look right; only the rows are wrong, and a model trained on
# them sees a single class.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pandas==3.1.1 fastparquet==2026.9.0

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import fastparquet
import pandas

rows = [True, False, False, True]


def there_and_back(label, column):
    fastparquet.write("answers.parquet", pandas.DataFrame({"churned": column}))
    read = fastparquet.ParquetFile("answers.parquet").to_pandas()["churned"]
    more = f"; categories {list(read.cat.categories)}" if label.endswith("booleans") else ""
    print(f"{label}: {list(column)} -> {read.tolist()}{more}")
    return read


words = [str(row) for row in rows]
assert there_and_back("bool", pandas.Series(rows)).tolist() == rows, "behaviour changed"
assert there_and_back("category of words", pandas.Categorical(words)).tolist() == words, "behaviour changed"
read = there_and_back("category of booleans", pandas.Categorical(rows))
assert list(read.cat.categories) == [False, True] and read.tolist() == [True] * 4, "behaviour changed"
PYTHON
