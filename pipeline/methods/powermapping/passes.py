"""The two passes: measure, with the measured surface the shadows too; then shade and judge."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.grid.tile_masks import NO_HEIGHT, HeightBounds, enclosing
from pipeline.grid.windows import TILE, LatticeCell, Window, uniform_halo
from pipeline.methods.buildings import Judged, Measured, is_candidate
from pipeline.methods.context import NOTHING
from pipeline.methods.passes import Block, Handover, Pass, Work
from pipeline.methods.powermapping.cast import (
    HILLSHADE,
    Roofs,
    lit_cells,
    picture,
    shade_block,
)
from pipeline.methods.powermapping.reach_cut import reach_cut
from pipeline.methods.powermapping.rules import (
    Powermapping,
    compared,
    is_lit,
    is_uneven,
    stands,
    suns_of,
)
from pipeline.methods.powermapping.wind import is_sheltered

MEASURE, SHADE = "measure", "shade"
BESIDE = 2 * TILE  # cells around a block that are cast with it: few roofs reach farther


def measure_block(work: Work, block: Block) -> Handover:
    """The heights of a block's buildings, those that the area can feel as well; with the measured
    surface the shadows on them, since no other roof has to be known for that."""
    measured = work.measured(block.footprints)
    columns = measured.columns()
    if work.context.p.surface == "dsm":
        chosen = block.in_area & pd.isna(measured.reason)
        columns["shadow"], columns["lit_cells"] = cast(work, block, measured, chosen)
    elif HILLSHADE in work.layers:
        part = shown(work, block)
        if part.size:
            work.write_layers(part, {HILLSHADE: picture(part, work.heights)})
    return Handover(columns, tops_of(measured))


def judge_block(work: Work, block: Block) -> Judged:
    """The verdicts of a block's buildings; with the extruded surface the shadows before that."""
    context, p = work.context, work.context.p
    _, values = work.handover(MEASURE, block.footprints)
    measured = Measured.of(block.footprints, context.resolution, values)
    if p.surface == "extruded":
        shadow, lit = cast(work, block, measured, pd.isna(measured.reason))
    if not len(measured):
        return Judged.nothing(measured)
    if p.surface == "dsm":
        shadow, lit = values["shadow"], values["lit_cells"]
    candidate = is_candidate(measured, p)
    sheltered = _sheltered(work, measured, candidate)
    flags = {"uneven": is_uneven(measured), "reach_cut": reach_cut(context, measured, candidate)}
    verdicts = _verdicts(measured, is_lit(shadow, p), lit, candidate, sheltered, p)
    solar, wind = verdicts["solar_suitable"], verdicts["wind_suitable"]
    classes = np.where(wind, "wind_or_solar", np.where(solar, "solar", "none"))
    return Judged(measured, classes, verdicts, flags)


def _verdicts(
    measured: Measured,
    lit: NDArray[np.bool_],
    lit_cells: NDArray[np.int64],
    candidate: NDArray[np.bool_],
    sheltered: NDArray[np.bool_],
    p: Powermapping,
) -> dict[str, Any]:
    """The columns of the method. lit: (n, suns), of the deciding cell; lit_cells: those of the
    roof that are lit at all sun positions."""
    area = measured.footprints.area
    solar, wind = lit.all(axis=1), candidate & ~sheltered
    share = lit_cells / np.maximum(measured.cells, 1)  # what is judged has cells
    panels = np.where(solar, p.panel_share * area, 0.0)
    return {
        "lit": lit,
        "solar_suitable": solar,
        "panel_area_m2": panels,
        "solar_kwh": panels * p.solar_kwh_m2,
        "wind_candidate": candidate,
        "wind_shadowed": pa.array(sheltered, mask=~candidate),
        "wind_suitable": wind,
        "wind_kwh": np.where(wind, p.turbine_kwh, 0.0),
        "lit_share": share,
        "lit_area_m2": share * area,
    }


def cast(
    work: Work, block: Block, measured: Measured, chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Make the raster layers of a block, and cast shadow on some of its buildings.

    Returns of each building its bits, of which the i-th is set where the deciding cell is shaded at
    sun position i, and how many of its own cells with data are lit at all positions.
    """
    p, resolution = work.context.p, work.context.resolution
    shadow, lit = np.zeros(len(measured), np.uint8), np.zeros(len(measured), np.int64)
    every = Roofs.of(measured, chosen, p)
    for square, part, rasters in _parts(work, block, every):
        roofs, suns = every.within(part), suns_of(square, p)
        needed, bare = work.surroundings.relevant_tiles(rasters, roofs, suns, resolution)
        others = roofs.measured
        if p.surface == "extruded":
            others = standing(work, part.union(needed.window))
        bits, layers = shade_block(
            square, part, rasters, needed, bare, work.heights, others, p, tuple(work.layers)
        )
        work.write_layers(rasters, layers)
        decided = roofs.decided_in(part)
        cells = roofs.measured.row[decided] - part.top, roofs.measured.column[decided] - part.left
        shadow[roofs.position[decided]] = bits[cells]
        lit[roofs.position] += lit_cells(bits, part, roofs, work.heights, p)
    return shadow, lit


def shown(work: Work, block: Block) -> Window:
    """The cells of a block's raster layers."""
    return block.core.intersect(work.raster_window).intersect(work.context.terrain.window)


def _parts(work: Work, block: Block, roofs: Roofs) -> Iterator[tuple[LatticeCell, Window, Window]]:
    """Windows that hold each cell of a block's roofs once, with the square whose sun positions they
    have, and the cells of raster layers in each. First the block's own ground, with what of its
    roofs lies near it; then block by block what lies beyond or in another square."""
    layout, inputs = work.context.layout, work.context.terrain.window
    rasters = shown(work, block)
    around = block.core.grow(uniform_halo(BESIDE)).intersect(inputs)
    around = around.intersect(block.square.window(layout.resolution))
    home = rasters.union(roofs.within(around).window)
    if home.size:
        yield block.square, home, rasters
    for strip in roofs.window.intersect(inputs).without(home):
        for other, part in layout.blocks(strip, work.context.block):
            window = roofs.within(part).window
            if window.size:
                work.check_stop()
                yield other, window, NOTHING


def standing(work: Work, window: Window) -> Measured:
    """The buildings that touch a window and stand, and perhaps more: those of a block's shadows do
    for its wind as well."""
    context = work.context
    covered, buildings = work.cache.get("standing", (NOTHING, None))
    if buildings is None or not covered.covers(window):
        radius = -(-context.p.wind_radius_m // context.resolution)
        covered = window.grow(uniform_halo(int(radius)))
        nearby = context.prepared.read(covered.bounds(context.resolution))
        at, values = work.handover(MEASURE, nearby)
        measured = Measured.of(nearby.take(at), context.resolution, values)
        buildings = measured.take(stands(measured))
        work.cache["standing"] = covered, buildings
    return buildings


def _sheltered(work: Work, measured: Measured, candidate: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of a block's candidates stand in the wind shadow of another building."""
    p, candidates = work.context.p, np.flatnonzero(candidate)
    sheltered = np.zeros(len(measured), np.bool_)
    if not len(candidates):
        return sheltered
    windows = measured.outlines.windows(p.wind_radius_m)
    others = standing(work, enclosing(windows[candidates]))
    heights = compared(others, p)
    at = np.searchsorted(others.footprints.place, measured.footprints.place[candidates])
    for i, own in zip(candidates, at.tolist(), strict=True):
        work.check_stop()
        sheltered[i] = is_sheltered(own, others, heights, work.heights, p)
    return sheltered


def tops_of(measured: Measured) -> dict[str, NDArray[Any]]:
    """The tiles that what stands touches, and the lowest and highest of its roofs there [cm]."""
    up = measured.take(stands(measured))
    frame, roof = enclosing(up.windows).coarse(TILE), up.roof.astype(np.int32)
    nothing = np.full((frame.height, frame.width), NO_HEIGHT)
    tiles = HeightBounds(frame, nothing, nothing).raised(up.windows, roof, roof)
    row, column = np.nonzero(tiles.highest != NO_HEIGHT)
    return {
        "tile": np.column_stack([frame.top + row, frame.left + column]),
        "lowest": tiles.lowest[row, column],
        "highest": tiles.highest[row, column],
    }


def _of_measuring(p: Powermapping, names: tuple[str, ...]) -> tuple[str, ...]:
    """The raster layers that need no roofs: all of the measured surface, or the picture of the DSM,
    which is decoded in that pass."""
    return tuple(name for name in names if p.surface == "dsm" or name == HILLSHADE)


def _of_shading(p: Powermapping, names: tuple[str, ...]) -> tuple[str, ...]:
    """The other raster layers."""
    return tuple(name for name in names if name not in _of_measuring(p, names))


PASSES = (
    Pass(MEASURE, measure_block, neighbours=True, layers=_of_measuring),
    Pass(SHADE, judge_block, layers=_of_shading),
)
