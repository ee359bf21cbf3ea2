"""The colours of planes by the direction that they face, as of an aspect-slope map.

Hues of C. A. Brewer and K. A. Marlow, "Color representation of aspect and slope simultaneously",
Auto-Carto 11 (1993): they go round once with the compass.
"""

from pipeline.methods.annual.rules import FLAT
from pipeline.methods.shades import Shade

STEP = 45.0  # degrees a direction

# fmt: off
DIRECTIONS = (
    ("north", "north", "noord", "#84d600"),
    ("north_east", "north-east", "noordoost", "#00ab44"),
    ("east", "east", "oost", "#0068c0"),
    ("south_east", "south-east", "zuidoost", "#6c00a3"),
    ("south", "south", "zuid", "#ca009c"),
    ("south_west", "south-west", "zuidwest", "#ff5568"),
    ("west", "west", "west", "#ffab47"),
    ("north_west", "north-west", "noordwest", "#f4fa00"),
)
# fmt: on


def _facing(number: int) -> Shade:
    """The shade of what faces within half a step of a direction, clockwise from north."""
    low, high = ((number + side) * STEP % 360 for side in (-0.5, 0.5))
    return Shade(*DIRECTIONS[number], field="azimuth_deg", low=low, high=high)


SHADES = (
    Shade("flat", "flat", "plat", "#a1a1a1", field="kind", value=FLAT),
    *map(_facing, range(len(DIRECTIONS))),
)
