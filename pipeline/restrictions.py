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
from pipeline.footprints import PREFIX, Footprints
from pipeline.vectors import column, read_vector

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
    hits: pairs of a row that is excluded and the kind."""

    excluded: NDArray[Any]
    flagged: NDArray[np.bool_]
    hits: frozenset[tuple[int, str]] = frozenset()

    def by_kind(self, rows: NDArray[np.int64]) -> dict[str, int]:
        """How many of the rows each kind excludes."""
        wanted = set(rows.tolist())
        counted = Counter(kind for row, kind in self.hits if row in wanted)
        return {kind: counted[kind] for kind in WORDS["kind"] if counted[kind]}


def no_restrictions(n: int) -> Restrictions:
    return Restrictions(np.full(n, None, object), np.zeros(n, np.bool_))


def read_restrictions(path: Path, footprints: Footprints) -> Restrictions:
    """Restrictions from polygons (they hold for a centre in them), points (for the footprints
    around them) or ids (a column `id` or `identificatie`; .csv, or rows without a geometry).

    Raises InputError for a file without `what`, `effect` and `kind`, or with other words there.
    """
    table = _table(path)
    said = [_words(table, name, path.name) for name in WORDS]
    found = no_restrictions(len(footprints))
    hits = set()
    for row, target in _targets(table, footprints, path.name):
        what, effect, kind = (words[row] for words in said)
        if effect == "flag":
            found.flagged[target] = True
        else:
            before = found.excluded[target]
            found.excluded[target] = what if before in (None, what) else "both"
            hits.add((target, kind))
    return Restrictions(found.excluded, found.flagged, frozenset(hits))


def _table(path: Path) -> pd.DataFrame:
    if path.suffix.lower() != ".csv":
        return read_vector(path)
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name}: cannot be read as CSV ({error})") from None


def _words(table: pd.DataFrame, name: str, file: str) -> list[str]:
    allowed, written = WORDS[name], column(table, name)
    if written is None:
        raise InputError(f"{file}: no column {name!r}; it takes {', '.join(allowed)}")
    words = table[written].tolist()
    for row, word in enumerate(words):
        if word not in allowed:
            raise InputError(
                f"{file}: row {row}: {name} is {word!r}; it takes {', '.join(allowed)}"
            )
    return words


def _targets(table: pd.DataFrame, footprints: Footprints, file: str) -> list[tuple[int, int]]:
    """Pairs of a row of the table and a row of the footprints that it holds for."""
    geometry = np.full(len(table), None, object)
    if isinstance(table, geopandas.GeoDataFrame):
        geometry = table.geometry.to_numpy()
    bare = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    is_point = np.isin(shapely.get_type_id(geometry), (0, 4))
    usable = np.flatnonzero(footprints.usable)
    centres = shapely.STRtree(shapely.points(footprints.centre[usable]))
    outlines = shapely.STRtree(footprints.geometry[usable])
    areas, points = shapely.make_valid(geometry), geometry.copy()
    areas[bare | is_point] = None
    points[~is_point] = None
    found = np.hstack(
        [
            centres.query(areas, predicate="intersects"),
            outlines.query(points, predicate="intersects"),
        ]
    )
    pairs = [(int(row), int(usable[target])) for row, target in found.T]
    if bare.any():
        pairs += _by_id(table, np.flatnonzero(bare), footprints, file)
    return sorted(pairs)


def _by_id(
    table: pd.DataFrame, rows: NDArray[np.int64], footprints: Footprints, file: str
) -> list[tuple[int, int]]:
    identifier = column(table, "identificatie", "id")
    if identifier is None:
        raise InputError(f"{file}: rows without a geometry need a column `id` or `identificatie`")
    owners: dict[str, list[int]] = {}
    for row, key in enumerate(footprints.id):
        owners.setdefault(key, []).append(row)
    keys = [str(key).removeprefix(PREFIX) for key in table[identifier].iloc[rows]]
    return [(int(r), t) for r, key in zip(rows, keys, strict=True) for t in owners.get(key, [])]
