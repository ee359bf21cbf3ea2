"""The addresses of the roofs of finished runs, for a map that has no server to ask: an index of
streets, and a file for each place, which a browser loads when it is asked for."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.addresses.read import AddressBatch, read_addresses
from pipeline.areas.other_names import other_names
from pipeline.areas.regions import folded
from pipeline.engine.tasks import Stop
from pipeline.errors import Stopped
from pipeline.grid.crs import DEGREES, RD, transformer
from pipeline.results.finished import open_finished
from pipeline.storage.geoparquet import GeoParquet
from pipeline.storage.places import Place
from pipeline.storage.slices import slices

INDEX = "places.json"
DECIMALS = 6  # of a degree: 10 cm
PC4 = 4  # digits of a postcode, by which a place is found


class WrittenAddresses(NamedTuple):
    """Numbers of addresses: written, each with a roof; and of those in the rectangle of a run
    without one."""

    written: int
    without_building: int


class Found(NamedTuple):
    """An address with its roofs. rows: of these in each run; point: RD [m], NaN where unknown."""

    place: str
    street: str
    number: int
    suffix: str
    postcode: str
    point: tuple[float, float]
    rows: tuple[tuple[int, ...], ...]


def write(
    runs: Mapping[str, Place], files: Sequence[str | Path], to: Path, stop: Stop
) -> WrittenAddresses:
    """Write the addresses that lead to a roof of a run into a folder: `places.json` has the names
    of the runs, and places with their streets and the name of a file each, with street, number,
    suffix, postcode, lon, lat and the rows of roofs in each run.

    Raises InputError for a file that cannot be read, or lacks a column; and Stopped.
    """
    tables = [open_finished(place).table for place in runs.values()]
    found, unknown, missing = _by_number(tables, files, stop)
    more = _by_point(tables, unknown, stop)
    to.mkdir()
    _write_places(sorted([*found, *more], key=lambda each: each[:4]), list(runs), to)
    return WrittenAddresses(len(found) + len(more), missing + len(unknown) - len(more))


def _by_number(
    tables: Sequence[GeoParquet], files: Sequence[str | Path], stop: Stop
) -> tuple[list[Found], list[Found], int]:
    """The addresses with a building of a run; those without a number of a building, in the
    rectangle of a run; and how many others lie in those."""
    every = [_rows_of(table) for table in tables]
    found, unknown, missing = [], [], 0
    for batch in read_addresses(files):
        if stop():
            raise Stopped
        near = np.any([_within(batch.points, table.extent) for table in tables], axis=0)
        for at, address in _addresses(batch):
            buildings = batch.buildings[at]
            its = tuple(tuple(row for id_ in buildings for row in of.get(id_, ())) for of in every)
            if any(its):
                found.append(address._replace(rows=its))
            elif near[at] and not batch.buildings[at]:
                unknown.append(address)
            else:
                missing += bool(near[at])
    return found, unknown, missing


def _rows_of(table: GeoParquet) -> dict[int, tuple[int, ...]]:
    """The rows of the run by the number of their building."""
    rows: dict[int, tuple[int, ...]] = {}
    for part in slices(table.file, ["id", "row"]):
        for id_, row in zip(part["id"].to_pylist(), part["row"].to_pylist(), strict=True):
            if id_ and id_.isdecimal():
                rows[int(id_)] = (*rows.get(int(id_), ()), row)
    return rows


def _addresses(batch: AddressBatch) -> Iterator[tuple[int, Found]]:
    """Those that have a street, a number and a place, and where each stands in its batch."""
    columns = zip(batch.place, batch.street, batch.number.tolist(), batch.suffix, batch.postcode,
                  batch.points.tolist(), strict=True)  # fmt: skip
    for at, (place, street, number, suffix, postcode, (x, y)) in enumerate(columns):
        if place and street and number:
            yield at, Found(place, street, number, suffix, postcode, (x, y), ())


def _within(points: NDArray[np.float64], extent: Any) -> NDArray[np.bool_]:
    if extent is None:
        return np.zeros(len(points), np.bool_)
    west, south, east, north = extent
    x, y = points.T
    inside: NDArray[np.bool_] = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    return inside


def _by_point(tables: Sequence[GeoParquet], unknown: list[Found], stop: Stop) -> list[Found]:
    """The addresses that lie in a footprint of a run, with its row."""
    if not unknown:
        return []
    tree = shapely.STRtree(shapely.points([address.point for address in unknown]))
    every = [_rows_around(tree, table, stop) for table in tables]
    return [
        unknown[at]._replace(rows=tuple(tuple(sorted(rows.get(at, ()))) for rows in every))
        for at in sorted({at for rows in every for at in rows})
    ]


def _rows_around(tree: shapely.STRtree, table: GeoParquet, stop: Stop) -> dict[int, list[int]]:
    """The rows of the footprints in which points of a tree lie, by the number of the point."""
    rows: dict[int, list[int]] = defaultdict(list)
    for part in slices(table.file, ["row", "geometry"]):
        if stop():
            raise Stopped
        polygons = shapely.from_wkb(part["geometry"].to_numpy(), on_invalid="ignore")
        roofs, points = tree.query(polygons, predicate="covers")
        for roof, point in zip(part["row"].to_numpy()[roofs].tolist(), points, strict=True):
            rows[int(point)].append(roof)
    return rows


def _write_places(found: list[Found], runs: list[str], to: Path) -> None:
    by_place: dict[str, list[Found]] = defaultdict(list)
    for address in found:
        by_place[address.place].append(address)
    listed = []
    for number, (place, addresses) in enumerate(by_place.items(), 1):
        rows = list(_rows(addresses))
        name = f"{number}.json"
        _write(to / name, rows)
        listed.append({
            "name": place,
            "others": list(other_names().get(folded(place), ())),
            "file": name,
            "bbox": _around(rows),
            "postcodes": sorted({row[3][:PC4] for row in rows if row[3]}),
            "streets": list(dict.fromkeys(row[0] for row in rows)),
        })  # fmt: skip
    _write(to / INDEX, {"runs": runs, "places": listed})


def _around(rows: list[list[Any]]) -> list[float] | None:
    """West, south, east, north of rows; None where none has a point."""
    points = np.array([row[4:6] for row in rows if row[4] is not None])
    return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()] if len(points) else None


def _rows(addresses: list[Found]) -> Iterator[list[Any]]:
    """Rows of JSON: street, number, suffix, postcode, lon, lat (null where unknown), and the rows
    in each run."""
    points = np.array([address.point for address in addresses])
    lon, lat = transformer(RD, DEGREES).transform(*points.T)
    for one, *point in zip(addresses, lon, lat, strict=True):
        known = np.isfinite(point).all()
        degrees = [round(float(each), DECIMALS) for each in point] if known else [None, None]
        yield [one.street, one.number, one.suffix, one.postcode, *degrees, *map(list, one.rows)]


def _write(file: Path, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    file.write_text(text + "\n", encoding="utf-8")
