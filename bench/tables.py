"""Trains chainrule and other libraries on tables, with the defaults of all, and writes who is how good; bench/README.md says how.

    python3 bench/tables.py

It needs Python 3.11 and cargo, and the network the first time, when it makes bench/.venv-models. Figures are kept in
bench/tables.json by set, division, library and version: a run that is broken off goes on where it stopped.
"""

import argparse
import fcntl
import hashlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median, stdev, variance

import machine
import prepare
import table_sets
from options import choices, positive
from progress import Progress
from table import markdown

FOLDER = prepare.BENCH / ".tables"
FIGURES = prepare.BENCH / "tables.json"
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
PACKAGES = {"lightgbm": "lightgbm", "realmlp": "pytabkit", "tabm": "pytabkit"}
"""What the version is of; scikit-learn if it is not here."""
TIMED = ["boosting", "lightgbm", "mlp-scaled", "realmlp", "fast", "default"]
ROUNDS = 3
INGREDIENTS = ["periodic", "scale", "learned-activation", "dropout", "decay", "schedules", "first-batch", "average", "temperature", "patience"]
OF_CLASSES = ["temperature", "patience"]
"""What numbers do without."""


class Figures:
    """What was measured, kept on disk after every run. Several runs at once may add to it."""

    def __init__(self) -> None:
        self.all: dict[str, dict] = {}
        self.read()

    def read(self) -> None:
        if FIGURES.exists():
            self.all = json.loads(FIGURES.read_text())

    def get(self, name: str, seed: int, who: str) -> dict | None:
        return self.all.get(f"{name} {seed} {who}")

    def put(self, name: str, seed: int, who: str, figure: dict) -> None:
        with (FOLDER / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.read()
            self.all[f"{name} {seed} {who}"] = figure
            lines = [f"{json.dumps(key)}: {json.dumps(self.all[key])}" for key in sorted(self.all)]
            aside = FIGURES.with_suffix(".part")
            aside.write_text("{\n" + ",\n".join(lines) + "\n}\n")
            aside.rename(FIGURES)


def main() -> int:
    arguments = parse_arguments()
    python = arguments.python or prepare.make_models_environment()
    program = arguments.chainrule or (prepare.build_chainrule(), prepare.chainrule_program())[1]
    FOLDER.mkdir(exist_ok=True)
    versions = versions_of(python, program)
    figures, jobs = Figures(), jobs_of(arguments, python)
    usual = lambda job: USUAL_SECONDS.get(job[2].removesuffix(", timed"), 3.0)
    progress = Progress(sum(usual(job) for job in jobs if not is_known(figures, job, versions)))
    for job in jobs:
        one, seed, who = job
        # Another run may have measured it meanwhile.
        figures.read()
        if is_known(figures, job, versions):
            continue
        progress.begin(f"{one.name}, division {seed}, {who}")
        peer = who.removesuffix(", timed")
        rounds = ROUNDS if peer != who and peer != "realmlp" else 1
        measured = [measure(one, seed, peer, python, program, arguments.threads) for _ in range(rounds)]
        figure = measured[0] | {"seconds": median(figure["seconds"] for figure in measured)}
        figures.put(one.name, seed, who, {"version": version_of(who, versions), "threads": arguments.threads} | rounded(figure))
        progress.finish(usual(job))
    progress.clear()
    text = {"ablation": ablation, "seconds": seconds}.get(arguments.what, tables)(figures, arguments)
    print(text)
    if arguments.output:
        replace_section(arguments.output, arguments.what, text)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("what", nargs="?", choices=["quality", "seconds", "ablation"], default="quality",
        help="how good each is (quality, the default); how long each takes on six sets, side by side; or chainrule without each of its parts, on other sets")
    add("--sets", type=choices(list(table_sets.ALL)), help="names, separated by commas")
    add("--peers", type=choices(PEERS + OURS), help="libraries, separated by commas")
    add("--parts", type=choices(INGREDIENTS), default=INGREDIENTS, help="what the ablation leaves out, one at a time, separated by commas (all parts)")
    add("--divisions", type=positive(int), default=5, help="divisions of a table of 5,000 rows or more (5); of smaller ones 4 times as many, but in the ablation")
    add("--threads", type=positive(int), default=2, help="threads of each library (2)")
    add("--chainrule", type=Path, metavar="PROGRAM", help="another build of chainrule than this one")
    add("--python", type=Path, metavar="PROGRAM", help="a Python that has the libraries, in place of bench/.venv-models")
    add("-o", "--output", type=Path, metavar="FILE", help="write the tables between their marks in a Markdown file")
    arguments = parser.parse_args()
    usual_sets = {"ablation": [one.name for one in table_sets.DEVELOPMENT + table_sets.NUMBERS], "seconds": table_sets.SIX}
    arguments.sets = arguments.sets or usual_sets.get(arguments.what, table_sets.COMPARED)
    arguments.peers = arguments.peers or {"ablation": [], "seconds": TIMED}.get(arguments.what, PEERS + OURS)
    return arguments


def jobs_of(arguments: argparse.Namespace, python: Path) -> list[tuple]:
    """What is to be known: a set, a division, and who is measured on it."""
    jobs = []
    for one in (table_sets.ALL[name] for name in arguments.sets):
        if arguments.what == "seconds":
            jobs += [(one, 0, f"{peer}, timed") for peer in arguments.peers]
            continue
        if arguments.what == "ablation":
            parts = [part for part in arguments.parts if one.is_classification or part not in OF_CLASSES]
            who = [*OURS, *(f"default without {part}" for part in parts)]
            jobs += [(one, seed, name) for seed in range(arguments.divisions) for name in who]
            continue
        count = arguments.divisions if rows_of(one, python) >= table_sets.SMALL else 4 * arguments.divisions
        for seed in range(count):
            for peer in arguments.peers:
                allowed = peer != "tabm" or one.name in table_sets.SIX
                if seed < MOST_DIVISIONS.get(peer, count) and allowed:
                    jobs.append((one, seed, peer))
    return jobs


def versions_of(python: Path, program: Path) -> dict[str, str]:
    """Of each library; of chainrule with a part of the program's hash, since builds differ that have the same version."""
    packages = sorted({"scikit-learn", *PACKAGES.values()})
    code = f"from importlib.metadata import version as v; print(*(v(name) for name in {packages}))"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    own = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    digest = hashlib.sha256(Path(program).read_bytes()).hexdigest()[:8]
    return dict(zip(packages, found)) | {"chainrule": f"{own} {digest}"}


def version_of(who: str, versions: dict[str, str]) -> str:
    peer = who.removesuffix(", timed")
    return versions[PACKAGES.get(peer, "scikit-learn") if peer in PEERS else "chainrule"]


def rounded(figure: dict) -> dict:
    return {key: float(f"{value:.6g}") for key, value in figure.items()}


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


def is_known(figures: Figures, job: tuple, versions: dict[str, str]) -> bool:
    one, seed, who = job
    figure = figures.get(one.name, seed, who)
    return figure is not None and figure["version"] == version_of(who, versions)


def measure(one, seed: int, peer: str, python: Path, program: Path, threads: int) -> dict:
    paths = [FOLDER / f"{one.name}.{seed}.{part}.csv" for part in ("training", "test")]
    if not all(path.exists() for path in paths):
        write_division(one, seed, python)
    task = "classification" if one.is_classification else "regression"
    if peer in PEERS:
        worker = prepare.BENCH / "workers" / "table_peer.py"
        words = [peer, *paths, one.target, task, seed, threads]
        return json.loads(run([python, worker, *words]).strip().splitlines()[-1])
    preset, _, left_out = peer.partition(" without ")
    # A file of this run alone: others may go on at once.
    model = FOLDER / f"model.{os.getpid()}.safetensors"
    command = [program, "train", paths[0], "--target", one.target, "--task", task, "--test", "0", "--preset", preset]
    command += ["--seed", seed, "--threads", threads, "-o", model, "--json"]
    command += ["--without", left_out] if left_out else []
    begin = time.monotonic()
    run(command)
    figure = {"seconds": time.monotonic() - begin}
    measured = json.loads(run([program, "evaluate", model, paths[1], "--json", "--threads", threads]))
    model.unlink()
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
    peers = "" if arguments.peers == PEERS + OURS else f" --peers {','.join(arguments.peers)}"
    parts = [f"Printed by `python3 bench/tables.py quality{peers}` on {machine.processor()}."]
    if classes:
        parts += ["Accuracy on the test rows, mean over the divisions (how many):", table(figures, arguments, classes, "accuracy", "{:.4f}")]
        parts += ["Log loss:", table(figures, arguments, classes, "log_loss", "{:.4f}")]
        parts += ["The default preset less another, on the divisions that both have:", differences(figures, classes)]
    if numbers:
        parts += ["Root mean square error:", table(figures, arguments, numbers, "rmse", "{:.5g}")]
        parts += ["That of the default preset beside another's, percent, means on the divisions that both have:", ratios(figures, numbers)]
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
    """Pair by pair: points of accuracy with two standard errors of their mean, and log loss."""
    others = {other: NAMES[other] for other in ("fast", "realmlp", "mlp-scaled") if any(collected(figures, name, other, "accuracy") for name in sets)}
    rows = [["set", *(cell for name in others.values() for cell in (f"less {name}: points", "log loss"))]]
    means: dict[tuple[str, str], list[float]] = {}
    # Variances of the tables' means.
    variances: dict[str, list[float]] = {}
    for name in sets:
        cells = []
        for other in others:
            for key, factor in (("accuracy", 100), ("log_loss", 1)):
                own, theirs = (collected(figures, name, who, key) for who in ("default", other))
                both = [factor * (own[seed] - theirs[seed]) for seed in own if seed in theirs]
                if not both:
                    cells.append("")
                    continue
                means.setdefault((other, key), []).append(mean(both))
                error = ""
                if factor > 1 and len(both) > 1:
                    variances.setdefault(other, []).append(variance(both) / len(both))
                    error = f" ± {2 * math.sqrt(variances[other][-1]):.2f}"
                cells.append((f"{mean(both):+.2f}" if factor > 1 else f"{mean(both):+.4f}") + error)
        rows.append([name, *cells])
    cells = []
    for other in others:
        error = 2 * math.sqrt(sum(variances.get(other, []))) / len(means[other, "accuracy"])
        cells += [f"{mean(means[other, 'accuracy']):+.2f} ± {error:.2f}", f"{mean(means[other, 'log_loss']):+.4f}"]
    rows.append(["mean", *cells])
    return markdown(rows)


def ratios(figures: Figures, sets: list[str]) -> str:
    """How much larger the mean root mean square error is than another's."""
    others = [other for other in ("fast", "realmlp", "mlp-scaled", "lightgbm") if any(collected(figures, name, other, "rmse") for name in sets)]
    rows = [["set", *(NAMES[other] for other in others)]]
    for name in sets:
        own, cells = collected(figures, name, "default", "rmse"), []
        for other in others:
            theirs = collected(figures, name, other, "rmse")
            both = [seed for seed in own if seed in theirs]
            cells.append(f"{100 * (mean(own[seed] for seed in both) / mean(theirs[seed] for seed in both) - 1):+.1f}" if both else "")
        rows.append([name, *cells])
    return markdown(rows)


def seconds(figures: Figures, arguments: argparse.Namespace) -> str:
    """How long each takes, in turn on each set."""
    rows, totals = [["set", *(NAMES[peer] for peer in arguments.peers)]], [0.0] * len(arguments.peers)
    for name in arguments.sets:
        found = [figures.get(name, 0, f"{peer}, timed") for peer in arguments.peers]
        times = [figure["seconds"] for figure in found]
        totals = [total + time for total, time in zip(totals, times)]
        rows.append([name, *(f"{time:.2f}" for time in times)])
    rows.append(["sum", *(f"{total:.2f}" for total in totals)])
    text = (
        f"Printed by `python3 bench/tables.py seconds` on {machine.processor()}, {arguments.threads} threads: seconds of division 0, "
        f"one library after the other on each table, the median of {ROUNDS} runs (RealMLP-TD 1).\n\n{markdown(rows)}"
    )
    if {"realmlp", "default"} <= set(arguments.peers):
        sums = dict(zip(arguments.peers, totals))
        text += f"\n\nThe sum of RealMLP-TD's is {sums['realmlp'] / sums['default']:.1f} times that of chainrule's."
    return text


def ablation(figures: Figures, arguments: argparse.Namespace) -> str:
    """What each part brings: the recipe without it, less the whole recipe."""
    sets = [table_sets.ALL[name] for name in arguments.sets]
    classes = [one.name for one in sets if one.is_classification]
    numbers = [one.name for one in sets if not one.is_classification]
    parts = [
        f"Printed by `python3 bench/tables.py ablation` on {machine.processor()}: what changes when a part is left out, mean of "
        f"{arguments.divisions} divisions; with means two standard errors over tables and divisions."
    ]
    if classes:
        accuracy = left_out(figures, classes, arguments.parts, lambda whole, without: 100 * (without["accuracy"] - whole["accuracy"]), "+.2f")
        loss = left_out(figures, classes, arguments.parts, lambda whole, without: without["log_loss"] - whole["log_loss"], "+.4f")
        parts += ["Points of accuracy; what is below 0 pays:", accuracy, "Log loss; what is above 0 pays:", loss]
    if numbers:
        of_numbers = [part for part in arguments.parts if part not in OF_CLASSES]
        error = left_out(figures, numbers, of_numbers, lambda whole, without: 100 * (without["rmse"] / whole["rmse"] - 1), "+.1f")
        parts += ["Root mean square error, percent; what is above 0 pays:", error]
    return "\n\n".join(parts)


def left_out(figures: Figures, sets: list[str], parts: list[str], difference: Callable, style: str) -> str:
    """Tables by the parts that are left out."""
    rows = [["set", *parts]]
    columns: dict[str, list[list[float]]] = {part: [] for part in parts}
    for name in sets:
        for part, column in columns.items():
            pairs = [(figures.get(name, seed, "default"), figures.get(name, seed, f"default without {part}")) for seed in range(100)]
            column.append([difference(*pair) for pair in pairs if None not in pair])
        rows.append([name, *(format(mean(column[-1]), style) for column in columns.values())])
    cells = []
    for column in columns.values():
        every = [number for of_set in column for number in of_set]
        cells.append(f"{format(mean(map(mean, column)), style)} ± {format(2 * stdev(every) / math.sqrt(len(every)), style[1:])}")
    return markdown([*rows, ["mean", *cells]])


def replace_section(path: Path, what: str, text: str) -> None:
    """Writes the tables between their marks."""
    document = path.read_text()
    first, last = f"<!-- tables.py {what} -->", f"<!-- end of tables.py {what} -->"
    begin, end = document.find(first), document.find(last)
    if begin < 0 or end < begin:
        sys.exit(f"{path} has no lines {first} and {last}, between which the tables go")
    path.write_text(f"{document[: begin + len(first)]}\n\n{text}\n\n{document[end:]}")


if __name__ == "__main__":
    sys.exit(main())
