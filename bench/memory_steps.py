"""Training steps of one network that hold different amounts of memory: what they are, and what they measured."""

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import prepare
from libraries import Library, WORKERS
from timers import Failure, WorkerTimer
from workloads import Workload

PROOF_STEPS = 2

PROOF_TOLERANCE = 1e-4
"""Relative, of the losses of a checkpointed step against those of the plain one."""

POLL_SECONDS = 0.01
"""How often the resident size of chainrule is read while it runs."""

TINY = ["--layers", "1,1", "--batch", "1"]


@dataclass
class Step:
    """One way to do a training step, and its rounds."""

    bytes: int
    """What it holds, as the program says: chainrule from its plan, PyTorch from its resident peak."""
    recomputed: float
    """The share of a forward pass that is computed again."""
    rounds: list[float] = field(default_factory=list)
    """Microseconds of a step."""
    failure: str = ""


@dataclass
class ChainruleStep(Step):
    microbatches: int = 1
    every: int = 0
    """Layers between the states that a periodic step keeps; 0 for planned steps."""
    resident_bytes: int = 0
    """The highest resident size, less that of the program with a tiny network, less the batch."""


@dataclass
class TorchStep(Step):
    segments: int = 0
    """Of checkpoint_sequential; 0 is the plain step."""
    live_bytes: int = 0
    """The most bytes in live tensors."""
    last_bytes: int = 0
    """The resident peak again, after all rounds."""


class ChainruleSteps:
    """The steps of `chainrule bench` on one network. Limits that lead to the same plan share one step."""

    def __init__(self, program: Path, workload: Workload, threads: int) -> None:
        self.program, self.workload, self.threads = program, workload, threads
        self.by_schedule: dict[str, ChainruleStep] = {}
        self.plan = self.run("plan", ["--microbatches", "1"])
        self.start_bytes = self.watch(["--seconds", "0.01", *TINY])[1]

    def within(self, limit: int, microbatches: str) -> ChainruleStep | None:
        """The step that is planned for a limit, if there is one."""
        try:
            plan = self.run("plan", ["--memory", str(limit), "--microbatches", microbatches])
        except TooLittle:
            return None
        schedule = json.dumps([plan["microbatches"], plan["schedule"]])
        if schedule not in self.by_schedule:
            step = ChainruleStep(plan["peak_bytes"], plan["recomputed"], microbatches=plan["microbatches"])
            self.by_schedule[schedule] = step
        return self.by_schedule[schedule]

    def periodic(self, every: int, bytes: int, recomputed: float) -> ChainruleStep:
        """The step that keeps a state every so many layers."""
        step = ChainruleStep(bytes, recomputed, every=every)
        self.by_schedule[f"periodic {every}"] = step
        return step

    def time_round(self, step: ChainruleStep, seconds: float) -> None:
        words = ["--memory", str(step.bytes), "--microbatches", str(step.microbatches)]
        if step.every:
            words = ["--periodic", str(step.every)]
        answer, resident = self.watch([*words, "--seconds", str(seconds), *self.network()])
        found = (tuple(answer["layers"]), answer["batch"], answer["bytes"], answer["microbatches"])
        expected = (self.workload.widths, self.workload.batch, step.bytes, step.microbatches)
        if found != expected:
            raise Failure(f"chainrule times another step than it planned: {found}, not {expected}")
        step.rounds.append(answer["microseconds_per_step"])
        resident -= self.start_bytes + batch_bytes(self.workload)
        step.resident_bytes = max(step.resident_bytes, resident)

    def network(self) -> list[str]:
        widths = ",".join(str(width) for width in self.workload.widths)
        return ["--layers", widths, "--batch", str(self.workload.batch)]

    def common(self) -> list[str]:
        words = ["--loss", "mean-squared-error", "--optimizer", "sgd"]
        return [*words, "--threads", str(self.threads), "--json"]

    def run(self, name: str, words: list[str]) -> dict[str, Any]:
        command = [str(self.program), name, *self.network(), *self.common(), *words]
        result = subprocess.run(command, capture_output=True, text=True)
        check(result.returncode, result.stderr)
        return json.loads(result.stdout)

    def watch(self, words: list[str]) -> tuple[dict[str, Any], int]:
        """What `chainrule bench` answers, and its highest resident size in bytes."""
        command = [str(self.program), "bench", *self.common(), "--rounds", "1", *words]
        peak = 0
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(command, stdout=output, stderr=errors)
            while process.poll() is None:
                peak = max(peak, high_water(process.pid))
                time.sleep(POLL_SECONDS)
            for file in (output, errors):
                file.seek(0)
            check(process.returncode, errors.read())
            return json.loads(output.read()), peak


class TooLittle(Failure):
    """No step fits in the memory."""


def check(code: int, errors: str) -> None:
    if code == 0:
        return
    message = (errors.strip().splitlines() or ["no message"])[0]
    kind = TooLittle if code == 2 and "needs at least" in message else Failure
    raise kind(f"chainrule ended with code {code}: {message}")


def high_water(process: int) -> int:
    """The highest resident size of a process so far, in bytes; 0 when it has ended or has not begun."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return max((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), default=0)


def batch_bytes(workload: Workload) -> int:
    """Of the inputs and targets, which neither library's figure contains."""
    return 4 * workload.batch * (workload.widths[0] + workload.widths[-1])


def segment_numbers(depth: int) -> list[int]:
    """0 for the plain step; a few, many, the square root, and half the layers."""
    return sorted({0, *(number for number in (2, 4, 8, round(depth**0.5), depth // 2) if 2 <= number <= depth)})


def recomputed_share(workload: Workload, segments: int) -> float:
    """Of a forward pass, by checkpoint_sequential: all segments but the last, which takes the layers that remain."""
    products = [a * b for a, b in zip(workload.widths, workload.widths[1:])]
    again = len(products) // segments * (segments - 1) if segments else 0
    return sum(products[:again]) / sum(products)


class TorchSteps:
    """A worker process for each number of segments, which starts, proves itself, and stays."""

    def __init__(self, workload: Workload, threads: int) -> None:
        self.workload, self.threads = workload, threads
        self.expected: list[float] = []

    def start(self, segments: int) -> tuple[TorchStep, WorkerTimer]:
        library = self.variant(segments)
        try:
            timer = WorkerTimer(library, Path())
        except OSError as error:
            raise Failure(f"{library.label}: {error}") from None
        try:
            self.prove(timer)
            step = TorchStep(peak(timer), recomputed_share(self.workload, segments), segments=segments)
            step.live_bytes = self.live_bytes(library)
            return step, timer
        except Failure:
            timer.close()
            raise

    def variant(self, segments: int) -> Library:
        script = str(WORKERS / "torch_memory.py")
        network = json.dumps({"widths": self.workload.widths, "batch": self.workload.batch})
        command = [str(prepare.PYTHON), script, network, str(self.threads), str(segments)]
        variant = f"with {segments} segments" if segments else "plain"
        return Library("PyTorch", variant, self.threads, lambda directory: command)

    def prove(self, timer: WorkerTimer) -> None:
        """The first worker, which is the plain one, says what the losses of the others must be."""
        losses = timer.prove(PROOF_STEPS, self.workload.learning_rate)
        self.expected = self.expected or losses
        for loss, expected in zip(losses, self.expected):
            if not abs(loss / expected - 1) <= PROOF_TOLERANCE:
                raise Failure(f"{timer.label} does other work: its loss is {loss:.6g}, not {expected:.6g}")

    def live_bytes(self, library: Library) -> int:
        command = [*library.command(Path()), "live"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            lines = result.stderr.strip().splitlines()
            raise Failure(f"{library.label}: {lines[-1] if lines else 'no message'}")
        return int(result.stdout)


def peak(timer: WorkerTimer) -> int:
    """The resident peak of a worker so far, in bytes."""
    return int(timer.ask("peak", "peak")[0])
