"""The columns of buildings.parquet: their schema, what pandas reads of it, and their listing."""

from collections.abc import Sequence

import pyarrow as pa

from pipeline.methods.house import EXCLUDED
from pipeline.methods.method import BOOLEAN, EDGES, NUMBER, TEXT, WHOLE, Column, Words
from pipeline.methods.powermapping.declaration import COLUMNS

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
