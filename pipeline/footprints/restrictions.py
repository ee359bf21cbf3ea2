"""Restrictions: roofs that a file of polygons, points or ids excludes or flags."""

import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.footprints.footprints import PREFIX, Footprints, as_text
from pipeline.footprints.ids import DIGITS, numbered_rows, with_zeros, without_zeros
from pipeline.footprints.prepared import Prepared
from pipeline.messages import Text
from pipeline.storage.files import check_file
from pipeline.terms import File
from pipeline.vectors.files import column, read_table
from pipeline.vectors.overlay import make_valid

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
BLANK = b"\xef\xbb\xbf \t\r\n"  # of a line without text; the first may bear a mark of UTF-8
ROUNDED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)  # an id as a number of a spreadsheet


@dataclass(frozen=True)
class Restrictions:
    """The rows of a file of restrictions. what, effect, kind: their words; areas, points:
    geometries, None where a row has none of that kind; keys: pairs of a row without either and its
    id; numbers: of the rows, in a CSV as a spreadsheet shows them."""

    file: File = field(default_factory=lambda: File(""))
    what: tuple[str, ...] = ()
    effect: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    areas: NDArray[Any] = field(default_factory=lambda: np.zeros(0, object))
    points: NDArray[Any] = field(default_factory=lambda: np.zeros(0, object))
    keys: tuple[tuple[int, str], ...] = ()
    numbers: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.kind)

    def on(self, footprints: Footprints) -> "Restricted":
        """Their effect on footprints."""
        n = len(footprints)
        effect = Restricted(np.full(n, None, object), np.zeros(n, np.bool_), set(), set())
        for row, target in self._targets(footprints) if len(self) else ():
            effect.rows.add(row)
            if self.effect[row] == "flag":
                effect.flagged[target] = True
                continue
            before, use = effect.excluded[target], self.what[row]
            effect.excluded[target] = use if before in (None, use) else "both"
            effect.hits.add((target, self.kind[row]))
        return effect

    def _targets(self, footprints: Footprints) -> list[tuple[int, int]]:
        """Pairs of a row and the position of a footprint that it applies to."""
        usable = np.flatnonzero(footprints.usable)
        centres = shapely.STRtree(shapely.points(footprints.centre[usable]))
        outlines = shapely.STRtree(footprints.geometry[usable])
        in_areas = centres.query(self.areas, predicate="intersects")
        at_points = outlines.query(self.points, predicate="intersects")
        row, target = np.hstack([in_areas, at_points])
        pairs = list(zip(row.tolist(), usable[target].tolist(), strict=True))
        owners: dict[str, list[int]] = {}
        for position, key in enumerate(footprints.id if self.keys else ()):
            owners.setdefault(key, []).append(position)
        pairs += [(row, owner) for row, key in self.keys for owner in owners.get(key, [])]
        return sorted(pairs)

    def idle(self, held: set[int]) -> list[str]:
        """A warning of rows that apply to no footprint, if there are any. held: those that do."""
        n = len(self) - len(held)
        idle = Text(
            "{name}: {n} of {all} rows hold for none of the footprints",
            name=self.file,
            n=n,
            all=len(self),
        )
        return [idle] if n else []


@dataclass(frozen=True)
class Restricted:
    """The effect of restrictions on footprints. excluded: None, solar, wind or both; flagged: bool;
    hits: pairs of the position of an excluded footprint and the kind; rows: of the file, that apply
    to any."""

    excluded: NDArray[Any]
    flagged: NDArray[np.bool_]
    hits: set[tuple[int, str]]
    rows: set[int]


def read_restrictions(path: Path) -> Restrictions:
    """Restrictions from polygons (they hold for a centre in them), points (for the footprints
    around them) or ids (a column `id` or `identificatie`; .csv, or rows without a geometry).

    Raises InputError for a file without `what`, `effect` and `kind`, or with other words there.
    """
    table, file = _table(path), File(path)
    what, effect, kind = (tuple(_words(table, name, file)) for name in WORDS)
    areas, points = _areas_and_points(table, file)
    bare = np.flatnonzero(shapely.is_missing(areas) & shapely.is_missing(points))
    keys = _keys(table, bare, file) if len(bare) else []
    numbers = tuple(int(number) for number in table.index)
    return Restrictions(file, what, effect, kind, areas, points, tuple(keys), numbers)


def check_ids(restrictions: Restrictions, prepared: Prepared) -> None:
    """Raises InputError where a spreadsheet took the leading zeros off the ids of either side, so
    that rows would hold for nothing."""
    ids = {key for _, key in restrictions.keys}
    if lost := with_zeros(prepared, ids):
        raise InputError(
            restrictions.file,
            "a spreadsheet took the leading zeros off the ids ({id} is {meant})",
            "make that column text, and give the ids with their {digits} digits",
            **_lost(restrictions, lost),
            digits=DIGITS,
        )
    if lost := without_zeros(prepared, ids):
        raise InputError(
            restrictions.file,
            "the footprints' ids lost their leading zeros, as in a spreadsheet ({id} is {meant}"
            " there)",
            "give footprints with their ids as text",
            **_lost(restrictions, lost),
        )


def _lost(restrictions: Restrictions, lost: dict[str, str]) -> dict[str, Any]:
    """Values for a message: the rows with changed ids, one such id and the one it stands for."""
    rows = [(restrictions.numbers[row], key) for row, key in restrictions.keys if key in lost]
    place = Text("row {rows}", rows=numbered_rows([number for number, _ in rows]))
    id_ = rows[0][1]
    return {"place": place, "id": id_, "meant": lost[id_]}


def _table(path: Path) -> pd.DataFrame:
    if path.suffix.lower() != ".csv":
        return read_table(path)
    check_file(str(path))
    try:
        return _csv(path)
    except (OSError, ValueError) as error:
        text = " ".join(str(error).split())
        raise InputError(
            File(path), "cannot be read ({said})", "give it as UTF-8, with commas", said=text
        ) from None


def _csv(path: Path) -> pd.DataFrame:
    """The rows of a CSV that are not empty, numbered as a spreadsheet shows them: the line of
    names is 1 where nothing stands before it."""
    with path.open("rb") as stream:
        before = sum(1 for _ in itertools.takewhile(lambda line: not line.strip(BLANK), stream))
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "skip_blank_lines": False}
    table = pd.read_csv(path, skiprows=before, **options)
    table.index += before + 2
    return table[(table.apply(lambda column: column.str.strip()) != "").any(axis=1)]


def _words(table: pd.DataFrame, name: str, file: File) -> list[str]:
    allowed, written = WORDS[name], column(table, name)
    if table.empty and [*table.columns] == ["geometry"]:  # GeoJSON without features
        return []
    if written is None:
        raise _no_column(table, name, file)
    words = table[written].tolist()
    for row, word in zip(table.index, words, strict=True):
        if word not in allowed:
            raise InputError(
                file,
                "{column} is {word!r}",
                "it takes {allowed}",
                place=Text("row {row}", row=row),
                column=name,
                word=word,
                allowed=allowed,
            )
    return words


def _no_column(table: pd.DataFrame, name: str, file: File) -> InputError:
    """The fault of a file without a column, or with semicolons between columns."""
    columns = [str(known) for known in table.columns]
    if any(";" in known for known in columns):
        return InputError(
            file,
            "no column {name!r} (it has {there}): its columns are separated by semicolons, as a"
            " Dutch spreadsheet writes CSV",
            "save it with commas",
            name=name,
            there=columns,
        )
    return InputError(
        file,
        "no column {name!r} (it has {there})",
        "add it, it takes {allowed}",
        name=name,
        there=columns,
        allowed=WORDS[name],
    )


def _areas_and_points(table: pd.DataFrame, file: File) -> tuple[NDArray[Any], NDArray[Any]]:
    """The geometries of each kind by row, None in the other and in both where there is none."""
    geometry = np.full(len(table), None, object)
    if isinstance(table, geopandas.GeoDataFrame):
        geometry = table.geometry.to_numpy().copy()
    geometry[shapely.is_empty(geometry)] = None
    kind = shapely.get_type_id(geometry)
    for row in np.flatnonzero(~np.isin(kind, (-1, 0, 3, 4, 6))):
        raise InputError(
            file,
            "is a {kind}",
            "give polygons, points or ids",
            place=Text("row {row}", row=table.index[row]),
            kind=geometry[row].geom_type,
        )
    areas, points = make_valid(geometry, file), geometry.copy()
    areas[~np.isin(kind, (3, 6))] = None
    points[~np.isin(kind, (0, 4))] = None
    return areas, points


def _keys(table: pd.DataFrame, rows: NDArray[np.int64], file: File) -> list[tuple[int, str]]:
    """Rows without a geometry, and the id of each."""
    name = column(table, "identificatie", "id")
    values = table[name].iloc[rows] if name else [""] * len(rows)
    keys = [as_text(value).removeprefix(PREFIX) for value in values]
    if "" in keys:
        raise InputError(
            file,
            "has neither a geometry nor an `id` or `identificatie`",
            "give one of them",
            place=Text("row {row}", row=table.index[rows[keys.index("")]]),
        )
    if rounded := [i for i, key in enumerate(keys) if ROUNDED.fullmatch(key)]:
        numbers = numbered_rows(table.index[rows[rounded]].tolist())
        raise InputError(
            file,
            "a spreadsheet rounded the id to {id}",
            "export it anew with that column as text",
            place=Text("row {rows}", rows=numbers),
            id=keys[rounded[0]],
        )
    return list(zip(rows.tolist(), keys, strict=True))
