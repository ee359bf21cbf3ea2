"""How near the roughness on the relief, whose cells are 4 m wide, is to that of cells of 0.5 m."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.merge import merge
from scipy.ndimage import distance_transform_edt, median_filter

from bench.wind_blocks import surveyed
from kernels.roughness import KNOWN, RoughnessSums, roughness, surface_sums
from pipeline import quarter
from pipeline.grid.windows import Window
from pipeline.methods.annual.rules import Annual
from pipeline.methods.annual.wind.drag import drag_of
from pipeline.methods.annual.wind.ground import DEVIATIONS, MOST_PLAN, ground_of
from pipeline.methods.annual.wind.model import Ground
from pipeline.methods.annual.wind.surroundings import SQUARE_M, STANDS_M, Surroundings
from pipeline.methods.climate.roses import SECTORS
from pipeline.runs.request import Request

BESIDE = 37.0, 11.0  # where a place lies from the middle of its square: on no border of sectors [m]
GAP_M = 2.0  # of cells without data, which the nearest height fills
MOST = 0.15  # of z0, at the median
Heights = NDArray[np.float32]
Reals = NDArray[np.float64]


class Sheets(NamedTuple):
    """The files of a place with cells of 0.5 m."""

    dsm: tuple[str, ...]
    dtm: tuple[str, ...]
    buildings: tuple[str, ...]

    def heights(self) -> tuple[Heights, Heights, Affine]:
        """DSM and DTM [m], NaN for no data, and where they lie."""
        (dsm, place), (dtm, _) = (
            merge(paths, nodata=np.nan, dtype="float32") for paths in (self.dsm, self.dtm)
        )
        return dsm[0], dtm[0], place


class Compared(NamedTuple):
    """Roughness of sectors around places by the relief and by all cells, (n,) each: z0 [m] by
    Macdonald, and the frontal area per area."""

    relief: Reals
    full: Reals
    relief_frontal: Reals
    full_frontal: Reals

    @property
    def off(self) -> Reals:
        """By how much of it the relief's z0 is off."""
        return self.relief / self.full - 1


class Squares(NamedTuple):
    """Sums of whole squares of 256 m over all cells. west, north: of the first [RD m]."""

    sums: RoughnessSums
    west: float
    north: float

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which have data."""
        found: NDArray[np.bool_] = self.sums.added[..., KNOWN] > 0
        return found

    def centre(self, i: int, j: int) -> tuple[float, float]:
        return self.west + (j + 0.5) * SQUARE_M, self.north - (i + 0.5) * SQUARE_M


def squares_of(dsm: Heights, dtm: Heights, place: Affine) -> Squares:
    """The sums of squares; unknown ground is the median of the terrain's cells in a square."""
    r, per = place.a, round(SQUARE_M / place.a)
    west, north = place.c // SQUARE_M * SQUARE_M, -(-place.f // SQUARE_M) * SQUARE_M
    top, left = round((north - place.f) / r), round((place.c - west) / r)
    shape = [-(-(n + m) // per) * per for n, m in zip(dsm.shape, (top, left), strict=True)]
    surface, ground = np.full((2, shape[0] + 2, shape[1] + 2), np.nan, np.float32)
    here = np.s_[1 + top : 1 + top + len(dsm), 1 + left : 1 + left + dsm.shape[1]]
    surface[here], ground[here] = dsm, dtm
    for i in range(1, shape[0], per):
        for j in range(1, shape[1], per):
            part = ground[i : i + per, j : j + per]
            if not np.isnan(part).all():
                part[np.isnan(part)] = np.nanmedian(part)
    return Squares(surface_sums(surface, ground, STANDS_M, 0, 0, per), west, north)


def sectors_of(squares: Squares, x: float, y: float, fetch: float, r: float) -> Iterator[Reals]:
    """The fields of `Ground` of each sector around a place [RD m] of which something is known."""
    around: list[list[tuple[int, int]]] = [[] for _ in range(SECTORS)]
    for i, j in np.argwhere(squares.known).tolist():
        centre = squares.centre(i, j)
        east, north = centre[0] - x, centre[1] - y
        if max(abs(east), abs(north)) > SQUARE_M / 2 and math.hypot(east, north) <= fetch:
            turn = math.degrees(math.atan2(east, north)) / (360 / SECTORS)
            around[round(turn) % SECTORS].append((i, j))
    for sector, members in enumerate(around):
        own = [(int((squares.north - y) // SQUARE_M), int((x - squares.west) // SQUARE_M))]
        rows, columns = np.array(members or own).T
        added = squares.sums.added[rows, columns].sum(axis=0)
        one = roughness(RoughnessSums(added, squares.sums.highest[rows, columns].max()), SECTORS, r)
        highest = np.minimum(one.highest, one.mean + DEVIATIONS * one.deviation)
        plan = np.minimum(one.plan, MOST_PLAN)
        yield np.array([one.mean, one.deviation, highest, plan, one.frontal[sector]])


def compare(sheets: Sheets, folder: Path, dsm: Heights | None = None) -> Compared:
    """The roughness around the middles of all squares with data, both ways; dsm: instead of the
    sheets' for all cells, with gaps filled [m]."""
    fetch, model = Annual().fetch_m, Annual().roughness_model
    measured, dtm, place = sheets.heights()
    squares = squares_of(measured if dsm is None else dsm, dtm, place)
    centres = np.array(
        [np.add(squares.centre(i, j), BESIDE) for i, j in np.argwhere(squares.known).tolist()]
    )
    full = np.array([[*sectors_of(squares, x, y, fetch, place.a)] for x, y in centres.tolist()])
    other = Ground(*np.moveaxis(full, 2, 0))
    ground = _by_relief(sheets, folder, centres, fetch)
    drags = drag_of(ground, model), drag_of(other, model)
    relief, all_cells = (drag.roughness.ravel() for drag in drags)
    return Compared(relief, all_cells, ground.frontal.ravel(), other.frontal.ravel())


def _by_relief(sheets: Sheets, folder: Path, centres: Reals, fetch: float) -> Ground:
    """As runs of `annual` have it."""
    request = Request.of(**sheets._asdict(), out=folder / "out", relief=folder / "relief")
    context = surveyed(request).context
    reach = fetch + 2 * SQUARE_M
    (west, south), (east, north) = centres.min(0) - reach, centres.max(0) + reach
    window = Window.around((west, south, east, north), context.resolution)
    around = Surroundings(context, window)
    around.read([window], lambda: None)
    return ground_of(around, centres, fetch, context.resolution)


def filled(dsm: Heights, cells: float, median: int = 1) -> Heights:
    """Heights whose gaps of so many cells have the nearest one, and the median of each cell with
    those around it, so many a side."""
    away, (i, j) = distance_transform_edt(np.isnan(dsm), return_indices=True)
    known = away <= cells
    heights = median_filter(dsm[i, j], median)
    return np.where(known, heights, np.float32(np.nan)).astype(np.float32)


def of_quarter(folder: Path) -> Compared:
    """The generated quarter."""
    made = quarter.generate(folder / "quarter")
    return compare(Sheets(**made.inputs), folder / "generated")


def of_amsterdam(data: Path, folder: Path, median: int) -> Compared:
    """Amsterdam, its gaps filled, each cell the median of so many a side."""
    place = data / "amsterdam"
    dsm, dtm = (
        (str(place / f"gridded/amsterdam_ahn3_{kind}_0.5m_DERIVED.tif"),) for kind in ("dsm", "dtm")
    )
    sheets = Sheets(dsm, dtm, (str(place / "bag_pandactueelbestaand.gpkg"),))
    heights, _, lies = sheets.heights()
    return compare(sheets, folder / "amsterdam", filled(heights, GAP_M / lies.a, median))


def cases(data: Path, folder: Path) -> Iterator[tuple[str, Compared]]:
    """The places of the table."""
    yield "a generated quarter", of_quarter(folder)
    yield "Amsterdam, gaps filled", of_amsterdam(data, folder, 1)
    yield "Amsterdam, the median of 3 x 3 cells too", of_amsterdam(data, folder, 3)


def roughness_rows(data: Path, folder: Path) -> Iterator[tuple[str, ...]]:
    """Of each case: sectors, how far z0 is off at the median, 5 to 95 % of them, the frontal area,
    and whether the target is met."""
    for name, each in cases(data, folder):
        middle = float(np.median(np.abs(each.off)))
        low, high = np.quantile(each.off, (0.05, 0.95))
        walls = np.median(each.relief_frontal / each.full_frontal) - 1
        signed = np.median(each.off)
        yield (
            name, str(len(each.off)), f"{100 * middle:.0f} %", f"{100 * signed:+.0f} %",
            f"{100 * low:+.0f} to {100 * high:+.0f} %", f"{100 * walls:+.0f} %",
            "met" if middle <= MOST else "missed",
        )  # fmt: skip
