"""What was found of each footprint becomes its verdict."""

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.areas.selection import within_circle
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.outlines import Outlines
from pipeline.footprints.restrictions import Restricted
from pipeline.grid.tile_masks import enclosing
from pipeline.methods.powermapping import reach
from pipeline.methods.powermapping import rules as powermapping
from pipeline.methods.powermapping.measure import Measures
from pipeline.methods.powermapping.rules import NOT_KNOWN
from pipeline.results.buildings import Told, Verdicts
from pipeline.runs.context import Context
from pipeline.runs.measured import Measured


def judge(
    context: Context,
    footprints: Footprints,
    measured: Measured,
    shadowed: NDArray[np.bool_],
    told: Told,
) -> Verdicts:
    """The verdicts of some footprints of the area, in their order; what a report is to know of
    them is told."""
    measures = measured.measures
    facts = context.facts(footprints, measures.roof, measures.ground)
    candidate = powermapping.is_candidate(facts, measured.reason, context.p)
    restricted = context.restrictions.on(footprints)
    told.add(measures, restricted)
    return Verdicts(
        reason=measured.reason,
        roof=measures.roof,
        ground=measures.ground,
        height=facts.height,
        cells=measures.cells,
        lit_cells=measured.lit_cells,
        shadow=measured.shadow,
        candidate=candidate,
        shadowed=shadowed,
        flags=_flags(context, footprints, measured, candidate, restricted)
        | {"unknown_status": powermapping.unknown_status(facts, context.p)},
        selected=within_circle(footprints.centre, context.around),
        excluded=restricted.excluded,
    )


def _flags(
    context: Context,
    footprints: Footprints,
    measured: Measured,
    candidate: NDArray[np.bool_],
    restricted: Restricted,
) -> dict[str, NDArray[np.bool_]]:
    """A mask for each flag but that of the status; those of the place for what has a polygon."""
    measures, usable = measured.measures, np.flatnonzero(footprints.usable)
    outlines = context.outlines(footprints).take(usable)
    place = {
        "one_cell": outlines.one_cell,
        "part_outside": _part_outside(context, outlines, measures),
        "reach_cut": _reach_cut(context, outlines, measures, candidate),
    }
    rough = measures.top - measures.median > powermapping.UNEVEN_CM
    flags = {
        "repeated_id": footprints.repeated,
        "uneven": rough & (measures.roof != NOT_KNOWN),
        "repaired": footprints.repaired,
        "restricted": restricted.flagged,
    }
    for name, mask in place.items():
        flags[name] = np.zeros(len(footprints), np.bool_)
        flags[name][usable] = mask
    return flags


def _part_outside(context: Context, own: Outlines, measures: Measures) -> NDArray[np.bool_]:
    """Whether some of the cells that a footprint has by its outline lie off the rasters."""
    outside, windows = np.zeros(len(own), np.bool_), own.windows()
    whole = shapely.box(*enclosing(windows).bounds(own.resolution))
    if shapely.covers(context.terrain.ground, whole):  # as of most blocks
        return outside
    top, left, bottom, right = windows.T * own.resolution
    ground = shapely.box(left, -bottom, right, -top)
    near = np.flatnonzero(~shapely.covers(context.terrain.ground, ground))
    outside[near] = own.take(near).have_more_cells(measures.own[own.rows[near]])
    return outside


def _reach_cut(
    context: Context, own: Outlines, measures: Measures, candidate: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    cut = np.zeros(len(own), np.bool_)
    roofs = np.flatnonzero(measures.cells[own.rows] > 0)
    row, column = measures.row[own.rows[roofs]], measures.column[own.rows[roofs]]
    cut[roofs] = reach.sun_cut(row, column, context.region, own.resolution, context.p)
    high = np.flatnonzero(candidate[own.rows])
    cut[high] |= reach.wind_cut(own.take(high), context.region, context.terrain, context.p)
    return cut
