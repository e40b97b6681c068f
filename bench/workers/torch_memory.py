"""One training step with PyTorch, plain or checkpointed, and the memory it takes.

    torch_memory.py NETWORK THREADS SEGMENTS [live]

NETWORK is a JSON object with widths and batch; 0 SEGMENTS are the plain step, more are those of
torch.utils.checkpoint.checkpoint_sequential. A block of the network is a linear layer with its ReLU.

The peak of `peak` is that of resident memory: the highest resident size since just before the network was made, as
Linux reports it (VmHWM), less the resident size at that moment, when torch was imported, had trained a tiny network in
the same way, and the batch was there. So it has parameters, gradients, activations, what kernels take, and what malloc
keeps; it has neither the library nor the batch. malloc has its default settings.

With `live` the program prints instead the peak of the bytes in live tensors, as PyTorch's profiler counts them: what an
allocator without loss would need, without what kernels take. It profiles two steps, which would spoil the other peak.
"""

import json
import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.checkpoint import checkpoint_sequential

from protocol import serve

TINY_WIDTH, TINY_DEPTH, TINY_BATCH = 8, 8, 4


class Learner:
    """A network, its optimizer, and its batch."""

    def __init__(self, widths: list[int], inputs: Tensor, targets: Tensor, segments: int) -> None:
        self.network = make_network(widths)
        self.optimizer = torch.optim.SGD(self.network.parameters())
        self.loss = nn.MSELoss()
        self.inputs, self.targets, self.segments = inputs, targets, segments

    def step(self, learning_rate: float) -> Tensor:
        self.optimizer.param_groups[0]["lr"] = learning_rate
        # Frees the gradients: they are not there beside the activations.
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.outputs(), self.targets)
        loss.backward()
        self.optimizer.step()
        return loss

    def outputs(self) -> Tensor:
        if self.segments == 0:
            return self.network(self.inputs)
        return checkpoint_sequential(self.network, self.segments, self.inputs, use_reentrant=False)


def main() -> None:
    description, segments = json.loads(sys.argv[1]), int(sys.argv[3])
    widths, batch = description["widths"], description["batch"]
    torch.set_num_threads(int(sys.argv[2]))
    warm_up(segments)
    torch.manual_seed(1)
    inputs, targets = make_batch(widths, batch)
    if sys.argv[4:] == ["live"]:
        print(live_peak(widths, inputs, targets, segments))
        return
    before = start_of_peak()
    learner = Learner(widths, inputs, targets, segments)
    way = f"with {segments} segments" if segments else "plain"
    serve(
        f"PyTorch {torch.__version__} {way}",
        learner.step,
        lambda loss: loss.item(),
        peak=lambda: status("VmHWM") - before,
    )


def make_batch(widths: list[int], batch: int) -> tuple[Tensor, Tensor]:
    return torch.randn(batch, widths[0]), torch.randn(batch, widths[-1])


def make_network(widths: list[int]) -> nn.Sequential:
    blocks = []
    for inputs, outputs in zip(widths, widths[1:]):
        linear = nn.Linear(inputs, outputs)
        # PyTorch's own start lets the values of a deep network fade to numbers so small that they slow it down.
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        blocks.append(nn.Sequential(linear, nn.ReLU()))
    return nn.Sequential(*blocks[:-1], blocks[-1][0])


def warm_up(segments: int) -> None:
    # A segment has at least one layer.
    widths = [TINY_WIDTH] * (max(TINY_DEPTH, segments) + 1)
    learner = Learner(widths, *make_batch(widths, TINY_BATCH), segments)
    for _ in range(2):
        learner.step(0.0)


def start_of_peak() -> int:
    """The resident size; the peak starts again from there, where the system lets it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        # Then the peak is that of the whole process, which includes the imports.
        pass
    return status("VmRSS")


def status(name: str) -> int:
    """Bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    sys.exit(f"this system does not report {name}")


def live_peak(widths: list[int], inputs: Tensor, targets: Tensor, segments: int) -> int:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        learner = Learner(widths, inputs, targets, segments)
        for _ in range(2):
            learner.step(0.0)
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak


if __name__ == "__main__":
    main()
