"""A finished run of the tests' second method by hand: buildings whose parts are their storeys."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.methods import METHODS
from pipeline.storage.geoparquet import EDGES
from tests.support.finished import NORTH, TIMES, WEST, composed, seal
from tests.support.second import SECOND, STOREYS

ROWS, ROWS_A_GROUP, WIDTH = 200, 16, 40.0  # buildings, [m] between them
WITHOUT = 3  # the row of whose storeys no outline is known


@cache
def buildings(outlines: bool = True) -> pa.Table:
    """Buildings in a square, of none to four storeys; every ninth was not judged. outlines: whether
    storeys have one."""
    place = np.arange(ROWS)
    west, south = WEST + WIDTH * (place % 15), NORTH + WIDTH * (place // 15)
    shapes = shapely.box(west, south, west + 10 + place % 7, south + 12)
    wkb = shapely.to_wkb(shapes).tolist()
    known = wkb if outlines else [None] * ROWS
    judged = place % 9 != 0
    edges = shapely.bounds(shapes).T
    columns: dict[str, Any] = {
        "row": place,
        "id": [f"{row:016d}" for row in place],
        "area_m2": shapely.area(shapes),
        "centre_x": west + 5,
        "centre_y": south + 5,
        "cells": place + 1,
        "above_m": pa.array(3.0 * (place % 5), mask=~judged),
        "storeys": pa.array([_storeys(*each) for each in zip(place, judged, known, strict=True)],
                            STOREYS.type),
        "class": pa.array(["low"] * ROWS, mask=~judged),
        "selected": np.full(ROWS, True),
        "flags": pa.array([[]] * ROWS, pa.list_(pa.string())),
        "rejected": pa.array(["no_ground"] * ROWS, mask=judged),
        "bbox": pa.StructArray.from_arrays([pa.array(edge) for edge in edges], EDGES),
        "geometry": pa.array(wkb, pa.binary()),
    }  # fmt: skip
    kinds = {field.name: field.type for field in SECOND.schema}
    every = [
        pa.array(columns[name], kind) if name in columns else pa.nulls(ROWS, kind)
        for name, kind in kinds.items()
    ]
    return pa.table(every, schema=SECOND.schema)


def _storeys(row: int, judged: bool, outline: bytes | None) -> list[dict[str, Any]] | None:
    if not judged:
        return None
    shape = None if row == WITHOUT else outline
    kinds = ["ground", "upper", "upper", "upper"][: row % 5]
    return [
        {"number": n + 1, "kind": kind, "floor_m": 3.0 * n, "outline": shape}
        for n, kind in enumerate(kinds)
    ]


def expected() -> list[dict[str, Any]]:
    """The rows of the part table, by hand; their outlines are under `geometry`."""
    return [
        {"id": row["id"], "row": row["row"], **storey, "geometry": storey["outline"]}
        for row in buildings().to_pylist()
        for storey in row["storeys"] or ()
    ]


def storeyed(folder: Path, outlines: bool = True) -> Path:
    """A finished run of these buildings in small row groups."""
    folder.mkdir(parents=True)
    table = buildings(outlines)
    pq.write_table(table, folder / "buildings.parquet", row_group_size=ROWS_A_GROUP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, SECOND.name, SECOND)
        parameters = {"tall_m": 6.0, "times": TIMES[:0]}
        seal(folder, composed(table, method={"name": SECOND.name, "parameters": parameters}))
    return folder
