"""A pass of a method: what it makes of a block, and the task in which it does so."""

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

GROUND = "ground_"  # before the names of values that are not of footprints
Table = dict[str, NDArray[Any]]


class Block(NamedTuple):
    """A part of a shard that is computed at once: its cells, the square of the lattice that they
    lie in, the footprints whose centre is one of them, and which of these are of the area (in the
    last pass all are)."""

    square: LatticeCell
    core: Window
    footprints: Footprints
    in_area: NDArray[np.bool_]


class Handover(NamedTuple):
    """Values that a pass hands on to later ones: of a block's footprints, in their order; and of
    its ground, of any length."""

    footprints: Mapping[str, NDArray[Any]]
    ground: Mapping[str, NDArray[Any]] = {}

    def table(self, block: Block) -> Table:
        """These values of a block as the ledger keeps them."""
        ground = {f"{GROUND}{name}": values for name, values in self.ground.items()}
        return {"place": block.footprints.place, **self.footprints, **ground}


@dataclass(frozen=True)
class Pass:
    """One way over the ground, shard by shard.

    name: of its stage in the ledger, the log and the progress; block: what it makes of a block: the
    last pass judges; neighbours: whether it also takes the footprints that can matter to those of
    the area; layers: which of the run's raster layers are made in it, by the parameters.
    """

    name: str
    block: "Callable[[Work, Block], Handover | Judged]"
    neighbours: bool = False
    layers: "Callable[[Any, tuple[str, ...]], tuple[str, ...]]" = lambda p, names: names


@dataclass
class Work:
    """The task of one pass over one shard.

    heights: open rasters; surroundings: of the shard, by the method's influence; raster_window: the
    cells of the shard's raster layers, which are `layers` by name; cache: what the pass keeps from
    block to block.
    """

    context: Context
    shard: Shard
    heights: PairReader
    surroundings: Any
    raster_window: Window
    layers: dict[str, NDArray[Any]]
    stop: Stop
    cache: dict[str, Any] = field(default_factory=dict)
    footprints: int = 0
    worked: int = 0
    each: list[dict[str, Any]] = field(default_factory=list)
    _handovers: dict[str, "Handovers"] = field(default_factory=dict)

    def check_stop(self) -> None:
        """Raises Stopped if the stop flag is up."""
        if self.stop():
            raise Stopped

    def measured(self, footprints: Footprints) -> Measured:
        """The heights of footprints with a polygon, and why some are rejected."""
        context = self.context
        measured = measure(footprints, self.heights, context.p, self.stop)
        return reject(measured, context.terrain, context.p, context.demolished(footprints))

    def handover(self, stage: str, footprints: Footprints) -> tuple[NDArray[np.int64], Table]:
        """Positions of the footprints for which an earlier pass handed on values, ascending, and
        those values."""
        if stage not in self._handovers:
            self._handovers[stage] = Handovers(self.context.ledger, self.context.layout, stage)
        return self._handovers[stage].of(footprints)

    def write_layers(self, part: Window, layers: Mapping[str, NDArray[Any]]) -> None:
        """Set a part of the raster layers."""
        for name, values in layers.items():
            self.layers[name][(..., *self.raster_window.slices(part))] = values

    def each_block(self, tiles: TileMask | None) -> Iterator[Block]:
        """The blocks of the shard; raises Stopped between them if the stop flag is up. tiles: those
        whose footprints are taken beside those of the area."""
        layout = self.context.layout
        for square, core in layout.blocks(layout.window(self.shard), self.context.block):
            self.check_stop()
            self.heights.take_up(core)
            cells, began = self.heights.cells_read, time.monotonic()
            block = self._block(square, core, tiles)
            yield block
            count, cells = len(block.footprints), self.heights.cells_read - cells
            self.footprints += count
            self.worked += count + cells > 0
            seconds, name = round(time.monotonic() - began, 4), f"{core.top}_{core.left}"
            entry = {"block": name, "seconds": seconds, "footprints": count, "cells": cells}
            self.each.append(entry)

    def _block(self, square: LatticeCell, core: Window, tiles: TileMask | None) -> Block:
        context = self.context
        footprints = context.owned(core)
        in_area = chosen = context.in_area(footprints)
        if tiles is not None:
            chosen = in_area | tiles.touch(windows_of(footprints.bounds, context.resolution))
        return Block(square, core, footprints.take(chosen), in_area[chosen])

    @property
    def log(self) -> dict[str, Any]:
        """The log's entry of the task, and of each of its blocks."""
        return {
            "each": self.each,
            "footprints": self.footprints,
            "blocks": len(self.each),
            "skipped": len(self.each) - self.worked,
            "cells": self.heights.cells_read,
            "own": self.heights.cells_own,
            "decoded": self.heights.decoded,
        }


class Handovers:
    """What an earlier pass handed on of the shards around a task, each read once."""

    def __init__(self, ledger: Ledger, layout: Layout, stage: str) -> None:
        self._ledger, self._layout, self._stage = ledger, layout, stage
        self._read: dict[Shard, Table] = {}

    def of(self, footprints: Footprints) -> tuple[NDArray[np.int64], Table]:
        """Positions and values of footprints; see `Work.handover`."""
        owners = shards_of(self._layout, footprints.centre)
        tables, positions = list[Table](), [np.zeros(0, np.int64)]
        for shard in tally(owners):
            if table := self._shard(shard):
                own = np.flatnonzero((owners == shard).all(axis=1))
                _, at, rows = np.intersect1d(
                    footprints.place[own], table["place"], assume_unique=True, return_indices=True
                )
                tables.append({name: values[rows] for name, values in table.items()})
                positions.append(own[at])
        every = np.concatenate(positions)
        order = np.argsort(every)
        return every[order], {name: values[order] for name, values in joined(tables).items()}

    def _shard(self, shard: Shard) -> Table:
        """The values of a shard's footprints; empty where nothing was handed on."""
        if shard not in self._read:
            known = self._ledger.has(self._stage, shard.name)
            table = self._ledger.read(self._stage, shard.name) if known else {}
            self._read[shard] = {n: v for n, v in table.items() if not n.startswith(GROUND)}
        return self._read[shard]


def ground_handover(ledger: Ledger, stage: str) -> Table:
    """What a pass handed on of the ground of all shards; empty if that is nothing."""
    tables = (ledger.read(stage, name) for name in sorted(ledger.finished(stage)))
    grounds = ({n.removeprefix(GROUND): t[n] for n in t if n.startswith(GROUND)} for t in tables)
    return joined([ground for ground in grounds if ground])


def joined(tables: list[Table]) -> Table:
    """The rows of tables with the same columns."""
    names = tables[0] if tables else ()
    return {name: np.concatenate([table[name] for table in tables]) for name in names}
