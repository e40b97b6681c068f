"""Every command with extreme values of its flags, which are read from its help."""

import math
import random
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from reliability.damaged_files import Source
from reliability.faults import Result, faults_of
from reliability.running import in_folder

NAMES = ["", " ", ".", "..", "../..", "missing", "x" * 5000, "two\nlines", "\x1b[31mred", "bell\x07", "\x7f", "next\x85",
         "é", "a,b", "=", "--", "0", "people.csv", "people.safetensors", "run", "digits"]
KNOWN_NAMES = ["age", "city", "joined", "weight", "outcome", "age,city", "good", "age=category", "joined=date:%Y",
               "city=index", "comma", "tab", ";", ",", "utf-16", "latin1", "0.5", "1", "people.csv"]
NUMBERS = ["-1", "-0", "0", "1", "2", "0.5", "1e308", "-1e308", "1e-320", "1e999", "nan", "inf", "-inf", "1000000",
           str(2**31), str(2**32), str(2**63), str(2**64), "9" * 400]
SHAPES = ["0..0", "8..0", "0..1", "..", "1..", "80..99", f"0..{2**64 - 1}", f"{2**63}..{2**63 + 2}", "-1..3",
          "999999999..1000000000", "7,5,2", "5,0,2", "1x300", "4,4,", "none", "100000x100000", "1x1000000",
          "99999999999GiB", "1GiB", "20KiB", "auto", "0x3"]
"""Ranges, widths, bytes."""
NAMED = {"COLUMN", "COLUMNS", "CLASS", "WORDS", "MODEL", "FILE", "SHARE|DATA", "COLUMN=TYPE", "NAME", "CHARACTER"}
"""Such values get names only: `nan` in an answer would be one of them."""
SHAPED = {"ROWS", "WIDTHS", "BYTES"}
LONG_RUNNING = {"--epochs", "--rounds", "--seconds"}
"""A large number there is a wish for a long run."""

USUAL = {
    "train": ["people.csv", "--epochs", "1", "--threads", "1"],
    "describe": ["people.csv"],
    "inspect": ["people.safetensors"],
    "plan": ["people.safetensors"],
    "bench": ["--layers", "4,4", "--rounds", "1", "--seconds", "0.01"],
    "explore": ["people.safetensors", "people.csv", "--port", "0", "--no-open"],
}
OF_A_MODEL = ["people.safetensors", "people.csv"]
"""Usual arguments of the other commands."""


@dataclass
class Flag:
    name: str
    value: str
    """What stands for its value in the help; nothing for a switch."""
    possible: list[str]


def flags_of(program: Path) -> dict[str, list[Flag]]:
    """Of each command."""

    def help_text(*words: str) -> str:
        return subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True).stdout

    listed = help_text().split("Commands:\n")[1].split("\n\n")[0]
    commands = re.findall(r"^  (\w+) ", listed, re.MULTILINE)
    return {command: read_flags(help_text(command)) for command in commands if command != "help"}


def read_flags(text: str) -> list[Flag]:
    flags = []
    for part in re.split(r"^ +(?:-\w, )?(?=--\w)", text, flags=re.MULTILINE)[1:]:
        name, value, rest = re.match(r"(--[\w-]+)(?: <([^>]+)>)?(.*)", part, re.DOTALL).groups()
        possible = re.search(r"possible\s+values:([^]]*)", rest)
        flags.append(Flag(name, value or "", re.findall(r"[\w-]+", possible[1]) if possible else []))
    return [flag for flag in flags if flag.name not in ("--help", "--version")]


def extreme_argument_case(number: int, seed: int, program: Path, source: Source, flags: dict[str, list[Flag]]) -> Result:
    """`source` is of people.csv."""
    rng = random.Random(f"{seed} arguments {number}")
    command = list(flags)[number % len(flags)]
    words, written = [command, *USUAL.get(command, OF_A_MODEL)], set()
    for flag in rng.sample(flags[command], min(len(flags[command]), rng.choice([1, 1, 2, 3]))):
        value = extreme_value(flag, rng)
        words = [*without(flag, words), f"{flag.name}={value}" if flag.value else flag.name]
        if flag.name in ("--output", "--checkpoint"):
            written.add(value)
    files = [i for i, word in enumerate(words) if word.startswith("people.")]
    if files and rng.random() < 0.2:
        words[rng.choice(files)] = rng.choice(NAMES)
    before = source.table | {"people.safetensors": source.model, "run": source.checkpoint}
    ended, after = in_folder(program, words, before)
    if command == "train":
        written |= {name for name in after if name.endswith(".safetensors")}
    inputs = set(words) & before.keys()
    shown = shlex.join(words)
    return Result(
        number, words, command, "", shown, ended, faults_of(ended, words, before, after, written - inputs), before
    )


def without(flag: Flag, words: list[str]) -> list[str]:
    if flag.name not in words:
        return words
    at = words.index(flag.name)
    return words[:at] + words[at + (2 if flag.value else 1) :]


def extreme_value(flag: Flag, rng: random.Random) -> str:
    if flag.possible and rng.random() < 0.6:
        return rng.choice(flag.possible)
    if flag.value in NAMED:
        return rng.choice(rng.choice([NAMES, KNOWN_NAMES]))
    numbers = [number for number in NUMBERS if flag.name not in LONG_RUNNING or not 10 < float(number) < math.inf]
    lists = [SHAPES, SHAPES, SHAPES, numbers, NAMES] if flag.value in SHAPED else [numbers] * 4 + [SHAPES, NAMES]
    return rng.choice(rng.choice(lists))
