"""One task a shard: read its windows, compute block by block, write, record."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Stopped
from pipeline.grid import Lattice, Layout, Shard, Window
from pipeline.ledger import MEASURE, SHADE, Ledger
from pipeline.methods.measure import measure_block
from pipeline.methods.powermapping import Powermapping
from pipeline.methods.shade import Blocks, Relief, Shaded, shade_block, wind_shadowed
from pipeline.outlines import Outlines
from pipeline.rasters import PIECE
from pipeline.store import Layer, write_shard
from pipeline.terrain import Heights, Terrain

Stop = Callable[[], bool]


@dataclass(frozen=True)
class Context:
    """What all tasks of a run share; small enough to travel to a worker."""

    ledger: Ledger
    terrain: Terrain
    p: Powermapping
    layout: Layout
    block: int


@dataclass(frozen=True)
class Roofs:
    """Judged buildings of the area whose deciding cell lies in one shard. rows: in the input; row,
    column: the cell; candidate: for the wind, with their blocks in the same order."""

    rows: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    candidate: NDArray[np.bool_]
    blocks: Blocks

    @property
    def window(self) -> Window:
        """The window around the cells of the candidates; an empty one without any."""
        boxes = self.blocks.outlines.windows()[self.candidate]
        if not len(boxes):
            return Window(0, 0, 0, 0)
        low, high = boxes.min(axis=0), boxes.max(axis=0)
        return Window.between(int(low[0]), int(low[1]), int(high[2]), int(high[3]))

    def take(self, chosen: NDArray[Any]) -> "Roofs":
        """Some of these, by position."""
        return Roofs(
            self.rows[chosen],
            self.row[chosen],
            self.column[chosen],
            self.candidate[chosen],
            self.blocks.take(chosen),
        )


def shard_name(shard: Shard) -> str:
    """What a shard's table is called."""
    return f"{shard.row}_{shard.column}"


def measure_task(context: Context, shard: Shard, outlines: Outlines, *, stop: Stop) -> None:
    """Histograms of the footprints that touch a shard."""
    parts = []
    window = context.layout.window(shard).intersect(context.terrain.window)
    with context.terrain.heights() as heights:
        for _, block in context.layout.blocks(window, min(context.block, PIECE)):
            _go_on(stop)
            near = outlines.within(block, context.p.ground_ring_m)
            if len(near):
                parts.append(measure_block(block, heights, near, context.p))
    names = parts[0] if parts else ()
    columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
    context.ledger.record(MEASURE, shard_name(shard), columns)


def shade_task(
    context: Context,
    shard: Shard,
    roofs: Roofs,
    blocks: Blocks,
    relief: Relief,
    layers: list[Layer],
    *,
    stop: Stop,
) -> None:
    """Shadows at the deciding cells of a shard, and its raster layers.

    blocks: all that stand in the shard, its halo, or within the radius of a candidate.
    """
    ground = context.layout.window(shard).intersect(context.layout.extent)
    pictures = _blank(layers, ground)
    shadow = np.zeros(len(roofs.rows), np.int64)
    with context.terrain.heights() as heights:
        for square, core in _cores(context, shard, roofs, bool(layers)):
            _go_on(stop)
            names = tuple(pictures)
            done = shade_block(square, core, heights, blocks, relief, context.p, names)
            _paste(pictures, ground, core, done)
            here = _inside(roofs, core)
            place = roofs.row[here] - core.top, roofs.column[here] - core.left
            shadow[here] = done.shadow[place]
        shadowed = _sheltered(context, roofs, blocks, heights, stop)
    if layers and ground.size:
        write_shard(context.ledger.rasters, context.layout, layers, shard, pictures)
    columns = {"row": roofs.rows, "shadow": shadow, "shadowed": shadowed}
    context.ledger.record(SHADE, shard_name(shard), columns)


def _go_on(stop: Stop) -> None:
    if stop():
        raise Stopped


def _cores(
    context: Context, shard: Shard, roofs: Roofs, rasters: bool
) -> list[tuple[Lattice, Window]]:
    """The blocks of a shard in which something is asked for, cut to where it can be."""
    layout, inputs = context.layout, context.terrain.window
    cores = []
    for square, block in layout.blocks(layout.window(shard), context.block):
        wanted = block if _inside(roofs, block).any() else block.intersect(layout.extent)
        core = wanted.intersect(inputs)
        if core.size and (rasters or wanted == block):
            cores.append((square, core))
    return cores


def _inside(roofs: Roofs, window: Window) -> NDArray[np.bool_]:
    return (
        (roofs.row >= window.top)
        & (roofs.row < window.bottom)
        & (roofs.column >= window.left)
        & (roofs.column < window.right)
    )


def _blank(layers: list[Layer], ground: Window) -> dict[str, NDArray[Any]]:
    shape = ground.height, ground.width
    return {layer.name: np.full((*layer.lead, *shape), layer.fill, layer.dtype) for layer in layers}


def _paste(pictures: dict[str, NDArray[Any]], ground: Window, core: Window, done: Shaded) -> None:
    part = core.intersect(ground)
    if part.size:
        for name, picture in pictures.items():
            picture[(..., *ground.slices(part))] = done.layer(name)[(..., *core.slices(part))]


def _sheltered(
    context: Context, roofs: Roofs, blocks: Blocks, heights: Heights, stop: Stop
) -> NDArray[np.bool_]:
    shadowed = np.zeros(len(roofs.rows), np.bool_)
    for i in np.flatnonzero(roofs.candidate):
        _go_on(stop)
        alone = roofs.blocks.take(np.array([i]))
        shadowed[i] = wind_shadowed(alone, blocks, heights, context.p)
    return shadowed
