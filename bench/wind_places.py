"""Places of the study of the wind: their files, and what both methods say of their candidates."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import rasterio
from affine import Affine

from bench.wind_blocks import measured_blocks, surveyed
from pipeline.methods.annual.wind.scene import scenes
from pipeline.methods.annual.wind.year import year_of_wind
from pipeline.methods.climate.wind import wind_of
from pipeline.runs.request import Request
from pipeline.runs.run import run

TIMES = 5  # a cell of 5 m becomes so many times so many of 1 m
HOLE = 0.0  # what stands for no data in the sheets of Delft
NODATA = float(np.finfo(np.float32).max)
KEPT = ["id", "built", "height_m", "area_m2", "wind_shadowed", "wind_suitable"]
WIND = [
    "wind_suitable", "wind_kwh", "wind_low_kwh", "wind_high_kwh", "wind_brochure_kwh", "z0_m",
    "wind_sector_kwh", "wind_mean_ms", "wind_unsheltered_ms", "wind_held", "flags",
]  # fmt: skip


class PlaceFiles(NamedTuple):
    """The inputs of a place, with cells of at most 1 m."""

    name: str
    dsm: Path
    dtm: Path
    buildings: Path

    def request(self, out: Path) -> Request:
        """A run of them."""
        dsm, dtm, buildings = ((str(path),) for path in self[1:])
        return Request.of(dsm=dsm, dtm=dtm, buildings=buildings, out=out)


def amsterdam(data: Path) -> PlaceFiles:
    """The part of the canal belt that AHN3 at 1 m covers."""
    folder = data / "amsterdam"
    dsm, dtm = (folder / f"gridded/amsterdam_ahn3_{kind}_1m_DERIVED.tif" for kind in ("dsm", "dtm"))
    return PlaceFiles("Amsterdam", dsm, dtm, folder / "bag_pandactueelbestaand.gpkg")


def delft(data: Path, folder: Path) -> PlaceFiles:
    """The campus of Delft, its cells of 5 m repeated to 1 m in sheets of that folder."""
    source = data / "delft-5m"
    dsm, dtm = (repeat(source / f"tud-{kind}-5m.tif", folder) for kind in ("dsm", "dtm"))
    return PlaceFiles("Delft", dsm, dtm, source / "bag_panden_tudcampus.geojson")


def repeat(sheet: Path, folder: Path) -> Path:
    """A sheet with each cell TIMES x TIMES times, and holes as no data."""
    with rasterio.open(sheet) as source:
        heights, profile = source.read(1), source.profile
    heights = np.where(heights == HOLE, np.float32(NODATA), heights)
    heights = heights.repeat(TIMES, axis=0).repeat(TIMES, axis=1)
    height, width = heights.shape
    profile |= {"height": height, "width": width, "nodata": NODATA, "dtype": "float32"}
    profile["transform"] = profile["transform"] @ Affine.scale(1 / TIMES)
    out = folder / sheet.name
    with rasterio.open(out, "w", **profile) as target:
        target.write(heights, 1)
    return out


def candidates(place: PlaceFiles, folder: Path) -> pd.DataFrame:
    """What both methods say of the buildings of 20 m and more.

    Columns of `powermapping`: `id`, `built`, `height_m`, `area_m2`, `wind_shadowed`, and `study`,
    its `wind_suitable`; of `annual` those of WIND; `open_kwh` and `open_sector_kwh`: the field
    yield if what rises above the roof took nothing; `far_kwh`: if only what stands beyond 100 m
    took something.
    """
    study = _table(place, folder / "study", "powermapping")
    chosen = study[study["wind_candidate"].fillna(False).astype(bool)]
    table = chosen[KEPT].rename(columns={"wind_suitable": "study"})
    wind = _table(place, folder / "annual", "annual")
    table = table.join(wind[WIND])
    free = _table(place, folder / "open", "annual", porosity=1.0)
    table["open_kwh"] = free["wind_kwh"]
    table["open_sector_kwh"] = free["wind_sector_kwh"]
    table["far_kwh"] = pd.Series(_far_alone(place, folder / "far"))
    return table.astype({"study": bool, "wind_shadowed": bool, "wind_suitable": bool})


def _table(place: PlaceFiles, out: Path, method: str, **settings: Any) -> pd.DataFrame:
    """The table of a run, by the place of each row in the file of footprints."""
    run(place.request(out).replace(method=method, layers=(), settings=settings))
    return pq.read_table(out / "buildings.parquet").to_pandas().set_index("row").sort_index()


def _far_alone(place: PlaceFiles, folder: Path) -> dict[int, float]:
    """The field yields of candidates if nothing stood within 100 m, by row [kWh]."""
    yields = dict[int, float]()
    for work, block, measured in measured_blocks(surveyed(place.request(folder))):
        context = work.context
        wind = wind_of(context.climate, block.square)
        turbine = context.turbines.named(context.p.turbine)
        for scene in scenes(work, measured):
            near = np.full_like(scene.obstacles.near_height, np.nan)
            far = scene.obstacles._replace(near_height=near, near_distance=near)
            year = year_of_wind(scene._replace(obstacles=far), wind, turbine, context.p)
            rows = measured.footprints.row[scene.candidates.position]
            yields |= dict(zip(rows.tolist(), year.kwh.tolist(), strict=True))
    return yields
