"""Tries to break the program chainrule: damaged files, killed runs, extreme arguments; bench/README.md says how.

    python3 bench/reliability.py

It needs Linux, Python 3.11, and a built program. What is random follows the seed; moments of signals depend on the
machine all the same.
"""

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import machine
from progress import Progress
from reliability import report
from reliability.damaged_files import SOURCES, damaged_file_case, train_source
from reliability.extreme_arguments import extreme_argument_case, flags_of
from reliability.faults import Result
from reliability.killed_runs import Kills
from reliability.running import limit_this_process

PARTS = ["files", "kills", "arguments"]
SECONDS_OF_A_CASE = 0.02
SECONDS_OF_A_KILL = 0.8
"""Very roughly, for the estimate of the time that is left."""


@dataclass
class Findings:
    """What a part has found."""

    paragraphs: list[str]
    faults: list[tuple[str, str, int, str]]
    """Fault, command, case number, and its description."""
    records: list[dict[str, Any]]
    """Every case, for --json."""


def main() -> int:
    arguments = parse_arguments()
    limit_this_process()
    bench = Bench(arguments)
    start = time.monotonic()
    parts = {"files": bench.files, "kills": bench.kills, "arguments": bench.arguments}
    findings = {part: parts[part]() for part in arguments.part}
    paragraphs = ["# Reliability", report.header(bench.program, time.monotonic() - start)]
    for part, found in findings.items():
        paragraphs += [*found.paragraphs, f"Faults of `--part {part}`:", report.faults(found.faults)]
    text = "\n\n".join(paragraphs) + "\n"
    if arguments.output:
        arguments.output.write_text(text)
    records = {part: found.records for part, found in findings.items()}
    print(json.dumps(records, indent=1) + "\n" if arguments.json else text, end="")
    return 1 if any(found.faults for found in findings.values()) else 0


def parse_arguments() -> argparse.Namespace:
    about = "Tries to break chainrule: damaged files, killed runs, extreme arguments. Code 1 if there is a fault."
    parser = argparse.ArgumentParser(description=about)
    add = parser.add_argument
    default = machine.ROOT / "target" / "release" / "chainrule"
    add("--program", type=Path, default=default, help="the program (target/release/chainrule)")
    add("--part", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=f"{' '.join(PARTS)} (all)")
    add("--cases", type=int, default=8000, help="damaged files (8000)")
    add("--kills", type=int, default=200, help="runs that are killed (200)")
    add("--arguments", type=int, default=400, help="runs with extreme arguments (400)")
    add("--seed", type=int, default=0, help="of all that is random (0)")
    add("--jobs", type=int, default=2, help="cases at a time; kills come one after the other (2)")
    add("--case", type=int, metavar="N", help="only this case of one --part; what the program said is on stderr")
    add("--keep", type=Path, metavar="DIR", help="where the files of cases with faults, and those of --case, are kept")
    add("--verbose", action="store_true", help="also list which replaced numbers were accepted, by their place")
    add("--json", action="store_true", help="print every case as JSON in place of the tables")
    add("-o", "--output", type=Path, metavar="FILE", help="also write the tables to a Markdown file")
    arguments = parser.parse_args()
    if arguments.case is not None and len(arguments.part) != 1:
        parser.error("--case takes one --part")
    if arguments.jobs < 1 or min(arguments.cases, arguments.kills, arguments.arguments) < 0:
        parser.error("--jobs is at least 1, and no number is negative")
    if not arguments.program.is_file():
        parser.error(f"{arguments.program}: no such program; cargo build --release makes it")
    return arguments


class Bench:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.program: Path = options.program.resolve()

    # ---------------------------------------------------------------- the parts

    def files(self) -> Findings:
        sources = [train_source(self.program, name) for name in SOURCES]
        seed = self.options.seed
        results = self.tried(
            "files", self.options.cases, lambda number: damaged_file_case(number, seed, self.program, sources)
        )
        paragraphs = [f"## Damaged files: {len(results)} cases"]
        paragraphs += [report.outcomes(results, "kind"), report.outcomes(results, "command")]
        if self.options.verbose:
            paragraphs += ["Replaced numbers, where the command reads the file:", report.accepted_numbers(results)]
        return found(paragraphs, results)

    def arguments(self) -> Findings:
        source, flags, seed = train_source(self.program, "classes"), flags_of(self.program), self.options.seed
        results = self.tried(
            "arguments",
            self.options.arguments,
            lambda number: extreme_argument_case(number, seed, self.program, source, flags),
        )
        paragraphs = [f"## Extreme arguments: {len(results)} cases", report.outcomes(results, "command")]
        return found(paragraphs, results)

    def kills(self) -> Findings:
        numbers = self.numbers(self.options.kills)
        progress = Progress(len(numbers) * SECONDS_OF_A_KILL)
        killed = []
        with tempfile.TemporaryDirectory(prefix="chainrule-reliability-") as folder:
            kills = Kills(self.program, self.options.seed, Path(folder))
            for number in numbers:
                progress.begin(f"kills: {len(killed)} of {len(numbers)}")
                killed.append(kills.kill(number))
                progress.finish(SECONDS_OF_A_KILL)
            progress.clear()
            at_the_end, code, after = len(kills.left()), kills.run_undisturbed(), len(kills.left())
        faults = [
            (fault, "train", kill.number, f"{kill.signal} after {kill.moment:.3f} s" + ", resumed" * kill.resumed)
            for kill in killed
            for fault in kill.faults
        ]
        if code != 0:
            faults.append((f"exit code {code} of one more run", "train", len(numbers), "after all kills"))
        if after > 0:
            faults.append(("files are left behind", "train", len(numbers), f"{after} after one more run"))
        text = (
            f"Undisturbed, a run takes {kills.seconds[False]:.2f} s, and a resumed one {kills.seconds[True]:.2f} s. "
            f"Files left behind: {sum(kill.left for kill in killed)} by all runs, {at_the_end} there at the end, "
            f"{after} after one more run that nobody disturbed."
        )
        paragraphs = [f"## Killed runs: {len(killed)}", report.signals(killed), text]
        return Findings(paragraphs, faults, list(map(asdict, killed)))

    # ---------------------------------------------------------------- cases

    def numbers(self, count: int) -> list[int]:
        return list(range(count)) if self.options.case is None else [self.options.case]

    def tried(self, part: str, count: int, case: Callable[[int], Result]) -> list[Result]:
        numbers = self.numbers(count)
        work = SECONDS_OF_A_CASE / self.options.jobs
        progress = Progress(len(numbers) * work)
        results = []
        with ThreadPoolExecutor(self.options.jobs) as pool:
            for result in pool.map(case, numbers):
                results.append(result)
                self.keep(part, result)
                progress.finish(work)
                progress.begin(f"{part}: {len(results)} of {len(numbers)}")
        progress.clear()
        return results

    def keep(self, part: str, result: Result) -> None:
        """The folder as the program found it, and its answer: of faults, and of the case that was asked for."""
        is_wanted = self.options.case is not None
        said = {
            "command.txt": f"chainrule {shlex.join(result.words)}\n{result.what}\n{result.faults}\n".encode(),
            "stdout.txt": result.ended.output,
            "stderr.txt": result.ended.errors,
        }
        if self.options.keep and (result.faults or is_wanted):
            folder = self.options.keep / f"{part}-{result.number}"
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in (result.before | said).items():
                (folder / name).write_bytes(data)
        if is_wanted:
            for name, data in said.items():
                print(f"{name}: {data[:3000]!r}", file=sys.stderr)
            print(f"code {result.ended.code}, {result.ended.seconds:.2f} s", file=sys.stderr)
        # Thousands of them would not fit into memory.
        result.before, result.ended.output, result.ended.errors = {}, b"", b""


def found(paragraphs: list[str], results: list[Result]) -> Findings:
    faults = [(fault, result.command, result.number, result.what) for result in results for fault in result.faults]
    records = [
        {
            "case": result.number,
            "arguments": result.words,
            "kind": result.kind,
            "what": result.what,
            "code": result.ended.code,
            "outcome": result.outcome(),
            "faults": result.faults,
            "seconds": result.ended.seconds,
            "peak_bytes": result.ended.peak_bytes,
        }
        for result in results
    ]
    return Findings(paragraphs, faults, records)


if __name__ == "__main__":
    sys.exit(main())
