"""Training runs that are stopped by signals at random moments, over a model that is good."""

import os
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from reliability.running import LONGEST_SECONDS, Ended, Files, in_folder, run
from reliability.tables import houses
from reliability.tensor_file import split

SIGNALS = {"SIGKILL": 11, "SIGINT": 3, "SIGTERM": 2, "SIGHUP": 2, "SIGINT twice": 2}
"""Of 20 runs."""
TURNS = [name for name, count in SIGNALS.items() for _ in range(count)]
ENDS = ["had ended", "handled it", "died of it", "otherwise"]
MODELS = ["old", "best so far", "new", "untrained", "damaged"]
CHECKPOINTS = ["none", "same end", "other end", "damaged"]

EPOCHS = 100
START_SHARE = 0.05
"""A quarter of the signals comes in this part of a run, before there is much to save."""
TRAIN = "train houses.csv --target price --layers 16,8 --dropout 0.1 --schedule constant --threads 1".split()
MODEL, CHECKPOINT, TABLE = "model.safetensors", "run", "houses.csv"
SAVED = ["-o", MODEL, "--checkpoint", CHECKPOINT]


@dataclass
class Killed:
    """A run that got a signal."""

    number: int
    signal: str
    resumed: bool
    moment: float
    """Seconds from its start."""
    code: int = 0
    end: str = ""
    model: str = ""
    """Which lies there afterwards."""
    checkpoint: str = ""
    left: int = 0
    """Files that it left behind."""
    faults: list[str] = field(default_factory=list)


class Kills:
    """All runs are in one folder, so that what one leaves behind is there for the next."""

    def __init__(self, program: Path, seed: int, folder: Path) -> None:
        self.program, self.seed, self.folder = program, seed, folder
        table = {TABLE: houses(300)}
        self.table = table
        self.whole_line = [*TRAIN, "--epochs", str(EPOCHS), *SAVED]
        self.resumed_line = [*self.whole_line, "--resume", CHECKPOINT]
        _, old = self.good([*TRAIN, "--epochs", "2", "--seed", "1", *SAVED], table)
        _, part = self.good([*TRAIN, "--epochs", str(EPOCHS // 3), *SAVED], table)
        self.old_model, self.part = old[MODEL], part[CHECKPOINT]
        whole = [self.good(self.whole_line, table) for _ in range(3)]
        resumed = [self.good(self.resumed_line, table | {CHECKPOINT: self.part}) for _ in range(3)]
        self.new_model = whole[0][1][MODEL]
        if any(files[MODEL] != self.new_model for _, files in whole + resumed):
            sys.exit("training does not repeat itself byte for byte: there is nothing to compare with")
        self.seconds = {False: middle(whole), True: middle(resumed)}
        """Of a run from the start, and of a resumed one."""
        (folder / TABLE).write_bytes(table[TABLE])

    def good(self, words: list[str], files: Files) -> tuple[Ended, Files]:
        ended, after = in_folder(self.program, words, files)
        if ended.code != 0:
            sys.exit(f"{shlex.join(words)}: {ended.errors.decode(errors='replace')}")
        return ended, after

    def left(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()} - {TABLE, MODEL, CHECKPOINT}

    def kill(self, number: int) -> Killed:
        rng = random.Random(f"{self.seed} kills {number}")
        resumed = (number + number // len(TURNS)) % 2 == 1
        longest = self.seconds[resumed] * (START_SHARE if rng.random() < 0.25 else 1.0)
        killed = Killed(number, TURNS[number % len(TURNS)], resumed, moment=rng.random() * longest)
        (self.folder / MODEL).write_bytes(self.old_model)
        (self.folder / CHECKPOINT).unlink(missing_ok=True)
        if resumed:
            (self.folder / CHECKPOINT).write_bytes(self.part)
        left_before = self.left()
        self.start_and_kill(killed, pause=rng.random() * 0.02)
        killed.left = len(self.left() - left_before)
        self.judge_model(killed)
        self.judge_checkpoint(killed)
        return killed

    def start_and_kill(self, killed: Killed, pause: float) -> None:
        """`pause` is between two signals."""
        number = getattr(signal, killed.signal.split()[0])
        command = [self.program, *(self.resumed_line if killed.resumed else self.whole_line)]
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
            )
            time.sleep(killed.moment)
            reported = re.findall(rb"^epoch (\d+)/", os.pread(output.fileno(), 1 << 20, 0), re.MULTILINE)
            process.send_signal(number)
            if killed.signal.endswith("twice"):
                time.sleep(pause)
                process.send_signal(number)
            try:
                killed.code = process.wait(LONGEST_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed.faults.append(f"ran for {LONGEST_SECONDS:.0f} s after {killed.signal}")
            if b"panicked" in os.pread(errors.fileno(), 1 << 20, 0):
                killed.faults.append("panicked")
        killed.end = {0: "had ended", -number: "died of it", 128 + number: "handled it"}.get(killed.code, "otherwise")
        if killed.end == "otherwise":
            killed.faults.append(f"exit code {killed.code} after {killed.signal}")
        if reported and killed.signal != "SIGKILL":
            if killed.end == "died of it":
                killed.faults.append(f"{killed.signal} is not handled: the program died of it after an epoch")
            if killed.end == "had ended" and int(reported[-1]) < EPOCHS // 2:
                killed.faults.append(f"{killed.signal} is ignored")

    def judge_model(self, killed: Killed) -> None:
        path = self.folder / MODEL
        data = path.read_bytes() if path.exists() else b""
        if data == self.new_model:
            killed.model = "new"
            return
        if killed.end == "had ended":
            killed.faults.append("ended with code 0 and without the model of an uninterrupted run")
        if data == self.old_model:
            killed.model = "old"
            return
        ended, _ = in_folder(self.program, ["inspect", MODEL, "--json"], {MODEL: data})
        if ended.code != 0 or killed.end != "handled it":
            killed.model = "damaged"
            killed.faults.append("the old model is gone, and there is no whole new one")
            return
        training = split(data)[0]["__metadata__"]["chainrule"]["training"]
        killed.model = "best so far" if min(training["epochs"], training["best_epoch"]) > 0 else "untrained"
        if killed.model == "untrained":
            killed.faults.append("the old model was replaced by one of no epoch")

    def judge_checkpoint(self, killed: Killed) -> None:
        path = self.folder / CHECKPOINT
        if not path.exists():
            killed.checkpoint = "none"
            if killed.resumed:
                killed.faults.append("the checkpoint is gone")
            return
        words = [*TRAIN, "--epochs", str(EPOCHS), "-o", MODEL, "--resume", CHECKPOINT]
        ended, after = in_folder(self.program, words, self.table | {CHECKPOINT: path.read_bytes()})
        if ended.code != 0:
            killed.checkpoint = "damaged"
            killed.faults.append("the checkpoint cannot be resumed")
            return
        killed.checkpoint = "same end" if after[MODEL] == self.new_model else "other end"
        if killed.checkpoint == "other end":
            killed.faults.append("the resumed run does not end with the model of an uninterrupted one")

    def run_undisturbed(self) -> int:
        """The exit code of one more run in the folder."""
        (self.folder / CHECKPOINT).unlink(missing_ok=True)
        return run(self.program, self.whole_line, self.folder).code


def middle(runs: list[tuple[Ended, Files]]) -> float:
    """The median of their seconds."""
    return sorted(ended.seconds for ended, _ in runs)[len(runs) // 2]
