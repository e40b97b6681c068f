"""Runs the program once, in a folder of its own, within limits of time and memory."""

import http.client
import os
import re
import resource
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

LONGEST_SECONDS = 20.0
MOST_BYTES = 2 << 30
"""Of resident memory. Address space is held to four times as much."""
MOST_WRITTEN = 256 << 20
"""Bytes of one file."""

Files = dict[str, bytes]
"""A folder: what is in each file, by its name."""


@dataclass
class Ended:
    """A run that is over."""

    code: int
    """Below 0: the signal that it died of."""
    output: bytes
    errors: bytes
    seconds: float
    peak_bytes: int
    remark: str = ""
    """A fault that showed while it ran."""


def limit_this_process() -> None:
    """The programs that it starts inherit the limits, and how signals are treated."""
    resource.setrlimit(resource.RLIMIT_AS, (4 * MOST_BYTES, 4 * MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A signal that is ignored here, as under nohup or behind `&`, would be ignored by the program too.
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def in_folder(program: Path, words: list[str], files: Files) -> tuple[Ended, Files]:
    """Runs the program in a fresh folder with these files. Answers with the files afterwards too."""
    with tempfile.TemporaryDirectory(prefix="chainrule-reliability-") as temporary:
        folder = Path(temporary)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        ended = run(program, words, folder)
        return ended, {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def run(program: Path, words: list[str], folder: Path) -> Ended:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        process = subprocess.Popen(
            [program, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        alarm = threading.Timer(LONGEST_SECONDS, os.kill, (process.pid, signal.SIGKILL))
        alarm.start()
        had_page, remark = visit(process.pid, output.fileno()) if words[0] == "explore" else (False, "")
        # Popen.wait would lose the memory that the process used.
        _, status, usage = os.wait4(process.pid, 0)
        alarm.cancel()
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        # Ctrl-C is how explore ends.
        code = 0 if had_page and process.returncode == 130 else process.returncode
        output.seek(0)
        errors.seek(0)
        return Ended(code, output.read(), errors.read(), seconds, 1024 * usage.ru_maxrss, remark)


def visit(pid: int, output: int) -> tuple[bool, str]:
    """Waits for the address that `explore` prints, asks for its page and its first step, and sends Ctrl-C.

    Says whether there was an address, and what was wrong with the answers.
    """
    while not (address := re.search(rb"http://([\w.:]+)(/[^\s\"]*/)[\s\"]", os.pread(output, 4096, 0))):
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return False, ""
        time.sleep(0.002)
    host, page = (group.decode() for group in address.groups())
    remarks = [ask(host, page), ask(host, f"{page}api/revisions/1")]
    os.kill(pid, signal.SIGINT)
    return True, next(filter(None, remarks), "")


def ask(host: str, path: str) -> str:
    """What is wrong with the answer, if anything is."""
    connection = http.client.HTTPConnection(host, timeout=LONGEST_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return f"the page answers with status {answer.status}" if answer.status >= 500 else ""
    except (OSError, http.client.HTTPException) as error:
        return f"the page does not answer: {type(error).__name__}"
    finally:
        connection.close()
