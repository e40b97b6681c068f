"""What a measurement was taken on: processor, instruction set, date, the program's own state, and who else was at work."""

import os
import platform
import re
import resource
import shlex
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from progress import duration

ROOT = Path(__file__).resolve().parent.parent

QUIET_SECONDS = 0.2
QUIET_SHARE = 0.1
"""Of all processors."""


def processor() -> str:
    """The name, as `chainrule bench` prints it: AMD EPYC (family 25, model 1)."""
    return processor_of(Path("/proc/cpuinfo").read_text())


def processor_of(said: str) -> str:
    """From /proc/cpuinfo. Virtual machines often hide most of the name; family and model say which design it is."""
    name = " ".join(value_of(said, "model name").split())
    family, model = value_of(said, "cpu family"), value_of(said, "model")
    numbers = f" (family {family}, model {model})" if family and model else ""
    return (name or platform.machine()) + numbers


def instruction_set() -> str:
    """The set that chainrule computes with here: avx512, avx2 or plain."""
    return instructions_of(Path("/proc/cpuinfo").read_text(), os.environ.get("CHAINRULE_INSTRUCTIONS"))


def instructions_of(said: str, named: str | None) -> str:
    """From /proc/cpuinfo, unless it is named."""
    if named:
        return named
    flags = set(value_of(said, "flags").split())
    if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= flags:
        return "avx512"
    return "avx2" if {"avx2", "fma"} <= flags else "plain"


def value_of(said: str, key: str) -> str:
    """The first value of a key in /proc/cpuinfo, or nothing."""
    for line in said.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def name() -> str:
    """What figures belong to: the processor and the instruction set."""
    return f"{processor()}, {instruction_set()}"


def keep_to_processors(count: int) -> None:
    """Some libraries take as many threads as there are processors: leave them `count`, on cores of their own."""

    def place_in_core(processor: int) -> int:
        siblings = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
        if not siblings.exists():
            return 0
        first = siblings.read_text().replace("-", ",").split(",")[0]
        return processor - int(first)

    allowed = sorted(os.sched_getaffinity(0), key=lambda processor: (place_in_core(processor), processor))
    os.sched_setaffinity(0, allowed[:count])


class Watch:
    """Measures, from when it is made, the time that passes and what other programs use of the processors."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.busy_before = busy_seconds()
        self.own_before = own_seconds()

    def seconds(self) -> float:
        return time.monotonic() - self.start

    def others_share(self) -> float:
        """Of all processors, by programs that this one did not start. Children count once they have ended."""
        others = (busy_seconds() - self.busy_before) - (own_seconds() - self.own_before)
        return max(others, 0.0) / (self.seconds() * (os.cpu_count() or 1))


def busy_seconds() -> float:
    """What all processors have worked since the machine started: user, nice and system time."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return sum(int(field) for field in fields[1:4]) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def wait_for_quiet(limit: float) -> None:
    """Returns when the processors have been nearly idle for a moment, or after `limit` seconds.

    Threads that wait for each other lose a whole time slice whenever another program takes a processor; such
    a round says nothing about the library.
    """
    end = time.monotonic() + limit
    while time.monotonic() < end:
        watch = Watch()
        time.sleep(QUIET_SECONDS)
        if watch.others_share() < QUIET_SHARE:
            return


def header(watch: Watch) -> list[str]:
    """Date, machine and command line as Markdown lines."""
    return [
        f"- {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, a run of {duration(watch.seconds())}, during which "
        f"other programs used {watch.others_share():.0%} of the processors",
        f"- {name()}, {os.cpu_count()} cores; {platform.system()} {platform.release()}",
        f"- chainrule at commit {commit()}",
        f"- `{command_line()}`",
    ]


def commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--short", "HEAD") + (", with changes" if changed else "")


def command_line() -> str:
    script = Path(sys.argv[0]).resolve().relative_to(ROOT)
    return shlex.join(["python3", str(script), *map(without_path, sys.argv[1:])])


def without_path(word: str) -> str:
    """Where something lies on this machine helps nobody else."""
    return re.sub(r"(^|=)/.*$", r"\1PATH", word)
