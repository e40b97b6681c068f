#!/usr/bin/env bash
# python-mnist 0.7: the batches of an IDX pair end with an empty one whenever the batch size divides the rows.
#
# Behaviour: load_training_in_batches(n) gives the full batches and then, if nothing is left over, one more
# of no images and no labels. With a batch larger than the file, the images are filled up to the batch size with
# empty lists while the labels stay as many as there are.
#
# Seen (six images of 2 x 2 pixels; images and labels of each batch):
#     batch size 4: [(4, 4), (2, 2)]
#     batch size 3: [(3, 3), (3, 3), (0, 0)]
#     batch size 10: [(10, 6), (0, 0)]; 4 of the images have no pixel
#
# Expected: (3, 3), (3, 3) and a single batch of (6, 6).
#
# Touches: MNIST has 60,000 training rows, which 10, 16, 32, 50 and 100 divide: the mean loss of the last batch is
# 0/0, so with numpy a NaN gets into the epoch's average, and, if the step is taken, into the weights.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-mnist==0.7

cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from struct import pack

from mnist import MNIST

ROWS = 6
with open("train-images-idx3-ubyte", "wb") as images:
    images.write(pack(">IIII", 0x00000803, ROWS, 2, 2) + bytes(range(ROWS * 4)))
with open("train-labels-idx1-ubyte", "wb") as labels:
    labels.write(pack(">II", 0x00000801, ROWS) + bytes(range(ROWS)))


def batches(size):
    read = [(list(images), len(labels)) for images, labels in MNIST(".").load_training_in_batches(size)]
    shapes = [(len(images), labels) for images, labels in read]
    hollow = sum(len(image) == 0 for images, _ in read for image in images)
    print(f"batch size {size}: {shapes}" + (f"; {hollow} of the images have no pixel" if hollow else ""))
    return shapes, hollow


assert batches(4) == ([(4, 4), (2, 2)], 0), "behaviour changed"
assert batches(3) == ([(3, 3), (3, 3), (0, 0)], 0), "behaviour changed"
assert batches(10) == ([(10, 6), (0, 0)], 4), "behaviour changed"
PYTHON
