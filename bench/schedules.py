"""What a schedule of forwards, drops and backwards takes, and the schedule of periodic checkpointing.

The numbers of a chain of L layers are those that `chainrule plan --json` prints: state_bytes (w), forward_flops (f) and
backward_extra_bytes (e). Layers count from 1; state 0 is the batch, which is not counted.
"""

from dataclasses import dataclass
from typing import Any

Operation = tuple[str, int]
"""("F", l) makes state l from state l-1, ("drop", l) frees it, ("B", l) makes delta(l-1) from delta(l) and state l-1."""


@dataclass(frozen=True)
class Chain:
    state_bytes: list[int]
    forward_flops: list[int]
    backward_extra_bytes: list[int]

    @property
    def depth(self) -> int:
        return len(self.state_bytes)


@dataclass(frozen=True)
class Cost:
    peak_bytes: int
    forward_flops: int


@dataclass(frozen=True)
class Comparison:
    """Periodic checkpointing beside the best schedules. Bytes are those of everything that a step holds."""

    every: int
    """A state is kept every so many layers."""
    bytes: int
    flops: int
    best_flops: int
    """The fewest in as many bytes."""
    best_bytes: int
    """The fewest with as many FLOPs."""


def compare_periodic(plan: dict[str, Any], every: int) -> Comparison:
    chain = Chain(plan["state_bytes"], plan["forward_flops"], plan["backward_extra_bytes"])
    cost, fixed = simulate(chain, periodic(chain.depth, every)), plan["fixed_bytes"]
    total = fixed + cost.peak_bytes
    return Comparison(
        every,
        total,
        cost.forward_flops,
        min((flops for bytes, flops in plan["curve"] if bytes <= total), default=-1),
        min((bytes for bytes, flops in plan["curve"] if flops <= cost.forward_flops), default=-1),
    )


def plain_bytes(plan: dict[str, Any]) -> int:
    """Of everything that a step holds which drops nothing."""
    chain = Chain(plan["state_bytes"], plan["forward_flops"], plan["backward_extra_bytes"])
    return plan["fixed_bytes"] + simulate(chain, periodic(chain.depth, chain.depth)).peak_bytes


def periodic(depth: int, every: int) -> list[Operation]:
    """Keeps the states of layers every, 2 every, ...; and all states behind the last of them.

    The others are dropped on the way forward, and made again, a segment at a time, on the way back.
    """
    operations: list[Operation] = []
    last_segment = (depth - 1) // every * every
    for layer in range(1, depth + 1):
        operations.append(("F", layer))
        read = layer - 1
        if 0 < read < last_segment and read % every != 0:
            operations.append(("drop", read))
    for start in range(last_segment, -1, -every):
        end = min(start + every, depth)
        if start != last_segment:
            operations += [("F", layer) for layer in range(start + 1, end)]
        operations += [("B", layer) for layer in range(end, start, -1)]
    return operations


def simulate(chain: Chain, operations: list[Operation]) -> Cost:
    """The most bytes that are live at once, and the FLOPs of all forwards."""
    states, flops = [0, *chain.state_bytes], [0, *chain.forward_flops]
    live, delta, peak, total = {0}, 0, 0, 0
    for name, layer in operations:
        held = sum(states[state] for state in live) + delta
        match name:
            case "F":
                assert layer - 1 in live and layer not in live, f"F {layer} cannot run"
                total += flops[layer]
                peak = max(peak, held + states[layer])
                if layer == chain.depth:
                    delta = states[layer]
                else:
                    live.add(layer)
            case "drop":
                live.remove(layer)
            case _:
                assert layer - 1 in live, f"B {layer} cannot run"
                peak = max(peak, held + chain.backward_extra_bytes[layer - 1])
                if layer > 1:
                    live.remove(layer - 1)
                delta = states[layer - 1]
    return Cost(peak, total)
