"""What a measurement was taken on: the processor, the date, the program's own state."""

import os
import platform
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def header(seconds: float) -> list[str]:
    """Date, machine and command line as Markdown lines, for a run that took this long."""
    busy = os.getloadavg()[0]
    return [
        f"- {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC; the run took {seconds / 60:.0f} min",
        f"- {processor()}, {os.cpu_count()} cores; {platform.system()} {platform.release()}; "
        f"load average at the end {busy:.1f}",
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
    return shlex.join(["python3", str(script), *sys.argv[1:]])
