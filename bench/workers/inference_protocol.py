"""The lines that a worker of inference reads and answers; bench/README.md describes them."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy
from numpy.typing import NDArray

from protocol import answer, time_round

Array = NDArray[numpy.float32]


def serve_inference(name: str, infer: Callable[[Array], Array], inputs: Array, folder: Path) -> None:
    """Answers lines until there are no more.

    infer(rows) gives the probabilities of each row, [rows, n_L], and returns when they are there. `inputs` are the rows
    of a batch; the first of them is the row that goes alone.
    """
    answer(f"ready {name}")
    batches = {"batch": inputs, "row": inputs[:1].copy()}
    for line in sys.stdin:
        match line.split():
            case ["outputs", file]:
                found = [numpy.asarray(infer(rows), numpy.float32) for rows in batches.values()]
                numpy.concatenate(found).tofile(folder / file)
                answer(f"written {len(inputs) + 1}")
            case ["go", which, seconds]:
                rows = batches[which]
                seconds_per_call = time_round(lambda rate: infer(rows), lambda outputs: None, float(seconds), 0.0)
                answer(f"microseconds {1e6 * seconds_per_call}")
            case _:
                sys.exit(f"not understood: {line}")
