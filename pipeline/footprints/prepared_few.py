"""A few footprints beside many that are prepared: these are not sorted again for their sake."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.footprints.prepared import Box, Few, Prepared, prepare_footprints
from pipeline.footprints.prepared_make import TABLES


def with_few(prepared: Prepared, sources: Iterable[str], **options: Any) -> Prepared:
    """The same footprints and, after them, those of more files, as if all had been prepared
    together; but the files are few and small, and what is made of them is kept in memory.

    options: as of prepare_footprints. Raises the same.
    """
    with TemporaryDirectory() as folder:
        more = prepare_footprints(sources, **options, cache=Path(folder))
        usable, rest = (_after(prepared, more.path.with_name(name)) for name in TABLES)
    return replace(
        prepared,
        sources=prepared.sources + more.sources,
        count=prepared.count + more.count,
        bounds=_around(prepared.bounds, more.bounds),
        few=Few(usable, rest, _again(prepared, {*_ids(usable), *_ids(rest)} - {""})),
    )


def _after(prepared: Prepared, path: Path) -> pa.Table:
    """A prepared table whose rows are counted after those of others."""
    table = pq.read_table(path).replace_schema_metadata()
    rows = pc.add(table["row"], prepared.count)
    return table.set_column(table.column_names.index("row"), "row", rows)


def _ids(table: pa.Table) -> list[str]:
    found: list[str] = table["id"].to_pylist()
    return found


def _again(prepared: Prepared, ids: set[str]) -> tuple[str, ...]:
    """Those that are borne already."""
    there = {*prepared.unusable().id}.union(*prepared.bearers(ids).values())
    return tuple(sorted(ids & there))


def _around(a: Box, b: Box) -> Box:
    """The rectangle around two, each of which may be NaN."""
    low, high = np.fmin(a[:2], b[:2]).tolist(), np.fmax(a[2:], b[2:]).tolist()
    return low[0], low[1], high[0], high[1]
