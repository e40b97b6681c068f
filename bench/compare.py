"""Times the same training step in chainrule and in other libraries, side by side; bench/README.md says how.

    python3 bench/compare.py

It needs Python 3.11, cargo, and the network the first time, when it makes bench/.venv and builds bench/peers.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import machine
import prepare
import sections
from libraries import COLUMNS, Library, WORKERS, make_libraries
from options import add_common, choices, named_program, positive
from progress import Progress
from table import Measurement, comparison, medians, peak_of_run
from timers import ChainruleTimer, Failure, WorkerTimer, has_bench
from workloads import WORKLOADS, Workload

CHAPTER = sections.Chapter("compare.py", "One training step")

PROOF_STEPS = 3

PROOF_TOLERANCE = 1e-3
"""Relative, of the losses."""

USUAL_SPEED = 1e11
"""FLOPs a second, for the estimate of the time a run takes."""

USUAL_START = 5.0
"""Seconds that a worker takes to start."""


@dataclass
class Run:
    """All that was found out."""

    measurements: list[Measurement] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def main() -> int:
    arguments = parse_arguments()
    if not arguments.skip_setup:
        prepare_all(arguments)
    machine.keep_to_processors(arguments.threads)
    program = arguments.chainrule or prepare.chainrule_program()
    if not has_bench(program):
        prepare.say(f"{program} is not there or has no command `bench`: only the others are timed")
        program = None
    for name, baseline in arguments.baseline:
        if not has_bench(baseline):
            sys.exit(f"--baseline {name}: it has no command `bench`")
    watch = machine.Watch()
    run = measure(arguments, program)
    report(arguments, run, watch)
    return 1 if run.failures else 0


def parse_arguments() -> argparse.Namespace:
    names = [workload.name for workload in WORKLOADS]
    parser = argparse.ArgumentParser(
        description="Times the same training step in chainrule and in other libraries, in turns."
    )
    add = parser.add_argument
    add("--workloads", type=choices(names), default=names, metavar="A,B", help=", ".join(names))
    add("--libraries", type=choices(list(COLUMNS)), default=list(COLUMNS), metavar="A,B", help=", ".join(COLUMNS))
    add("--rounds", type=positive(int), default=5, help="rounds, of which the best counts (5)")
    add("--seconds", type=positive(float), default=0.5, help="shortest time of a round (0.5)")
    add_common(parser)
    add(
        "--baseline",
        type=named_program,
        action="append",
        default=[],
        metavar="NAME=PROGRAM",
        help="another build of chainrule, timed as well; may be given more than once",
    )
    arguments = parser.parse_args()
    names = [baseline for baseline, _ in arguments.baseline]
    if len(set(names)) < len(names):
        parser.error("two of --baseline have the same name")
    return arguments


def prepare_all(arguments: argparse.Namespace) -> None:
    prepare.make_environment()
    if {"burn", "candle"} & set(arguments.libraries):
        prepare.build_peers()
    if arguments.chainrule is None:
        prepare.build_chainrule()


def measure(arguments: argparse.Namespace, program: Path | None) -> Run:
    libraries = make_libraries(arguments.libraries, arguments.threads)
    workloads = [workload for workload in WORKLOADS if workload.name in arguments.workloads]
    starts = sum(
        round_cost(workload, arguments.seconds) + USUAL_START
        for workload in workloads
        for library in libraries
        if library.takes(workload)
    )
    builds = len(arguments.baseline) + (program is not None)
    rounds = sum(
        (builds + sum(library.takes(workload) for library in libraries)) * round_cost(workload, arguments.seconds)
        for workload in workloads
    )
    total = starts + arguments.rounds * rounds
    progress, run = Progress(total), Run()
    for workload in workloads:
        measure_workload(arguments, program, workload, libraries, progress, run)
    progress.clear()
    return run


def round_cost(workload: Workload, seconds: float) -> float:
    """About how long a round takes: its warm-up, and at least three steps."""
    return max(1.1 * seconds, 4 * workload.step_flops() / USUAL_SPEED)


def measure_workload(
    arguments: argparse.Namespace,
    program: Path | None,
    workload: Workload,
    libraries: list[Library],
    progress: Progress,
    run: Run,
) -> None:
    measurement = Measurement(workload)
    run.measurements.append(measurement)
    cost = round_cost(workload, arguments.seconds)
    with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as folder, ExitStack() as stack:
        progress.begin(f"{workload.name}: data")
        expected = make_workload(Path(folder), workload)
        timers: dict[tuple[str, str], WorkerTimer] = {}
        for library in filter(lambda library: library.takes(workload), libraries):
            progress.begin(f"{workload.name}: {library.label} starts")
            try:
                timer = start(library, workload, Path(folder), expected, stack)
                timers[library.column, library.variant] = timer
                run.versions[library.column] = timer.version
            except Failure as failure:
                run.failures.append(f"{workload.name}: {failure}")
            progress.finish(cost + USUAL_START)
        builds = ([("chainrule", program)] if program else []) + arguments.baseline
        ours = [ChainruleTimer(build, workload, arguments.threads, label) for label, build in builds]
        for index in range(arguments.rounds):
            for timer in list(ours):
                progress.begin(f"{workload.name}: round {index + 1}, {timer.label}")
                machine.wait_for_quiet(arguments.wait)
                try:
                    time_chainrule(timer, arguments.seconds, measurement)
                except Failure as failure:
                    run.failures.append(f"{workload.name}: {failure}")
                    ours.remove(timer)
                progress.finish(cost)
            for name, timer in list(timers.items()):
                progress.begin(f"{workload.name}: round {index + 1}, {timer.label}")
                machine.wait_for_quiet(arguments.wait)
                try:
                    measurement.rounds.setdefault(name, []).append(timer.time_round(arguments.seconds))
                except Failure as failure:
                    run.failures.append(f"{workload.name}: {failure}")
                    del timers[name]
                progress.finish(cost)


def make_workload(folder: Path, workload: Workload) -> list[float]:
    """Writes the workload; the losses of its first steps."""
    script = str(WORKERS / "make_workload.py")
    description = json.dumps(workload.description(PROOF_STEPS))
    command = [str(prepare.PYTHON), script, str(folder), description]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def start(
    library: Library, workload: Workload, folder: Path, expected: list[float], stack: ExitStack
) -> WorkerTimer:
    """A worker that has proved that it does the same work."""
    try:
        timer = WorkerTimer(library, folder)
    except OSError as error:
        raise Failure(f"{library.label}: {error}") from None
    stack.callback(timer.close)
    losses = timer.prove(PROOF_STEPS, workload.learning_rate)
    for steps in (0, PROOF_STEPS):
        if not abs(losses[steps] / expected[steps] - 1) <= PROOF_TOLERANCE:
            raise Failure(
                f"{library.label} does other work: after {steps} steps its loss is {losses[steps]:.6g}, "
                f"not {expected[steps]:.6g}"
            )
    return timer


def time_chainrule(timer: ChainruleTimer, seconds: float, measurement: Measurement) -> None:
    """One round of this build or of another one."""
    microseconds = timer.time_round(seconds)
    if timer.label != "chainrule":
        measurement.baselines.setdefault(timer.label, []).append(microseconds)
        return
    measurement.chainrule.append(microseconds)
    measurement.gflops, measurement.peak = timer.gflops, timer.peak


def report(arguments: argparse.Namespace, run: Run, watch: machine.Watch) -> None:
    columns = [COLUMNS[name] for name in arguments.libraries]
    text = as_markdown(arguments, run, columns, watch)
    if arguments.output:
        notice = sections.update(arguments.output, CHAPTER, machine.name(), text)
        if notice:
            prepare.say(notice)
    title = f"# {CHAPTER.title}, side by side\n\n"
    print(json.dumps(as_json(arguments, run), indent=2) + "\n" if arguments.json else title + text, end="")
    for failure in run.failures:
        prepare.say(failure)


def as_markdown(arguments: argparse.Namespace, run: Run, columns: list[str], watch: machine.Watch) -> str:
    baselines = [name for name, _ in arguments.baseline]
    builds = f" Other builds of chainrule: {', '.join(baselines)}." if baselines else ""
    paragraphs = [
        "\n".join(machine.header(watch) + [f"- {', '.join(dict.fromkeys(run.versions.values()))}"]),
        f"Microseconds of a step (forward, loss, backward, SGD; f32), {arguments.threads} threads: the best of "
        f"{arguments.rounds} rounds of {arguments.seconds:g} s, the libraries in turns. Of burn and candle the better "
        f"of 1 and all threads, as marked.{builds}",
        comparison(run.measurements, columns, baselines),
        "The medians of the same rounds:",
        medians(run.measurements, columns, baselines),
        peak_of_run(run.measurements).disturbance(),
    ]
    if run.failures:
        paragraphs.append("Not measured:\n\n" + "\n".join(f"- {failure}" for failure in run.failures))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def as_json(arguments: argparse.Namespace, run: Run) -> dict:
    return {
        "processor": machine.processor(),
        "instructions": machine.instruction_set(),
        "commit": machine.commit(),
        "threads": arguments.threads,
        "seconds": arguments.seconds,
        "versions": run.versions,
        "failures": run.failures,
        "workloads": [
            {
                "name": measurement.workload.name,
                "layers": measurement.workload.widths,
                "batch": measurement.workload.batch,
                "chainrule": measurement.chainrule,
                "gflops": measurement.gflops,
                "baselines": measurement.baselines,
                "peak_gflops": measurement.peak.highest,
                "disturbed": bool(measurement.peak.disturbance()),
                "peers": {" ".join(name).strip(): times for name, times in measurement.rounds.items()},
                "best_peer_over_chainrule": measurement.ratio(),
            }
            for measurement in run.measurements
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
