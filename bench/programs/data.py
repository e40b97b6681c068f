"""Reads the images as the program chainrule does: Fashion-MNIST from IDX files, and the built-in digits."""

import gzip
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy
from numpy.typing import NDArray

DIGITS = Path(__file__).resolve().parents[2] / "crates" / "chainrule-digits" / "digits.bin"
DIGITS_ROWS, DIGITS_PIXELS = 1797, 64


@dataclass(frozen=True)
class Part:
    images: NDArray[numpy.float32]
    """[rows, pixels], standardized with the mean and deviation of all training pixels."""
    labels: NDArray[numpy.int64]


def read_fashion(directory: Path) -> tuple[Part, Part]:
    """The 60,000 training and 10,000 test images."""
    training, test = (
        (read_idx(directory / f"{name}-images-idx3-ubyte.gz"), read_idx(directory / f"{name}-labels-idx1-ubyte.gz"))
        for name in ("train", "t10k")
    )
    mean, deviation = training[0].mean(), training[0].std()
    return tuple(standardize(images, labels, mean, deviation) for images, labels in (training, test))


def read_idx(path: Path) -> NDArray[numpy.uint8]:
    content = gzip.decompress(path.read_bytes())
    rank = content[3]
    shape = numpy.frombuffer(content, ">u4", rank, offset=4)
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * rank).reshape(shape[0], -1)


def read_digits(seed: int) -> tuple[Part, Part, Part]:
    """70 % of the rows to train, 10 % to validate, 20 % to test, drawn at random."""
    content = numpy.frombuffer(DIGITS.read_bytes(), numpy.uint8)
    images, labels = numpy.split(content, [DIGITS_ROWS * DIGITS_PIXELS])
    order = numpy.random.default_rng(seed).permutation(DIGITS_ROWS)
    parts = numpy.split(order, [1258, 1258 + 180])
    images = images.reshape(DIGITS_ROWS, DIGITS_PIXELS)
    mean, deviation = images[parts[0]].mean(), images[parts[0]].std()
    return tuple(standardize(images[part], labels[part], mean, deviation) for part in parts)


def standardize(images: NDArray, labels: NDArray, mean: float, deviation: float) -> Part:
    scaled = (images.astype(numpy.float32) - numpy.float32(mean)) / numpy.float32(deviation)
    return Part(scaled, labels.ravel().astype(numpy.int64))


def report(training_seconds: float, test_accuracy: float) -> None:
    """The only line on standard output, which bench/end_to_end.py reads."""
    sys.stdout.write(f'{{"training_seconds": {training_seconds}, "test_accuracy": {test_accuracy}}}\n')
