"""The columns of a method's table for pandas, for flat formats and as a listing."""

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.methods.house import NEVER_NULL
from pipeline.methods.method import BOOLEAN, TEXT, WHOLE, Column
from pipeline.storage.slices import BBOX

# The types with nulls that pandas has; without these it reads truths as objects, by which no rows
# are selected.
PANDAS = {WHOLE: "Int64", BOOLEAN: "boolean"}
ITEM = re.compile(r"(.+)_([1-9]\d?)")  # lists in flat formats: name_2 is the second item


def pandas_metadata(schema: pa.Schema) -> bytes:
    """The metadata of a Parquet file under `pandas`, for pandas and GeoPandas."""
    nullable = [f for f in schema if f.type in PANDAS and f.name not in NEVER_NULL]
    types = {field.name: PANDAS[field.type] for field in nullable}
    frame = schema.remove_metadata().empty_table().to_pandas().astype(types)
    return bytes(pa.Schema.from_pandas(frame, preserve_index=False).metadata[b"pandas"])


def flat_names(there: Sequence[str], declared: Mapping[str, Column]) -> list[str]:
    """Those of a table's columns of which flat formats are made: all but the rectangles, and parts
    that are a table of their own. declared: columns by name."""
    return [name for name in there if name != BBOX and not declared[name].geometry]


def flatten(
    table: pa.Table, moments: int = 0, columns: Mapping[str, Column] = MappingProxyType({})
) -> pa.Table:
    """`table` for flat formats, without the rectangles: lists of booleans and numbers as name_1,
    name_2 ..., other nested values `as_text`. moments, columns: of the run, and as declared, which
    say how many items there are of lists that are all null."""
    flat: dict[str, Any] = {}
    for name, values in zip(table.column_names, table.columns, strict=True):
        items = _items(values.type)
        if name == BBOX:
            continue
        if not pa.types.is_nested(values.type):
            flat[name] = values
        elif pa.types.is_struct(items) or items == TEXT:
            flat[name] = as_text(values)
        else:
            items_declared = len(columns[name].items) if name in columns else 0
            flat |= _spread(name, values, items_declared or moments)
    return pa.table(flat)


def _items(kind: pa.DataType) -> pa.DataType:
    """The type of a list's items; of a type that is no list itself."""
    return kind.value_type if pa.types.is_list(kind) else kind


def _spread(name: str, lists: pa.ChunkedArray, least: int) -> dict[str, Any]:
    number = max(pc.max(pc.list_value_length(lists)).as_py() or 0, least)
    padded = pc.list_slice(lists, 0, number, return_fixed_size_list=True) if number else lists
    return {f"{name}_{i + 1}": pc.list_element(padded, i) for i in range(number)}


def as_text(values: pa.ChunkedArray) -> pa.Array:
    """Lists and structs as texts: a digit for each boolean, other items between commas, structs as
    JSON; null stays null."""
    array = values.combine_chunks()
    items = _items(array.type)
    if pa.types.is_struct(items):
        texts = [None if v is None else json.dumps(v, default=str) for v in array.to_pylist()]
        return pa.array(texts, TEXT)
    if items == TEXT:
        return pc.binary_join(array, ",")
    digits = items == BOOLEAN
    words = pc.if_else(array.values, "1", "0") if digits else pc.cast(array.values, TEXT)
    texts = pa.ListArray.from_arrays(array.offsets, words, mask=array.is_null())
    return pc.binary_join(texts, "" if digits else ",")


def item_of(columns: Mapping[str, Column], name: str) -> tuple[Column, int] | None:
    """The column of lists of which a column of flat formats is an item, and which, from 1."""
    match = ITEM.fullmatch(name)
    column = columns.get(match[1]) if match else None
    return (column, int(match[2])) if match and column and column.spread else None


def listing(lang: str, columns: Sequence[Column]) -> str:
    """Columns as a table of Markdown for the docs."""
    lines = ["| column | title | type | unit | meaning |", "|---|---|---|---|---|"]
    for each in columns:
        title, meaning = each.words(lang)
        lines.append(f"| `{each.name}` | {title} | {_kind(each)} | {each.unit} | {meaning} |")
    return "\n".join(lines) + "\n"


def _kind(of: Column) -> str:
    """The type in a word or two."""
    listed, items = pa.types.is_list(of.type), _items(of.type)
    item = "struct" if pa.types.is_struct(items) else str(items)
    return f"list of {item}" if listed else item
