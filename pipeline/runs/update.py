"""What a change of the inputs can reach, and what of a finished run stays as it is.

Another sheet of the same place, or buildings that are added or taken away, change what stands
there; so the shards that can feel those places are computed anew, and the rows and rasters
of all others are taken along.
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
from pipeline.methods.reach import Influence
from pipeline.results.buildings import in_space, rows_by_shard
from pipeline.results.finished import Finished, open_finished
from pipeline.runs.prepare import Run
from pipeline.storage.checksums import Checksums
from pipeline.storage.geoparquet import GeoParquet
from pipeline.storage.integrity import ANEW, check_there, checksums_in, shard_of
from pipeline.storage.ledger import RASTERS, first_difference
from pipeline.storage.places import Place
from pipeline.terms import Field, Location

OF_CONTENT = ("name", "size", "sha256", "ahn_version", "lowest_m", "highest_m")


@dataclass(frozen=True)
class Change:
    """Places where the inputs changed. windows: (n, 4) cells; highest: of what stands there, before
    or now [cm]; ids: of the buildings that came or went."""

    windows: NDArray[np.int64]
    highest: NDArray[np.int32]
    ids: frozenset[str]


def check(directory: Place, there: dict[str, Any], here: dict[str, Any]) -> None:
    """Raises InputError if more than the content of sheets and added buildings differs between a
    finished run and another, by their provenance."""
    found = first_difference(_without_content(there), _without_content(here))
    if found:
        raise InputError(
            Location(directory),
            "{update} is for sheets of the same places with other heights, and for buildings added"
            " or removed; but {found} differs",
            ANEW,
            found=found,
            update=Field("update"),
        )


def change(there: dict[str, Any], here: dict[str, Any], resolution: float) -> Change:
    """What differs between the inputs of a finished run and those of another."""
    old, new = there["inputs"], here["inputs"]
    places = []
    for kind in ("dsm", "dtm"):
        for one, other in zip(old[kind], new[kind], strict=True):
            if one["sha256"] != other["sha256"]:
                places += [(sheet["bounds"], sheet["highest_m"]) for sheet in (one, other)]
    before, now = old["added"], new["added"]
    while before and now and before[0]["sha256"] == now[0]["sha256"]:
        before, now = before[1:], now[1:]
    changed = before + now  # with all that follow: rows are counted through the files
    places += [(one["bounds"], one["highest_m"]) for one in changed]
    places += [(place, None) for place in _taken_or_back(old, new)]
    windows = [Window.around(tuple(bounds), resolution) for bounds, _ in places]
    corners = [(w.top, w.left, w.bottom, w.right) for w in windows]
    heights = [NO_HEIGHT if high is None else int(np.ceil(100 * high)) for _, high in places]
    ids = frozenset(name for one in changed for name in one["ids"])
    return Change(np.array(corners, np.int64).reshape(-1, 4), np.array(heights, np.int32), ids)


def _taken_or_back(old: dict[str, Any], new: dict[str, Any]) -> list[list[float]]:
    """Where buildings were taken away or came back; no roof was higher than the surface there."""
    before, now = (of.get("removed", []) for of in (old, new))
    differing = [one for one in [*before, *now] if one not in before or one not in now]
    return [place for one in differing for place in one["places"]]


def begin(
    run: Run, influence: Influence, before: dict[str, Any], origin: dict[str, Any]
) -> frozenset[Shard]:
    """Take a finished run along as far as a change of its inputs does not matter; the shards that
    are to be computed anew.

    before, origin: the provenance of that run, and of this one. Raises InputError if its table is
    damaged.
    """
    context = run.context
    home = Path(context.ledger.directory)
    found = change(before, json.loads(json.dumps(origin)), context.resolution)
    check_there(home)
    finished = open_finished(home)
    if finished.bounds != context.prepared.bounds:  # all rows hang on what ground is seen
        return frozenset(context.shards)
    fresh = reached(finished, context, influence, found)
    _copy_rasters(home / RASTERS, context)
    _keep_sums(context, fresh, checksums_in(finished.report))
    take_along(run, fresh, finished)
    return fresh


def _without_content(provenance: dict[str, Any]) -> dict[str, Any]:
    """What must be equal: all but what the sheets hold and which buildings come or go."""
    kept = copy.deepcopy(provenance)
    for kind in ("dsm", "dtm"):
        for sheet in kept["inputs"][kind]:
            for name in OF_CONTENT:
                sheet.pop(name)
    kept["inputs"] |= {"added": [], "removed": []}
    return kept


def reached(
    finished: Finished, context: Context, influence: Influence, change: Change
) -> frozenset[Shard]:
    """The shards of a finished run's area that a change can matter to."""
    ring = int(np.ceil(context.p.ground_ring_m / context.resolution)) + 1
    spread = influence.widest + ring
    windows = change.windows + np.array([-spread, -spread, spread, spread])
    places = TileMask.none(context.frame)
    places.add(windows)
    highest = np.full(places.marked.shape, NO_HEIGHT)
    raise_tiles(highest, places.frame, windows, change.highest)
    matters = influence.changed(context, places, highest)
    found = set(bearers(finished, context.layout, change.ids)) if change.ids else set()
    every = {shard: context.ground_of(shard, influence.widest) for shard in context.shards}
    return frozenset(found | {shard for shard, ground in every.items() if matters(ground)})


def bearers(finished: Finished, layout: Layout, ids: frozenset[str]) -> frozenset[Shard]:
    """The shards of a finished run with a row of one of these ids: whether an id is repeated
    hangs on all rows."""
    rows = finished.table.with_ids(ids, ["id", "centre_x", "centre_y"])
    return frozenset(rows_by_shard(rows.columns, layout))


def take_along(run: Run, fresh: frozenset[Shard], finished: Finished) -> None:
    """Record the rows of all shards that are not reached, from the finished run; what was recorded
    before stays."""
    context, stage = run.context, run.method.passes[-1].name
    counts, done = finished.beside["shards"], context.ledger.finished(stage)
    kept = {s for s in context.scope.own if s not in fresh and s.name not in done}
    wanted = {shard: counts[shard.name]["rows"] for shard in kept}
    for shard, rows in _whole_shards(finished.table, run, wanted):
        counted = json.dumps(counts[shard.name])
        context.ledger.record_rows(stage, shard.name, in_space(rows, counted))


def _whole_shards(
    file: GeoParquet, run: Run, wanted: dict[Shard, int]
) -> Iterator[tuple[Shard, pa.Table]]:
    """The rows of shards, as soon as all of a shard's are there; the file has them one after
    another, but for the order within its row groups."""
    waiting: dict[Shard, list[pa.Table]] = {}
    schema = run.method.schema
    for group in range(file.groups):
        table = file.read([group], schema.names).cast(schema)
        for shard, rows in rows_by_shard(table, run.context.layout).items():
            if shard in wanted:
                waiting.setdefault(shard, []).append(rows)
                if sum(map(len, waiting[shard])) == wanted[shard]:
                    yield shard, pa.concat_tables(waiting.pop(shard))


def _keep_sums(context: Context, fresh: frozenset[Shard], sums: dict[str, Checksums]) -> None:
    """Record which files of rasters the shards have that are not computed anew."""
    of = dict[str, dict[str, Checksums]]()
    for name, each in sums.items():
        of.setdefault(shard_of(name) or "", {})[name.removeprefix(f"{RASTERS}/")] = each
    for shard in context.raster_shards:
        if shard not in fresh:
            context.ledger.record_chunks(shard.name, of.get(shard.name, {}))


def _copy_rasters(there: Path, context: Context) -> None:
    """Link the raster files of a finished run into the new one; a new shard replaces files and
    changes none."""
    here = Path(context.ledger.place(RASTERS))
    if here.exists():
        return
    partial = here.with_name(f"{here.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(there, partial, copy_function=link)
    partial.rename(here)


def link(there: str | Path, here: str | Path) -> None:
    """Hard-link a file, or copy it where the file system has no links."""
    try:
        os.link(there, here)
    except OSError:  # another disk, or one without links
        shutil.copy2(there, here)
