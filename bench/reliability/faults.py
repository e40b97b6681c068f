"""What no run may do, whatever its files and arguments are."""

import json
import math
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from reliability.running import LONGEST_SECONDS, MOST_BYTES, Ended, Files
from reliability.tensor_file import split, tensors_of, values_of

NOT_FINITE = re.compile(r"(?<![\w.\"])-?(nan|inf|infinity)(?!\w)", re.IGNORECASE)
"""A word in quotation marks is a name, or a text of the file that is shown."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but the line break and the tab."""
OUTCOMES = ["accepted", "refused", "check failed", "fault"]


@dataclass
class Result:
    """What became of a case."""

    number: int
    words: list[str]
    """The arguments of the program."""
    command: str
    """Under which it is counted."""
    kind: str
    """Of damage."""
    what: str
    """The case in a few words."""
    ended: Ended
    faults: list[str]
    before: Files
    path: str = ""
    """In the header, of a number that was replaced,"""
    value: str = ""
    """and by what."""

    def outcome(self) -> str:
        if self.faults:
            return "fault"
        return {0: "accepted", 1: "check failed"}.get(self.ended.code, "refused")


def faults_of(ended: Ended, words: list[str], before: Files, after: Files, may_change: set[str]) -> list[str]:
    """Of the files the run may add or change `may_change` only."""
    if ended.seconds >= LONGEST_SECONDS:
        return [f"ran longer than {LONGEST_SECONDS:.0f} s"]
    output, errors = (text.decode(errors="replace") for text in (ended.output, ended.errors))
    return [
        *([ended.remark] if ended.remark else []),
        *faults_of_end(ended, errors, words),
        *(faults_of_refusal(output, errors, words) if ended.code == 2 else []),
        *(faults_of_answer(output, words) if ended.code in (0, 1) else []),
        *faults_of_text(output, errors),
        *faults_of_files(ended.code, before, after, may_change),
    ]


def faults_of_end(ended: Ended, errors: str, words: list[str]) -> Iterator[str]:
    if ended.peak_bytes > MOST_BYTES:
        yield f"held more than {MOST_BYTES >> 30} GiB"
    if panic := re.search(r"panicked at ([^\s:]+:\d+)", errors):
        yield f"panicked at {panic[1]}"
    elif ended.code < 0:
        yield f"died of {signal.Signals(-ended.code).name}"
    elif ended.code not in (0, 2) and not (ended.code == 1 and words[0] == "check"):
        yield f"exit code {ended.code}"


def faults_of_refusal(output: str, errors: str, words: list[str]) -> Iterator[str]:
    if not re.search("^error: ", errors, re.MULTILINE):
        yield "exit code 2 without a line that starts with 'error: '"
    # What train has to say it says while it runs, and a run can still diverge.
    if output and (words[0] != "train" or "--json" in words):
        yield "exit code 2 with something on stdout"


def faults_of_answer(output: str, words: list[str]) -> Iterator[str]:
    if not output.strip():
        yield "success with nothing on stdout"
    elif "--json" in words:
        try:
            json.loads(output)
        except ValueError:
            yield "stdout is not JSON"
    if word := NOT_FINITE.search(output):
        yield f"{word[1]} on stdout"


def faults_of_text(output: str, errors: str) -> Iterator[str]:
    for name, text in (("stdout", output), ("stderr", errors)):
        if CONTROL.search(text):
            yield f"a control character on {name}"


def faults_of_files(code: int, before: Files, after: Files, may_change: set[str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        shown = ".tmp..." if name.startswith(".tmp") else ascii(name[:30])
        if name not in after:
            yield f"{shown} was removed"
        elif name not in may_change and not name.endswith(".last-good.safetensors"):
            yield f"{shown} was {'changed' if name in before else 'left behind'}"
        elif code == 2 and name in before and name != "run":
            yield f"refused, but {shown} was changed"
        elif has_not_finite(after[name]):
            yield f"nan or inf was written to {shown}"


def has_not_finite(data: bytes) -> bool:
    """Of a file that the program wrote: among tensors, or in text."""
    if data[8:9] != b"{":
        return NOT_FINITE.search(data.decode(errors="replace")) is not None
    header, body = split(data)
    return any(not math.isfinite(value) for tensor in tensors_of(header) for value in values_of(tensor, body))
