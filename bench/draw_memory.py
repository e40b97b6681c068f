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

MOST_RECOMPUTED = 2.0
"""Forward passes; steps that recompute more would squeeze the others, and are written as text if they take that long."""

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
    figure.savefig(sys.argv[2], format="svg", metadata={"Date": None})


def draw(axes: Axes, network: dict[str, Any]) -> None:
    layers = len(network["layers"]) - 1
    axes.set_title(f"{network['title']}: {layers} layers, batches of {network['batch']}", fontsize=10, loc="left")
    axes.set_xlabel("memory, MiB")
    axes.set_ylabel("step, ms")
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.locator_params(nbins=6)

    torch = [step for step in network["pytorch"] if step["rounds"]]
    for key, face, words in (("live_bytes", "white", "its live tensors"), ("bytes", ORANGE, "resident peak")):
        points = [point(step, key) for step in torch]
        if points:
            style = {"color": ORANGE, "markerfacecolor": face, "marker": "s", "linestyle": "none", "markersize": 6}
            axes.plot(*zip(*points), label=f"PyTorch with so many segments, {words}", **style)
    # A number, or a word, stands above the resident peak; the live tensors are at the same height.
    for step in torch:
        style = {"textcoords": "offset points", "ha": "center", "fontsize": 8, "color": ORANGE}
        axes.annotate(str(step["segments"] or "plain"), point(step, "bytes"), xytext=(0, 6), **style)

    whole = [limited["step"] for limited in network["curve"]]
    whole += [row["chainrule"]["step"] for row in network["beside"]]
    points = points_of(whole)
    if points:
        style = {"color": BLUE, "marker": "o", "markersize": 4.5, "linewidth": 1.6}
        axes.plot(*zip(*points), label="Chainrule, whole batch", **style)
        axes.plot(*points[-1], marker="o", markersize=9, markerfacecolor="none", color=BLUE, linestyle="none",
                  label="Chainrule, plain")
    limit_time(axes, torch + [step for step in whole if step])
    points = points_of([row["in_parts"]["step"] for row in network["beside"] if is_in_parts(row)])
    if points:
        axes.plot(*zip(*points), marker="^", markersize=7, color=GREEN, linestyle="none",
                  label="Chainrule, in micro-batches")
    axes.set_xlim(0, 1.06 * axes.get_xlim()[1])


def limit_time(axes: Axes, steps: list[dict[str, Any]]) -> None:
    """Ends the axis of time above the steps that recompute little."""
    steps = [step for step in steps if step["rounds"]]
    shown = [point(step, "bytes")[1] for step in steps if step["recomputed"] <= MOST_RECOMPUTED]
    highest = 1.12 * max(shown, default=1.0)
    axes.set_ylim(0, highest)
    beyond = {point(step, "bytes") for step in steps if point(step, "bytes")[1] > highest}
    lines = [f"above: {y:.0f} ms in {x:.0f} MiB" for x, y in sorted(beyond)]
    axes.text(0.02, 0.03, "\n".join(lines), transform=axes.transAxes, fontsize=8, color=BLUE)


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
