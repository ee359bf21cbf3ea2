"""How well planes are found, and what they cost: the table of targets.

python -m bench.planes [--repeats N] [--seeds N ...] [--models FILE.city.json] [--kinds]
    [--page PAGE.md]

Of generated scenes of roofs, surveyed as means and as the highest of each cell's sub-samples; and
of the LoD 2.2 faces of a 3DBAG file, burned to cells. PAGE gets the tables between its marks. The
thresholds of the segmentation were chosen on scenes of seeds 2008, 11, 13 and 14, not those of the
default.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bench.plane_models import burned, read_models
from bench.plane_truth import LEAST, Roofs, compare, of_scene
from kernels.planes import Planes, roof_planes
from kernels.spans import Spans
from pipeline.quarter.roofscape import Survey, roofscape

AREAS = ((40, np.inf, 0.04), (20, 40, 0.08), (8, 20, 0.15))
TIMES = 7
MOST_NS = 150  # a roof cell
SURVEYS: tuple[Survey, ...] = ("mean", "highest")
BEGIN = "<!-- targets: made by `python -m bench.planes` -->"
END = "<!-- end of targets -->"
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


def text_of(title: str, lines: Iterable[Line]) -> str:
    """A table of targets, as Markdown."""
    rows = ("| " + " | ".join(line) + " |" for line in lines)
    return "\n".join([f"| {title} | | |", "|---|---|---|", *rows])


def by_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Medians of each kind of roof, of planes of 8 m2 and more."""
    large = table[table.area >= LEAST]
    of = large.assign(area_off=(large.found - large.area) / large.area, tilt_off=large.off_tilt)
    of["wrong"] = of.missed | of.split | of.joined
    return of.groupby("kind")[["area_off", "tilt_off", "wrong"]].agg(["mean", "std"]).round(3)


def scene_tables(seeds: list[int], repeats: int, kinds: bool) -> Iterator[str]:
    """The tables of generated scenes, the planes of all seeds together."""
    scenes = [roofscape(repeats, seed) for seed in seeds]
    for survey in SURVEYS:
        table = pd.concat([compare(of_scene(scene, survey))[1] for scene in scenes])
        yield text_of(f"generated roofs, cells are the {survey} of 5 x 5", lines_of_scene(table))
        if kinds:
            print(by_kind(table))
    yield text_of("cost, of the CPU's time", lines_of_cost(of_scene(scenes[0], "mean")))


def lines_of_cost(roofs: Roofs) -> Iterator[Line]:
    """The cost of a cell of a scene, and of single flat roofs."""
    ns = 1e9 * cost(roofs)
    yield "a cell of the scene", f"{ns:.0f} ns", "met" if ns <= MOST_NS else "missed"
    for side in (20, 200, 2000):
        yield f"of one flat roof of {side} x {side} cells", f"{1e9 * cost_of_one(side):.0f} ns", ""


def put_on(page: Path, text: str, marks: tuple[str, str] = (BEGIN, END)) -> None:
    """Put the tables between the marks of a page."""
    begin, end = marks
    before, rest = page.read_text("utf-8").split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", "utf-8")


def main() -> None:
    """Print the tables, or put them on a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--models", type=Path)
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--page", type=Path)
    chosen = parser.parse_args()
    tables = list(scene_tables(chosen.seeds, chosen.repeats, chosen.kinds))
    if chosen.models:
        _, table = compare(burned(read_models(chosen.models)))
        tables.append(text_of("faces of the 3DBAG, burned to 0.5 m", lines_of_models(table)))
    text = "\n\n".join(tables)
    print(text)
    if chosen.page:
        put_on(chosen.page, text)


if __name__ == "__main__":
    main()
