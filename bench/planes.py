"""How well planes are found, and what they cost: the table of targets.

python -m bench.planes [--repeats N] [--seed N] [--models FILE.city.json] [--kinds]

Of a generated scene of roofs, surveyed as means and as the highest of each cell's sub-samples; and
of the LoD 2.2 faces of a 3DBAG file, burned to cells.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bench.plane_models import burned, read_models
from bench.plane_truth import LEAST, Roofs, compare, of_scene
from kernels.planes import Planes, roof_planes
from kernels.spans import Spans
from pipeline.quarter.roofscape import roofscape

AREAS = ((40, np.inf, 0.04), (20, 40, 0.08), (8, 20, 0.15))
TIMES = 7
Line = tuple[str, str, str]


def share(met: "pd.Series[bool]", least: float) -> tuple[str, str]:
    """The share of those that meet something, and whether it is enough."""
    return f"{100 * met.mean():.1f} % of {len(met)}", "met" if met.mean() >= least else "missed"


def lines_of_scene(table: pd.DataFrame) -> Iterator[Line]:
    """The targets of a generated scene: what, figure, whether it is met."""
    pitched = table[table.tilt > 15]
    for low, high, tilt, azimuth, least in ((20, np.inf, 1, 2, 0.95), (8, 20, 2, 4, 0.9)):
        own = pitched[(pitched.area >= low) & (pitched.area < high)]
        near = (own.off_tilt.abs() <= tilt) & (own.off_azimuth.abs() <= azimuth)
        size = f"{low} m2 and more" if high == np.inf else f"{low} to {high} m2"
        yield f"tilt within {tilt}, azimuth within {azimuth} degrees, {size}", *share(near, least)
    for low, high, most in AREAS:
        own = table[(table.area >= low) & (table.area < high)]
        size = f"{low} m2 and more" if high == np.inf else f"{low} to {high} m2"
        near = ((own.found - own.area) / own.area).abs() <= most
        yield f"true area within {100 * most:.0f} %, {size}", *share(near, 0.95)
    large = table[table.area >= LEAST]
    whole = ~(large.missed | large.split | large.joined)
    yield "neither split, joined nor missed, 8 m2 and more", *share(whole, 0.95)
    flat = large[large.tilt == 0]
    yield "flat roofs that are flat", *share(flat.off_tilt < 10, 0.99)


def lines_of_models(table: pd.DataFrame) -> Iterator[Line]:
    """The targets of real faces, of over 20 m2."""
    large = table[(table.area > 20) & (table.found > 0)]
    pitched = large[large.tilt > 10]
    off = ((large.found - large.area) / large.area).abs()
    for name, values, most, unit in (
        ("tilt", large.off_tilt.abs(), 1, "degrees"),
        ("azimuth, of pitched faces", pitched.off_azimuth.abs(), 2, "degrees"),
        ("area", 100 * off, 5, "%"),
    ):
        median, p95 = values.median(), values.quantile(0.95)
        text = f"{median:.2f} {unit} (95 %: {p95:.1f}) of {len(values)}"
        yield f"median difference of {name}", text, "met" if median <= most else "missed"


def cost(roofs: Roofs) -> float:
    """Seconds of one core for a cell, the least of several times."""
    return _least(lambda: roof_planes(roofs.cm, roofs.spans, 0.5)) / len(roofs.x)


def cost_of_one(side: int) -> float:
    """The same of a single flat roof of side x side cells."""
    error = np.random.default_rng(1).normal(0, 5, (side, side))
    row, zero = np.arange(side), np.zeros(side, np.int64)
    spans = Spans(np.array([0, side]), row, zero, zero + side)
    cm = (500 + error).astype(np.int32)
    return _least(lambda: roof_planes(cm, spans, 0.5)) / side**2


def _least(work: Callable[[], Planes]) -> float:
    spent = []
    for _ in range(TIMES + 1):  # the first compiles
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent[1:])


def show(title: str, lines: Iterator[Line]) -> None:
    """Print a table of targets, as Markdown."""
    print(f"\n| {title} | | |\n|---|---|---|")
    for line in lines:
        print("| " + " | ".join(line) + " |")


def by_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Medians of each kind of roof, of planes of 8 m2 and more."""
    large = table[table.area >= LEAST]
    of = large.assign(area_off=(large.found - large.area) / large.area, tilt_off=large.off_tilt)
    of["wrong"] = of.missed | of.split | of.joined
    return of.groupby("kind")[["area_off", "tilt_off", "wrong"]].agg(["mean", "std"]).round(3)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--seed", type=int, default=2008)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--kinds", action="store_true")
    chosen = parser.parse_args()
    scene = roofscape(chosen.repeats, chosen.seed)
    for survey in ("mean", "highest"):
        roofs = of_scene(scene, survey)
        _, table = compare(roofs)
        show(f"generated roofs, cells are the {survey} of 5 x 5", lines_of_scene(table))
        if chosen.kinds:
            print(by_kind(table))
        if survey == "mean":
            ns = 1e9 * cost(roofs)
            print(f"| cost, a roof cell | {ns:.0f} ns | {'met' if ns <= 150 else 'missed'} |")
    for side in (20, 200, 2000):
        ns = 1e9 * cost_of_one(side)
        print(f"| cost, a cell of one flat roof of {side} x {side} cells | {ns:.0f} ns | |")
    if chosen.models:
        _, table = compare(burned(read_models(chosen.models)))
        show("faces of the 3DBAG, burned to 0.5 m", lines_of_models(table))


if __name__ == "__main__":
    main()
