"""What memory.py found out, as Markdown and as JSON."""

import argparse
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import machine
from memory_steps import ChainruleStep, Step, TorchStep
from schedules import Comparison
from table import TIE, markdown
from workloads import Workload

TITLES = {"512x64": "512 x 64", "512-2048x8": "(512, 2048) x 8"}
"""Of networks whose name is not enough."""

PEAKS = {
    "resident": "In the memory that PyTorch's resident peak shows (with what malloc keeps)",
    "live": "In the memory of PyTorch's live tensors alone (an allocator without loss)",
}


@dataclass
class Limited:
    """A limit in bytes, and the step that was planned for it; none where no step fits."""

    limit: int
    step: ChainruleStep | None


@dataclass
class Result:
    """All that was found out about one network."""

    workload: Workload
    plan: dict[str, Any] = field(default_factory=dict)
    """What `chainrule plan --json` prints."""
    torch: list[TorchStep] = field(default_factory=list)
    """The plain step first."""
    curve: list[Limited] = field(default_factory=list)
    """The largest limit first, and it is that of a plain step."""
    beside: list[tuple[str, TorchStep, Limited, Limited]] = field(default_factory=list)
    """Kind of peak, PyTorch's step, chainrule's on the whole batch, and chainrule's in as many parts as it likes."""
    periodic: list[tuple[Comparison, ChainruleStep, ChainruleStep]] = field(default_factory=list)
    """What a periodic step costs, that step, and the best one in as much memory."""
    failures: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return TITLES.get(self.workload.name, self.workload.name)


def as_markdown(arguments: argparse.Namespace, results: list[Result], watch: machine.Watch) -> str:
    paragraphs = [
        "# Time against memory",
        "\n".join(machine.header(watch)),
        f"Steps of forward, loss, backward and SGD (f32, ReLU, mean squared error), {arguments.threads} threads: best of "
        f"{arguments.rounds} rounds of {arguments.seconds:g} s and at least 3 steps, all in turns; the medians in brackets. "
        "Memory is that of parameters, gradients, activations and scratch, without the batch; `resident` is as measured. "
        "`recomputed` is the share of a forward pass that runs again.",
    ]
    for result in results:
        layers = len(result.workload.widths) - 1
        paragraphs.append(f"## {result.title}: {layers} layers, batches of {result.workload.batch}")
        if result.plan:
            paragraphs += ["Chainrule within shares of the memory of a plain step's activations:", curve_table(result)]
            for kind, text in PEAKS.items():
                if any(row[0] == kind for row in result.beside):
                    paragraphs += [f"{text}:", beside_table(result, kind)]
            paragraphs += ["Periodic checkpointing (`chainrule bench --periodic`), and the plan for as much memory:", periodic_table(result)]
        if result.failures:
            paragraphs.append("Not measured:\n\n" + "\n".join(f"- {failure}" for failure in result.failures))
    return "\n\n".join(paragraphs) + "\n"


def curve_table(result: Result) -> str:
    rows = [["limit", "memory, MiB", "resident, MiB", "activations", "recomputed", "step, ms", "over plain"]]
    plain, fixed = result.curve[0].step, result.plan["fixed_bytes"]
    shown = []
    for limited in result.curve:
        step, movable = limited.step, result.plan["plain_bytes"] - fixed
        if step is None or any(step is other for other in shown):
            continue
        shown.append(step)
        name = f"{(limited.limit - fixed) / movable:.0%}"
        share = f"{(step.bytes - fixed) / movable:.1%}"
        measured = mebibytes(step.resident_bytes) if step.rounds else "-"
        again = f"{step.recomputed:.1%}"
        rows.append([name, mebibytes(step.bytes), measured, share, again, times(step), over(step, plain)])
    return markdown(rows)


def beside_table(result: Result, kind: str) -> str:
    header = ["PyTorch", "peak, MiB", "recomputed", "step, ms", "over plain"]
    header += ["chainrule, MiB", "recomputed", "step, ms", "PyTorch / chainrule"]
    header += ["parts", "recomputed", "step, ms", "PyTorch / in parts"]
    rows, plain = [header], next((step for step in result.torch if step.segments == 0), None)
    for row_kind, torch, one, parts in result.beside:
        if row_kind != kind:
            continue
        name = f"{torch.segments} segments" if torch.segments else "plain"
        cells = [name, mebibytes(one.limit), f"{torch.recomputed:.1%}", times(torch), over(torch, plain)]
        if one.step is None:
            cells += [f"needs {mebibytes(result.plan['minimum_bytes'])}", "-", "-", "-"]
        else:
            cells += [mebibytes(one.step.bytes), f"{one.step.recomputed:.1%}", times(one.step), ratio(torch, one.step)]
        if parts.step is None:
            cells += ["-"] * 4
        else:
            step = parts.step
            cells += [str(step.microbatches), f"{step.recomputed:.1%}", times(step), ratio(torch, step)]
        rows.append(cells)
    return markdown(rows)


def periodic_table(result: Result) -> str:
    header = ["a state every", "memory, MiB", "recomputes", "step, ms"]
    rows = [[*header, "the best in as much", "step, ms", "periodic / best", "the least for as few FLOPs, MiB"]]
    forward = sum(result.plan["forward_flops"])
    for found, periodic, best in result.periodic:
        again, best_again = found.flops / forward - 1, found.best_flops / forward - 1
        cells = [f"{found.every} layers", mebibytes(found.bytes), f"{again:.1%}", times(periodic)]
        cells += [f"{best_again:.1%}", times(best), ratio(periodic, best), mebibytes(found.best_bytes)]
        rows.append(cells)
    return markdown(rows)


def mebibytes(bytes: int) -> str:
    return f"{bytes / 2**20:.1f}"


def times(step: Step) -> str:
    """The best round and the median, in milliseconds."""
    if not step.rounds:
        return "-"
    return f"{milliseconds(min(step.rounds))} ({milliseconds(median(step.rounds))})"


def milliseconds(microseconds: float) -> str:
    value = microseconds / 1000
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def over(step: Step, plain: Step | None) -> str:
    if not step.rounds or plain is None or not plain.rounds:
        return "-"
    return f"{min(step.rounds) / min(plain.rounds):.2f}"


def ratio(other: Step, step: Step) -> str:
    if not other.rounds or not step.rounds:
        return "-"
    value = min(other.rounds) / min(step.rounds)
    words = ", a tie" if abs(value - 1) <= TIE else ", a loss" if value < 1 else ""
    return f"{value:.2f}{words}"


def as_json(arguments: argparse.Namespace, results: list[Result]) -> dict[str, Any]:
    return {
        "processor": machine.processor(),
        "commit": machine.commit(),
        "threads": arguments.threads,
        "seconds": arguments.seconds,
        "networks": [network_json(result) for result in results],
    }


def network_json(result: Result) -> dict[str, Any]:
    def limited(value: Limited) -> dict[str, Any]:
        return {"limit": value.limit, "step": asdict(value.step) if value.step else None}

    return {
        "name": result.workload.name,
        "title": result.title,
        "layers": result.workload.widths,
        "batch": result.workload.batch,
        "plan": {key: value for key, value in result.plan.items() if key not in ("ledger", "network", "schedule")},
        "pytorch": [asdict(step) for step in result.torch],
        "curve": [limited(value) for value in result.curve],
        "beside": [
            {"peak": kind, "segments": torch.segments, "chainrule": limited(one), "in_parts": limited(parts)}
            for kind, torch, one, parts in result.beside
        ],
        "periodic": [
            {"priced": asdict(found), "periodic": asdict(periodic), "best": asdict(best)}
            for found, periodic, best in result.periodic
        ],
        "failures": result.failures,
    }
