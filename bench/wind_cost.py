"""What the wind of a year costs: the CPU's time a candidate, of what stands around it and of its
year.

python -m bench.wind_cost [--size M] [--resolution M] [--lowest M] [--turns N]

Of a generated quarter of M x M metres whose sheets are surveyed, in shards as large as a nation's:
the median, least and most of N turns over all of them, after one that compiles. lowest: height of
the buildings that count as candidates.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.planes import Line, text_of
from bench.wind_blocks import measured_blocks, surveyed
from bench.year import verdict
from pipeline import quarter
from pipeline.grid.windows import LARGEST_SHARD
from pipeline.methods.annual.wind.scene import scenes
from pipeline.methods.annual.wind.year import year_of_wind
from pipeline.methods.buildings import Measured
from pipeline.methods.climate.wind import wind_of
from pipeline.methods.passes import Block, Work
from pipeline.runs.prepare import Run
from pipeline.runs.request import Request

MOST = 8.0  # ms a candidate, of both


class Cost(NamedTuple):
    """Candidates, and the CPU's time for all of them: of what stands around, and of the year
    [s]."""

    candidates: int
    around: float
    year: float

    @property
    def each(self) -> tuple[float, float, float]:
        """What stands around, the year, and both [ms a candidate]."""
        around, year = (1e3 * part / max(self.candidates, 1) for part in self[1:])
        return around, year, around + year


def prepared(folder: Path, size: float, resolution: float, lowest: float) -> Run:
    """A run over a quarter that is ready for its pass, in shards as large as a nation's."""
    made = quarter.generate(folder / "quarter", size=(size, size), resolution=resolution)
    settings = {"wind_min_height_m": lowest}
    run = surveyed(Request.of(**made.inputs, out=folder / "out", settings=settings))
    layout = replace(run.context.layout, shard=LARGEST_SHARD)
    return replace(run, context=replace(run.context, layout=layout))


def cost(run: Run) -> Cost:
    """Of all blocks."""
    costs = [_block_cost(*each) for each in measured_blocks(run)]
    return Cost(*map(sum, zip(*costs, strict=True)))


def _block_cost(work: Work, block: Block, measured: Measured) -> Cost:
    context, start = work.context, time.process_time()
    seen = list(scenes(work, measured))
    around, start = time.process_time() - start, time.process_time()
    wind = wind_of(context.climate, block.square)
    turbine = context.turbines.named(context.p.turbine)
    for scene in seen:
        year_of_wind(scene, wind, turbine, context.p)
    number = sum(len(scene.candidates.position) for scene in seen)
    return Cost(number, around, time.process_time() - start)


def lines(run: Run, turns: int) -> Iterator[Line]:
    """What, figure, whether it is met."""
    every = [cost(run) for _ in range(turns)]
    names = "what stands around a candidate", "its year", "both"
    for name, values in zip(names, zip(*(each.each for each in every), strict=True), strict=True):
        text = f"{median(values):.1f} ms ({min(values):.1f}-{max(values):.1f})"
        yield name, text, verdict(median(values), MOST) if name == "both" else ""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=2000)
    parser.add_argument("--resolution", type=float, default=0.5)
    parser.add_argument("--lowest", type=float, default=20.0)
    parser.add_argument("--turns", type=int, default=3)
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="wind-") as folder:
        run = prepared(Path(folder), chosen.size, chosen.resolution, chosen.lowest)
        title = f"{cost(run).candidates} candidates: the CPU's time"
        print(text_of(title, lines(run, chosen.turns)))


if __name__ == "__main__":
    main()
