"""Writes a workload's first parameters and its batch, and what the losses of its first steps must be.

    make_workload.py DIRECTORY DESCRIPTION

DESCRIPTION is a JSON object with widths, activation, loss, batch, learning_rate and steps. The directory gets

    workload.json                    the description
    parameters.f32                   W(1), b(1), W(2), ... row by row, 32-bit floats, little endian
    inputs.f32                       [B, n_0]
    targets.f32 or targets.u32       [B, n_L], or a class for each row

and the program prints the losses before the first step and after each of `steps` steps as a JSON list. They come
from the formulas below, in NumPy, and depend on no library that is measured.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy

from workload import Array, Layer, Workload, read_workload

SMALLEST_CHANGE = 0.01
"""The loss must change by this share in the steps, or a wrong update would go unseen."""


def main() -> None:
    directory, description = Path(sys.argv[1]), json.loads(sys.argv[2])
    write(directory, description)
    losses = expected_losses(
        read_workload(directory), description["learning_rate"], description["steps"]
    )
    change = abs(losses[-1] / losses[0] - 1)
    assert change >= SMALLEST_CHANGE, f"the loss changes by only {change:.2%}: {losses}"
    print(json.dumps(losses))


def write(directory: Path, description: dict[str, Any]) -> None:
    (directory / "workload.json").write_text(json.dumps(description))
    random = numpy.random.default_rng(1)
    widths, batch = description["widths"], description["batch"]
    with open(directory / "parameters.f32", "wb") as file:
        for inputs, outputs in zip(widths, widths[1:]):
            gain = 2.0 if description["activation"] == "relu" else 1.0
            weight = random.standard_normal((outputs, inputs), dtype=numpy.float32)
            (weight * numpy.float32((gain / inputs) ** 0.5)).tofile(file)
            (random.standard_normal(outputs, dtype=numpy.float32) * numpy.float32(0.1)).tofile(file)
    random.standard_normal((batch, widths[0]), dtype=numpy.float32).tofile(directory / "inputs.f32")
    match description["loss"]:
        case "cross_entropy":
            random.integers(0, widths[-1], batch, dtype=numpy.uint32).tofile(directory / "targets.u32")
        case "binary_cross_entropy":
            labels = random.integers(0, 2, (batch, widths[-1]))
            labels.astype(numpy.float32).tofile(directory / "targets.f32")
        case _:
            targets = random.standard_normal((batch, widths[-1]), dtype=numpy.float32)
            targets.tofile(directory / "targets.f32")


def expected_losses(workload: Workload, learning_rate: float, steps: int) -> list[float]:
    layers, losses = workload.layers, []
    for _ in range(steps + 1):
        loss, layers = step(workload, layers, numpy.float32(learning_rate))
        losses.append(loss)
    return losses


def step(
    workload: Workload, layers: list[Layer], learning_rate: numpy.float32
) -> tuple[float, list[Layer]]:
    """One step of gradient descent: the loss before it, and the layers after it."""
    activations = [workload.inputs]
    for index, layer in enumerate(layers):
        z = activations[-1] @ layer.weight.T + layer.bias
        activations.append(z if index + 1 == len(layers) else sigma(z, workload.activation))
    loss, delta = loss_and_error(activations[-1], workload)
    updated = []
    for index in reversed(range(len(layers))):
        weight = layers[index].weight - learning_rate * (delta.T @ activations[index])
        bias = layers[index].bias - learning_rate * delta.sum(axis=0)
        updated.append(Layer(weight, bias))
        if index > 0:
            delta = (delta @ layers[index].weight) * slope(activations[index], workload.activation)
    return loss, updated[::-1]


def sigma(z: Array, activation: str) -> Array:
    return numpy.tanh(z) if activation == "tanh" else numpy.maximum(z, 0)


def slope(a: Array, activation: str) -> Array:
    """sigma'(z), from a = sigma(z)."""
    return 1 - a * a if activation == "tanh" else (a > 0).astype(a.dtype)


def loss_and_error(z: Array, workload: Workload) -> tuple[float, Array]:
    """The loss, and delta(L) = dLoss/dz(L)."""
    targets, rows = workload.targets, len(z)
    match workload.loss:
        case "cross_entropy":
            shifted = z - z.max(axis=1, keepdims=True)
            log_probability = shifted - numpy.log(numpy.exp(shifted).sum(axis=1, keepdims=True))
            chosen = numpy.eye(z.shape[1], dtype=z.dtype)[targets]
            loss = -(chosen * log_probability).sum() / rows
            return float(loss), (numpy.exp(log_probability) - chosen) / rows
        case "binary_cross_entropy":
            loss = (numpy.maximum(z, 0) - z * targets + numpy.log1p(numpy.exp(-abs(z)))).mean()
            return float(loss), (1 / (1 + numpy.exp(-z)) - targets) / z.size
        case _:
            difference = z - targets
            return float((difference**2).mean()), 2 * difference / z.size


if __name__ == "__main__":
    main()
