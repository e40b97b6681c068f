"""Runs rounds: a worker that stays alive between them, or the program chainrule, started for each."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from libraries import Library
from workloads import Workload

TINY_RATE = 1e-6
"""The learning rate of timed steps: the network stays what it is, however many there are."""


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
    """`chainrule bench` on one workload."""

    def __init__(self, program: Path, workload: Workload, threads: int) -> None:
        self.workload = workload
        self.command = [str(program), "bench", workload.name, "--json", "--rounds", "1"]
        self.command += ["--threads", str(threads)]
        self.gflops = 0.0
        self.peak_gflops = 0.0

    def time_round(self, seconds: float) -> float:
        """Microseconds of a step."""
        answer = self.run(seconds)
        self.check(answer)
        self.gflops = max(self.gflops, answer["gflops"])
        self.peak_gflops = max(self.peak_gflops, answer["peak_gflops"])
        return answer["microseconds_per_step"]

    def run(self, seconds: float) -> dict[str, Any]:
        command = [*self.command, "--seconds", str(seconds)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            lines = result.stderr.strip().splitlines()
            raise Failure(f"chainrule: {lines[0] if lines else 'no message'}")
        return json.loads(result.stdout)

    def check(self, answer: dict[str, Any]) -> None:
        """chainrule makes its own data; the shapes must be those of the workload."""
        found = (tuple(answer["layers"]), answer["batch"])
        if found != (self.workload.widths, self.workload.batch):
            raise Failure(f"chainrule times another network for {self.workload.name}: {found}")

    def close(self) -> None:
        pass


def has_bench(program: Path) -> bool:
    """Whether the program is there and knows the command."""
    if not program.exists():
        return False
    return subprocess.run([str(program), "bench", "--help"], capture_output=True).returncode == 0
