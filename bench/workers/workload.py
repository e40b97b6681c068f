"""A workload as make_workload.py writes it: a network, its first parameters and one batch."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy
from numpy.typing import NDArray

Array = NDArray[numpy.float32]


@dataclass(frozen=True)
class Layer:
    weight: Array
    """W(l), [n_l, n_(l-1)]."""
    bias: Array
    """b(l), [n_l]."""


@dataclass(frozen=True)
class Workload:
    activation: str
    """Of the hidden layers: relu or tanh."""
    loss: str
    """binary_cross_entropy (of the sigmoid of one output), cross_entropy (of the softmax of the
    outputs) or mean_squared_error (mean over the batch and the outputs)."""
    layers: list[Layer]
    inputs: Array
    """[B, n_0]"""
    targets: NDArray
    """[B, n_L] float32, or [B] uint32 for classes."""


def read_workload(directory: Path) -> Workload:
    description = json.loads((directory / "workload.json").read_text())
    widths, batch = description["widths"], description["batch"]
    inputs = numpy.fromfile(directory / "inputs.f32", numpy.float32).reshape(batch, widths[0])
    if description["loss"] == "cross_entropy":
        targets = numpy.fromfile(directory / "targets.u32", numpy.uint32)
    else:
        targets = numpy.fromfile(directory / "targets.f32", numpy.float32).reshape(batch, widths[-1])
    layers = read_layers(directory / "parameters.f32", widths)
    return Workload(description["activation"], description["loss"], layers, inputs, targets)


def read_layers(path: Path, widths: list[int]) -> list[Layer]:
    """W(1), b(1), W(2), ... from one file."""
    numbers, layers, start = numpy.fromfile(path, numpy.float32), [], 0
    for inputs, outputs in zip(widths, widths[1:]):
        middle, end = start + outputs * inputs, start + outputs * (inputs + 1)
        layers.append(Layer(numbers[start:middle].reshape(outputs, inputs), numbers[middle:end]))
        start = end
    assert start == numbers.size, f"{path.name} does not fit the network"
    return layers
