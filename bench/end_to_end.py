"""Times whole programs that train a network, chainrule among them, in turns; bench/README.md says how.

    python3 bench/end_to_end.py

It needs Python 3.11, cargo, Debian's package dataset-fashion-mnist, and the network the first time, when it makes
bench/.venv.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import child
import machine
import prepare
import sections
from options import add_common, positive
from progress import Progress
from table import markdown

CHAPTER = sections.Chapter("end_to_end.py", "Whole programs")
PROGRAMS = prepare.BENCH / "programs"
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
TASKS = ["fashion", "digits"]

USUAL_SECONDS = {"fashion": 18.0, "digits": 4.0}
"""What a program takes, for the estimate of the time a run takes."""


@dataclass
class Outcome:
    """One run of one program."""

    training_seconds: float
    whole_seconds: float
    """From its start to its end."""
    test_accuracy: float
    peak_bytes: int
    """The most memory that was resident at once."""


@dataclass
class Contender:
    name: str
    command: list[str]
    """SEED and MODEL in it stand for the round and a file to write."""
    outcomes: list[Outcome] = field(default_factory=list)
    failure: str = ""


def main() -> int:
    arguments = parse_arguments()
    program = prepare.prepare_program(arguments)
    contenders = {task: make_contenders(task, arguments, program) for task in arguments.tasks}
    machine.keep_to_processors(arguments.threads)
    watch = machine.Watch()
    run_all(arguments, contenders)
    report(arguments, contenders, watch)
    failures = [c.failure for group in contenders.values() for c in group if c.failure]
    return 1 if failures else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times whole programs that train a network, in turns.")
    add = parser.add_argument
    add("--tasks", nargs="+", choices=TASKS, default=TASKS, help="fashion digits")
    add("--data", type=Path, default=FASHION_MNIST, metavar="DIRECTORY", help=f"Fashion-MNIST ({FASHION_MNIST})")
    add("--rounds", type=positive(int), default=3, help="runs of each program, of which the best counts (3)")
    add_common(parser, "run")
    return parser.parse_args()


def make_contenders(task: str, arguments: argparse.Namespace, program: Path) -> list[Contender]:
    def python(script: str, *words: str) -> list[str]:
        return [str(prepare.PYTHON), str(PROGRAMS / script), *words]

    common = ["--threads", str(arguments.threads), "--seed", "SEED", "-o", "MODEL", "--json"]
    if task == "digits":
        return [
            Contender("chainrule", [str(program), "train", "digits", *common]),
            Contender("PyTorch", python("digits_torch.py", "SEED")),
            Contender("scikit-learn", python("digits_scikit_learn.py", "SEED")),
        ]
    data = str(arguments.data)
    network = ["--layers", "784,512,256,10", "--epochs", "10", "--batch-size", "128", "--optimizer", "adam"]
    network += ["--schedule", "constant", "--label-smoothing", "0", "--validation", "0"]
    return [
        Contender("chainrule", [str(program), "train", data, *network, *common]),
        Contender("PyTorch, slicing", python("fashion_torch.py", data, "SEED", "slicing")),
        Contender("PyTorch, DataLoader", python("fashion_torch.py", data, "SEED", "loader")),
        Contender("JAX", python("fashion_jax.py", data, "SEED")),
        Contender("scikit-learn", python("fashion_scikit_learn.py", data, "SEED")),
    ]


def run_all(arguments: argparse.Namespace, contenders: dict[str, list[Contender]]) -> None:
    total = arguments.rounds * sum(USUAL_SECONDS[task] * len(group) for task, group in contenders.items())
    progress = Progress(total)
    for task, group in contenders.items():
        for seed in range(arguments.rounds):
            for contender in group:
                progress.begin(f"{task}: round {seed + 1}, {contender.name}")
                if not contender.failure:
                    machine.wait_for_quiet(arguments.wait)
                    run_once(contender, seed, arguments.threads)
                progress.finish(USUAL_SECONDS[task])
    progress.clear()


def run_once(contender: Contender, seed: int, threads: int) -> None:
    with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as folder:
        places = {"SEED": str(seed), "MODEL": str(Path(folder) / "model.safetensors")}
        command = [places.get(word, word) for word in contender.command]
        try:
            contender.outcomes.append(run_program(command, threads))
        except (OSError, RuntimeError) as error:
            contender.failure = f"{contender.name}: {error}"


def run_program(command: list[str], threads: int) -> Outcome:
    names = ["OMP", "MKL", "OPENBLAS"]
    limits = {f"{name}_NUM_THREADS": str(threads) for name in names} | {"JAX_PLATFORMS": "cpu"}
    ended = child.run(command, limits)
    training_seconds, accuracy = answer(json.loads(ended.output))
    return Outcome(training_seconds, ended.seconds, accuracy, ended.peak_bytes)


def answer(result: dict[str, Any]) -> tuple[float, float]:
    """Training seconds and test accuracy, from what chainrule or a Python program prints."""
    if "test" in result:
        return result["seconds"], result["test"]["accuracy"]
    return result["training_seconds"], result["test_accuracy"]


TITLES = {
    "fashion": "Fashion-MNIST: 784-512-256-10, ReLU, 10 epochs, batches of 128, Adam at 0.001",
    "digits": "Digits: 64-128-128-10, ReLU, 200 epochs, batches of 32",
}


def report(arguments: argparse.Namespace, contenders: dict[str, list[Contender]], watch: machine.Watch) -> None:
    paragraphs = ["\n".join(machine.header(watch))]
    paragraphs.append(
        f"{arguments.threads} threads; runs of each program: {arguments.rounds}, in turns, each with its own seed; the "
        "shortest times, the mean accuracy, the largest peak of resident memory. The whole process includes start, "
        "reading the data and the test."
    )
    for task, group in contenders.items():
        paragraphs += [f"#### {TITLES[task]}", as_table(group)]
        paragraphs += [f"Not measured: {c.failure}" for c in group if c.failure]
    text = "\n\n".join(paragraphs) + "\n"
    if arguments.output:
        notice = sections.update(arguments.output, CHAPTER, machine.name(), text)
        if notice:
            prepare.say(notice)
    title = f"# {CHAPTER.title}, side by side\n\n"
    print(as_json(contenders) if arguments.json else title + text, end="")


def as_table(group: list[Contender]) -> str:
    rows = [["program", "training, s", "whole process, s", "over chainrule", "test accuracy", "peak memory, MiB"]]
    ours = [outcome.whole_seconds for outcome in group[0].outcomes]
    for contender in group:
        outcomes = contender.outcomes
        if not outcomes:
            rows.append([contender.name] + ["-"] * 5)
            continue
        whole = min(outcome.whole_seconds for outcome in outcomes)
        rows.append([
            contender.name,
            f"{min(outcome.training_seconds for outcome in outcomes):.2f}",
            f"{whole:.2f}",
            f"{whole / min(ours):.2f}" if ours else "-",
            f"{mean(outcome.test_accuracy for outcome in outcomes):.2%}",
            f"{max(outcome.peak_bytes for outcome in outcomes) / 2**20:,.0f}".replace(",", " "),
        ])
    return markdown(rows)


def as_json(contenders: dict[str, list[Contender]]) -> str:
    value = {
        task: {c.name: [vars(outcome) for outcome in c.outcomes] for c in group}
        for task, group in contenders.items()
    }
    return json.dumps(value, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
