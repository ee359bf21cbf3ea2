"""A table of generated roofs, as a run leaves it, in small row groups along the curve."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from pipeline.footprints.prepared_sort import hilbert
from pipeline.storage.geoparquet import EDGES
from tests.support.finished import METHOD

WEST, SOUTH, WIDTH = 121_000.0, 487_000.0, 4000.0  # m
CORNER = (WEST + 10.0, SOUTH + 10.0, WEST + 1200.0, SOUTH + 900.0)  # of the ground, a rectangle
CLASSES = ("none", "solar", "wind_or_solar")


def geometries(number: int, rng: np.random.Generator) -> np.ndarray:
    """Roofs as they come: most with four to nine corners, some with a court, some in two parts,
    one of 600 m, one of a centimetre."""
    corners = rng.integers(4, 10, number)
    centres = rng.uniform((WEST, SOUTH), (WEST + WIDTH, SOUTH + WIDTH), (number, 2))
    shapes = []
    for i, (n, centre) in enumerate(zip(corners, centres, strict=True)):
        radius = {0: 300.0, 1: 0.005}.get(i, rng.uniform(2, 40))
        angle = np.sort(rng.uniform(0, 2 * np.pi, n)) * 0.3 + np.arange(n) * 1.4 * np.pi / n
        shape = shapely.Polygon(centre + radius * np.column_stack([np.cos(angle), np.sin(angle)]))
        if i % 7 == 2:
            shape = shape - shapely.Point(shape.representative_point()).buffer(radius / 5)
        if i % 11 == 3:
            shape = shapely.union(
                shape, shapely.box(*(centre + 2 * radius), *(centre + 3 * radius))
            )
        shapes.append(shapely.make_valid(shape))
    return np.array(shapes, object)


def table(number: int, seed: int = 0) -> pa.Table:
    """Rows with every kind of property there and null; the last has no polygon."""
    rng = np.random.default_rng(seed)
    shapes = geometries(number, rng)
    shapes[-1] = None
    bounds, centre = shapely.bounds(shapes), shapely.get_coordinates(shapely.centroid(shapes))
    centre = np.vstack([centre, [[np.nan, np.nan]]])
    judged = rng.random(number) > 0.1
    kind = rng.integers(0, 3, number)
    numbers = {
        name: rng.gamma(2.0, 50.0, number)
        for name in (
            "area_m2",
            "roof_m",
            "height_m",
            "panel_area_m2",
            "solar_kwh",
            "wind_kwh",
            "lit_area_m2",
        )
    }
    lit = (rng.random((number, 3)) < 0.5).tolist()
    truths = {name: pa.array(rng.random(number) < 0.5, mask=~judged) for name in METHOD.schema.names
              if METHOD.schema.field(name).type == pa.bool_()}  # fmt: skip
    columns: dict[str, Any] = numbers | truths | {
        "row": np.arange(number),
        "id": [f"{row:016d}" for row in rng.permutation(number)],
        "built": pa.array(rng.integers(1600, 2025, number), mask=rng.random(number) < 0.2),
        "status": ["Pand in gebruik"] * number,
        "ground_m": pa.array(rng.normal(0, 1, number).round(2), mask=~judged),
        "cells": rng.integers(0, 900, number),
        "centre_x": pa.array(centre[:, 0], from_pandas=True),
        "centre_y": pa.array(centre[:, 1], from_pandas=True),
        "lit": [row if known else None for row, known in zip(lit, judged, strict=True)],
        "class": pa.array([CLASSES[k] for k in kind], mask=~judged),
        "selected": rng.random(number) < 0.9,
        "excluded": pa.array(["both"] * number, mask=rng.random(number) < 0.9),
        "flags": [["repaired", "restricted"][: rng.integers(0, 3)] for _ in range(number)],
        "rejected": pa.array(["no_ground"] * number, mask=judged),
        "lit_share": pa.array(rng.random(number), mask=~judged),
        "bbox": pa.StructArray.from_arrays(
            [pa.array(edge, from_pandas=True) for edge in bounds.T], EDGES,
            mask=pa.array(shapely.is_missing(shapes))),
        "geometry": pa.array(shapely.to_wkb(shapes), pa.binary()),
    }  # fmt: skip
    rows = pa.table([pa.array(columns[name], METHOD.schema.field(name).type)
                     if not isinstance(columns[name], pa.Array) else columns[name]
                     for name in METHOD.schema.names], schema=METHOD.schema)  # fmt: skip
    return rows.take(pa.array(np.argsort(hilbert(centre), kind="stable")))


def write(rows: pa.Table, path: Path, group: int = 150) -> Path:
    """The rows as a file of row groups of so many."""
    pq.write_table(rows, path, row_group_size=group, compression="zstd")
    return path
