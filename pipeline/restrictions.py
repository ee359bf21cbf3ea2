"""Roofs set aside: a citizen's wish or a province's layers, by one mechanism."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.footprints import PREFIX, Footprints, as_text
from pipeline.vectors import column, mended, read_table

WORDS = {
    "what": ("solar", "wind", "both"),
    "effect": ("exclude", "flag"),
    "kind": (
        "not_wanted",
        "monument",
        "protected_view",
        "roof_in_use",
        "existing_panels",
        "asbestos",
        "structure",
        "other",
    ),
}


@dataclass(frozen=True)
class Restrictions:
    """The rows of a file, by what they hold for. what, effect, kind: their words; areas, points:
    geometries, None where a row has none of that kind; keys: ids of the rows that have neither."""

    name: str = ""
    what: tuple[str, ...] = ()
    effect: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    areas: NDArray[Any] = field(default_factory=lambda: np.zeros(0, object))
    points: NDArray[Any] = field(default_factory=lambda: np.zeros(0, object))
    keys: tuple[tuple[int, str], ...] = ()

    def __len__(self) -> int:
        return len(self.kind)

    def on(self, footprints: Footprints) -> "Restricted":
        """What they say of some footprints."""
        n = len(footprints)
        found = Restricted(np.full(n, None, object), np.zeros(n, np.bool_), set(), set())
        for row, target in self._targets(footprints) if len(self) else ():
            found.rows.add(row)
            if self.effect[row] == "flag":
                found.flagged[target] = True
                continue
            before, what = found.excluded[target], self.what[row]
            found.excluded[target] = what if before in (None, what) else "both"
            found.hits.add((target, self.kind[row]))
        return found

    def _targets(self, footprints: Footprints) -> list[tuple[int, int]]:
        """Pairs of a row and the position of a footprint that it holds for."""
        usable = np.flatnonzero(footprints.usable)
        centres = shapely.STRtree(shapely.points(footprints.centre[usable]))
        outlines = shapely.STRtree(footprints.geometry[usable])
        found = np.hstack(
            [
                centres.query(self.areas, predicate="intersects"),
                outlines.query(self.points, predicate="intersects"),
            ]
        )
        pairs = [(int(row), int(usable[target])) for row, target in found.T]
        owners: dict[str, list[int]] = {}
        for position, key in enumerate(footprints.id if self.keys else ()):
            owners.setdefault(key, []).append(position)
        pairs += [(row, owner) for row, key in self.keys for owner in owners.get(key, [])]
        return sorted(pairs)

    def idle(self, held: set[int]) -> list[str]:
        """In words, how many rows hold for nothing, if those that are held do."""
        n = len(self) - len(held)
        said = f"{self.name}: {n} of {len(self)} rows hold for none of the footprints"
        return [said] if n else []


@dataclass(frozen=True)
class Restricted:
    """What restrictions say of each of some footprints. excluded: None, solar, wind or both;
    flagged: bool; hits: pairs of the position of an excluded footprint and the kind; rows: those
    that hold for any."""

    excluded: NDArray[Any]
    flagged: NDArray[np.bool_]
    hits: set[tuple[int, str]]
    rows: set[int]


def read_restrictions(path: Path) -> Restrictions:
    """Restrictions from polygons (they hold for a centre in them), points (for the footprints
    around them) or ids (a column `id` or `identificatie`; .csv, or rows without a geometry).

    Raises InputError for a file without `what`, `effect` and `kind`, or with other words there.
    """
    table = _table(path)
    what, effect, kind = (tuple(_words(table, name, path.name)) for name in WORDS)
    areas, points = _areas_and_points(table, path.name)
    bare = np.flatnonzero(shapely.is_missing(areas) & shapely.is_missing(points))
    keys = _keys(table, bare, path.name) if len(bare) else []
    return Restrictions(path.name, what, effect, kind, areas, points, tuple(keys))


def _table(path: Path) -> pd.DataFrame:
    if path.suffix.lower() != ".csv":
        return read_table(path)
    if not path.is_file():
        raise InputError(f"{path}: does not exist; check the path")
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())
        raise InputError(
            f"{path.name}: cannot be read ({said}); give it as UTF-8, with commas"
        ) from None


def _words(table: pd.DataFrame, name: str, file: str) -> list[str]:
    allowed, written = WORDS[name], column(table, name)
    if table.empty and [*table.columns] == ["geometry"]:  # GeoJSON without features
        return []
    if written is None:
        raise InputError(
            f"{file}: no column {name!r} (it has {', '.join(map(str, table.columns))}); add it,"
            f" it takes {', '.join(allowed)}"
        )
    words = table[written].tolist()
    for row, word in enumerate(words):
        if word not in allowed:
            raise InputError(
                f"{file}: row {row}: {name} is {word!r}; it takes {', '.join(allowed)}"
            )
    return words


def _areas_and_points(table: pd.DataFrame, file: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """The geometries of each kind by row, None in the other and in both where there is none."""
    geometry = np.full(len(table), None, object)
    if isinstance(table, geopandas.GeoDataFrame):
        geometry = table.geometry.to_numpy().copy()
    geometry[shapely.is_empty(geometry)] = None
    kind = shapely.get_type_id(geometry)
    if not np.isin(kind, (-1, 0, 3, 4, 6)).all():
        row = int(np.flatnonzero(~np.isin(kind, (-1, 0, 3, 4, 6)))[0])
        raise InputError(
            f"{file}: row {row}: is a {geometry[row].geom_type}; give polygons, points or ids"
        )
    areas, points = mended(geometry, file), geometry.copy()
    areas[~np.isin(kind, (3, 6))] = None
    points[~np.isin(kind, (0, 4))] = None
    return areas, points


def _keys(table: pd.DataFrame, rows: NDArray[np.int64], file: str) -> list[tuple[int, str]]:
    """Rows without a geometry, and the id of each."""
    identifier = column(table, "identificatie", "id")
    keys = [""] * len(rows)
    if identifier is not None:
        keys = [as_text(key).removeprefix(PREFIX) for key in table[identifier].iloc[rows]]
    if "" in keys:
        raise InputError(
            f"{file}: row {rows[keys.index('')]}: has neither a geometry nor an `id` or"
            " `identificatie`; give one of them"
        )
    return list(zip(rows.tolist(), keys, strict=True))
