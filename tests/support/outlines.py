"""Footprints as files, and what is read of them or why not."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.footprints.footprints import Footprints, footprints_of, read_files

X, Y = 121_000.0, 487_000.0


def read_footprints(
    sources: Iterable[str],
    *,
    layer: str | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    centre: str = "centroid",
) -> Footprints:
    """Footprints of files that are read whole, one after another."""
    return footprints_of(read_files(sources, layer), id_column, group_column, centre)


def box(x: float, y: float, width: float = 10, height: float = 8) -> shapely.Polygon:
    return shapely.box(X + x, Y + y, X + x + width, Y + y + height)


HOUSES = [box(0, 0), box(20, 0), box(40, 0, 12, 12) - box(43, 3, 4, 4)]
BOXES = [box(20 * i, 0) for i in range(4)]
TWINS = shapely.MultiPolygon([box(60, 0), box(75, 0)])


def table(geometry: list[Any], crs: Any = 28992, **columns: Any) -> gpd.GeoDataFrame:
    usual = {"identificatie": [f"{i:016d}" for i in range(len(geometry))]}
    return gpd.GeoDataFrame(columns or usual, geometry=geometry, crs=crs)


def write(path: Path, rows: gpd.GeoDataFrame, **options: Any) -> Path:
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    else:
        rows.to_file(path, **options)
    return path


def read(*paths: Path, **options: Any) -> Footprints:
    return read_footprints([str(path) for path in paths], **options)


def refusal(*paths: Path, **options: Any) -> str:
    with pytest.raises(InputError) as fault:
        read(*paths, **options)
    text = str(fault.value)
    assert "\n" not in text
    return text
