"""The seven workloads: a network, a loss and a batch each, as `chainrule bench` has them."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Workload:
    name: str
    widths: tuple[int, ...]
    """n_0 to n_L."""
    activation: str
    """Of the hidden layers."""
    loss: str
    batch: int
    learning_rate: float
    """For the proof that libraries do the same: the loss changes by more than 1 % in its steps and is
    not yet chaotic."""

    def description(self, steps: int) -> dict[str, Any]:
        """What `workers/make_workload.py` takes."""
        return asdict(self) | {"steps": steps}

    def shape(self) -> str:
        """The network in words: 32-256x3-1 tanh, MSE, B 256."""
        losses = {"binary_cross_entropy": "BCE", "cross_entropy": "CE", "mean_squared_error": "MSE"}
        activation = {"relu": "ReLU"}.get(self.activation, self.activation)
        return f"{self.runs()} {activation}, {losses[self.loss]}, B {self.batch}"

    def runs(self) -> str:
        runs: list[list[int]] = []
        for width in self.widths:
            if runs and runs[-1][0] == width:
                runs[-1][1] += 1
            else:
                runs.append([width, 1])
        return "-".join(f"{width}x{count}" if count > 1 else str(width) for width, count in runs)

    def step_flops(self) -> int:
        """Of the matrix products: 2 B n_in n_out forward, for dW, and (but in the first layer) for delta."""
        products = [a * b for a, b in zip(self.widths, self.widths[1:])]
        return 2 * self.batch * (3 * sum(products) - products[0])


BCE, CE, MSE = "binary_cross_entropy", "cross_entropy", "mean_squared_error"

WORKLOADS = [
    Workload("playground", (2, 8, 8, 1), "tanh", BCE, 32, 1.0),
    Workload("digits", (64, 64, 10), "relu", CE, 64, 0.1),
    Workload("tabular", (32, 256, 256, 256, 1), "relu", MSE, 256, 0.001),
    Workload("mnist", (784, 512, 256, 10), "relu", CE, 128, 0.02),
    Workload("wide", (1024,) * 6, "relu", MSE, 512, 0.1),
    Workload("deep", (256,) * 65, "relu", MSE, 1024, 0.01),
    Workload("huge", (4096,) * 5, "relu", MSE, 1024, 0.1),
]
