"""A finished run by hand: twelve buildings and 100 x 80 cells of 2 m, with totals to count."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely
import zarr

from pipeline.methods import METHODS
from pipeline.results import report
from pipeline.results.columns import flatten
from pipeline.storage.checksums import Checksums
from pipeline.storage.integrity import checksums_in, with_checksums

WEST, NORTH, CELL = 121_000.0, 487_160.0, 2.0
COLUMNS, ROWS = 100, 80
TIMES = ["10:00", "12:00", "14:00"]
METHOD = METHODS["powermapping"]
SCHEMA = pa.schema(
    {
        "row": pa.int64(),
        "id": pa.string(),
        "built": pa.int64(),
        "status": pa.string(),
        "area_m2": pa.float64(),
        "ground_m": pa.float64(),
        "roof_m": pa.float64(),
        "height_m": pa.float64(),
        "cells": pa.int64(),
        "centre_x": pa.float64(),
        "centre_y": pa.float64(),
        "lit": pa.list_(pa.bool_()),
        "solar_suitable": pa.bool_(),
        "panel_area_m2": pa.float64(),
        "solar_kwh": pa.float64(),
        "wind_candidate": pa.bool_(),
        "wind_shadowed": pa.bool_(),
        "wind_suitable": pa.bool_(),
        "wind_kwh": pa.float64(),
        "class": pa.string(),
        "selected": pa.bool_(),
        "excluded": pa.string(),
        "flags": pa.list_(pa.string()),
        "rejected": pa.string(),
        "lit_share": pa.float64(),
        "lit_area_m2": pa.float64(),
        "geometry": pa.binary(),
    }
)


def box(x: float, y: float, width: float, height: float) -> shapely.Polygon:
    """A rectangle by its lower left corner, in metres from the lower left of the rasters."""
    south = NORTH - ROWS * CELL
    return shapely.box(WEST + x, south + y, WEST + x + width, south + y + height)


COURT = box(150, 20, 30, 30) - box(160, 30, 10, 10)
TWINS = shapely.MultiPolygon([box(100, 20, 5, 5), box(110, 20, 5, 5)])


def building(
    row: int,
    geometry: Any,
    *,
    area: float | None,
    sunny: bool = False,
    height: float = 6.0,
    sheltered: bool = False,
    **other: Any,
) -> dict[str, Any]:
    """A judged building as the method would judge it: 10 % panels, 70.8 kWh/m2, 3,060 kWh."""
    candidate = height >= 20
    windy = candidate and not sheltered
    panels = 0.1 * area if sunny and area else 0.0
    share = 0.75 if sunny else 0.25
    centre = None if geometry is None else shapely.centroid(geometry)
    return {
        "row": row,
        "id": f"{row + 1:016d}",
        "built": None if row % 2 else 1900 + row,
        "status": "Pand in gebruik",
        "area_m2": area,
        "ground_m": 0.5,
        "roof_m": height + 0.5,
        "height_m": height,
        "cells": 25,
        "centre_x": centre.x if centre else None,
        "centre_y": centre.y if centre else None,
        "lit": [True, True, sunny],
        "solar_suitable": sunny,
        "panel_area_m2": panels,
        "solar_kwh": 70.8 * panels,
        "wind_candidate": candidate,
        "wind_shadowed": sheltered if candidate else None,
        "wind_suitable": windy,
        "wind_kwh": 3060.0 if windy else 0.0,
        "class": "wind_or_solar" if windy else "solar" if sunny else "none",
        "selected": True,
        "excluded": None,
        "flags": [],
        "rejected": None,
        "lit_share": share,
        "lit_area_m2": share * (area or 0.0),
        "geometry": None if geometry is None else shapely.to_wkb(geometry),
    } | other


def rejected(row: int, geometry: Any, reason: str, **other: Any) -> dict[str, Any]:
    """A footprint that was not judged."""
    verdicts = [
        name for name in SCHEMA.names if name.startswith(("solar_", "wind_", "panel_", "lit"))
    ]
    unknown = ("roof_m", "height_m", "class", *verdicts)
    nothing = dict.fromkeys(unknown) | {"rejected": reason, "cells": 0}
    return building(row, geometry, area=None if geometry is None else geometry.area) | (
        nothing | other
    )


def buildings() -> pa.Table:
    """Every class, every kind of exclusion, three rejections, a court, twins, one not selected."""
    high = 24.0
    return pa.Table.from_pylist(
        [
            building(0, box(20, 20, 10, 10), area=100, sunny=True),
            building(1, box(20, 120, 20, 20), area=400, sunny=True, height=high),
            building(2, box(60, 120, 15, 10), area=150, height=high),
            building(3, box(90, 120, 15, 20), area=300, height=high, sheltered=True),
            building(
                4, box(60, 20, 10, 10), area=100, sunny=True, excluded="solar", flags=["restricted"]
            ),
            building(
                5, box(20, 70, 10, 20), area=200, sunny=True, height=high, excluded="wind",
                flags=["repaired", "restricted"],
            ),
            building(6, box(60, 70, 8, 10), area=80, excluded="both", flags=["restricted"]),
            rejected(7, box(90, 60, 20, 20), "no_ground", flags=["uneven", "reach_cut"]),
            rejected(8, box(9000, 9000, 10, 10), "off_rasters"),
            rejected(9, None, "empty", ground_m=None, centre_x=None, centre_y=None),
            building(10, COURT, area=800, sunny=True, selected=False),
            building(11, TWINS, area=50, sunny=True),
        ],
        schema=SCHEMA,
    )  # fmt: skip


def composed(table: pa.Table, **other: Any) -> dict[str, Any]:
    """The report of a table, with the study's parameters and three suns."""
    parameters = {
        "date": "2025-12-21",
        "times": TIMES,
        "wind_min_height_m": 20.0,
        "wind_radius_m": 100.0,
        "yields": "study",
        "panel_share": 0.1,
        "solar_kwh_m2": 70.8,
        "turbine_kwh": 3060.0,
        "household_kwh": 3400.0,
    }
    suns = [
        {"lattice": [11, 47], "time": time, "elevation_deg": 10.0, "azimuth_deg": 150.0}
        for time in TIMES
    ]
    fields: dict[str, Any] = {
        "method": {"name": "powermapping", "parameters": parameters, "suns": suns},
        "inputs": {
            "dsm": [{"name": "R_25GN1.tif", "nodata": np.float32("nan"), "attribution": "AHN"}],
            "buildings": [{"name": "bag.gpkg", "attribution": "BAG"}],
            "around": None,
        },
        "program": {"name": "daklaag", "version": "0.1.0"},
        "machine": {"seconds": 1.5},
        "neighbours": 7,
        "cells": {"dsm_without_data": 12},
        "restrictions_by_kind": {"monument": 2, "roof_in_use": 1},
    }
    return report.compose(table, **(fields | other))


def rasters() -> dict[str, np.ndarray]:
    """Layers: the eastern half shaded at two suns, the northern tenth without data."""
    row, column = np.mgrid[:ROWS, :COLUMNS]
    void = row < ROWS // 10
    shadow = np.where(column >= COLUMNS // 2, 0b101, 0)
    hillshade = np.where(void, 0, 120 + column)
    suns = np.stack([np.where(shadow >> sun & 1 | void, 0, 50 + sun) for sun in range(3)])
    return {
        "hillshade": hillshade.astype(np.uint8),
        "shadow": np.where(void, 255, shadow).astype(np.uint8),
        "sun_hillshade": suns.astype(np.uint8),
        "surface": np.where(void, np.nan, row + column / 100).astype(np.float32),
    }


def write_store(path: Path, layers: dict[str, np.ndarray]) -> None:
    """A store of two levels, in shards, placed as the convention says."""
    root = zarr.create_group(path)
    flags: dict[str, Any] = {"flag_masks": [1, 2, 4], "flag_meanings": "at_10 at_12 at_14"}
    for level in (0, 1):
        group, size = root.create_group(str(level)), CELL * 2**level
        place: dict[str, Any] = {
            "spatial_ref": pyproj.CRS(28992).to_wkt("WKT2_2019"),
            "GeoTransform": f"{WEST} {size} 0.0 {NORTH} 0.0 {-size}",
        }
        group.create_array("spatial_ref", data=np.array(0), attributes=place)
        for name, cells in layers.items():
            cells = cells[..., :: 2**level, :: 2**level]
            lead = (1,) * (cells.ndim - 2)
            group.create_array(
                name,
                data=cells,
                chunks=(*lead, 16, 16),
                shards=(*cells.shape[:-2], 32, 32),
                attributes=flags if name == "shadow" else {},
            )


def finished(directory: Path, layers: dict[str, np.ndarray] | None = None) -> Path:
    """A finished folder in `directory`; with no layers, as `--layers none` leaves it."""
    table = buildings()
    column = {"encoding": "WKB", "geometry_types": [], "crs": pyproj.CRS(28992).to_json_dict()}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    pq.write_table(
        table.replace_schema_metadata({"geo": json.dumps(geo)}), directory / "buildings.parquet"
    )
    write_store(directory / "rasters.zarr", rasters() if layers is None else layers)
    seal(directory, composed(table))
    return directory


def seal(directory: Path, told: dict[str, Any]) -> None:
    """Write the report of a folder as a run does: with the checksums of all that lies there."""
    report_ = directory / "report.json"
    files = [path for path in directory.rglob("*") if path.is_file() and path != report_]
    sums = {path.relative_to(directory).as_posix(): Checksums.read(path) for path in files}
    report_.write_text(report.dumps(with_checksums(told, sums)), encoding="utf-8")


def amend(directory: Path, told: dict[str, Any]) -> None:
    """Write another report of a folder, sealed, with the checksums that it has."""
    text = report.dumps(with_checksums(told, checksums_in(told)))
    (directory / "report.json").write_text(text, encoding="utf-8")


def same_columns(told: pa.Table) -> None:
    """The columns of a flat table are those of the run, with the same values."""
    expected = flatten(buildings()).drop_columns(["geometry"])
    for name in expected.column_names:
        values = [None if value == "" else value for value in told[name].to_pylist()]
        wanted = [None if value == "" else value for value in expected[name].to_pylist()]
        assert values == wanted, name


def geometry() -> np.ndarray:
    return np.asarray(shapely.from_wkb(buildings()["geometry"].to_numpy()))


def flat_names() -> list[str]:
    return flatten(buildings()).drop_columns(["geometry"]).column_names
