"""Times the outputs of one network in chainrule and in other libraries, side by side; bench/README.md says how.

    python3 bench/inference.py

It needs Python 3.11, cargo, and the network the first time, when it makes bench/.venv.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from array import array
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import machine
import prepare
import sections
from libraries import WORKERS, Library, python_worker
from options import add_common, choices, positive
from progress import Progress
from table import markdown, number
from timers import Failure, Peak, WorkerTimer, bench_answer, check_shape
from workloads import CE, Workload

CHAPTER = sections.Chapter("inference.py", "Inference")

WIDTHS = (784, 512, 256, 10)
"""Of the workload mnist, which `chainrule bench --inference` takes."""

PROOF_TOLERANCE = 1e-4
"""Of a probability, absolute."""

USUAL_START = 5.0
"""Seconds that a worker takes to start."""

LIBRARIES = {"onnxruntime": "ONNX Runtime", "pytorch": "PyTorch eager", "scikit-learn": "scikit-learn"}
"""By the names that --libraries takes."""


@dataclass
class Contender:
    """One library, and its rounds."""

    label: str
    version: str = ""
    batch: list[float] = field(default_factory=list)
    """Microseconds of a batch in each round."""
    one_row: list[float] = field(default_factory=list)
    """Microseconds of one row in each round."""
    failure: str = ""


class WorkerInference(WorkerTimer):
    """A worker that computes outputs."""

    def prove(self, folder: Path) -> None:
        file = "outputs.f32"
        self.ask(f"outputs {file}", "written")
        compare_outputs(self.label, numbers_of(folder / file), numbers_of(folder / "expected.f32"))

    def time_pair(self, seconds: float) -> tuple[float, float]:
        """Microseconds of a batch, and of one row."""
        batch, one_row = (float(self.ask(f"go {which} {seconds}", "microseconds")[0]) for which in ("batch", "row"))
        return batch, one_row


class ChainruleInference:
    """`chainrule bench --inference`, after `chainrule predict` has shown that its outputs are right."""

    def __init__(self, program: Path, batch: int, threads: int) -> None:
        self.program, self.batch, self.threads = program, batch, ["--threads", str(threads)]
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        self.version = version.stdout.strip()
        self.gflops = 0.0
        self.peak = Peak()

    def prove(self, folder: Path) -> None:
        predictions = folder / "predictions.csv"
        command = [str(self.program), "predict", str(folder / "model.safetensors"), str(folder / "rows.csv")]
        result = subprocess.run([*command, "-o", str(predictions), *self.threads], capture_output=True, text=True)
        if result.returncode != 0:
            lines = result.stderr.strip().splitlines()
            raise Failure(f"chainrule: {lines[-1] if lines else 'no message'}")
        with predictions.open(newline="") as file:
            rows = list(csv.DictReader(file))
        names = [f"probability {index}" for index in range(WIDTHS[-1])]
        found = array("f", (float(row[name]) for row in rows for name in names))
        if not found:
            raise Failure("chainrule predicts nothing")
        compare_outputs("chainrule", found, numbers_of(folder / "expected.f32")[: len(found)])

    def time_pair(self, seconds: float) -> tuple[float, float]:
        command = [str(self.program), "bench", "mnist", "--inference", "--json", "--rounds", "1"]
        command += ["--batch", str(self.batch), "--seconds", str(seconds), *self.threads]
        answer = bench_answer(command, "chainrule")
        check_shape(answer, "chainrule", WIDTHS, self.batch, "inference")
        self.gflops = max(self.gflops, answer["gflops"])
        self.peak.add(answer)
        return answer["microseconds_per_batch"], answer["one_row_microseconds"]


def main() -> int:
    arguments = parse_arguments()
    program = prepare.prepare_program(arguments)
    if not has_inference(program):
        sys.exit(f"{program} is not there or has no `bench --inference`; leave out --skip-setup or name another --chainrule")
    machine.keep_to_processors(arguments.threads)
    watch = machine.Watch()
    ours = ChainruleInference(program, arguments.batch, arguments.threads)
    contenders = measure(arguments, ours)
    report(arguments, contenders, ours, watch)
    return 1 if any(contender.failure for contender in contenders) else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Times the outputs of 784-512-256-10 in chainrule and in other libraries, in turns."
    )
    add = parser.add_argument
    names = list(LIBRARIES)
    add("--libraries", type=choices(names), default=names, metavar="A,B", help=", ".join(names))
    add("--batch", type=positive(int), default=4096, help="rows of the batch (4096)")
    add("--rounds", type=positive(int), default=5, help="rounds, of which the best counts (5)")
    add("--seconds", type=positive(float), default=0.5, help="shortest time of a round, for the batch and for the row (0.5)")
    add_common(parser)
    return parser.parse_args()


def has_inference(program: Path) -> bool:
    """Whether the program is there and times inference."""
    if not program.exists():
        return False
    result = subprocess.run([program, "bench", "--help"], capture_output=True, text=True)
    return "--inference" in result.stdout


def make_libraries(names: list[str], threads: int) -> list[Library]:
    scripts = {
        "onnxruntime": python_worker("onnx_inference.py", str(threads)),
        "pytorch": python_worker("torch_inference.py", str(threads)),
        "scikit-learn": python_worker("scikit_learn_inference.py"),
    }
    return [Library(LIBRARIES[name], "", threads, scripts[name]) for name in names]


def measure(arguments: argparse.Namespace, ours: ChainruleInference) -> list[Contender]:
    libraries = make_libraries(arguments.libraries, arguments.threads)
    pair = 2.2 * arguments.seconds
    progress = Progress(USUAL_START * len(libraries) + arguments.rounds * pair * (1 + len(libraries)))
    contenders = [Contender("chainrule", ours.version), *(Contender(library.label) for library in libraries)]
    timers: dict[str, WorkerInference | ChainruleInference] = {"chainrule": ours}
    with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        make_data(folder, arguments.batch)
        for contender, library in zip(contenders, [None, *libraries]):
            progress.begin(f"{contender.label} starts")
            try:
                if library is not None:
                    timer = WorkerInference(library, folder)
                    stack.callback(timer.close)
                    timers[library.label], contender.version = timer, timer.version
                timers[contender.label].prove(folder)
            except (Failure, OSError) as error:
                contender.failure = str(error)
            progress.finish(USUAL_START if library else 0.0)
        for index in range(arguments.rounds):
            for contender in contenders:
                progress.begin(f"round {index + 1}, {contender.label}")
                if not contender.failure:
                    machine.wait_for_quiet(arguments.wait)
                    time_round(contender, timers[contender.label], arguments.seconds)
                progress.finish(pair)
    progress.clear()
    return contenders


def time_round(contender: Contender, timer: WorkerInference | ChainruleInference, seconds: float) -> None:
    try:
        batch, one_row = timer.time_pair(seconds)
    except Failure as failure:
        contender.failure = str(failure)
        return
    contender.batch.append(batch)
    contender.one_row.append(one_row)


def make_data(folder: Path, batch: int) -> None:
    """Parameters, a batch, and what the outputs must be."""
    workload = Workload("inference", WIDTHS, "relu", CE, batch, 0.0)
    script = str(WORKERS / "make_inference.py")
    description = json.dumps(workload.description(0))
    subprocess.run([str(prepare.PYTHON), script, str(folder), description], check=True)


def numbers_of(path: Path) -> array:
    numbers = array("f")
    numbers.frombytes(path.read_bytes())
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def compare_outputs(label: str, found: array, expected: array) -> None:
    """Raises Failure where they are not the same."""
    if len(found) != len(expected):
        raise Failure(f"{label} computes {len(found)} outputs, not {len(expected)}")
    # A comparison with NaN is false.
    for index, (one, other) in enumerate(zip(found, expected)):
        if not abs(one - other) <= PROOF_TOLERANCE:
            row, output = divmod(index, WIDTHS[-1])
            raise Failure(f"{label} computes something else: output {output} of row {row} is {one:.6g}, not {other:.6g}")


# ---------------------------------------------------------------- report


def report(
    arguments: argparse.Namespace, contenders: list[Contender], ours: ChainruleInference, watch: machine.Watch
) -> None:
    text = as_markdown(arguments, contenders, ours, watch)
    if arguments.output:
        notice = sections.update(arguments.output, CHAPTER, machine.name(), text)
        if notice:
            prepare.say(notice)
    title = f"# {CHAPTER.title}, side by side\n\n"
    print(as_json(arguments, contenders, ours) if arguments.json else title + text, end="")
    for contender in contenders:
        if contender.failure:
            prepare.say(contender.failure)


def as_markdown(
    arguments: argparse.Namespace, contenders: list[Contender], ours: ChainruleInference, watch: machine.Watch
) -> str:
    versions = ", ".join(contender.version for contender in contenders if contender.version)
    paragraphs = [
        "\n".join([*machine.header(watch), f"- {versions}"]),
        f"Probabilities of 784-512-256-10, ReLU and softmax, f32, {arguments.threads} threads: {spaced(arguments.batch)} rows at "
        f"once, and one row alone. The best of {arguments.rounds} rounds of {arguments.seconds:g} s each, in turns, and the medians.",
        as_table(arguments.batch, contenders),
    ]
    if ours.gflops and ours.peak.highest:
        share = ours.gflops / ours.peak.highest
        paragraphs.append(
            f"chainrule's batch is {share:.0%} of the sustained peak of multiply-adds, {ours.peak.highest:.1f} GFLOP/s."
        )
    paragraphs.append(ours.peak.disturbance())
    failures = [f"- {contender.failure}" for contender in contenders if contender.failure]
    if failures:
        paragraphs.append("Not measured:\n\n" + "\n".join(failures))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def as_table(batch: int, contenders: list[Contender]) -> str:
    header = ["library", "rows a second", "median", "over chainrule", "one row, µs", "median", "over chainrule"]
    rows = [header]
    ours = contenders[0]
    for contender in contenders:
        if not contender.batch:
            rows.append([contender.label] + ["-"] * 6)
            continue
        rows.append([
            contender.label,
            spaced(1e6 * batch / min(contender.batch)),
            spaced(1e6 * batch / median(contender.batch)),
            f"{min(contender.batch) / min(ours.batch):.2f}" if ours.batch else "-",
            number(min(contender.one_row)),
            number(median(contender.one_row)),
            f"{min(contender.one_row) / min(ours.one_row):.2f}" if ours.one_row else "-",
        ])
    return markdown(rows) + "\n\nOver chainrule: the best time of a batch, or of a row, over that of chainrule."


def spaced(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


def as_json(arguments: argparse.Namespace, contenders: list[Contender], ours: ChainruleInference) -> str:
    value = {
        "processor": machine.processor(),
        "instructions": machine.instruction_set(),
        "commit": machine.commit(),
        "threads": arguments.threads,
        "seconds": arguments.seconds,
        "layers": WIDTHS,
        "batch": arguments.batch,
        "gflops": ours.gflops,
        "peak_gflops": ours.peak.highest,
        "disturbed": bool(ours.peak.disturbance()),
        "libraries": {
            contender.label: {
                "version": contender.version,
                "microseconds_per_batch": contender.batch,
                "one_row_microseconds": contender.one_row,
                "failure": contender.failure or None,
            }
            for contender in contenders
        },
    }
    return json.dumps(value, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
