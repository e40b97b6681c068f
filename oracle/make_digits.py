"""Writes the built-in digits data set, crates/chainrule-digits/digits.bin.

The source is the copy of the UCI optical digits test set that scikit-learn
carries (`sklearn.datasets.load_digits`): 1,797 images of 8 x 8 pixels with
values 0 to 16, and their labels 0 to 9. Only the layout changes. The file is

    1797 * 64 bytes   pixels, u8, one image after another, each row by row
    1797 bytes        labels, u8, in the same order

Run it with `oracle/.venv/bin/python oracle/make_digits.py`; it needs
scikit-learn.
"""

from pathlib import Path

import numpy
from sklearn.datasets import load_digits

ROWS, PIXELS = 1797, 64
DESTINATION = (
    Path(__file__).resolve().parent.parent
    / "crates" / "chainrule-digits" / "digits.bin"
)


def main():
    digits = load_digits()
    pixels, labels = digits.data, digits.target

    # The conversion to bytes must lose nothing.
    assert pixels.shape == (ROWS, PIXELS) and labels.shape == (ROWS,)
    assert (pixels == numpy.floor(pixels)).all()
    assert pixels.min() == 0 and pixels.max() == 16
    assert sorted(set(labels.tolist())) == list(range(10))

    content = pixels.astype(numpy.uint8).tobytes(order="C")
    content += labels.astype(numpy.uint8).tobytes()
    assert len(content) == ROWS * (PIXELS + 1)

    DESTINATION.write_bytes(content)
    print(f"{DESTINATION.name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
