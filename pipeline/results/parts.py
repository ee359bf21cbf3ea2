"""The parts of buildings as a table of their own: the structs of a nested column, a row each.

It is read as the table of buildings is, a row group at a time, and of that only what is asked for:
its row groups are those of the buildings, and the footer of their file says what they hold.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.methods.method import TEXT, Column, Method
from pipeline.results.columns import pandas_metadata
from pipeline.results.filter_parts import GEOMETRY
from pipeline.storage.geo_metadata import GeoMetadata
from pipeline.storage.geoparquet import EDGES, GeoParquet, Statistics
from pipeline.storage.places import Place
from pipeline.storage.slices import BBOX
from pipeline.terms import Location

ID, ROW = "id", "row"  # of the building
SHAPE = (BBOX, GEOMETRY)
OVERHANG_M = 2.0  # that a part of cells of at most 1 m may reach beyond its building's polygon


def part_columns(method: Method, of: Column) -> dict[str, Column]:
    """The columns of a part table by name: id and row of the building, the fields of the struct,
    the rectangle, and as `geometry` the field that is one."""
    fields = {each.name: each for each in of.fields}
    outline = fields.pop(of.geometry)
    places = {BBOX: method.by_name[BBOX], GEOMETRY: outline}
    every = {ID: method.by_name[ID], ROW: method.by_name[ROW], **fields, **places}
    return {
        name: Column(name, each.type, each.unit, each.en, each.nl, each.values, each.items,
                     filterable=name not in SHAPE)
        for name, each in every.items()
    }  # fmt: skip


class PartTable(GeoParquet):
    """The parts of the buildings of a run, in their order.

    file: of the table of buildings; of: the nested column of the method whose structs they are. Its
    columns are those of `part_columns`. Raises InputError for a file that is damaged, or without
    that column.
    """

    stores_rectangles = False

    def __init__(self, file: Place, method: Method, of: Column) -> None:
        super().__init__(file)
        if of.name not in self.schema.names:
            raise InputError(Location(file), "has no column {name}", "run it anew", name=of.name)
        self._of = of.name
        self._number = of.fields[0].name
        self._inner = {each.name: each.name for each in of.fields if each.name != of.geometry}
        self._inner[GEOMETRY] = of.geometry
        columns = part_columns(method, of)
        self.schema = pa.schema([(each.name, each.type) for each in columns.values()])
        self.starts = np.cumsum([0, *self.statistics(self._number).values])

    def statistics(self, path: str) -> Statistics:
        """Statistics by row group of a column; of the rectangles those of the buildings, as much
        larger as parts may be."""
        if not path.startswith(f"{BBOX}."):
            return super().statistics(self._leaf(path) if path in self._inner else path)
        of, outlines = super().statistics(path), super().statistics(self._leaf(GEOMETRY))
        lowest, highest = _moved(of.lowest, -OVERHANG_M), _moved(of.highest, OVERHANG_M)
        return Statistics(lowest, highest, outlines.values, outlines.nulls)

    def read(self, groups: Iterable[int], columns: Sequence[str] | None = None) -> pa.Table:
        """Columns, by default all but the rectangles, of some row groups, in order."""
        names = self._names(columns)
        inner = {self._number, *(name for name in names if name in self._inner)}
        inner |= {GEOMETRY} if BBOX in names else set()
        outer = [name for name in names if name in (ID, ROW)]
        rows = super().read(groups, [*outer, *map(self._leaf, sorted(inner))])
        parts = parts_of(rows, self._of)
        parts = parts.rename_columns([self._outer(name) for name in parts.column_names])
        if BBOX in names:
            parts = parts.append_column(BBOX, _rectangles(parts[GEOMETRY]))
        return parts.select(names)

    def find(self, group: int, row: int, number: int) -> NDArray[np.int64]:
        """The position of a part, by the row group and the row of its building, and its own number;
        empty where there is none."""
        parts = self.read([group], [ROW, self._number])
        found = pc.and_(pc.equal(parts[ROW], row), pc.equal(parts[self._number], number))
        return self.starts[group] + np.flatnonzero(found)

    def _leaf(self, name: str) -> str:
        """The path in the file of a field."""
        return f"{self._of}.list.element.{self._inner[name]}"

    def _outer(self, name: str) -> str:
        return GEOMETRY if name == self._inner[GEOMETRY] else name


def parts_of(rows: pa.Table, column: str) -> pa.Table:
    """The structs of a nested column, a row each, after the other columns of their row."""
    lists = rows[column].combine_chunks()
    structs, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
    outer = {name: rows[name].take(parents) for name in rows.column_names if name != column}
    inner = zip((field.name for field in structs.type), structs.flatten(), strict=True)
    return pa.table(outer | dict(inner))


def feature_ids(rows: pa.Table, of: Column | None) -> pa.ChunkedArray:
    """The id of each feature: of a building its row, of a part of one (of: its column) that, a
    hyphen, and the part's own number."""
    if of is None:
        return rows[ROW]
    return pc.binary_join_element_wise(
        pc.cast(rows[ROW], TEXT), pc.cast(rows[of.fields[0].name], TEXT), "-"
    )


def write_parts(table: PartTable, to: Path) -> None:
    """Write a part table as GeoParquet 1.1 with rectangles, in EPSG:28992 and in the row groups of
    the buildings."""
    metadata, names = GeoMetadata(), table.schema.names
    schema = table.schema.with_metadata({"pandas": pandas_metadata(table.schema)})
    with pq.ParquetWriter(to, schema, compression="zstd") as writer:
        for group in range(table.groups):
            rows = table.read([group], names)
            metadata.add(rows)
            writer.write_table(rows)
        writer.add_key_value_metadata({"geo": metadata.text})


def _moved(edges: Sequence[float | None], by: float) -> list[float | None]:
    return [None if edge is None else edge + by for edge in edges]


def _rectangles(wkb: pa.ChunkedArray) -> pa.StructArray:
    """The rectangle around each polygon [m]; null without one."""
    bounds = shapely.bounds(shapely.from_wkb(wkb.to_numpy()))
    edges = [pa.array(bounds[:, i], from_pandas=True) for i in range(len(EDGES))]
    return pa.StructArray.from_arrays(edges, EDGES, mask=pa.array(np.isnan(bounds).any(axis=1)))
