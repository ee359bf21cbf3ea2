"""The result of a benchmark: one form for all kinds, as JSON.

A row's `copies` is what a cell costs, with one numpy copy of a float32 cell as the unit, measured
at the same moment: the median over the rounds; `spread` are its quartiles. `mcells_s` and
`median_s` are as fast as the machine happened to be.
"""

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench import targets
from bench.machine import commit, versions
from bench.pairs import ratio
from pipeline.errors import InputError
from pipeline.terms import Field, Location

SCHEMA = 1
COPIED = 8  # bytes of a float32 cell, read and written
Row = dict[str, Any]
Result = dict[str, Any]


def result(
    kind: str, size: int | None, host: dict[str, Any], rows: list[Row], skipped: list[Row]
) -> Result:
    """A result. size: cells along a side, if one for all; host: the machine."""
    targets.judge(rows)
    return {
        "schema": SCHEMA,
        "kind": kind,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": host,
        "versions": versions(),
        "commit": commit(),
        "size": size,
        "rows": rows,
        "skipped": skipped,
    }


def rows(passes: list[list[dict[str, Any]]]) -> list[Row]:
    """The rows of what pytest-benchmark measured in pairs, in its order; passes are pooled."""
    found = [_row([dict(one["extra_info"], seconds=one["stats"]["data"]) for one in same])
             for same in zip(*passes, strict=True)]  # fmt: skip
    _tell_relations(found)
    return found


def _row(passes: list[dict[str, Any]]) -> Row:
    def pooled(times: str) -> list[float]:
        return [time for one in passes for time in one[times]]

    info, row, seconds = passes[0], passes[0]["row"], pooled("seconds")
    median = float(np.median(seconds))
    row |= {"median_s": median, "rounds": len(seconds)}
    row |= {"mcells_s": None, "copies": None, "spread": None}
    if row["cells"]:
        per_cell = ratio(seconds, pooled("copies"), info["copied"] / row["cells"])
        row |= {"mcells_s": row["cells"] / median / 1e6}
        row |= {"copies": per_cell.median, "spread": [per_cell.q1, per_cell.q3]}
    if "beside" in info:
        row["of_first"] = ratio(seconds, pooled("beside")).median
    if touched := row.pop("touched", None):
        row["share_of_bandwidth"] = touched / COPIED / row["copies"]
    return row


def _tell_relations(found: list[Row]) -> None:
    """Add the figures relative to the first row of a group: one worker."""
    first: dict[str, float] = {}
    for row in found:
        base = first.setdefault(row["group"], row["copies"])
        if "workers" in row:
            row["efficiency"] = base / row["copies"] / row["workers"]


def check_free(path: Path) -> None:
    """Raises InputError where a file stands that is no result of a benchmark."""
    try:
        if path.exists():
            read(path)
    except InputError:
        raise InputError(
            Field("json", path), "exists, and is no result of a benchmark", "give another name"
        ) from None


def write(found: Result, path: Path) -> None:
    """Write a result as JSON, atomically. Raises InputError where another file stands."""
    check_free(path)
    with tempfile.TemporaryDirectory(prefix=".daklaag-", dir=path.absolute().parent) as folder:
        partial = Path(folder) / path.name
        partial.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, path)


def read(path: Path) -> Result:
    """A result as it was written. Raises InputError for what is none."""
    remedy = "give a file made by `daklaag bench --json FILE`"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(Location(path), "does not exist", remedy) from None
    except (ValueError, RecursionError):  # of JSON, and of UTF-8
        raise InputError(Location(path), "is no JSON", remedy) from None
    if not _is_result(found):
        raise InputError(Location(path), "is no result of this version's benchmark", remedy)
    known: Result = found
    return known


def _is_result(found: Any) -> bool:
    """Whether it has the schema, and what a comparison reads of it."""
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        return False
    if not {"kind", "date", "machine", "commit", "size", "rows"} <= found.keys():
        return False
    return all({"group", "name", "copies", "spread"} <= row.keys() for row in found["rows"])
