"""Times what chainrule does with a table beside training, next to polars and pandas; bench/README.md says how.

    python3 bench/tables_io.py

It needs Python 3.11, cargo, about 600 MB of disk, and the network the first time, when it makes bench/.venv-tables.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import child
import machine
import prepare
from progress import Progress
from table import markdown

PROGRAMS = prepare.BENCH / "programs"
PARTS = ["train", "predict", "wide", "long"]
SECONDS_PER_MEGABYTE = 0.03
"""What a run takes, very roughly, for the estimate of the time that is left."""


@dataclass(frozen=True)
class Table:
    """A CSV file that `programs/make_table.py` makes: numbers, a category if wanted, and a class."""

    rows: int
    numbers: int
    category: bool = False

    def columns(self) -> int:
        return self.numbers + self.category + 1

    def cells(self) -> int:
        return self.rows * self.columns()

    def shape(self) -> str:
        return f"{spaced(self.rows)} x {spaced(self.columns())}"

    def path(self, folder: Path) -> Path:
        return folder / f"table-{self.rows}x{self.columns()}.csv"


@dataclass
class Run:
    seconds: float
    """Those that are compared."""
    whole_seconds: float
    """Of the process, from its start to its end."""
    peak_bytes: int


@dataclass
class Contender:
    name: str
    command: list[str]
    counted: Callable[[child.Ended], float]
    """What of a run is compared."""
    output: Path | None = None
    """A file that the command writes: removed before each run, checked after it."""
    lines: int = 0
    """Of the output, where it is text."""
    runs: list[Run] = field(default_factory=list)
    failure: str = ""

    def median_seconds(self) -> float:
        return median(run.seconds for run in self.runs)

    def peak_bytes(self) -> int:
        return max(run.peak_bytes for run in self.runs)


@dataclass
class Comparison:
    """Contenders that take turns on one table."""

    part: str
    table: Table
    contenders: list[Contender]


def main() -> int:
    arguments = parse_arguments()
    python = arguments.python or prepare.make_tables_environment()
    if arguments.program is None:
        prepare.build_chainrule()
    programs = {"chainrule": arguments.program or prepare.chainrule_program()}
    if arguments.baseline:
        programs["baseline"] = arguments.baseline
    for program in programs.values():
        if not program.is_file():
            sys.exit(f"{program}: no such program")
    with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        machine.keep_to_processors(arguments.threads)
        bench = Bench(arguments, python, {name: program.resolve() for name, program in programs.items()}, folder)
        return bench.run()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times reading and prediction of tables next to polars and pandas.")
    add = parser.add_argument
    add("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=f"{' '.join(PARTS)} (all)")
    add("--rounds", type=int, default=5, help="runs of each program that are counted, in turns (5)")
    add("--threads", type=int, default=2, help="threads of each program (2)")
    add("--wait", type=float, default=10.0, help="longest wait for other programs to be idle before a run, in seconds (10)")
    add("--scale", type=float, default=1.0, help="share of the rows, for a quick look (1)")
    add("--folder", type=Path, help="where the tables are kept and found again; a temporary one if not given")
    add("--program", type=Path, help="another build of chainrule than this one")
    add("--baseline", type=Path, metavar="PROGRAM", help="an older build, to be measured as well")
    add("--python", type=Path, help="a Python that has numpy, pandas and polars, in place of bench/.venv-tables")
    add("--json", action="store_true", help="print every run as JSON in place of the tables")
    add("-o", "--output", type=Path, metavar="FILE", help="also write the tables to a Markdown file")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.threads < 1 or arguments.scale <= 0:
        parser.error("--rounds and --threads are at least 1, --scale is positive")
    return arguments


class Bench:
    def __init__(self, arguments: argparse.Namespace, python: Path, programs: dict[str, Path], folder: Path) -> None:
        self.arguments = arguments
        self.python = python
        self.programs = programs
        self.folder = folder
        self.environment = {"POLARS_MAX_THREADS": str(arguments.threads), "OMP_NUM_THREADS": str(arguments.threads)}

    def run(self) -> int:
        for part in self.arguments.only:
            for table in self.tables(part):
                self.make(table)
        comparisons = [
            Comparison(part, table, self.contenders(part, table))
            for part in self.arguments.only
            for table in self.tables(part)
        ]
        watch = machine.Watch()
        self.take_turns(comparisons)
        text = self.report(comparisons, watch)
        if self.arguments.output:
            self.arguments.output.write_text(text)
        print(as_json(comparisons) if self.arguments.json else text, end="")
        return 1 if any(c.failure for comparison in comparisons for c in comparison.contenders) else 0

    # ---------------------------------------------------------------- what is measured

    def tables(self, part: str) -> list[Table]:
        def rows(count: int) -> int:
            return max(round(count * self.arguments.scale), 100)

        if part == "wide":
            return [Table(rows(count), 6000) for count in (500, 1000, 2000)]
        if part == "long":
            return [Table(rows(count), 2) for count in (1_000_000, 3_000_000, 10_000_000)]
        return [Table(rows(500_000), 20, category=True)]

    def make(self, table: Table) -> None:
        path = table.path(self.folder)
        if path.exists():
            return
        prepare.say(f"making {path.name}")
        command = [str(self.python), str(PROGRAMS / "make_table.py"), str(path), str(table.rows), str(table.numbers)]
        prepare.run(command + ["--category"] * table.category)

    def contenders(self, part: str, table: Table) -> list[Contender]:
        if part == "train":
            trained = [self.training(name, table) for name in self.programs]
            return [self.peer("polars", table), self.peer("pandas", table), *trained]
        if part == "predict":
            output = self.folder / "predictions-pandas.csv"
            return [self.peer("pandas", table, output), *(self.prediction(name, table) for name in self.programs)]
        return [self.peer("polars", table), *self.readings(table)]

    def peer(self, library: str, table: Table, output: Path | None = None) -> Contender:
        command = [str(self.python), str(PROGRAMS / "read_table.py"), library, str(table.path(self.folder))]

        def counted(ended: child.Ended) -> float:
            answer = json.loads(ended.output)
            if answer["rows"] != table.rows:
                raise RuntimeError(f"read {answer['rows']} rows of {table.rows}")
            return answer["seconds"]

        name = f"`{library}.read_csv`"
        if output is None:
            return Contender(name, command, counted)
        return Contender(name + ", `to_csv`", [*command, str(output)], counted, output, table.rows + 1)

    def training(self, name: str, table: Table) -> Contender:
        command = [str(self.programs[name]), "train", str(table.path(self.folder)), "--epochs", "1", *self.flags(name)]
        return Contender(f"{name}: `train` beside training", command, beside_training, self.model(name))

    def prediction(self, name: str, table: Table) -> Contender:
        output = self.folder / f"predictions-{name}.csv"
        command = [str(self.programs[name]), "predict", str(self.model(name)), str(table.path(self.folder))]
        command += ["-o", str(output), "--threads", str(self.arguments.threads)]
        return Contender(f"{name}: `predict`", command, whole, output, table.rows + 1)

    def readings(self, table: Table) -> list[Contender]:
        """By `describe`; where chainrule has none, by training, and a baseline only if it has the same."""
        threads = ["--threads", str(self.arguments.threads)]
        if not self.describes("chainrule"):
            return [self.training(name, table) for name in self.programs]
        return [
            Contender(
                f"{name}: `describe`",
                [str(program), "describe", str(table.path(self.folder)), "--json", *threads],
                whole,
            )
            for name, program in self.programs.items()
            if self.describes(name)
        ]

    def describes(self, name: str) -> bool:
        return subprocess.run([self.programs[name], "describe", "--help"], capture_output=True).returncode == 0

    def flags(self, name: str) -> list[str]:
        return ["--json", "--threads", str(self.arguments.threads), "-o", str(self.model(name))]

    def model(self, name: str) -> Path:
        return self.folder / f"model-{name}.safetensors"

    # ---------------------------------------------------------------- turns

    def take_turns(self, comparisons: list[Comparison]) -> None:
        """One run of each that is not counted, so that the file is in memory; then the rounds."""

        def work(comparison: Comparison) -> float:
            return 0.5 + SECONDS_PER_MEGABYTE * self.size(comparison.table) / 1e6

        rounds = self.arguments.rounds
        progress = Progress(sum((rounds + 1) * len(c.contenders) * work(c) for c in comparisons))
        for comparison in comparisons:
            if comparison.part == "predict":
                self.make_models(comparison)
            for round_number in range(rounds + 1):
                for contender in comparison.contenders:
                    progress.begin(f"{comparison.table.shape()}: round {round_number} of {rounds}, {contender.name}")
                    if not contender.failure:
                        machine.wait_for_quiet(self.arguments.wait)
                        self.run_once(contender, is_counted=round_number > 0)
                    progress.finish(work(comparison))
        progress.clear()

    def make_models(self, comparison: Comparison) -> None:
        for name, contender in zip(self.programs, comparison.contenders[1:]):
            training = self.training(name, comparison.table)
            self.run_once(training, is_counted=False)
            contender.failure = training.failure

    def run_once(self, contender: Contender, is_counted: bool) -> None:
        if contender.output:
            contender.output.unlink(missing_ok=True)
        try:
            ended = child.run(contender.command, self.environment)
            run = Run(contender.counted(ended), ended.seconds, ended.peak_bytes)
            check_output(contender)
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            contender.failure = f"{contender.name}: {error or type(error).__name__}"
            return
        if is_counted:
            contender.runs.append(run)

    def size(self, table: Table) -> int:
        return table.path(self.folder).stat().st_size

    # ---------------------------------------------------------------- report

    def report(self, comparisons: list[Comparison], watch: machine.Watch) -> str:
        paragraphs = ["# Tables, side by side", "\n".join([*machine.header(watch), f"- {self.versions()}"])]
        paragraphs.append(
            f"{self.arguments.threads} threads; medians of {self.arguments.rounds} rounds in turns, after one that is not "
            "counted. Of polars and pandas the call alone is timed, in a process of its own; of `predict` and `describe` "
            "the whole process; of `train` the whole process less the `seconds` in its JSON. Peak memory is that of the "
            "process, for polars and pandas with Python."
        )
        for comparison in comparisons:
            if comparison.part in ("train", "predict"):
                title = {"train": "Training", "predict": "Prediction"}[comparison.part]
                size = f"{comparison.table.shape()}, {self.size(comparison.table) / 1e6:.0f} MB"
                paragraphs += [f"## {title}: {size}", self.side_by_side(comparison)]
        for part, title in (("wide", "Many columns"), ("long", "Many rows")):
            group = [comparison for comparison in comparisons if comparison.part == part]
            if group:
                paragraphs += [f"## {title}", self.along(group)]
        failures = [(comparison, c) for comparison in comparisons for c in comparison.contenders if c.failure]
        paragraphs += [f"Not measured on {comparison.table.shape()}: {c.failure}" for comparison, c in failures]
        return "\n\n".join(paragraphs) + "\n"

    def side_by_side(self, comparison: Comparison) -> str:
        first = comparison.contenders[0]
        header = ["", "median, s", "shortest, s", "over the first line"]
        rows = [[*header, "whole process, s", "peak memory, MB", "over the file"]]
        for contender in comparison.contenders:
            if not contender.runs:
                rows.append([contender.name] + ["-"] * 6)
                continue
            rows.append([
                contender.name,
                f"{contender.median_seconds():.3f}",
                f"{min(run.seconds for run in contender.runs):.3f}",
                f"{contender.median_seconds() / first.median_seconds():.2f}" if first.runs else "-",
                f"{median(run.whole_seconds for run in contender.runs):.3f}",
                f"{contender.peak_bytes() / 1e6:.0f}",
                f"{contender.peak_bytes() / self.size(comparison.table):.2f}",
            ])
        return markdown(rows)

    def along(self, group: list[Comparison]) -> str:
        """One program after the other, each from the smallest table to the largest."""
        header = ["", "rows x columns", "cells, million", "median, s", "shortest, s"]
        rows = [[*header, "ns a cell", "over the smallest", "peak memory over the file"]]
        for contenders in zip(*(comparison.contenders for comparison in group)):
            smallest = None
            for comparison, contender in zip(group, contenders):
                table = comparison.table
                start = [contender.name, table.shape(), f"{table.cells() / 1e6:.2f}"]
                if not contender.runs:
                    rows.append(start + ["-"] * 5)
                    continue
                cost = 1e9 * contender.median_seconds() / table.cells()
                smallest = smallest or cost
                rows.append([
                    *start,
                    f"{contender.median_seconds():.3f}",
                    f"{min(run.seconds for run in contender.runs):.3f}",
                    f"{cost:.1f}",
                    f"{cost / smallest:.2f}",
                    f"{contender.peak_bytes() / self.size(table):.2f}",
                ])
        return markdown(rows)

    def versions(self) -> str:
        script = "import sys, numpy, pandas, polars; print(*(m.__version__ for m in (polars, pandas, numpy)), sys.version)"
        result = subprocess.run([self.python, "-c", script], capture_output=True, text=True, check=True)
        polars, pandas, numpy, python, *_ = result.stdout.split()
        return f"polars {polars}, pandas {pandas} (numpy {numpy}), Python {python}"


def whole(ended: child.Ended) -> float:
    return ended.seconds


def beside_training(ended: child.Ended) -> float:
    return ended.seconds - json.loads(ended.output)["seconds"]


def check_output(contender: Contender) -> None:
    """A program that wrote too little was not fast."""
    if contender.output is None:
        return
    if not contender.output.exists():
        raise RuntimeError(f"{contender.output.name} was not written")
    if contender.lines:
        with contender.output.open("rb") as file:
            lines = sum(1 for _ in file)
        if lines != contender.lines:
            raise RuntimeError(f"{contender.output.name} has {lines} lines, not {contender.lines}")


def spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def as_json(comparisons: list[Comparison]) -> str:
    def record(comparison: Comparison) -> dict[str, Any]:
        table = comparison.table
        runs = {c.name: [vars(run) for run in c.runs] for c in comparison.contenders}
        return {"part": comparison.part, "rows": table.rows, "columns": table.columns(), "runs": runs}

    return json.dumps([record(comparison) for comparison in comparisons], indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
