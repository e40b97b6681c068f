"""Runs rounds: a worker that stays alive between them, or the program chainrule, started for each."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from libraries import Library
from workloads import Workload

TINY_RATE = 1e-6
"""The learning rate of timed steps: the network stays what it is, however many there are."""


DISTURBED_BELOW = 0.9
"""Of its best, the peak of a machine that nothing disturbs stays above this share."""


class Failure(Exception):
    """A library cannot be measured on a workload; the text says why."""


class WorkerTimer:
    """A worker process of one library and workload. It computes only between a line and its answer."""

    def __init__(self, library: Library, directory: Path) -> None:
        self.label = library.label
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            library.command(directory),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=os.environ | library.environment(),
        )
        self.version = " ".join(self.read("ready"))

    def prove(self, steps: int, learning_rate: float) -> list[float]:
        """The loss before the first step and after each of `steps` steps."""
        return [float(loss) for loss in self.ask(f"prove {steps} {learning_rate}", "losses")]

    def time_round(self, seconds: float) -> float:
        """Microseconds of a step."""
        return float(self.ask(f"go {seconds} {TINY_RATE}", "microseconds")[0])

    def ask(self, line: str, expected: str) -> list[str]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.failure() from None
        return self.read(expected)

    def read(self, expected: str) -> list[str]:
        """The words of the next answer, which begins with `expected`. Other lines are the library's chatter."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            first, *rest = line.split() or [""]
            if first == expected:
                return rest
        raise self.failure()

    def failure(self) -> Failure:
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return Failure(f"{self.label} ended with code {code}: {lines[-1] if lines else 'no message'}")

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()


class ChainruleTimer:
    """`chainrule bench` on one workload; of this build, or of another one, which may say less."""

    def __init__(self, program: Path, workload: Workload, threads: int, label: str = "chainrule") -> None:
        self.workload = workload
        self.label = label
        self.command = [str(program), "bench", workload.name, "--json", "--rounds", "1"]
        self.command += ["--threads", str(threads)]
        self.gflops = 0.0
        self.peak = Peak()

    def time_round(self, seconds: float) -> float:
        """Microseconds of a step."""
        answer = bench_answer([*self.command, "--seconds", str(seconds)], self.label)
        check_shape(answer, self.label, self.workload.widths, self.workload.batch, self.workload.name)
        microseconds = answer.get("microseconds_per_step")
        if microseconds is None:
            raise Failure(f"{self.label} says nothing of the time of a step")
        usual = self.workload.step_flops() / microseconds / 1e3
        self.gflops = max(self.gflops, answer.get("gflops", usual))
        self.peak.add(answer)
        return microseconds

    def close(self) -> None:
        pass


@dataclass
class Peak:
    """The machine's peak of multiply-adds as `chainrule bench` found it in its rounds, in GFLOP/s."""

    highest: float = 0.0
    lowest: float = inf

    def add(self, answer: dict[str, Any]) -> None:
        """From what `bench --json` printed. Older builds have one peak, and do not say how far it fell."""
        peak = answer.get("sustained_peak_gflops", answer.get("peak_gflops", 0.0))
        if peak > 0:
            self.merge(Peak(peak, peak * answer.get("lowest_peak_fraction", 1.0)))

    def merge(self, other: "Peak") -> None:
        self.highest = max(self.highest, other.highest)
        self.lowest = min(self.lowest, other.lowest)

    def disturbance(self) -> str:
        """A sentence, where the machine was disturbed: `chainrule bench` has the same rule within one round."""
        if not 0 < self.lowest < DISTURBED_BELOW * self.highest:
            return ""
        return (
            f"The machine was disturbed: its peak, {self.highest:.1f} GFLOP/s, fell to {self.lowest / self.highest:.0%} of "
            "that in or between chainrule's rounds; medians may be too slow."
        )


def bench_answer(command: list[str], label: str) -> dict[str, Any]:
    """What `chainrule bench --json` prints."""
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines()
        raise Failure(f"{label}: {lines[0] if lines else 'no message'}")
    try:
        return json.loads(result.stdout)
    except ValueError:
        raise Failure(f"{label} prints no JSON") from None


def check_shape(answer: dict[str, Any], label: str, widths: tuple[int, ...], batch: int, name: str) -> None:
    """chainrule makes its own data; the shapes must be those of the workload."""
    found = (tuple(answer.get("layers", [])), answer.get("batch"))
    if found != (widths, batch):
        raise Failure(f"{label} times another network for {name}: {found}")


def has_bench(program: Path) -> bool:
    """Whether the program is there and knows the command."""
    if not program.exists():
        return False
    result = subprocess.run([str(program), "bench", "--help"], capture_output=True, text=True)
    return result.returncode == 0 and "--json" in result.stdout
