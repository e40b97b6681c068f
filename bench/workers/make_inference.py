"""Writes a network, a batch, and what its outputs must be: make_inference.py DIRECTORY DESCRIPTION.

DESCRIPTION is a JSON object as make_workload.py takes it. The directory gets what make_workload.py writes and

    expected.f32         the probabilities of each row, [B, n_L], and those of the first row once more
    model.safetensors    the network as chainrule reads it
    rows.csv             the first rows, for `chainrule predict`

The probabilities come from the formulas in NumPy, in 64 bits, and depend on no library that is measured.
"""

import json
import struct
import sys
from pathlib import Path

import numpy
from numpy.typing import NDArray

from make_workload import sigma, write
from workload import Workload, read_workload

CSV_ROWS = 256

LEAST_SPREAD = 0.01
"""The standard deviation of an output over the rows is at least this, or wrong outputs would go unseen."""


def main() -> None:
    directory, description = Path(sys.argv[1]), json.loads(sys.argv[2])
    write(directory, description)
    workload = read_workload(directory)
    expected = probabilities(workload)
    spread = expected.std(axis=0).min()
    assert spread >= LEAST_SPREAD, f"an output hardly differs from row to row: {spread:.2g}"
    numpy.concatenate([expected, expected[:1]]).astype(numpy.float32).tofile(directory / "expected.f32")
    (directory / "model.safetensors").write_bytes(model_file(workload))
    write_csv(directory / "rows.csv", workload.inputs[:CSV_ROWS])


def probabilities(workload: Workload) -> NDArray[numpy.float64]:
    values = workload.inputs.astype(numpy.float64)
    for index, layer in enumerate(workload.layers, 1):
        values = values @ layer.weight.T.astype(numpy.float64) + layer.bias
        if index < len(workload.layers):
            values = sigma(values, workload.activation)
    powers = numpy.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def model_file(workload: Workload) -> bytes:
    """docs/model-file.md describes it; without preprocessing, inputs are taken as they are."""
    tensors, layers = {}, []
    for index, layer in enumerate(workload.layers):
        tensors[f"layers.{index}.weight"], tensors[f"layers.{index}.bias"] = layer.weight, layer.bias
        is_last = index + 1 == len(workload.layers)
        activation = "softmax" if is_last else workload.activation
        layers.append({"dense": {"width": len(layer.bias), "activation": activation, "bias": True}})
    network = {"input_width": workload.inputs.shape[1], "layers": layers}
    description = {"format": 1, "network": network, "loss": {"cross_entropy": {}}}
    header: dict = {"__metadata__": {"chainrule": json.dumps(description)}}
    body = b""
    for name, tensor in tensors.items():
        numbers = tensor.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [len(body), len(body) + len(numbers)]}
        body += numbers
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def write_csv(path: Path, rows: NDArray[numpy.float32]) -> None:
    """Nine digits tell any two numbers of 32 bits apart."""
    header = ",".join(f"input_{index}" for index in range(rows.shape[1]))
    numpy.savetxt(path, rows, fmt="%.9g", delimiter=",", header=header, comments="")


if __name__ == "__main__":
    main()
