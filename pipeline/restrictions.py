"""Roofs set aside: a citizen's wish or a province's layers, by one mechanism."""

from collections import Counter
from dataclasses import dataclass
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
    """What restrictions say of each footprint. excluded: None, solar, wind or both; flagged: bool;
    hits: pairs of a row that is excluded and the kind; idle: in words, what holds for nothing."""

    excluded: NDArray[Any]
    flagged: NDArray[np.bool_]
    hits: frozenset[tuple[int, str]] = frozenset()
    idle: tuple[str, ...] = ()

    def by_kind(self, rows: NDArray[np.int64]) -> dict[str, int]:
        """How many of the rows each kind excludes."""
        wanted = set(rows.tolist())
        counted = Counter(kind for row, kind in self.hits if row in wanted)
        return {kind: counted[kind] for kind in WORDS["kind"] if counted[kind]}


def no_restrictions(n: int) -> Restrictions:
    """Nothing set aside, of n footprints."""
    return Restrictions(np.full(n, None, object), np.zeros(n, np.bool_))


def read_restrictions(path: Path, footprints: Footprints) -> Restrictions:
    """Restrictions from polygons (they hold for a centre in them), points (for the footprints
    around them) or ids (a column `id` or `identificatie`; .csv, or rows without a geometry).

    Raises InputError for a file without `what`, `effect` and `kind`, or with other words there.
    """
    table = _table(path)
    words = [_words(table, name, path.name) for name in WORDS]
    found = no_restrictions(len(footprints))
    hits = set()
    pairs = _targets(table, footprints, path.name)
    for row, target in pairs:
        what, effect, kind = (each[row] for each in words)
        if effect == "flag":
            found.flagged[target] = True
        else:
            before = found.excluded[target]
            found.excluded[target] = what if before in (None, what) else "both"
            hits.add((target, kind))
    n = len(table) - len({row for row, _ in pairs})
    said = f"{path.name}: {n} of {len(table)} rows hold for none of the footprints"
    return Restrictions(found.excluded, found.flagged, frozenset(hits), (said,) if n else ())


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


def _targets(table: pd.DataFrame, footprints: Footprints, file: str) -> list[tuple[int, int]]:
    """Pairs of a row of the table and a row of the footprints that it holds for."""
    areas, points = _areas_and_points(table, file)
    usable = np.flatnonzero(footprints.usable)
    centres = shapely.STRtree(shapely.points(footprints.centre[usable]))
    outlines = shapely.STRtree(footprints.geometry[usable])
    found = np.hstack(
        [
            centres.query(areas, predicate="intersects"),
            outlines.query(points, predicate="intersects"),
        ]
    )
    pairs = [(int(row), int(usable[target])) for row, target in found.T]
    bare = np.flatnonzero(shapely.is_missing(areas) & shapely.is_missing(points))
    return sorted(pairs + (_by_id(table, bare, footprints, file) if len(bare) else []))


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


def _by_id(
    table: pd.DataFrame, rows: NDArray[np.int64], footprints: Footprints, file: str
) -> list[tuple[int, int]]:
    identifier = column(table, "identificatie", "id")
    keys = [""] * len(rows)
    if identifier is not None:
        keys = [as_text(key).removeprefix(PREFIX) for key in table[identifier].iloc[rows]]
    if "" in keys:
        raise InputError(
            f"{file}: row {rows[keys.index('')]}: has neither a geometry nor an `id` or"
            " `identificatie`; give one of them"
        )
    owners: dict[str, list[int]] = {}
    for row, key in enumerate(footprints.id):
        owners.setdefault(key, []).append(row)
    return [(int(r), t) for r, key in zip(rows, keys, strict=True) for t in owners.get(key, [])]
