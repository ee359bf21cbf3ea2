"""The buildings of a run, a slice at a time: the table of a nation never stands in memory whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.storage.integrity import ANEW, opened
from pipeline.storage.places import Place
from pipeline.terms import Location

SLICE = 131_072  # rows: eight row groups
BBOX = "bbox"  # the column of GeoParquet 1.1 with the rectangle of each row

Buildings: TypeAlias = Place | pa.Table
Rectangle = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax [m]


def slices(buildings: Buildings, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Columns of at most SLICE rows, one table after another, in the order of the rows; where there
    are no rows, one table without any. Of a nested column a field alone may be read, by its path in
    Parquet; a table in memory has it whole.

    Raises InputError for a file that is damaged.
    """
    if isinstance(buildings, pa.Table):
        table = buildings.select(_whole(columns))
        yield from (table.slice(start, SLICE) for start in range(0, max(len(table), 1), SLICE))
        return
    with readable(buildings) as stream, pq.ParquetFile(stream) as file:
        for batch in file.iter_batches(SLICE, columns=list(columns)):
            yield pa.Table.from_batches([batch])
        if not file.metadata.num_rows:
            yield file.schema_arrow.empty_table().select(_whole(columns))


def _whole(columns: Sequence[str]) -> list[str]:
    """The names of columns of which some are given by a path to a field."""
    return list(dict.fromkeys(name.partition(".")[0] for name in columns))


def whole(buildings: Buildings, columns: Sequence[str] | None = None) -> pa.Table:
    """Columns, by default all, in one table. Raises InputError for a file that is damaged."""
    if isinstance(buildings, pa.Table):
        return buildings if columns is None else buildings.select(list(columns))
    with readable(buildings) as stream:
        return pq.read_table(stream, columns=columns)


def where(buildings: Buildings, columns: Sequence[str] | None, holds: pc.Expression) -> pa.Table:
    """The rows for which an expression holds; of a file no row group is read whose statistics
    rule it out. Raises InputError for a file that is damaged."""
    if isinstance(buildings, pa.Table):
        return whole(buildings.filter(holds), columns)
    with readable(buildings) as stream:
        names = None if columns is None else list(columns)
        return pq.read_table(stream, columns=names, filters=holds)


def column_names(buildings: Buildings) -> list[str]:
    """The names of the columns. Raises InputError for a file that is damaged."""
    if isinstance(buildings, pa.Table):
        return list(buildings.column_names)
    with readable(buildings) as stream:
        return list(pq.read_schema(stream).names)


def row_count(buildings: Buildings) -> int:
    """How many rows there are. Raises InputError for a file that is damaged."""
    if isinstance(buildings, pa.Table):
        return int(buildings.num_rows)
    with readable(buildings) as stream:
        return int(pq.read_metadata(stream).num_rows)


@contextmanager
def readable(file: Place) -> Iterator[Any]:
    """A file as a stream, which is checked as it is read if it is of a finished run. Raises
    InputError for what is damaged."""
    try:
        with opened(file) as stream:
            yield stream
    except (pa.ArrowException, OSError) as error:
        if getattr(error, "errno", None):  # Arrow's own have none
            raise
        raise InputError(Location(file), "damaged", ANEW) from None
