"""The wind of a block's buildings."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.methods.annual.reach_cut import wind_cut
from pipeline.methods.annual.wind.model import WindYear
from pipeline.methods.annual.wind.scene import scenes
from pipeline.methods.annual.wind.year import year_of_wind
from pipeline.methods.buildings import Measured
from pipeline.methods.climate.wind import wind_of
from pipeline.methods.passes import Block, Work


class BlockWind(NamedTuple):
    """The wind of a block. position: of its candidates among its buildings; year: of these, None
    without any; reach_cut: whether something beyond the inputs might change it, (candidates,)."""

    position: NDArray[np.int64]
    year: WindYear | None
    reach_cut: NDArray[np.bool_]


def wind_of_block(work: Work, block: Block, measured: Measured) -> BlockWind:
    """The wind of the candidates among a block's buildings. Raises Stopped if the stop flag is
    up."""
    context, p = work.context, work.context.p
    wind, turbine = wind_of(context.climate, block.square), context.turbines.named(p.turbine)
    positions, years = [np.zeros(0, np.int64)], list[WindYear]()
    for scene in scenes(work, measured):
        positions.append(scene.candidates.position)
        years.append(year_of_wind(scene, wind, turbine, p))
    position = np.concatenate(positions)
    if not years:
        return BlockWind(position, None, np.zeros(0, np.bool_))
    year = WindYear(*(np.concatenate(parts) for parts in zip(*years, strict=True)))
    return BlockWind(position, year, wind_cut(context, measured.outlines.take(position)))
