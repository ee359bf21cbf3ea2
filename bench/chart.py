"""A picture of results: the cost along each axis, and the speed beside the peers'.

python -m bench.chart FOLDER PICTURE.png
"""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import matplotlib

from bench.cases import SWEEPS
from bench.result import Result, Row
from bench.table import origin, results

AXES = {name: sweep.unit for name, sweep in SWEEPS.items()} | {"size": "cells along a side"}
OURS, THEIRS = "#1b5e9b", "#b8b8b8"


def draw(found: dict[str, Result], path: Path) -> None:
    """Write a PNG of the results, by kind: of the kernels' sweeps, and of the peers if there."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    kernels, peers = found["kernels"]["rows"], found.get("peers", {}).get("rows", [])
    swept = [name for name in AXES if any(row["group"] == name for row in kernels)]
    high = 0.6 + 0.22 * len(peers)
    figure = plt.figure(figsize=(3.2 * len(swept), 3.4 + high * bool(peers)), layout="constrained")
    grid = figure.add_gridspec(
        1 + bool(peers), len(swept), height_ratios=[3, high][: 1 + bool(peers)]
    )
    for i, name in enumerate(swept):
        _costs(figure.add_subplot(grid[0, i]), name, [r for r in kernels if r["group"] == name])
    if peers:
        _speeds(figure.add_subplot(grid[1, :]), peers)
    figure.suptitle(origin(found["kernels"]), fontsize=8)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _costs(axes: Any, name: str, rows: list[Row]) -> None:
    """Copies along an axis, a line a kernel, with the quartiles."""
    lines: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: float(row["x"])):
        lines[row["what"]].append(row)
    for what, line in lines.items():
        x, y = [row["x"] for row in line], [row["copies"] for row in line]
        low, high = zip(*(row["spread"] for row in line), strict=True)
        (drawn,) = axes.plot(x, y, marker="o", markersize=3, label=what)
        axes.fill_between(x, low, high, color=drawn.get_color(), alpha=0.2, linewidth=0)
    if name == "size":
        axes.set_xscale("log", base=2)
        axes.set_xticks(x, x)
    axes.set_ylim(bottom=0)
    axes.set(xlabel=f"{name} [{AXES[name]}]", ylabel="a cell costs [copies]")
    axes.legend(fontsize=7, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _speeds(axes: Any, rows: list[Row]) -> None:
    """Speed in shares of a copy, on a scale of powers of ten."""
    names = [f"{row['task']}: {row['peer']}" for row in rows]
    colours = [OURS if row["peer"] == "daklaag" else THEIRS for row in rows]
    speeds = [1 / row["copies"] for row in rows]
    axes.barh(range(len(names)), speeds, color=colours, log=True)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("speed, as a share of a numpy copy's")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    draw(results(Path(sys.argv[1])), Path(sys.argv[2]))
