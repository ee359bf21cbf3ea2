"""The tables of a run as layers of other formats: its buildings, and their parts."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pyarrow as pa

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.methods.method import Column
from pipeline.output.export.qgis import Rule, rules_of, shade_rules
from pipeline.output.export.request import ExportRequest
from pipeline.results.columns import flat_names, flatten, item_of
from pipeline.results.filter_parts import GEOMETRY
from pipeline.storage.geoparquet import GeoParquet


class TableLayer(NamedTuple):
    """One of the tables of a run, by its name."""

    request: ExportRequest
    name: str

    @property
    def table(self) -> GeoParquet:
        """The table itself."""
        return self.request.run.tables[self.name]

    @property
    def columns(self) -> Mapping[str, Column]:
        """Its columns by name, as they are declared."""
        return self.request.run.columns(self.name)

    @property
    def part(self) -> Column | None:
        """The nested column that it is made of; None for the buildings."""
        return self.request.run.part(self.name)

    @property
    def size(self) -> Text:
        """How many rows it has."""
        if self.part:
            return Text("{rows:,} rows", rows=len(self.table))
        return Text("{rows:,} buildings", rows=len(self.table))

    @property
    def description(self) -> Text:
        """Its size, with its name unless it is of the buildings."""
        if self.part:
            return Text("layer {layer}: {what}", layer=self.name, what=self.size)
        return self.size

    @property
    def meaning(self) -> str:
        """What it is, in the language that is requested."""
        lang, method = self.request.lang, self.request.run.method
        return self.part.words(lang).title if self.part else method.words(lang).subtitle

    @property
    def rules(self) -> list[Rule]:
        """The lines of its style."""
        if self.part is None:
            return rules_of(self.request.run.method, self.request.lang)
        return shade_rules(self.part, self.request.lang)

    def rows(self) -> Iterator[pa.Table]:
        """Its rows as flat tables of one schema, a row group at a time; at least one table."""
        table, moments = self.table, len(self.request.moments)
        names = flat_names(table.schema.names, self.columns)
        for group in range(table.groups):
            yield flatten(table.read([group], names), moments, self.columns)
        if not table.groups:
            yield flatten(table.schema.empty_table().select(names), moments, self.columns)

    def without_outlines(self) -> Iterator[pa.Table]:
        """Its rows for formats without geometry."""
        return (rows.drop_columns([GEOMETRY]) for rows in self.rows())

    def titles(self) -> dict[str, tuple[str, str]]:
        """Title and description of each column of text, number or flag."""
        names = next(self.without_outlines()).column_names
        return {name: self._title(name) for name in names}

    def _title(self, name: str) -> tuple[str, str]:
        item, moments = item_of(self.columns, name), self.request.moments
        column = item[0] if item else self.columns[name]
        title, meaning = column.words(self.request.lang)
        at = f", {moments[item[1] - 1]} CET" if item and item[1] <= len(moments) else ""
        if item and column.items:
            at = f", {column.items[item[1] - 1].words(self.request.lang)}"
        return f"{title}{at}", f"{meaning} [{column.unit}]" if column.unit else meaning


def requested(request: ExportRequest) -> list[TableLayer]:
    """The layer that a request names, or all, the buildings first. Raises InputError where none has
    that name."""
    there = list(request.run.tables)
    if request.layer not in (None, *there):
        raise InputError(
            Text("layer {layer!r}", layer=request.layer),
            "of this run a {suffix} holds {there}",
            "a raster layer goes into a .tif or .png",
            suffix=request.to.suffix,
            there=there,
        )
    return [TableLayer(request, name) for name in there if request.layer in (None, name)]
