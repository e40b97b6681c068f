"""Trains chainrule and other libraries on tables, with the defaults of all, and writes who is how good; bench/README.md says how.

    python3 bench/tables.py

It needs Python 3.11 and cargo, and the network the first time, when it makes bench/.venv-models. Figures are kept in
bench/.tables by set, division, library and version: a run that is broken off goes on where it stopped.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean, stdev

import machine
import prepare
import table_sets
from options import choices, positive
from progress import Progress
from table import markdown

FOLDER = prepare.BENCH / ".tables"
FIGURES = FOLDER / "figures.json"
PEERS = ["linear", "mlp", "mlp-scaled", "boosting", "lightgbm", "realmlp", "tabm"]
NAMES = {
    "linear": "linear",
    "mlp": "scikit-learn MLP, raw",
    "mlp-scaled": "scikit-learn MLP, scaled",
    "boosting": "HistGradientBoosting",
    "lightgbm": "LightGBM",
    "realmlp": "RealMLP-TD",
    "tabm": "TabM",
    "fast": "chainrule, fast",
    "default": "chainrule",
}
OURS = ["fast", "default"]
MOST_DIVISIONS = {"realmlp": 3, "tabm": 1}
"""Libraries that take a minute have fewer divisions."""
USUAL_SECONDS = {"realmlp": 70.0, "tabm": 90.0, "default": 5.0, "boosting": 4.0, "mlp": 6.0, "mlp-scaled": 6.0}
INGREDIENTS = ["periodic", "scale", "learned-activation", "dropout", "decay", "schedules", "first-batch", "average"]
BEGIN, END = "<!-- tables.py -->", "<!-- end of tables.py -->"


class Figures:
    """What was measured, kept on disk after every run."""

    def __init__(self) -> None:
        self.all: dict[str, dict] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}

    def get(self, name: str, seed: int, who: str) -> dict | None:
        return self.all.get(f"{name} {seed} {who}")

    def put(self, name: str, seed: int, who: str, figure: dict) -> None:
        self.all[f"{name} {seed} {who}"] = figure
        aside = FIGURES.with_suffix(".part")
        aside.write_text(json.dumps(self.all, indent=1) + "\n")
        aside.rename(FIGURES)


def main() -> int:
    arguments = parse_arguments()
    python = arguments.python or prepare.make_models_environment()
    program = arguments.chainrule or (prepare.build_chainrule(), prepare.chainrule_program())[1]
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    names = [f"default without {part}" for part in INGREDIENTS] if arguments.ablation else []
    who = names + arguments.peers
    figures, jobs = Figures(), []
    for one in (table_sets.ALL[name] for name in arguments.sets):
        rows = rows_of(one, python)
        for seed in range(divisions(one.name, rows, arguments.divisions)):
            for peer in who:
                allowed = peer != "tabm" or one.name in table_sets.SIX
                if seed < MOST_DIVISIONS.get(peer, 1_000) and allowed:
                    jobs.append((one, seed, peer))
    known = lambda job: is_known(figures, job, version)
    progress = Progress(sum(USUAL_SECONDS.get(job[2], 3.0) for job in jobs if not known(job)))
    for one, seed, peer in jobs:
        if known((one, seed, peer)):
            continue
        progress.begin(f"{one.name}, division {seed}, {peer}")
        figure = measure(one, seed, peer, python, program, version, arguments.threads)
        figures.put(one.name, seed, peer, figure)
        progress.finish(USUAL_SECONDS.get(peer, 3.0))
    progress.clear()
    text = ablation(figures, arguments) if arguments.ablation else tables(figures, arguments)
    print(text)
    if arguments.output:
        replace_section(arguments.output, text)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--sets", type=choices(list(table_sets.ALL)), default=list(table_sets.ALL), help="names, separated by commas")
    add("--peers", type=choices(PEERS + OURS), default=PEERS + OURS, help="libraries, separated by commas")
    add("--divisions", type=positive(int), default=5, help="divisions of a table of 5,000 rows or more (5); of smaller ones 4 times as many")
    add("--ablation", action="store_true", help="chainrule without each of its parts, on the sets that are named")
    add("--threads", type=positive(int), default=2, help="threads of each library (2)")
    add("--chainrule", type=Path, metavar="PROGRAM", help="another build of chainrule than this one")
    add("--python", type=Path, metavar="PROGRAM", help="a Python that has the libraries, in place of bench/.venv-models")
    add("-o", "--output", type=Path, metavar="FILE", help="write the tables between their marks in a Markdown file")
    return parser.parse_args()


def divisions(name: str, rows: int, count: int) -> int:
    return count if rows >= table_sets.SMALL else 4 * count


def rows_of(one: table_sets.Set, python: Path) -> int:
    """All rows of a table."""
    parts = [FOLDER / f"{one.name}.0.{part}.csv" for part in ("training", "test")]
    if not all(part.exists() for part in parts):
        write_division(one, 0, python)
    return sum(sum(1 for _ in part.open()) - 1 for part in parts)


def write_division(one: table_sets.Set, seed: int, python: Path) -> None:
    # The libraries that have the data are in the environment.
    command = [str(python), str(prepare.BENCH / "table_sets.py"), str(FOLDER), f"{one.name}:{seed}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def is_known(figures: Figures, job: tuple, version: str) -> bool:
    one, seed, peer = job
    figure = figures.get(one.name, seed, peer)
    if figure is None:
        return False
    # Our own figures are of one build; those of others of whatever version they say.
    return peer in PEERS or figure["version"] == version


def measure(one, seed: int, peer: str, python: Path, program: Path, version: str, threads: int) -> dict:
    paths = [FOLDER / f"{one.name}.{seed}.{part}.csv" for part in ("training", "test")]
    if not all(path.exists() for path in paths):
        write_division(one, seed, python)
    task = "classification" if one.is_classification else "regression"
    if peer in PEERS:
        worker = prepare.BENCH / "workers" / "table_peer.py"
        words = [peer, *paths, one.target, task, seed, threads]
        return json.loads(run([python, worker, *words]).strip().splitlines()[-1])
    preset, _, left_out = peer.partition(" without ")
    model = FOLDER / "model.safetensors"
    command = [program, "train", paths[0], "--target", one.target, "--task", task, "--test", "0", "--preset", preset]
    command += ["--seed", seed, "--threads", threads, "-o", model, "--json"]
    command += ["--without", left_out] if left_out else []
    begin = time.monotonic()
    run(command)
    figure = {"version": version, "seconds": time.monotonic() - begin}
    measured = json.loads(run([program, "evaluate", model, paths[1], "--json", "--threads", threads]))
    if one.is_classification:
        return figure | {"accuracy": measured["accuracy"], "log_loss": measured["loss"]}
    return figure | {"rmse": measured["rmse"]}


def run(command: list) -> str:
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{result.stderr[-2000:]}")
    return result.stdout


def collected(figures: Figures, name: str, who: str, key: str) -> dict[int, float]:
    """A figure of every division that there is one of."""
    found = {}
    for seed in range(100):
        figure = figures.get(name, seed, who)
        if figure is not None and key in figure:
            found[seed] = figure[key]
    return found


def tables(figures: Figures, arguments: argparse.Namespace) -> str:
    sets = [table_sets.ALL[name] for name in arguments.sets]
    classes = [one.name for one in sets if one.is_classification]
    numbers = [one.name for one in sets if not one.is_classification]
    parts = [f"Measured with `python3 bench/tables.py` on {machine.processor()}, {arguments.threads} threads."]
    if classes:
        parts += ["Accuracy on the test rows, mean over the divisions (how many):", table(figures, arguments, classes, "accuracy", "{:.4f}")]
        parts += ["Log loss:", table(figures, arguments, classes, "log_loss", "{:.4f}")]
        parts += ["The default preset less the fast one, in points of accuracy, with two standard errors of the mean:", differences(figures, classes)]
    if numbers:
        parts += ["Root mean square error:", table(figures, arguments, numbers, "rmse", "{:.5g}")]
    parts += ["Seconds of a run:", table(figures, arguments, classes + numbers, "seconds", "{:.1f}")]
    return "\n\n".join(parts)


def table(figures: Figures, arguments: argparse.Namespace, sets: list[str], key: str, style: str) -> str:
    rows = [["set", *(NAMES[peer] for peer in arguments.peers)]]
    columns: dict[str, list[float]] = {peer: [] for peer in arguments.peers}
    for name in sets:
        cells = []
        for peer in arguments.peers:
            found = collected(figures, name, peer, key)
            if found:
                columns[peer].append(mean(found.values()))
            cells.append(f"{style.format(mean(found.values()))} ({len(found)})" if found else "")
        rows.append([name, *cells])
    if key != "rmse":
        full = lambda values: style.format(mean(values)) if len(values) == len(sets) else ""
        rows.append(["mean", *(full(columns[peer]) for peer in arguments.peers)])
    return markdown(rows)


def differences(figures: Figures, sets: list[str]) -> str:
    rows, all_means = [["set", "difference", "two standard errors"]], []
    for name in sets:
        pair = [collected(figures, name, who, "accuracy") for who in ("default", "fast")]
        both = [100 * (pair[0][seed] - pair[1][seed]) for seed in pair[0] if seed in pair[1]]
        if len(both) < 2:
            continue
        all_means.append(mean(both))
        rows.append([name, f"{mean(both):+.2f}", f"{2 * stdev(both) / math.sqrt(len(both)):.2f}"])
    if all_means:
        rows.append(["mean", f"{mean(all_means):+.2f}", ""])
    return markdown(rows)


def ablation(figures: Figures, arguments: argparse.Namespace) -> str:
    """What each part brings: the recipe without it, less the whole recipe."""
    rows = [["left out", *arguments.sets, "mean", "log loss"]]
    for part in INGREDIENTS:
        cells, accuracies, losses = [], [], []
        for name in arguments.sets:
            values = {}
            for key in ("accuracy", "log_loss"):
                whole = collected(figures, name, "default", key)
                without = collected(figures, name, f"default without {part}", key)
                both = [without[seed] - whole[seed] for seed in whole if seed in without]
                values[key] = mean(both) if both else math.nan
            accuracies.append(100 * values["accuracy"])
            losses.append(values["log_loss"])
            cells.append(f"{accuracies[-1]:+.2f}")
        rows.append([part, *cells, f"{mean(accuracies):+.2f}", f"{mean(losses):+.4f}"])
    return markdown(rows)


def replace_section(path: Path, text: str) -> None:
    document = path.read_text()
    begin, end = document.find(BEGIN), document.find(END)
    if begin < 0 or end < begin:
        sys.exit(f"{path} has no lines {BEGIN} and {END}, between which the tables go")
    path.write_text(f"{document[: begin + len(BEGIN)]}\n\n{text}\n\n{document[end:]}")


if __name__ == "__main__":
    sys.exit(main())
