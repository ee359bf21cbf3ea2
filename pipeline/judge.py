"""The last pass, on the table: what was found of each footprint becomes its verdict."""

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.buildings import Verdicts
from pipeline.methods import powermapping, reach
from pipeline.methods.measure import Measures
from pipeline.methods.powermapping import NOT_KNOWN
from pipeline.outlines import Outlines
from pipeline.passes import Measured
from pipeline.request import Job


def judge(
    job: Job, measured: Measured, shadow: NDArray[np.int64], shadowed: NDArray[np.bool_]
) -> Verdicts:
    """The verdicts of all footprints by row; they count for the area's own."""
    measures = measured.measures
    candidate = powermapping.is_candidate(measured.facts, measured.reason, job.p)
    return Verdicts(
        reason=measured.reason,
        roof=measures.roof,
        ground=measures.ground,
        height=measured.facts.height,
        cells=measures.cells,
        shadow=shadow,
        candidate=candidate,
        shadowed=shadowed,
        flags=_flags(job, measured, candidate),
        selected=job.selected,
        excluded=job.restrictions.excluded,
    )


def _flags(
    job: Job, measured: Measured, candidate: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """A mask by row for each flag; those of the place are set for the area's own only."""
    own = measured.outlines.take(job.asked[measured.outlines.rows])
    measures = measured.measures
    flags = {name: np.zeros(len(candidate), np.bool_) for name in powermapping.FLAGS}
    flags["one_cell"][own.rows] = own.one_cell
    flags["part_outside"][own.rows] = _part_outside(job, own, measures)
    flags["reach_cut"][own.rows] = _reach_cut(job, own, measures, candidate[own.rows])
    rough = measures.top - measures.median > powermapping.UNEVEN_CM
    return flags | {
        "repeated_id": job.footprints.repeated,
        "uneven": rough & (measures.roof != NOT_KNOWN),
        "repaired": job.footprints.repaired,
        "unknown_status": powermapping.unknown_status(measured.facts, job.p),
        "restricted": job.restrictions.flagged,
    }


def _part_outside(job: Job, own: Outlines, measures: Measures) -> NDArray[np.bool_]:
    """Whether some of the cells that a footprint has by its outline lie off the rasters."""
    boxes = own.windows() * own.resolution
    ground = shapely.box(boxes[:, 1], -boxes[:, 2], boxes[:, 3], -boxes[:, 0])
    near = np.flatnonzero(~shapely.covers(job.terrain.ground, ground))
    outside = np.zeros(len(own), np.bool_)
    outside[near] = own.take(near).have_more_cells(measures.own[own.rows[near]])
    return outside


def _reach_cut(
    job: Job, own: Outlines, measures: Measures, candidate: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    region = reach.inputs_region(job.terrain, job.footprints.bounds)
    cut = np.zeros(len(own), np.bool_)
    roofs = np.flatnonzero(measures.cells[own.rows] > 0)
    row, column = measures.row[own.rows[roofs]], measures.column[own.rows[roofs]]
    cut[roofs] = reach.sun_cut(row, column, region, own.resolution, job.p)
    high = np.flatnonzero(candidate)
    cut[high] |= reach.wind_cut(own.take(high), region, job.terrain, job.p)
    return cut
