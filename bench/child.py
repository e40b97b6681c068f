"""Runs a program to its end: its output, its time, and the memory that it alone used."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass


@dataclass
class Ended:
    """A program that has ended well."""

    output: str
    seconds: float
    """From its start to its end."""
    peak_bytes: int
    """The most memory that was resident at once. The system counts in what this process had when it started the
    program, so this process must stay small."""


def run(command: list[str], environment: dict[str, str]) -> Ended:
    """`environment` is added to this process's. Raises RuntimeError with the program's last line of error."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=os.environ | environment)
        # Popen.wait would lose the memory that the process used.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            stderr.seek(0)
            lines = stderr.read().strip().splitlines()
            raise RuntimeError(f"code {process.returncode}: {lines[-1] if lines else 'no message'}")
        stdout.seek(0)
        return Ended(stdout.read(), seconds, 1024 * usage.ru_maxrss)
