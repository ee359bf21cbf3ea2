"""A pass of a method: what it makes of a block, and the task that it does so in."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.tasks import Stop
from pipeline.errors import Stopped
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.outlines import windows_of
from pipeline.footprints.scope import shards_of, tally
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import LatticeCell, Layout, Shard, Window
from pipeline.heights.pair import PairReader
from pipeline.methods.buildings import Judged, Measured, reject
from pipeline.methods.context import Context
from pipeline.methods.measure import measure
from pipeline.storage.ledger import Ledger

BESIDE = "beside_"  # before the names of what a shard hands on that is not of its buildings
Table = dict[str, NDArray[Any]]


class Block(NamedTuple):
    """A part of a shard that is computed at once: its cells, the square of the lattice that they
    lie in, and the footprints whose centre is one of them. asked: which are of the area; of the
    last pass all are."""

    square: LatticeCell
    core: Window
    footprints: Footprints
    asked: NDArray[np.bool_]


class Handed(NamedTuple):
    """What a pass hands on to later ones: of a block's footprints, in their order; and of its
    ground, whatever its length."""

    of_footprints: Mapping[str, NDArray[Any]]
    beside: Mapping[str, NDArray[Any]] = {}


@dataclass(frozen=True)
class Pass:
    """One way over the ground, shard by shard.

    name: of its stage in the ledger, the log and the progress; block: what it makes of a block, of
    the last pass what is judged; neighbours: whether it takes the footprints that the area can
    feel as well; paints: whether, by the parameters, the raster layers are painted in it.
    """

    name: str
    block: "Callable[[Work, Block], Handed | Judged]"
    neighbours: bool = False
    paints: Callable[[Any], bool] = lambda p: True


@dataclass
class Work:
    """A task in hand: a pass over a shard.

    heights: open rasters; given: what the method's influence gives for the shard; painted: the
    cells of the shard's raster layers, which are `layers` by name; kept: what the pass keeps from
    block to block.
    """

    context: Context
    shard: Shard
    heights: PairReader
    given: Any
    painted: Window
    layers: dict[str, NDArray[Any]]
    stop: Stop
    kept: dict[str, Any] = field(default_factory=dict)
    footprints: int = 0
    blocks: int = 0
    worked: int = 0
    each: list[dict[str, Any]] = field(default_factory=list)
    _tables: dict[str, "Tables"] = field(default_factory=dict)

    def go_on(self) -> None:
        """Raise Stopped if that is asked for."""
        if self.stop():
            raise Stopped

    def measured(self, footprints: Footprints) -> Measured:
        """The heights of footprints with a polygon, and why some are rejected."""
        context = self.context
        found = measure(footprints, self.heights, context.p, self.stop)
        return reject(found, context.terrain, context.p, context.gone(footprints))

    def handed(self, stage: str, footprints: Footprints) -> tuple[NDArray[np.int64], Table]:
        """Positions of the footprints, given in the order of their places, for which an earlier
        pass handed something on, and those values."""
        if stage not in self._tables:
            self._tables[stage] = Tables(self.context.ledger, self.context.layout, stage)
        return self._tables[stage].of(footprints)

    def paint(self, part: Window, layers: Mapping[str, NDArray[Any]]) -> None:
        """Take over a part of the raster layers."""
        for name, values in layers.items():
            self.layers[name][(..., *self.painted.slices(part))] = values

    def each_block(self, felt: TileMask | None) -> Iterator[Block]:
        """The blocks of the shard, as long as nobody asks to stop. felt: tiles whose footprints are
        taken too; None: only those of the area."""
        layout = self.context.layout
        for square, core in layout.blocks(layout.window(self.shard), self.context.block):
            self.go_on()
            self.blocks += 1
            self.heights.take_up(core)
            cells, began = self.heights.cells_read, time.monotonic()
            block = self._block(square, core, felt)
            yield block
            count, cells = len(block.footprints), self.heights.cells_read - cells
            self.footprints += count
            self.worked += count + cells > 0
            seconds, name = round(time.monotonic() - began, 4), f"{core.top}_{core.left}"
            known = {"block": name, "seconds": seconds}
            self.each.append(known | {"footprints": count, "cells": cells})

    def _block(self, square: LatticeCell, core: Window, felt: TileMask | None) -> Block:
        context = self.context
        footprints = context.owned(core)
        asked = wanted = context.asked(footprints)
        if felt is not None:
            wanted = asked | felt.touch(windows_of(footprints.bounds, context.resolution))
        return Block(square, core, footprints.take(wanted), asked[wanted])

    @property
    def log(self) -> dict[str, Any]:
        """What the log says of the task, and of each of its blocks."""
        return {
            "each": self.each,
            "footprints": self.footprints,
            "blocks": self.blocks,
            "skipped": self.blocks - self.worked,
            "cells": self.heights.cells_read,
            "own": self.heights.cells_own,
        }


class Tables:
    """What a pass handed on of the shards around a task, each read once."""

    def __init__(self, ledger: Ledger, layout: Layout, stage: str) -> None:
        self._ledger, self._layout, self._stage = ledger, layout, stage
        self._read: dict[Shard, Table] = {}

    def of(self, footprints: Footprints) -> tuple[NDArray[np.int64], Table]:
        """Positions and values of footprints in a pass's tables; see `Work.handed`."""
        owners = shards_of(self._layout, footprints.centre)
        found, at = list[Table](), [np.zeros(0, np.int64)]
        for shard in tally(owners):
            here = np.flatnonzero((owners == shard).all(axis=1))
            table = self._shard(shard)
            if table:
                there, where = _find(table["place"], footprints.place[here])
                found.append({name: values[where] for name, values in table.items()})
                at.append(here[there])
        every = np.concatenate(at)
        order = np.argsort(every)
        return every[order], {name: values[order] for name, values in joined(found).items()}

    def _shard(self, shard: Shard) -> Table:
        """In the order of places; empty for a shard of which nothing was handed on."""
        if shard not in self._read:
            there = self._ledger.has(self._stage, shard.name)
            table = self._ledger.read(self._stage, shard.name) if there else {}
            known = {name: table[name] for name in table if not name.startswith(BESIDE)}
            places = known.get("place", np.zeros(0, np.int64))
            order = np.argsort(places, kind="stable")
            self._read[shard] = {name: values[order] for name, values in known.items()}
        return self._read[shard]


def handed_beside(ledger: Ledger, stage: str) -> Table:
    """What a pass handed on of the ground of all shards; empty if that is nothing."""
    tables = (ledger.read(stage, name) for name in sorted(ledger.finished(stage)))
    found = [
        {name.removeprefix(BESIDE): t[name] for name in t if name.startswith(BESIDE)}
        for t in tables
    ]
    return joined([table for table in found if table])


def _find(
    places: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of the wanted are among ascending places, and where."""
    if not len(places):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    where = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
    there = np.flatnonzero(places[where] == wanted)
    return there, where[there]


def as_table(block: Block, handed: Handed) -> Table:
    """What a block hands on, as the ledger keeps it."""
    beside = {f"{BESIDE}{name}": values for name, values in handed.beside.items()}
    return {"place": block.footprints.place, **handed.of_footprints, **beside}


def joined(tables: list[Table]) -> Table:
    """All of some tables with the same columns."""
    names = tables[0] if tables else ()
    return {name: np.concatenate([table[name] for table in tables]) for name in names}
