"""Markdown tables of the measurements."""

from dataclasses import dataclass, field
from statistics import median

from timers import Peak
from workloads import Workload

TIE = 0.03
"""Times that differ by less are a tie."""


@dataclass
class Measurement:
    """What was measured on one workload."""

    workload: Workload
    rounds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    """Microseconds of a step in each round, by column and variant."""
    chainrule: list[float] = field(default_factory=list)
    baselines: dict[str, list[float]] = field(default_factory=dict)
    """The same of other builds of chainrule, by their names."""
    gflops: float = 0.0
    """chainrule's, in its best round."""
    peak: Peak = field(default_factory=Peak)
    """The machine's, as chainrule found it in its rounds."""

    def best_variant(self, column: str) -> tuple[str, list[float]] | None:
        """The variant of a column with the shortest time, and its rounds."""
        variants = [(name[1], rounds) for name, rounds in self.rounds.items() if name[0] == column and rounds]
        return min(variants, key=lambda variant: min(variant[1]), default=None)

    def best_peer(self) -> tuple[str, float] | None:
        """The column with the shortest time, and that time."""
        times = [(name[0], min(rounds)) for name, rounds in self.rounds.items() if rounds]
        return min(times, key=lambda pair: pair[1], default=None)

    def ratio(self) -> float | None:
        """The best peer's time over chainrule's."""
        peer = self.best_peer()
        return peer[1] / min(self.chainrule) if peer and self.chainrule else None


def markdown(rows: list[list[str]]) -> str:
    """The first row is the header, the first column text, the others numbers."""
    header, *body = rows
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def comparison(measurements: list[Measurement], columns: list[str], baselines: list[str]) -> str:
    """The shortest round of each, and who is faster."""
    header = ["workload", "network", *columns, *baselines, "chainrule", "of peak", "best peer / chainrule"]
    rows = [header]
    # Another program's work lowers it: the highest is the machine's.
    highest = peak_of_run(measurements).highest
    for measurement in measurements:
        workload = measurement.workload
        cells = [cell(measurement.best_variant(column), min) for column in columns]
        ours = number(min(measurement.chainrule)) if measurement.chainrule else "-"
        peak = f"{measurement.gflops / highest:.0%}" if measurement.gflops and highest else "-"
        cells += baseline_cells(measurement, baselines, min)
        rows.append([workload.name, workload.shape(), *cells, ours, peak, verdict(measurement)])
    return markdown(rows)


def medians(measurements: list[Measurement], columns: list[str], baselines: list[str]) -> str:
    rows = [["workload", *columns, *baselines, "chainrule"]]
    for measurement in measurements:
        cells = [cell(measurement.best_variant(column), median) for column in columns]
        cells += baseline_cells(measurement, baselines, median)
        ours = number(median(measurement.chainrule)) if measurement.chainrule else "-"
        rows.append([measurement.workload.name, *cells, ours])
    return markdown(rows)


def peak_of_run(measurements: list[Measurement]) -> Peak:
    """Over all workloads."""
    peak = Peak()
    for measurement in measurements:
        peak.merge(measurement.peak)
    return peak


def baseline_cells(measurement: Measurement, baselines: list[str], statistic) -> list[str]:
    rounds = [measurement.baselines.get(name) for name in baselines]
    return [number(statistic(times)) if times else "-" for times in rounds]


def cell(variant: tuple[str, list[float]] | None, statistic) -> str:
    if variant is None:
        return "-"
    name, rounds = variant
    return number(statistic(rounds)) + (f" ({name})" if name else "")


def verdict(measurement: Measurement) -> str:
    ratio, peer = measurement.ratio(), measurement.best_peer()
    if ratio is None or peer is None:
        return "-"
    if abs(ratio - 1) <= TIE:
        return f"{ratio:.2f}, a tie with {peer[0]}"
    if ratio < 1:
        return f"{ratio:.2f}, a loss to {peer[0]}"
    return f"{ratio:.2f} ({peer[0]})"


def number(microseconds: float) -> str:
    """Three digits, or all digits before the point: 2.87, 41.5, 176 700."""
    if microseconds >= 100:
        return f"{microseconds:,.0f}".replace(",", " ")
    return f"{microseconds:.1f}" if microseconds >= 10 else f"{microseconds:.2f}"
