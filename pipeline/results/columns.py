"""The columns of buildings.parquet: their schema, what pandas reads of it, and their listing."""

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.methods.house import EXCLUDED
from pipeline.methods.method import BOOLEAN, EDGES, NUMBER, TEXT, WHOLE, Column, Method, Words
from pipeline.methods.powermapping.declaration import COLUMNS
from pipeline.storage.slices import BBOX

__all__ = [
    "BOOLEAN",
    "COLUMNS",
    "EDGES",
    "EXCLUDED",
    "NUMBER",
    "SCHEMA",
    "TEXT",
    "WHOLE",
    "Column",
    "Words",
]

SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])
# What may be null, and the types with nulls that pandas has for it; without these it reads truths
# as objects, by which no rows are selected.
PANDAS_TYPES = {"built": "Int64"}
NEVER_NULL = ("selected",)

ITEM = re.compile(r"(.+)_([1-9]\d?)")  # lit_2: the second item of a list, in flat formats


def column(name: str) -> Column:
    """The column of a name; KeyError if there is none."""
    return _BY_NAME[name]


def pandas_metadata(schema: pa.Schema) -> bytes:
    """What pandas and GeoPandas look for under `pandas` in the metadata of a Parquet file."""
    booleans = [f.name for f in schema if f.type == BOOLEAN and f.name not in NEVER_NULL]
    types = PANDAS_TYPES | dict.fromkeys(booleans, "boolean")
    frame = schema.remove_metadata().empty_table().to_pandas().astype(types)
    written = pa.Schema.from_pandas(frame, preserve_index=False)
    described: bytes = written.metadata[b"pandas"]
    return described


def flatten(table: pa.Table, moments: int = 0) -> pa.Table:
    """`table` for flat formats, without the rectangles: lists of texts with commas between, others
    as name_1, name_2 ... (at least so many as there are moments), structs as the text of JSON."""
    flat: dict[str, Any] = {}
    for name, values in zip(table.column_names, table.columns, strict=True):
        if name != BBOX:
            flat |= _flat(name, values, moments)
    return pa.table(flat)


def _flat(name: str, values: pa.ChunkedArray, moments: int) -> dict[str, Any]:
    kind = values.type
    items = kind.value_type if pa.types.is_list(kind) else kind
    if pa.types.is_struct(items):
        texts = [None if v is None else json.dumps(v, default=str) for v in values.to_pylist()]
        return {name: pa.array(texts, TEXT)}
    if not pa.types.is_list(kind):
        return {name: values}
    if items == TEXT:
        return {name: pc.binary_join(values, ",")}
    number = max(pc.max(pc.list_value_length(values)).as_py() or 0, moments)
    padded = pc.list_slice(values, 0, number, return_fixed_size_list=True) if number else values
    return {f"{name}_{i + 1}": pc.list_element(padded, i) for i in range(number)}


def item_of(method: Method, name: str) -> tuple[Column, int] | None:
    """The column of lists of which a column of flat formats is an item, and which, from 1."""
    found = ITEM.fullmatch(name)
    column = method.by_name.get(found[1]) if found else None
    if found is None or column is None or not column.spread:
        return None
    return column, int(found[2])


def as_digits(lists: pa.ChunkedArray) -> pa.Array:
    """Lists as texts: a digit for each truth, else items with commas between; null stays null."""
    plain = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    truths = plain.type.value_type == BOOLEAN
    items = pc.if_else(plain.flatten(), "1", "0") if truths else pc.cast(plain.flatten(), TEXT)
    lengths = pc.fill_null(pc.list_value_length(plain), 0).to_numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    texts = pa.ListArray.from_arrays(offsets, items, mask=plain.is_null())
    return pc.binary_join(texts, "" if truths else ",")


def listing(lang: str, columns: Sequence[Column] = COLUMNS) -> str:
    """Columns, by default all of the table, as a table of Markdown for the docs."""
    lines = ["| column | title | type | unit | meaning |", "|---|---|---|---|---|"]
    for each in columns:
        title, meaning = each.words(lang)
        lines.append(f"| `{each.name}` | {title} | {_kind(each)} | {each.unit} | {meaning} |")
    return "\n".join(lines) + "\n"


def _kind(of: Column) -> str:
    """The type in a word or two."""
    if pa.types.is_struct(of.type):
        return "struct"
    return f"list of {of.type.value_type}" if pa.types.is_list(of.type) else str(of.type)


_BY_NAME = {column.name: column for column in COLUMNS}
