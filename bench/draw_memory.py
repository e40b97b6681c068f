"""Draws the time of a step against its memory, from the numbers of memory.py: draw_memory.py NUMBERS.json PICTURE.svg."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes

BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"
"""Okabe and Ito's colours, which colour-blind people tell apart."""

COLUMNS = 2

Point = tuple[float, float]
"""MiB, milliseconds."""


def main() -> None:
    networks = json.loads(Path(sys.argv[1]).read_text())["networks"]
    pyplot.rcParams.update({
        # Text stays text; the same numbers give the same file.
        "svg.fonttype": "none",
        "svg.hashsalt": "chainrule",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
    })
    rows = -(-len(networks) // COLUMNS)
    figure, grid = pyplot.subplots(rows, COLUMNS, figsize=(10, 0.9 + 3.6 * rows), squeeze=False, facecolor="white")
    for axes, network in zip(grid.flat, networks):
        draw(axes, network)
    for axes in grid.flat[len(networks):]:
        axes.set_axis_off()
    handles = {label: handle for axes in grid.flat for handle, label in zip(*axes.get_legend_handles_labels())}
    figure.legend(list(handles.values()), list(handles), loc="upper center", ncols=3, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.75 / figure.get_figheight()))
    figure.savefig(sys.argv[2], metadata={"Date": None})


def draw(axes: Axes, network: dict[str, Any]) -> None:
    layers = len(network["layers"]) - 1
    axes.set_title(f"{network['title']}: {layers} layers, batches of {network['batch']}", fontsize=10, loc="left")
    axes.set_xlabel("memory, MiB")
    axes.set_ylabel("step, ms")
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)

    torch = [step for step in network["pytorch"] if step["rounds"]]
    for key, face, words in (("live_bytes", "white", "live tensors"), ("bytes", ORANGE, "resident peak")):
        points = [point(step, key) for step in torch]
        style = {"color": ORANGE, "markerfacecolor": face, "marker": "s", "linestyle": "none", "markersize": 6}
        axes.plot(*zip(*points), label=f"PyTorch checkpoint_sequential, {words}", **style) if points else None
        for step, (x, y) in zip(torch, points):
            text = str(step["segments"] or "plain")
            axes.annotate(text, (x, y), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8, color=ORANGE)

    whole = [limited["step"] for limited in network["curve"]]
    whole += [row["chainrule"]["step"] for row in network["beside"]]
    points = points_of(whole)
    if points:
        style = {"color": BLUE, "marker": "o", "markersize": 4.5, "linewidth": 1.6}
        axes.plot(*zip(*points), label="Chainrule, whole batch", **style)
        axes.plot(*points[-1], marker="o", markersize=9, markerfacecolor="none", color=BLUE, linestyle="none",
                  label="Chainrule, plain")
    points = points_of([row["in_parts"]["step"] for row in network["beside"] if is_in_parts(row)])
    if points:
        axes.plot(*zip(*points), marker="^", markersize=7, color=GREEN, linestyle="none",
                  label="Chainrule, in micro-batches")
    axes.margins(0.08, 0.14)
    axes.set_xlim(left=0)


def is_in_parts(row: dict[str, Any]) -> bool:
    step = row["in_parts"]["step"]
    return step is not None and step["microbatches"] > 1


def points_of(steps: list[dict[str, Any] | None]) -> list[Point]:
    """Each once, the least memory first."""
    return sorted({point(step, "bytes") for step in steps if step and step["rounds"]})


def point(step: dict[str, Any], key: str) -> Point:
    return step[key] / 2**20, min(step["rounds"]) / 1000


if __name__ == "__main__":
    main()
