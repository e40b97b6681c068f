"""Times training steps at different amounts of memory, chainrule beside PyTorch's checkpoints; bench/README.md says how.

    python3 bench/memory.py

It needs Linux, Python 3.11, cargo, and the network the first time, when it makes bench/.venv.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import machine
import prepare
from compare import round_cost
from memory_report import Limited, Result, as_json, as_markdown
from memory_steps import ChainruleSteps, Step, TorchSteps, peak, segment_numbers
from options import positive
from progress import Progress
from schedules import compare_periodic, plain_bytes
from timers import Failure
from workloads import MSE, Workload

NETWORKS = [
    Workload("512x64", (512,) * 65, "relu", MSE, 4096, 0.01),
    Workload("512-2048x8", (512, *(2048, 512) * 8), "relu", MSE, 4096, 0.01),
    Workload("autoencoder", (784, 512, 256, 128, 32, 128, 256, 512, 784), "relu", MSE, 16384, 0.01),
    Workload("pyramid", (64, 128, 256, 512, 1024, 2048, 1024, 512, 256, 128, 64), "relu", MSE, 4096, 0.01),
]

SHARES = [1.0, 0.9, 0.75, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
"""Limits of chainrule's curve, of what a plain step holds beside what every step does."""

EVERY = [2, 3, 4, 8]
"""Layers between the states that periodic checkpointing keeps."""

USUAL_STEPS = 20
"""Of a network, for the estimate of the time a run takes: PyTorch's and chainrule's."""

USUAL_START = 12.0
"""Seconds in which a worker of PyTorch starts, proves itself and measures its memory."""


def main() -> int:
    arguments = parse_arguments()
    program = prepare.prepare_program(arguments)
    if not has_plan(program):
        sys.exit(f"{program} is not there or has no command `plan`; leave out --skip-setup or name another --chainrule")
    machine.keep_to_processors(arguments.threads)
    watch = machine.Watch()
    results = measure_all(arguments, program)
    report(arguments, results, watch)
    return 1 if any(result.failures for result in results) else 0


def parse_arguments() -> argparse.Namespace:
    names = [workload.name for workload in NETWORKS]
    parser = argparse.ArgumentParser(
        description="Times training steps at different amounts of memory, chainrule and PyTorch in turns."
    )
    add = parser.add_argument
    add("--networks", nargs="+", choices=names, default=names, metavar="NAME", help=" ".join(names))
    add("--batch", type=positive(int), metavar="ROWS", help="rows of each network's batch (4096; autoencoder 16384)")
    kinds = ["resident", "live"]
    peaks_help = "PyTorch's peaks that chainrule gets as limits: resident live"
    add("--peaks", nargs="+", choices=kinds, default=kinds, metavar="KIND", help=peaks_help)
    add("--rounds", type=positive(int), default=3, help="rounds of each step, of which the best counts (3)")
    add("--seconds", type=positive(float), default=0.5, help="shortest time of a round, which has at least 3 steps (0.5)")
    add("--wait", type=float, default=10.0, help="longest wait for idle processors before a round, in seconds (10)")
    add("--threads", type=positive(int), default=2, help="threads of each library (2)")
    add("--quick", action="store_true", help="only see that it works: 1 round of 0.05 s, no waiting, batches of 256")
    add("--chainrule", type=Path, metavar="PROGRAM", help="another build of chainrule than this one")
    add("--skip-setup", action="store_true", help="install and build nothing")
    add("--json", type=Path, metavar="FILE", help="also write all numbers as JSON")
    add("--picture", type=Path, metavar="FILE", help="also draw time against memory (.svg)")
    add("-o", "--output", type=Path, metavar="FILE", help="also write the tables to a Markdown file")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds, arguments.wait = 1, 0.05, 0.0
        arguments.batch = arguments.batch or 256
    return arguments


def has_plan(program: Path) -> bool:
    if not program.exists():
        return False
    return subprocess.run([str(program), "plan", "--help"], capture_output=True).returncode == 0


def measure_all(arguments: argparse.Namespace, program: Path) -> list[Result]:
    workloads = [workload for workload in NETWORKS if workload.name in arguments.networks]
    if arguments.batch:
        workloads = [replace(workload, batch=arguments.batch) for workload in workloads]
    progress, results = Progress(sum(usual_cost(arguments, workload) for workload in workloads)), []
    for workload in workloads:
        result = Result(workload)
        results.append(result)
        try:
            measure(arguments, program, result, progress)
        except Failure as failure:
            result.failures.append(str(failure))
    progress.clear()
    return results


def usual_cost(arguments: argparse.Namespace, workload: Workload) -> float:
    starts = USUAL_START * len(segment_numbers(len(workload.widths) - 1))
    return starts + USUAL_STEPS * arguments.rounds * round_cost(workload, arguments.seconds)


def measure(arguments: argparse.Namespace, program: Path, result: Result, progress: Progress) -> None:
    workload, total = result.workload, usual_cost(arguments, result.workload)
    with ExitStack() as stack:
        timers, torch = [], TorchSteps(workload, arguments.threads)
        for segments in segment_numbers(len(workload.widths) - 1):
            progress.begin(f"{workload.name}: {torch.variant(segments).label} starts")
            try:
                step, timer = torch.start(segments)
            except Failure as failure:
                result.failures.append(str(failure))
            else:
                stack.callback(timer.close)
                result.torch.append(step)
                timers.append((step, timer))
            progress.finish(USUAL_START)
            total -= USUAL_START
        chainrule = ChainruleSteps(program, workload, arguments.threads)
        make_limits(arguments, chainrule, result)

        turns = [
            (
                timer.label,
                step,
                lambda step=step, timer=timer: step.rounds.append(timer.time_round(arguments.seconds)),
            )
            for step, timer in timers
        ]
        turns += [
            (
                f"chainrule in {step.bytes / 2**20:.0f} MiB",
                step,
                lambda step=step: chainrule.time_round(step, arguments.seconds),
            )
            for step in chainrule.by_schedule.values()
        ]
        # How many steps there are, and how much they recompute, is known only now.
        costs = [turn_cost(workload, step, arguments.seconds) for _, step, _ in turns]
        progress.total += arguments.rounds * sum(costs) - total
        for index in range(arguments.rounds):
            for (label, step, run), cost in zip(turns, costs):
                progress.begin(f"{workload.name}: round {index + 1}, {label}")
                if not step.failure:
                    machine.wait_for_quiet(arguments.wait)
                    try:
                        run()
                    except Failure as failure:
                        step.failure = f"{label}: {failure}"
                        result.failures.append(step.failure)
                progress.finish(cost)
        for step, timer in timers:
            if not step.failure:
                step.last_bytes = peak(timer)


def turn_cost(workload: Workload, step: Step, seconds: float) -> float:
    """About how long a round of a step takes: a forward pass is a third of a plain step."""
    return round_cost(workload, seconds) * (1 + step.recomputed / 3)


def make_limits(arguments: argparse.Namespace, chainrule: ChainruleSteps, result: Result) -> None:
    """The plans of chainrule: along its curve, and in as much memory as each of PyTorch's steps takes."""
    plan = result.plan = chainrule.plan
    if plain_bytes(plan) != plan["plain_bytes"]:
        raise Failure(f"chainrule says that a plain step holds {plan['plain_bytes']} bytes, not {plain_bytes(plan)}")
    fixed, movable = plan["fixed_bytes"], plan["plain_bytes"] - plan["fixed_bytes"]
    limits = [fixed + round(share * movable) for share in SHARES]
    limits = [limit for limit in limits if limit > plan["minimum_bytes"]]
    result.curve = [Limited(limit, chainrule.within(limit, "1")) for limit in limits]
    for kind in arguments.peaks:
        for step in result.torch:
            limit = step.bytes if kind == "resident" else step.live_bytes
            one, parts = chainrule.within(limit, "1"), chainrule.within(limit, "auto")
            result.beside.append((kind, step, Limited(limit, one), Limited(limit, parts)))
    forward = sum(plan["forward_flops"])
    for found in (compare_periodic(plan, every) for every in EVERY if every < len(plan["state_bytes"])):
        periodic = chainrule.periodic(found.every, found.bytes, found.flops / forward - 1)
        result.periodic.append((found, periodic, chainrule.within(found.bytes, "1")))
        if found.best_flops > found.flops or found.best_flops < 0:
            result.failures.append(f"periodic checkpointing every {found.every} layers costs less than chainrule's plan")


def report(arguments: argparse.Namespace, results: list[Result], watch: machine.Watch) -> None:
    text = as_markdown(arguments, results, watch)
    if arguments.output:
        arguments.output.write_text(text)
    print(text, end="")
    numbers = json.dumps(as_json(arguments, results), indent=1) + "\n"
    if arguments.json:
        arguments.json.write_text(numbers)
    if arguments.picture:
        draw(numbers, arguments.picture)
    for result in results:
        for failure in result.failures:
            prepare.say(f"{result.workload.name}: {failure}")


def draw(numbers: str, picture: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as folder:
        file = Path(folder) / "memory.json"
        file.write_text(numbers)
        script = str(prepare.BENCH / "draw_memory.py")
        prepare.run([str(prepare.PYTHON), script, str(file), str(picture)])


if __name__ == "__main__":
    sys.exit(main())
