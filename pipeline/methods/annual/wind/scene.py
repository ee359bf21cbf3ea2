"""The candidates of a block, and what stands around them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipeline.grid.windows import Window, uniform_halo
from pipeline.methods.annual.segments import BESIDE
from pipeline.methods.annual.wind.ground import ground_of
from pipeline.methods.annual.wind.model import FAR_M, Candidates, Ground, Obstacles
from pipeline.methods.annual.wind.obstacles import obstacles_of
from pipeline.methods.annual.wind.surroundings import SQUARE_M, Surroundings, reach_of
from pipeline.methods.buildings import Measured, is_candidate
from pipeline.methods.passes import Work

CM = 100.0


class Scene(NamedTuple):
    """Candidates, and what stands around each of them."""

    candidates: Candidates
    ground: Ground
    obstacles: Obstacles


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
    context = work.context
    if "wind" not in work.cache:
        reach = reach_of(max(FAR_M[-1], context.p.fetch_m + SQUARE_M / 2), context.resolution)
        ground = context.layout.window(work.shard).grow(uniform_halo(BESIDE + reach))
        work.cache["wind"] = Surroundings(context, ground)
    shared: Surroundings = work.cache["wind"]
    return shared


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
