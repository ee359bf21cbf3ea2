"""The one pass: heights, planes, and what they give."""

from pipeline.methods.annual.light import light_of
from pipeline.methods.annual.painting import paint
from pipeline.methods.annual.rules import convergence_of
from pipeline.methods.annual.schemes import best_of
from pipeline.methods.annual.segments import segments
from pipeline.methods.annual.table import (
    buildings_of,
    by_building,
    classes_of,
    columns_of,
    flags_of,
    planes_of,
    spread,
)
from pipeline.methods.annual.wind.block import wind_of_block
from pipeline.methods.annual.wind.table import wind_columns, wind_flags
from pipeline.methods.buildings import Judged
from pipeline.methods.passes import Block, Pass, Work

ROOFS = "roofs"


def judge_block(work: Work, block: Block) -> Judged:
    """The verdicts of a block's buildings, and its part of the raster layers."""
    measured = work.measured(block.footprints)
    lit = [(some, light_of(work, block, some)) for some in segments(work, measured, block.core)]
    if work.layers:
        paint(work, block, measured, [some for some, _ in lit])
    if not lit:
        return Judged.nothing(measured)
    climate, p, n = work.context.climate, work.context.p, len(measured)
    best = best_of(climate, block.square, p.directions, p.albedo)
    planes = by_building(
        [planes_of(*each, measured, convergence_of(block.square), best, p) for each in lit]
    )
    cells = spread(by_building([buildings_of(*each) for each in lit]), n)
    wind = wind_of_block(work, block, measured)
    columns = columns_of(planes, cells, n) | wind_columns(wind.position, wind.year, n, p)
    flags = flags_of(cells) | wind_flags(wind.position, wind.year, n)
    flags["reach_cut"][wind.position] |= wind.reach_cut
    return Judged(measured, classes_of(columns), columns, flags)


PASSES = (Pass(ROOFS, judge_block),)
