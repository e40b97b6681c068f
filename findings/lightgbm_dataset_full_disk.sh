#!/usr/bin/env bash
# LightGBM 4.7.0: Dataset.save_binary on a full disk ends without an error.
#
# Behaviour: Booster.save_model raises an error when the disk is full. Dataset.save_binary, of the same library, says on
# standard output that it saves, and returns as if it had; the file is short or empty. That is found out when the file
# is read, perhaps long after the table it was made from is gone.
#
# Seen (both write through a link to the device /dev/full, which answers every write as a full disk does):
#     Booster.save_model: LightGBMError: Cannot write binary data to model.txt, wrote 0 of ... bytes
#     Dataset.save_binary: no error
#
# Expected: an error from both.
#
# It needs libgomp1, as LightGBM does.
#
# Touches: a pipeline that prepares data once and trains from the binary file later. Here every write is checked and synced, and a
# checkpoint that cannot be written is told at once, while training goes on.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lightgbm==4.7.0 numpy==2.4.6

cd "$folder"
ln -s /dev/full model.txt
ln -s /dev/full table.bin
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import lightgbm
import numpy

inputs = numpy.random.default_rng(0).random((20_000, 3))


def outcome(what, save):
    try:
        save()
        found = "no error"
    except lightgbm.basic.LightGBMError as error:
        found = "LightGBMError"
        print(error)
    print(f"{what}: {found}")
    return found


table = lightgbm.Dataset(inputs, inputs.sum(axis=1), params={"verbose": -1}, free_raw_data=False)
booster = lightgbm.train({"verbose": -1}, table, 5)
assert outcome("Booster.save_model", lambda: booster.save_model("model.txt")) == "LightGBMError", "behaviour changed"
assert outcome("Dataset.save_binary", lambda: table.save_binary("table.bin")) == "no error", "behaviour changed"
PYTHON
