"""The candidates of a block, and what stands around them."""

import math
from collections.abc import Iterator

import numpy as np

from kernels.coarse import COARSE
from pipeline.grid.windows import Shard, Window, uniform_halo
from pipeline.methods.annual.rules import COARSEST_M, Annual
from pipeline.methods.annual.segments import BESIDE
from pipeline.methods.annual.wind.ground import ground_of
from pipeline.methods.annual.wind.model import FAR_M, Candidates, Scene
from pipeline.methods.annual.wind.obstacles import obstacles_of
from pipeline.methods.annual.wind.surroundings import AT_ONCE, SQUARE_M, Surroundings, reach_of
from pipeline.methods.buildings import Measured, is_candidate
from pipeline.methods.context import Context
from pipeline.methods.passes import Work

CM = 100.0
HEIGHTS_BYTES = 12  # of a cell of the relief around a shard: its heights
PIECE_BYTES = 128  # of a cell of the relief that is read, while it is


def scenes(work: Work, measured: Measured) -> Iterator[Scene]:
    """The candidates among the buildings of a block, each once: first all that lie near the shard,
    then one by one those that reach farther. Raises Stopped if the stop flag is up."""
    every = np.flatnonzero(is_candidate(measured, work.context.p)).tolist()
    if not every:
        return
    seen = {i: _seen(measured, i, work.context.p.fetch_m) for i in every}
    shared = _of_shard(work)
    near = [i for i in every if shared.covers(seen[i])]
    if near:
        yield _scene(work, measured, shared, {i: seen[i] for i in near})
    for i in every:
        if i not in near:
            alone = Surroundings(work.context, seen[i])
            yield _scene(work, measured, alone, {i: seen[i]})


def _seen(measured: Measured, i: int, fetch: float) -> Window:
    """The cells on whose relief a candidate's wind hangs, and perhaps more."""
    r, reach = measured.resolution, fetch + SQUARE_M / 2
    x, y = measured.footprints.centre[i].tolist()
    fetched = Window.around((x - reach, y - reach, x + reach, y + reach), r)
    own = Window.between(*(int(edge) for edge in measured.windows[i]))
    sheltered = own.grow(uniform_halo(reach_of(FAR_M[-1], r)))
    return fetched.grow(uniform_halo(reach_of(0.0, r))).union(sheltered)


def _of_shard(work: Work) -> Surroundings:
    """The surroundings that the candidates of a shard share."""
    if "wind" not in work.cache:
        ground = _ground_of_shard(work.context, work.shard)
        work.cache["wind"] = Surroundings(work.context, ground)
    shared: Surroundings = work.cache["wind"]
    return shared


def _ground_of_shard(context: Context, shard: Shard) -> Window:
    """The cells that the candidates of a shard may look at, but for few that reach farther."""
    reach = reach_of(max(FAR_M[-1], context.p.fetch_m + SQUARE_M / 2), context.resolution)
    return context.layout.window(shard).grow(uniform_halo(BESIDE + reach))


def wind_reach(p: Annual) -> float:
    """How far a change can matter to the wind of a candidate [m]: to its shelter, from its own
    cells; to its roughness, from its centre, as far as the squares beside the farthest."""
    sheltered = FAR_M[-1] + math.sqrt(2) * COARSE * COARSEST_M
    return max(sheltered, p.fetch_m + math.sqrt(2) * 1.5 * SQUARE_M)


def bytes_of(context: Context) -> int:
    """What a worker holds for the wind of a shard at most [bytes]."""
    side = round(SQUARE_M / context.resolution)
    ground = _ground_of_shard(context, Shard(0, 0)).coarse(side)
    squares = ground.grow(uniform_halo(2)).size  # wherever the shard lies
    cells = (side // COARSE) ** 2
    return cells * (HEIGHTS_BYTES * squares + PIECE_BYTES * min(AT_ONCE**2, squares))


def _scene(work: Work, measured: Measured, around: Surroundings, seen: dict[int, Window]) -> Scene:
    """seen: the cells on whose relief the wind of each candidate hangs, by its position."""
    context, position = work.context, np.array([*seen])
    around.read(seen.values(), work.check_stop)
    heights = (measured.roof[position] / CM, measured.ground[position] / CM)
    centres = measured.footprints.centre[position]
    return Scene(
        Candidates(position, *heights),
        ground_of(around, centres, context.p.fetch_m, context.resolution),
        obstacles_of(context, work.heights, around, measured, position, work.check_stop),
    )
