"""Each plane has one shade: of eight directions, or flat."""

from itertools import pairwise

import numpy as np

from pipeline.methods.annual.columns import PLANES
from pipeline.methods.shades import Shade


def holds(shade: Shade, azimuth: float) -> bool:
    low, high = azimuth >= shade.low, azimuth < shade.high
    return (low or high) if shade.low > shade.high else (low and high)


def test_every_direction_has_one_shade() -> None:
    flat, *directions = PLANES.shades
    assert (flat.field, flat.value) == ("kind", "flat")
    assert {shade.field for shade in directions} == {"azimuth_deg"}
    degrees = np.arange(0, 360, 0.5)
    held = [[shade.name for shade in directions if holds(shade, each)] for each in degrees]
    assert all(len(names) == 1 for names in held)
    of = dict(zip(degrees, (name for (name,) in held), strict=True))
    assert [of[d] for d in (0, 22, 22.5, 90, 180, 247, 247.5, 337, 337.5)] == [
        "north", "north", "north_east", "east", "south", "south_west", "west", "north_west",
        "north",
    ]  # fmt: skip
    assert len({shade.colour for shade in PLANES.shades}) == 9
    assert all(one.high == two.low for one, two in pairwise(directions))
