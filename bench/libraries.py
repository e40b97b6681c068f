"""The libraries that are compared, and how each one's worker is started."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prepare import BENCH, PEERS_TARGET, PYTHON
from workloads import MSE, Workload

WORKERS = BENCH / "workers"


@dataclass(frozen=True)
class Library:
    """One way to train; several may be variants of one column of the table, of which the best counts."""

    column: str
    variant: str
    """What tells variants of a column apart, such as 1t for one thread; empty if there is only one."""
    threads: int
    command: Callable[[Path], list[str]]
    """From the directory of the workload."""
    takes: Callable[[Workload], bool] = lambda workload: True

    @property
    def label(self) -> str:
        return f"{self.column} {self.variant}".strip()

    def environment(self) -> dict[str, str]:
        names = ["OMP", "MKL", "OPENBLAS", "RAYON"]
        # JAX would look for other devices.
        return {f"{name}_NUM_THREADS": str(self.threads) for name in names} | {"JAX_PLATFORMS": "cpu"}


COLUMNS = {
    "pytorch": "PyTorch eager",
    "pytorch-compiled": "PyTorch compiled",
    "jax": "JAX jit",
    "scikit-learn": "scikit-learn",
    "burn": "burn flex",
    "candle": "candle",
}
"""By the names that --libraries takes."""


def make_libraries(names: list[str], threads: int) -> list[Library]:
    libraries = []
    for name in names:
        column = COLUMNS[name]
        match name:
            case "pytorch" | "pytorch-compiled":
                way = "eager" if name == "pytorch" else "compiled"
                command = python_worker("torch_step.py", str(threads), way)
                libraries.append(Library(column, "", threads, command))
            case "jax":
                libraries.append(Library(column, "", threads, python_worker("jax_step.py")))
            case "scikit-learn":
                command = python_worker("scikit_learn_step.py")
                libraries.append(Library(column, "", threads, command, lambda w: w.loss != MSE))
            case "burn" | "candle":
                for count in sorted({1, threads}):
                    command = rust_worker(f"{name}_step")
                    libraries.append(Library(column, f"{count}t", count, command))
    return libraries


def python_worker(script: str, *arguments: str) -> Callable[[Path], list[str]]:
    return lambda directory: [str(PYTHON), str(WORKERS / script), str(directory), *arguments]


def rust_worker(program: str) -> Callable[[Path], list[str]]:
    return lambda directory: [str(PEERS_TARGET / "release" / program), str(directory)]
