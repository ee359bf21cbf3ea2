"""Small worlds written as files, the whole product run on them, and what it says of each row."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray

from pipeline import quarter
from pipeline.engine.engine import Stop, never_stop
from pipeline.runs.request import Inputs, Outputs, Request
from pipeline.runs.run import run
from tests.support import reference

NODATA = np.float32(3.4028235e38)
TEXTS = ("id", "status", "class", "rejected")
NUMBERS = ("row", "built", "area_m2", "ground_m", "roof_m", "height_m", "cells", "centre_x",
           "centre_y", "panel_area_m2", "solar_kwh", "wind_kwh", "lit_share",
           "lit_area_m2")  # fmt: skip
TRUTHS = ("solar_suitable", "wind_candidate", "wind_shadowed", "wind_suitable")
COLUMNS = (*TEXTS, *NUMBERS, *TRUTHS, "lit", "flags")
Array = NDArray[Any]
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Files:
    """Inputs of a run."""

    dsm: tuple[Path, ...]
    dtm: tuple[Path, ...]
    buildings: Path

    def request(self, out: Path, **options: Any) -> Request:
        """A run of them. options: fields of a request, of whichever group."""
        return Request(inputs_of(self), Outputs(out)).replace(**options)


def generated(folder: Path, **options: Any) -> Files:
    """The files of a generated quarter."""
    made = quarter.generate(folder, **options)
    return Files(made.dsm, made.dtm, made.buildings)


def inputs_of(files: Any) -> Inputs:
    """The files of a run as it takes them. files: with `dsm`, `dtm` and `buildings`."""
    dsm, dtm = (tuple(map(str, paths)) for paths in (files.dsm, files.dtm))
    return Inputs(dsm, dtm, (str(files.buildings),))


@dataclass
class World:
    """Ground of `width` x `height` metres whose south-western corner is `west`, `south` [RD m],
    and what is put on it; all coordinates below count from that corner [m]."""

    width: float
    height: float
    resolution: float = 0.5
    west: float = 121_000.0
    south: float = 487_000.0
    ground: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        shape = round(self.height / self.resolution), round(self.width / self.resolution)
        self.dtm = np.full(shape, self.ground, np.float32)
        self.dsm = self.dtm.copy()

    @property
    def transform(self) -> Affine:
        r = self.resolution
        return Affine(r, 0, self.west, 0, -r, self.south + len(self.dtm) * r)

    def part(self, xmin: float, ymin: float, xmax: float, ymax: float) -> tuple[slice, slice]:
        """The cells of a rectangle, as slices."""
        left, right, bottom, top = (round(v / self.resolution) for v in (xmin, xmax, ymin, ymax))
        return slice(len(self.dtm) - top, len(self.dtm) - bottom), slice(left, right)

    def footprint(self, shape: Any, **columns: Any) -> int:
        """Add a footprint; its row."""
        corner = np.array([self.west, self.south])
        polygon = None if shape is None else shapely.transform(shape, lambda xy: xy + corner)
        row = len(self.rows)
        self.rows.append({"identificatie": f"{row:016d}", "geometry": polygon, **columns})
        return row

    def block(
        self, xmin: float, ymin: float, xmax: float, ymax: float, top: float, **columns: Any
    ) -> int:
        """Add a rectangular building that stands in the DSM; its row."""
        self.dsm[self.part(xmin, ymin, xmax, ymax)] = top
        return self.footprint(shapely.box(xmin, ymin, xmax, ymax), **columns)

    def frame(self, inset: float = 0.0) -> int:
        """A footprint without height that makes the footprints reach this far; its row."""
        outer = shapely.box(inset, inset, self.width - inset, self.height - inset)
        inner = outer.buffer(-min(1.0, self.width / 4))
        return self.footprint(outer - inner)

    @property
    def footprints(self) -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame(self.rows, geometry="geometry", crs=28992)

    def write(self, folder: Path) -> Files:
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / "R_1.tif", folder / "M_1.tif"
        for path, values in zip(paths, (self.dsm, self.dtm), strict=True):
            write_sheet(path, values, self.transform)
        self.footprints.to_parquet(folder / "pand.parquet")
        return Files(paths[:1], paths[1:], folder / "pand.parquet")

    def judge(self, folder: Path, **options: Any) -> pd.DataFrame:
        """What the product says of each row."""
        return judge(self.write(folder / "in"), folder / "out", **options)

    def expected(self, **parameters: Any) -> pd.DataFrame:
        """What the reference says of each row."""
        return reference.powermapping(
            self.dsm, self.dtm, self.transform, self.footprints, **parameters
        )


def write_sheet(path: Path, metres: Array, transform: Affine, **profile: Any) -> None:
    """A GeoTIFF as the AHN's are; with dtype int16 in centimetres and nodata -9999."""
    if profile.get("dtype") == "int16":
        values = np.where(np.isnan(metres), -9999, np.rint(metres * 100)).astype(np.int16)
        profile |= {"nodata": -9999}
    else:
        values = np.where(np.isnan(metres), NODATA, metres).astype(np.float32)
    usual = {"dtype": "float32", "nodata": float(NODATA), "crs": "EPSG:28992"}
    height, width = values.shape
    shape = {"driver": "GTiff", "count": 1, "height": height, "width": width}
    with rasterio.open(path, "w", transform=transform, **shape, **(usual | profile)) as file:
        file.write(values, 1)
        if values.dtype == np.int16:
            file.scales = (0.01,)


def write_sheets(
    folder: Path, name: str, metres: Array, transform: Affine, missing: int | None, **profile: Any
) -> tuple[Path, ...]:
    """The same in three by three sheets, one of which may be missing."""
    thirds = ([slice(n * k // 3, n * (k + 1) // 3) for k in range(3)] for n in metres.shape)
    paths = []
    for i, (rows, columns) in enumerate(itertools.product(*thirds)):
        if i != missing:
            paths.append(folder / f"{name}_{i}.tif")
            corner = transform @ Affine.translation(columns.start, rows.start)
            write_sheet(paths[-1], metres[rows, columns], corner, **profile)
    return tuple(paths)


def recut(
    paths: tuple[Path, ...], folder: Path, rows: Sequence[int], columns: Sequence[int]
) -> tuple[Path, ...]:
    """The raw cells of sheets that fill a rectangle, in other sheets, cut along these lines."""
    with ExitStack() as stack:
        sheets = [stack.enter_context(rasterio.open(path)) for path in paths]
        west, south, east, north = around([sheet.bounds for sheet in sheets])
        first, r = sheets[0], sheets[0].res[0]
        values = np.empty((round((north - south) / r), round((east - west) / r)), first.dtypes[0])
        for sheet in sheets:
            top, left = round((north - sheet.bounds.top) / r), round((sheet.bounds.left - west) / r)
            values[top : top + sheet.height, left : left + sheet.width] = sheet.read(1)
        kept = {name: first.profile[name] for name in ("driver", "count", "dtype", "crs", "nodata")}
        scales, whole = first.scales, Affine(r, 0, west, 0, -r, north)
    places = [
        list(itertools.pairwise([0, *lines, size]))
        for lines, size in zip((rows, columns), values.shape, strict=True)
    ]
    cut = []
    for (top, bottom), (left, right) in itertools.product(*places):
        cut.append(folder / f"{paths[0].stem}_{top}_{left}.tif")
        size = {"height": bottom - top, "width": right - left}
        corner = whole @ Affine.translation(left, top)
        with rasterio.open(cut[-1], "w", transform=corner, **size, **kept) as sheet:
            sheet.write(values[top:bottom, left:right], 1)
            sheet.scales = scales
    return tuple(cut)


def judge(files: Files, out: Path, *, stop: Stop = never_stop, **options: Any) -> pd.DataFrame:
    """Run without drawing the map, which takes longer than a small world; a row a building, by
    its row in the input. No layers unless asked for."""
    request = files.request(out, **({"layers": ()} | options))
    with undrawn():
        run(request, stop=stop)
    return table_of(out)


@contextmanager
def undrawn(group_rows: int | None = None) -> Iterator[None]:
    """Runs meanwhile draw no map, and put so many rows into a row group."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.output.map.cartography.draw", lambda scene, to, lang: None)
        if group_rows is not None:
            patch.setattr("pipeline.results.buildings.GROUP_ROWS", group_rows)
        yield


def table_of(out: Path) -> pd.DataFrame:
    """The rows of a finished run, with None for null."""
    rows = pq.read_table(out / "buildings.parquet").to_pylist()
    return pd.DataFrame(rows, dtype=object).set_index("row", drop=False).sort_index()


def read(
    paths: tuple[Path, ...], nodata: float | None = None, bounds: Bounds | None = None
) -> tuple[Array, Affine, Array]:
    """Sheets as one array of metres with NaN, its transform, and the cells that a sheet covers;
    read by rasterio alone. bounds: west, south, east, north, by default those of the sheets."""
    with ExitStack() as stack:
        sheets = [stack.enter_context(rasterio.open(path)) for path in paths]
        west, south, east, north = bounds or around([sheet.bounds for sheet in sheets])
        r = sheets[0].res[0]
        metres = np.full((round((north - south) / r), round((east - west) / r)), np.nan, np.float32)
        covered = np.zeros(metres.shape, bool)
        for sheet in sheets:
            top, left = round((north - sheet.bounds.top) / r), round((sheet.bounds.left - west) / r)
            place = slice(top, top + sheet.height), slice(left, left + sheet.width)
            values = sheet.read(1, masked=True)
            missing = np.ma.getmaskarray(values) | (values.data == nodata)
            metres[place] = np.where(missing, np.nan, values.data * sheet.scales[0])
            covered[place] = True
    return metres, Affine(r, 0, west, 0, -r, north), covered


def around(boxes: list[Bounds]) -> Bounds:
    """The smallest box around all."""
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def expect(files: Files, nodata: float | None = None, **parameters: Any) -> pd.DataFrame:
    """What the reference says of the files."""
    sources = [rasterio.open(path) for path in (*files.dsm, *files.dtm)]
    bounds = around([source.bounds for source in sources])
    for source in sources:
        source.close()
    dsm, transform, on_dsm = read(files.dsm, nodata, bounds)
    dtm, _, on_dtm = read(files.dtm, nodata, bounds)
    reader = gpd.read_parquet if files.buildings.suffix == ".parquet" else gpd.read_file
    footprints = reader(files.buildings)
    return reference.powermapping(
        dsm, dtm, transform, footprints, on_raster=on_dsm & on_dtm, **parameters
    )


def plain(value: Any) -> Any:
    """A value as it compares: null is None, of lists the sorted set of names or the truths."""
    if isinstance(value, (list, np.ndarray)):
        return tuple(value)
    if value is None or value is pd.NA or value != value:
        return None
    return value.item() if isinstance(value, np.generic) else value


def differences(found: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    """Where two tables differ in the rows of the first, in words."""
    other = expected.set_index("row", drop=False)
    texts = []
    for row in found["row"]:
        for name in COLUMNS:
            a, b = plain(found.at[row, name]), plain(other.at[row, name])
            if name == "flags":
                a, b = sorted(a), sorted(b)
            if a != b and not (name == "id" and not a and not b):
                texts.append(f"row {row} {name}: {a!r}, expected {b!r}")
    return texts


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Every row found equals the expected one in every column."""
    lines = differences(found, expected)
    assert not lines, f"{len(lines)} differences:\n" + "\n".join(lines[:20])
