"""Sums over the structs of nested columns, and items of lists, row by row: as if each were a column
of its own."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.methods.method import NUMBER, TEXT, Column, Field, Method, Total


def source(of: Field, total: Total) -> str:
    """The name of the column that adds up to a total: of a field of structs, or of an item of a
    list, that of `summed`."""
    return of.name if isinstance(of, Column) and total.item is None else total.name


def fields_of(method: Method) -> list[str]:
    """What `summed` reads: of nested columns whose fields add up all fields but the geometry, by
    their paths in Parquet."""
    return [
        f"{column.name}.list.element.{field.name}"
        for column in method.columns
        if any(field.totals for field in column.fields)
        for field in column.fields
        if field.name != column.geometry
    ]


def summed(rows: pa.Table, method: Method) -> pa.Table:
    """Rows with a column more for each total of an item of a list; and for each of a field of
    structs: of each row its sum over the row's structs that count, in their order, so that it does
    not depend on other rows."""
    for column in method.columns:
        for total in column.totals:
            if total.item is not None:
                items = pc.list_element(rows[column.name], total.item)
                rows = rows.append_column(total.name, items.cast(NUMBER))
        totals = [(field, total) for field in column.fields for total in field.totals]
        if totals:
            structs, row = _flat(rows[column.name])
            for field, total in totals:
                values = np.bincount(row, _values(structs, field, total), len(rows))
                rows = rows.append_column(total.name, pa.array(values.astype(np.float64)))
    return rows


def _flat(lists: pa.ChunkedArray) -> tuple[pa.StructArray, NDArray[np.int64]]:
    """The structs of lists one after another, and the row of each."""
    whole = lists.combine_chunks()
    return pc.list_flatten(whole), pc.list_parent_indices(whole).to_numpy()


def _values(structs: pa.StructArray, field: Field, total: Total) -> NDArray[np.float64]:
    """What each struct adds: its number, or 1 for a text; 0 if it does not count."""
    counts = np.ones(len(structs), np.bool_) if total.parts is None else total.parts(structs)
    values = counts.astype(np.float64)
    if field.type != TEXT:
        values *= pc.fill_null(structs.field(field.name), 0).to_numpy(zero_copy_only=False)
    return values
