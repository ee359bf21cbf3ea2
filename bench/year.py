"""How near the year of sun is to the truth: the table of targets.

python -m bench.year [--cells N] [--size M] [--repeats N] [--page PAGE.md]

Of a quarter of M x M metres and of a scene of roofs: what N roof cells, drawn with a seed, get by
the table behind their horizons, beside the sum over every ten-minute sun of the year through an
exact march. Of ground whose light is known: how far off. Of horizons that look from planes: the
cost beside those of the surface. PAGE gets the tables between its marks. A cell takes 10 ms of one
core, in the quarter 30.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.exact_light import light_by_force
from bench.planes import Line, put_on, text_of
from bench.scenes import RESOLUTION, city
from bench.year_laws import laws
from bench.year_sample import Field, light_by_table, run_of, samples, surface_of
from kernels.coarse import coarsen
from kernels.field import far_field, near_field
from kernels.horizon import FLOOR, horizon, horizon_halo
from pipeline import quarter
from pipeline.grid.windows import LatticeCell
from pipeline.methods.annual.rules import Annual
from pipeline.methods.climate import beam_table, climate_of, shipped_climate
from pipeline.methods.climate.table import azimuths
from pipeline.quarter.roofscape import generate_roofs
from pipeline.quarter.write import Generated

BEGIN = "<!-- year: made by `python -m bench.year` -->"
END = "<!-- end of year -->"
SHADED = 0.05  # of what a cell would get unshaded: so much is a loss by shade
MOST, MOST_SHADED = 0.5, 0.8  # of what a cell would get unshaded, for 95 % of the cells [%]
MOST_LAW = 0.5  # of an open sky, or of the sun on level ground [%]
MOST_LEVEL = 1e-9  # of a month's irradiation of a level plane [kWh/m2]
MOST_TIMES = 1.2  # of today's horizon, that of receivers
SQUARES = (LatticeCell(1, 37), LatticeCell(11, 47), LatticeCell(18, 31), LatticeCell(25, 57))
LOWEST_ROOF, SIDE, TURNS = 1.0, 1000, 7
Reals = NDArray[np.float64]


class Compared(NamedTuple):
    """Cells of a scene [kWh/m2], (cells,): what they get by horizon and table, and by brute force,
    and would get unshaded; flat: whether they are of flat planes."""

    table: Reals
    truth: Reals
    unshaded: Reals
    flat: NDArray[np.bool_]

    @property
    def off(self) -> Reals:
        """How far the table is off [% of what a cell would get unshaded]."""
        return 100 * (self.table - self.truth) / self.unshaded

    @property
    def shaded(self) -> NDArray[np.bool_]:
        return self.truth < (1 - SHADED) * self.unshaded


def compared(files: Generated, folder: Path, number: int) -> Compared:
    """So many roof cells of a scene, both ways."""
    run_of(files, folder)
    surface, place = surface_of(files)
    field, parts = Field.of(surface, place), []
    for one in samples(folder, place, number):
        climate = climate_of(shipped_climate(), one.square)
        light = light_by_force(surface, one.receivers, climate, place.a, Annual().albedo)
        sums = light_by_table(field, one.receivers, climate), light.irradiation, light.unshaded
        parts.append((*(each.mean(axis=1) for each in sums), one.flat))
    return Compared(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def verdict(value: float, most: float) -> str:
    """Whether a figure is within its target."""
    return "met" if value <= most else "missed"


def lines_of_cells(cells: Compared) -> Iterator[Line]:
    """The targets of cells: what, figure, whether it is met."""
    every = np.ones(len(cells.table), bool)
    for name, which, most in (
        ("all cells", every, MOST),
        (f"cells that lose more than {100 * SHADED:.0f} %", cells.shaded, MOST_SHADED),
        ("of flat planes", cells.flat, None),
        ("of pitched planes", ~cells.flat, None),
    ):
        off = cells.off[which]
        if len(off):
            p95 = float(np.quantile(np.abs(off), 0.95))
            text = f"{p95:.2f} % (mean {off.mean():+.2f} %) of {len(off)}"
            yield name, text, verdict(p95, most) if most else ""


def lines_of_laws() -> Iterator[Line]:
    """How far what is found on known ground is off, and level planes in the tables."""
    for law in laws():
        off = 100 * (law.found - law.known)
        yield law.name, f"{off:+.2f} %", verdict(abs(off), MOST_LAW)
    off = max(level_off(square) for square in SQUARES)
    yield "a level plane, by month, of four squares", f"{off:.0e} kWh/m2", verdict(off, MOST_LEVEL)


def level_off(square: LatticeCell) -> float:
    """How far the months of a level plane are off in a square's suns [kWh/m2]."""
    here = climate_of(shipped_climate(), square)
    beam = np.bincount(here.suns.month, here.suns.energy * np.sin(here.suns.elevation), 12)
    return float(np.abs(beam + here.isotropic - here.irradiation).max())


def times_of_receivers(side: int = SIDE) -> tuple[float, float, float]:
    """The CPU's time of horizons from planes with their gradient over that of horizons of the
    surface, of roof cells of a city in 72 directions: median, least, most of alternating pairs."""
    height, roofs = city(side), city(side) > LOWEST_ROOF
    levels = horizon_halo(float(np.ptp(height)), FLOOR, RESOLUTION).levels
    near, far = near_field(height, 0, 0), far_field(coarsen(height, 0, 0), levels)
    table = beam_table(climate_of(shipped_climate(), SQUARES[1]).suns).astype(np.float32)
    gradient = np.zeros((side, side, 2), np.float32)
    gradient[..., 0] = 0.1
    planes = {"own": height + np.float32(0.1), "gradient": gradient}

    def work(**more: Any) -> Callable[[], Any]:
        return lambda: horizon(near, far, roofs, azimuths(), RESOLUTION, table, **more)

    pairs = [[_seconds(work(**more)) for more in (planes, {})] for _ in range(TURNS + 1)]
    times = [of_planes / of_surface for of_planes, of_surface in pairs[1:]]  # the first compiles
    return median(times), min(times), max(times)


def _seconds(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def lines_of_cost() -> Iterator[Line]:
    """The cost of receivers."""
    middle, least, most = times_of_receivers()
    text = f"{middle:.2f} x ({least:.2f}-{most:.2f})"
    yield "a horizon from planes, over one of the surface", text, verdict(middle, MOST_TIMES)


def tables(size: float, repeats: int, number: int) -> Iterator[str]:
    """All tables, as Markdown."""
    with TemporaryDirectory(prefix="year-") as name:
        folder = Path(name)
        scenes: dict[str, Generated] = {
            f"a quarter of {size:g} x {size:g} m": quarter.generate(
                folder / "quarter", size=(size, size)
            ),
            "generated roofs": generate_roofs(folder / "roofs", repeats=repeats),
        }
        for n, (title, files) in enumerate(scenes.items()):
            cells = compared(files, folder / str(n), number)
            yield text_of(f"{title}: off brute force, 95 % of the cells", lines_of_cells(cells))
    yield text_of("ground whose light is known: off", lines_of_laws())
    yield text_of("cost, of the CPU's time", lines_of_cost())


def main() -> None:
    """Print the tables, or put them on a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--size", type=float, default=1000)
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--page", type=Path)
    chosen = parser.parse_args()
    text = "\n\n".join(tables(chosen.size, chosen.repeats, chosen.cells))
    print(text)
    if chosen.page:
        put_on(chosen.page, text, (BEGIN, END))


if __name__ == "__main__":
    main()
