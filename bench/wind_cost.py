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
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from bench.planes import Line, text_of
from bench.year import verdict
from pipeline import quarter
from pipeline.engine.engine import never_stop, no_progress, open_engine
from pipeline.grid.windows import LARGEST_SHARD, Shard
from pipeline.methods.annual.wind.scene import scenes
from pipeline.methods.annual.wind.year import year_of_wind
from pipeline.methods.climate.wind import wind_of
from pipeline.runs.passes import survey_pass
from pipeline.runs.prepare import prepare
from pipeline.runs.request import Inputs, Outputs, Request
from pipeline.runs.tasks import Shared, open_work

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


def surveyed(folder: Path, size: float, resolution: float, lowest: float) -> Shared:
    """The method and the context of its one pass over a quarter."""
    made = quarter.generate(folder / "quarter", size=(size, size), resolution=resolution)
    dsm, dtm = (tuple(map(str, paths)) for paths in (made.dsm, made.dtm))
    request = Request(Inputs(dsm, dtm, (str(made.buildings),)), Outputs(folder / "out"))
    options: dict[str, Any] = {
        "method": "annual",
        "layers": (),
        "settings": {"wind_min_height_m": lowest},
    }
    run = prepare(request.replace(**options), no_progress, never_stop)
    with ExitStack() as stack:
        survey_pass(run.context, open_engine(stack, "threads", 1, no_progress, never_stop))
    layout = replace(run.context.layout, shard=LARGEST_SHARD)
    return run.method, replace(run.context, layout=layout)


def cost(shared: Shared) -> Cost:
    """Of all shards, each in a task of its own."""
    shards = shared[1].layout.shards()
    candidates, around, year = zip(*(b for s in shards for b in _blocks(shared, s)), strict=True)
    return Cost(sum(candidates), sum(around), sum(year))


def _blocks(shared: Shared, shard: Shard) -> Iterator[Cost]:
    method, context = shared
    with open_work(shared, shard, method.passes[0], None, never_stop) as work:
        for block in work.each_block(None):
            measured, start = work.measured(block.footprints), time.process_time()
            seen = list(scenes(work, measured))
            around, start = time.process_time() - start, time.process_time()
            wind = wind_of(context.climate, block.square)
            turbine = context.turbines.named(context.p.turbine)
            for scene in seen:
                year_of_wind(scene, wind, turbine, context.p)
            number = sum(len(scene.candidates.position) for scene in seen)
            yield Cost(number, around, time.process_time() - start)


def lines(shared: Shared, turns: int) -> Iterator[Line]:
    """What, figure, whether it is met."""
    every = [cost(shared) for _ in range(turns)]
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
        shared = surveyed(Path(folder), chosen.size, chosen.resolution, chosen.lowest)
        title = f"{cost(shared).candidates} candidates: the CPU's time"
        print(text_of(title, lines(shared, chosen.turns)))


if __name__ == "__main__":
    main()
