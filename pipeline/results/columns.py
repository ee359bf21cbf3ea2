"""The columns of a method's table for others: what pandas reads, flat formats, a listing."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.methods.house import NEVER_NULL
from pipeline.methods.method import BOOLEAN, TEXT, WHOLE, Column, Method
from pipeline.storage.slices import BBOX

# The types with nulls that pandas has; without these it reads truths as objects, by which no rows
# are selected.
PANDAS = {WHOLE: "Int64", BOOLEAN: "boolean"}
ITEM = re.compile(r"(.+)_([1-9]\d?)")  # lists in flat formats: name_2 is the second item


def pandas_metadata(schema: pa.Schema) -> bytes:
    """What pandas and GeoPandas look for under `pandas` in the metadata of a Parquet file."""
    nullable = [f for f in schema if f.type in PANDAS and f.name not in NEVER_NULL]
    types = {field.name: PANDAS[field.type] for field in nullable}
    frame = schema.remove_metadata().empty_table().to_pandas().astype(types)
    written = pa.Schema.from_pandas(frame, preserve_index=False)
    described: bytes = written.metadata[b"pandas"]
    return described


def flatten(table: pa.Table, moments: int = 0) -> pa.Table:
    """`table` for flat formats, without the rectangles: lists of truths and numbers as name_1,
    name_2 ... (at least so many as there are moments), what else is no plain value `as_text`."""
    flat: dict[str, Any] = {}
    for name, values in zip(table.column_names, table.columns, strict=True):
        kind = values.type
        if name == BBOX:
            continue
        if not pa.types.is_nested(kind):
            flat[name] = values
        elif pa.types.is_struct(_items(kind)) or _items(kind) == TEXT:
            flat[name] = as_text(values)
        else:
            flat |= _spread(name, values, moments)
    return pa.table(flat)


def _items(kind: pa.DataType) -> pa.DataType:
    """The type of the items of a list; of what is none its own."""
    return kind.value_type if pa.types.is_list(kind) else kind


def _spread(name: str, lists: pa.ChunkedArray, least: int) -> dict[str, Any]:
    number = max(pc.max(pc.list_value_length(lists)).as_py() or 0, least)
    padded = pc.list_slice(lists, 0, number, return_fixed_size_list=True) if number else lists
    return {f"{name}_{i + 1}": pc.list_element(padded, i) for i in range(number)}


def as_text(values: pa.ChunkedArray) -> pa.Array:
    """Lists and structs as texts: a digit a truth, items with commas between, JSON of structs;
    null stays null."""
    array = values.combine_chunks()
    items = _items(array.type)
    if pa.types.is_struct(items):
        texts = [None if v is None else json.dumps(v, default=str) for v in array.to_pylist()]
        return pa.array(texts, TEXT)
    if items == TEXT:
        return pc.binary_join(array, ",")
    truths = items == BOOLEAN
    words = pc.if_else(array.values, "1", "0") if truths else pc.cast(array.values, TEXT)
    texts = pa.ListArray.from_arrays(array.offsets, words, mask=array.is_null())
    return pc.binary_join(texts, "" if truths else ",")


def item_of(method: Method, name: str) -> tuple[Column, int] | None:
    """The column of lists of which a column of flat formats is an item, and which, from 1."""
    found = ITEM.fullmatch(name)
    column = method.by_name.get(found[1]) if found else None
    if found is None or column is None or not column.spread:
        return None
    return column, int(found[2])


def listing(lang: str, columns: Sequence[Column]) -> str:
    """Columns as a table of Markdown for the docs."""
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
