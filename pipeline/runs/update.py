"""An update of a finished run: only the shards that a change of the inputs can affect are computed.

The inputs change where a sheet is replaced by another of the same place, and where buildings are
added or removed. The rows and rasters of all shards outside the influence of those places are
copied from the finished run.
"""

import copy
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.tile_masks import NO_HEIGHT, TileMask, raise_tiles
from pipeline.grid.windows import Layout, Shard, Window
from pipeline.methods.context import Context
from pipeline.methods.reach import Influence, Reach, hull
from pipeline.results.buildings import in_space, marked_rows, rows_by_shard
from pipeline.results.finished import Finished, open_finished
from pipeline.results.store import by_layer
from pipeline.runs.prepare import Run
from pipeline.storage.checksums import Checksums
from pipeline.storage.geoparquet import GeoParquet
from pipeline.storage.integrity import ANEW, check_there, checksums_in, shard_of
from pipeline.storage.ledger import RASTERS, first_difference
from pipeline.storage.places import Place
from pipeline.terms import Field, Location

CONTENT = ("name", "size", "sha256", "ahn_version", "lowest_m", "highest_m")  # of a sheet


@dataclass(frozen=True)
class Change:
    """Places where the inputs changed. windows: (n, 4) cells; highest: (n,) the surface there,
    before or after [cm]; ids: of the buildings that are added or removed."""

    windows: NDArray[np.int64]
    highest: NDArray[np.int32]
    ids: frozenset[str]


def check(directory: Place, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Raises InputError if the provenance of a finished run and of its update differ in more than
    the content of sheets and the buildings that are added or removed."""
    difference = first_difference(_without_content(before), _without_content(after))
    if difference:
        raise InputError(
            Location(directory),
            "{update} is for sheets of the same places with other heights, and for buildings added"
            " or removed; but {difference} differs",
            ANEW,
            difference=difference,
            update=Field("update"),
        )


def change(before: dict[str, Any], after: dict[str, Any], resolution: float) -> Change:
    """The places where the inputs of a finished run and of its update differ, by provenance."""
    old, new = before["inputs"], after["inputs"]
    places = []
    for kind in ("dsm", "dtm"):
        for pair in zip(old[kind], new[kind], strict=True):
            if pair[0]["sha256"] != pair[1]["sha256"]:
                places += [(sheet["bounds"], sheet["highest_m"]) for sheet in pair]
    added, added_now = old["added"], new["added"]
    while added and added_now and added[0]["sha256"] == added_now[0]["sha256"]:
        added, added_now = added[1:], added_now[1:]
    files = added + added_now  # with all that follow: rows are counted through the files
    places += [(file["bounds"], file["highest_m"]) for file in files]
    removed, removed_now = old.get("removed", []), new.get("removed", [])
    for building in (*removed, *removed_now):  # no roof was higher than the surface there
        if building not in removed or building not in removed_now:
            places += [(place, None) for place in building["places"]]
    windows = [Window.around(tuple(bounds), resolution) for bounds, _ in places]
    corners = [(w.top, w.left, w.bottom, w.right) for w in windows]
    heights = [NO_HEIGHT if high is None else int(np.ceil(100 * high)) for _, high in places]
    ids = frozenset(name for file in files for name in file["ids"])
    return Change(np.array(corners, np.int64).reshape(-1, 4), np.array(heights, np.int32), ids)


def copy_unaffected(
    run: Run, influence: Influence, before: dict[str, Any], origin: dict[str, Any]
) -> frozenset[Shard]:
    """Copy what an update does not change from the finished run to the ledger. Returns the affected
    shards, which are to be computed.

    before, origin: the provenance of the finished run, and of the update. Raises InputError if the
    table of the finished run is damaged.
    """
    context = run.context
    directory = Path(context.ledger.directory)
    changed = change(before, json.loads(json.dumps(origin)), context.resolution)
    check_there(directory)
    finished = open_finished(directory)
    if finished.bounds != context.prepared.bounds:  # the region, on which all rows depend
        return frozenset(context.shards)
    affected = affected_shards(finished, context, influence, changed)
    affected |= shards_with_marked(finished, context, run.method.reach, changed)
    _copy_rasters(directory / RASTERS, context)
    _copy_checksums(context, affected, checksums_in(finished.report))
    _copy_rows(run, affected, finished)
    return affected


def _without_content(provenance: dict[str, Any]) -> dict[str, Any]:
    """A provenance without what an update may change."""
    fixed = copy.deepcopy(provenance)
    for kind in ("dsm", "dtm"):
        for sheet in fixed["inputs"][kind]:
            for name in CONTENT:
                sheet.pop(name)
    fixed["inputs"] |= {"added": [], "removed": []}
    return fixed


def affected_shards(
    finished: Finished, context: Context, influence: Influence, change: Change
) -> frozenset[Shard]:
    """The shards of a finished run's area that a change can affect."""
    ring = int(np.ceil(context.p.ground_ring_m / context.resolution)) + 1
    spread = influence.widest + ring
    windows = change.windows + np.array([-spread, -spread, spread, spread])
    places = TileMask.none(context.frame)
    places.add(windows)
    highest = np.full(places.marked.shape, NO_HEIGHT)
    raise_tiles(highest, places.frame, windows, change.highest)
    matters = influence.changed(context, places, highest)
    grounds = {shard: context.ground_of(shard, influence.widest) for shard in context.shards}
    affected = {shard for shard, ground in grounds.items() if matters(ground)}
    return frozenset(affected | shards_with_ids(finished, context.layout, change.ids))


def shards_with_marked(
    finished: Finished, context: Context, reach: Reach, change: Change
) -> frozenset[Shard]:
    """The shards of a finished run with a row to which a change matters by a column that marks it:
    one that the change itself marks lies where it matters anyway."""
    shards = set[Shard]()
    for name, radius in reach.marked.items():
        for corners in change.windows.tolist():
            bounds = Window.between(*corners).bounds(context.resolution)
            rows = marked_rows(finished.table, name, hull([bounds], radius(context.p)))
            shards |= rows_by_shard(rows.columns, context.layout).keys()
    return frozenset(shards)


def shards_with_ids(finished: Finished, layout: Layout, ids: frozenset[str]) -> frozenset[Shard]:
    """The shards of a finished run with a row of one of these ids: the flag of a repeated id
    depends on all rows."""
    rows = finished.table.with_ids(ids, ["id", "centre_x", "centre_y"])
    return frozenset(rows_by_shard(rows.columns, layout))


def _copy_rows(run: Run, affected: frozenset[Shard], finished: Finished) -> None:
    """Record the rows of the other shards from the finished run, unless they are recorded."""
    context, stage = run.context, run.method.passes[-1].name
    counts, done = finished.beside["shards"], context.ledger.finished(stage)
    shards = {s for s in context.scope.own if s not in affected and s.name not in done}
    sizes = {shard: counts[shard.name]["rows"] for shard in shards}
    for shard, rows in _rows_of_shards(finished.table, run, sizes):
        table = in_space(rows, json.dumps(counts[shard.name]))
        context.ledger.record_rows(stage, shard.name, table)


def _rows_of_shards(
    file: GeoParquet, run: Run, sizes: dict[Shard, int]
) -> Iterator[tuple[Shard, pa.Table]]:
    """The rows of each shard, as soon as all of them are read; the file has shards one after
    another, but for the order within its row groups. sizes: number of rows."""
    parts: dict[Shard, list[pa.Table]] = {}
    schema = run.method.schema
    for group in range(file.groups):
        table = file.read([group], schema.names).cast(schema)
        for shard, rows in rows_by_shard(table, run.context.layout).items():
            if shard in sizes:
                parts.setdefault(shard, []).append(rows)
                if sum(map(len, parts[shard])) == sizes[shard]:
                    yield shard, pa.concat_tables(parts.pop(shard))


def _copy_checksums(
    context: Context, affected: frozenset[Shard], sums: dict[str, Checksums]
) -> None:
    """Record the checksums of the raster files of the other shards."""
    by_shard = dict[str, dict[str, Checksums]]()
    for name, file in sums.items():
        by_shard.setdefault(shard_of(name) or "", {})[name.removeprefix(f"{RASTERS}/")] = file
    for shard in context.raster_shards - affected:
        files = by_layer(context.layers, by_shard.get(shard.name, {}))
        context.ledger.record_chunks(shard.name, files)


def _copy_rasters(source: Path, context: Context) -> None:
    """Link the raster files of a finished run into the new one, which replaces files and changes
    none."""
    target = Path(context.ledger.place(RASTERS))
    if target.exists():
        return
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, copy_function=link)
    partial.rename(target)


def link(source: str | Path, target: str | Path) -> None:
    """Hard-link a file, or copy it where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target)
