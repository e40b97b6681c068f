"""The lines that a worker reads and answers; bench/README.md describes them."""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

Loss = TypeVar("Loss")

SHORTEST_ROUND = 3
"""Steps of a round, at least."""

WARM_UP = 0.1
"""The share of a round that is run before it, untimed."""

CLOCK_INTERVAL = 1e-3
"""The clock is read about this often, in seconds, so that reading it costs nothing."""


def serve(
    name: str,
    step: Callable[[float], Loss],
    value: Callable[[Loss], float],
    wait: Callable[[Loss], object] = lambda loss: None,
    peak: Callable[[], int] | None = None,
) -> None:
    """Answers lines until there are no more.

    step(learning_rate) is one training step, value(loss) the number that it computed, and
    wait(loss) returns when the step has been carried out, where the library does not wait itself.
    peak() is the most bytes that the steps have held so far, where the worker measures that.
    """
    answer(f"ready {name}")
    for line in sys.stdin:
        match line.split():
            case ["prove", steps, rate]:
                losses = [value(step(float(rate))) for _ in range(int(steps) + 1)]
                answer("losses " + " ".join(str(loss) for loss in losses))
            case ["go", seconds, rate]:
                seconds_per_step = time_round(step, wait, float(seconds), float(rate))
                answer(f"microseconds {1e6 * seconds_per_step}")
            case ["peak"] if peak is not None:
                answer(f"peak {peak()}")
            case _:
                sys.exit(f"not understood: {line}")


def answer(line: str) -> None:
    print(line, flush=True)


def time_round(
    step: Callable[[float], Loss], wait: Callable[[Loss], object], seconds: float, rate: float
) -> float:
    """The mean time of a step, in seconds, over the steps of a round."""
    warm = run(step, wait, rate, 1, 1, WARM_UP * seconds)
    stride = int(min(max(CLOCK_INTERVAL / warm, 1), 1e6))
    return run(step, wait, rate, stride, SHORTEST_ROUND, seconds)


def run(
    step: Callable[[float], Loss],
    wait: Callable[[Loss], object],
    rate: float,
    stride: int,
    least_steps: int,
    least_seconds: float,
) -> float:
    """The mean time of a step over at least this many steps and seconds.

    Every `stride` steps the clock is read, after the last of them has been carried out.
    """
    start, steps = time.perf_counter(), 0
    while True:
        for _ in range(stride):
            loss = step(rate)
        wait(loss)
        steps += stride
        elapsed = time.perf_counter() - start
        if steps >= least_steps and elapsed >= least_seconds:
            return elapsed / steps
