"""Models and checkpoints that the program wrote, damaged, and given to every command that takes one."""

import math
import random
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from reliability.faults import Result, faults_of
from reliability.mutations import KINDS, mutate
from reliability.running import Files, in_folder
from reliability.tables import houses, people
from reliability.tensor_file import says_it_is_a_model

SOURCES = {
    "classes": ("people.csv", "--layers 6,5 --missing unknown --ignore weight"),
    "weighted": (
        "people.csv",
        "--layers 6 --weight weight --balance-classes --optimizer adam --schedule cosine --warmup 1 --activation elu",
    ),
    "number": (
        "houses.csv",
        "--layers 6,4 --dropout 0.2 --loss huber --optimizer sgd --momentum 0.5 --learning-rate 0.01 --clip-norm 1 "
        "--schedule reduce-on-plateau --patience 9",
    ),
    "targets": (
        "houses.csv",
        "--target size --target price --layers 5 --activation leaky-relu --optimizer rmsprop --momentum 0.5 "
        "--schedule step --clip-value 1",
    ),
    "digits": ("digits", "--layers 8 --optimizer adagrad --schedule constant"),
}
"""Data and flags of the runs whose models and checkpoints are damaged."""

MODEL_COMMANDS = """\
inspect MODEL
inspect MODEL --json
predict MODEL DATA
predict MODEL DATA --json
predict MODEL DATA -o written.csv
evaluate MODEL DATA
evaluate MODEL DATA --json
evaluate MODEL DATA --part test
check MODEL DATA --samples 20
check MODEL DATA --samples 20 --json
trace MODEL DATA
trace MODEL DATA --json
trace MODEL DATA -o written.json
trace MODEL DATA -o written.safetensors
explore MODEL DATA --json --no-open --port 0
plan MODEL
plan MODEL --json
train DATA FLAGS # over MODEL
train DATA FLAGS -o MODEL
train DATA FLAGS --resume MODEL -o written.safetensors""".splitlines()
CHECKPOINT_COMMANDS = """\
train DATA FLAGS --resume RUN
train DATA FLAGS --resume RUN --json
train DATA FLAGS --resume RUN --checkpoint RUN
train DATA FLAGS --resume RUN --epochs 3
train DATA FLAGS # over RUN
inspect RUN
predict RUN DATA
evaluate RUN DATA
check RUN DATA
trace RUN DATA
explore RUN DATA --json --no-open --port 0
plan RUN""".splitlines()
"""RUN is a checkpoint of three epochs. `over`: without -o train writes to MODEL, whose name is that of the data."""
COMMANDS = MODEL_COMMANDS + CHECKPOINT_COMMANDS
EPOCHS = 3


@dataclass
class Source:
    name: str
    data: str
    flags: list[str]
    table: Files
    """The data as files; none where it is built in."""
    model: bytes
    checkpoint: bytes

    def model_name(self) -> str:
        """Where train saves the model if nothing else is said."""
        return f"{Path(self.data).stem}.safetensors"


def train_source(program: Path, name: str) -> Source:
    data, flags = SOURCES[name]
    tables = {"people.csv": people(90), "houses.csv": houses(90)}
    table = {data: tables[data]} if data in tables else {}
    words = ["train", data, *flags.split(), "--epochs", str(EPOCHS), "--threads", "1", "-o", "model", "--checkpoint", "run"]
    ended, files = in_folder(program, words, table)
    if ended.code != 0:
        sys.exit(f"{shlex.join(words)}: {ended.errors.decode(errors='replace')}")
    return Source(name, data, flags.split(), table, files["model"], files["run"])


def damaged_file_case(number: int, seed: int, program: Path, sources: list[Source]) -> Result:
    """Commands and kinds take turns, so that any number of cases is spread evenly, and in time all pairs occur."""
    rng = random.Random(f"{seed} files {number}")
    command = COMMANDS[number % len(COMMANDS)]
    kind = KINDS[(number + number // math.lcm(len(COMMANDS), len(KINDS))) % len(KINDS)]
    source = rng.choice(sources)
    is_model = command in MODEL_COMMANDS
    mutation = mutate(kind, source.model if is_model else source.checkpoint, rng)
    words = arguments_of(command, source)
    place = "run" if "run" in words else source.model_name()
    before = source.table | {place: mutation.data}
    ended, after = in_folder(program, words, before)
    faults = faults_of(ended, words, before, after, written_by(words, source))
    if " # over " in command and ended.code == 0 and not says_it_is_a_model(mutation.data):
        faults.append("a file that is no model was replaced without being named")
    if words[0] != "train" and not is_model and ended.code in (0, 1):
        faults.append("a checkpoint was taken for a model")
    what = f"{source.name}: {mutation.what}"
    return Result(number, words, command, kind, what, ended, faults, before, mutation.path, mutation.value)


def arguments_of(command: str, source: Source) -> list[str]:
    meant = {"MODEL": [source.model_name()], "RUN": ["run"], "DATA": [source.data], "FLAGS": source.flags}
    words = [word for part in command.split(" # ")[0].split() for word in meant.get(part, [part])]
    if words[0] == "train" and "--epochs" not in words:
        # A run goes on behind its checkpoint.
        words += ["--epochs", str(EPOCHS + 2 if "--resume" in words else 1)]
    return words


def written_by(words: list[str], source: Source) -> set[str]:
    written = {words[i + 1] for i, word in enumerate(words) if word in ("-o", "--checkpoint")}
    if words[0] == "train" and "-o" not in words:
        written.add(source.model_name())
    return written
