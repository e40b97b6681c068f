"""Outcomes as Markdown, ready for a document."""

import hashlib
import os
import subprocess
from collections import Counter, defaultdict
from datetime import datetime, timezone
from pathlib import Path

import machine
from progress import duration
from reliability.damaged_files import MODEL_COMMANDS
from reliability.faults import OUTCOMES, Result
from reliability.killed_runs import CHECKPOINTS, ENDS, MODELS, SIGNALS, Killed
from table import markdown


def header(program: Path, seconds: float) -> str:
    """Date, processor, program and command line as Markdown lines."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    digest = hashlib.sha256(program.read_bytes()).hexdigest()[:16]
    return "\n".join([
        f"- {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, a run of {duration(seconds)}",
        f"- {machine.processor()}, {os.cpu_count()} processors",
        f"- {version}; the program's SHA-256 begins with {digest}",
        f"- `{machine.command_line()}`",
    ])


def outcomes(results: list[Result], by: str) -> str:
    """`by` is the field that the lines are for: kind or command."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        counts[getattr(result, by)][result.outcome()] += 1
    names = {name: f"`{name}`" if by == "command" else name for name in counts}
    total = sum(counts.values(), Counter())
    rows = [[names[name], count.total(), *(count[o] for o in OUTCOMES)] for name, count in counts.items()]
    rows.append(["all", total.total(), *(total[o] for o in OUTCOMES)])
    return markdown([[by, "cases", *OUTCOMES], *(list(map(str, row)) for row in rows)])


def accepted_numbers(results: list[Result]) -> str:
    """Where a number was replaced, and the command reads the file to its end: which replacements were accepted."""
    tried: Counter[str] = Counter()
    accepted: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        reads = result.command in MODEL_COMMANDS and result.words[0] != "train" or "--resume RUN" in result.command
        if result.path and reads:
            tried[result.path] += 1
            accepted[result.path][result.value] += result.ended.code in (0, 1)
    rows = [["number", "tried", "accepted", "replacements that were accepted"]]
    for path in sorted(tried):
        values = sorted(value for value, count in accepted[path].items() if count)
        rows.append([f"`{path}`", str(tried[path]), str(accepted[path].total()), ", ".join(values)])
    return markdown(rows)


def signals(kills: list[Killed]) -> str:
    """Signal by what became of run, model and checkpoint."""
    columns = [("end", name, name) for name in ENDS]
    columns += [("model", name, f"model: {name}") for name in MODELS]
    columns += [("checkpoint", name, f"checkpoint: {name}") for name in CHECKPOINTS]
    rows = [["signal", "runs", *(title for _, _, title in columns), "files left", "with faults"]]
    for name in [*SIGNALS, "all"]:
        group = [kill for kill in kills if name in (kill.signal, "all")]
        counts = [sum(getattr(kill, field) == value for kill in group) for field, value, _ in columns]
        ends = [sum(kill.left for kill in group), sum(bool(kill.faults) for kill in group)]
        rows.append([name, *map(str, [len(group), *counts, *ends])])
    return markdown(rows)


def faults(found: list[tuple[str, str, int, str]]) -> str:
    """Of fault, command, case number and its description: like ones together."""
    together: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for fault, command, number, what in found:
        together[fault, command].append((number, what))
    rows = [["fault", "command", "times", "cases", "the shortest"]]
    for (fault, command), cases in sorted(together.items()):
        numbers = ", ".join(str(number) for number, _ in cases[:6]) + ", ..." * (len(cases) > 6)
        number, what = min(cases, key=lambda case: len(case[1]))
        rows.append([fault, f"`{command}`", str(len(cases)), numbers, f"{number}: {in_a_cell(what)}"])
    return markdown(rows) if found else "None."


def in_a_cell(text: str) -> str:
    shown = "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)
    return (shown[:97] + "..." if len(shown) > 100 else shown).replace("|", "\\|")
