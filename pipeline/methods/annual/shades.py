"""The colours of planes by the direction that they face, by their sun, and by what shade takes; and
those of roofs by their wind.

They go round with the compass: dark in the north and light in the south, blue in the east and red
in the west, since hue alone, as of the usual aspect map, makes opposite directions alike to one man
in twelve. Any two differ by 33 in CIELAB (1976), also to those who see no red, green or blue.
"""

from pipeline.methods.annual.rules import FLAT
from pipeline.methods.shades import Palette, Quantity, Scale, Shade, Tint

STEP = 45.0  # degrees a direction
TINT = Tint("tilt_deg", low=10.0, high=40.0, share=0.45)  # paler, the less steep

# fmt: off
DIRECTIONS = (
    ("north", "north", "noord", "#330c6a"),
    ("north_east", "north-east", "noordoost", "#584bd8"),
    ("east", "east", "oost", "#73c6fa"),
    ("south_east", "south-east", "zuidoost", "#c9f3b2"),
    ("south", "south", "zuid", "#ffdc2b"),
    ("south_west", "south-west", "zuidwest", "#e58e4a"),
    ("west", "west", "west", "#9d2224"),
    ("north_west", "north-west", "noordwest", "#541838"),
)
# fmt: on


def _facing(number: int) -> Shade:
    """The shade of what faces within half a step of a direction, clockwise from north."""
    low, high = ((number + side) * STEP % 360 for side in (-0.5, 0.5))
    return Shade(*DIRECTIONS[number], field="azimuth_deg", low=low, high=high, tint=TINT)


SHADES = (
    Shade("flat", "flat", "plat", "#939393", field="kind", value=FLAT),
    *map(_facing, range(len(DIRECTIONS))),
)
# Lighter from step to step in CIELAB, so that either is read without colour too.
SUN = ("#1e0c45", "#6a176e", "#a82e5f", "#dd513a", "#f98e09", "#f2e661")  # inferno
LOSS = ("#f8fcca", "#abdeb7", "#33a7c2", "#234da0", "#101a4a")  # YlGnBu
WIND = ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725")  # viridis
SUN_OF_YEAR = Palette(SUN, 400.0, 1200.0)  # kWh/m2
# fmt: off
SCALES = (
    Scale(
        "irradiation", "sun on the panels in a year", "zon op de panelen in een jaar", "kWh/m2",
        SUN_OF_YEAR, Quantity("solar_kwh", "kwp", per="performance_ratio"),
        Quantity("irradiation_kwh_m2"),
    ),
    Scale(
        "shade", "share that shade takes", "deel dat schaduw wegneemt", "%",
        Palette(LOSS, 0.0, 50.0), Quantity("solar_kwh", "unshaded_kwh", lacking=True),
        Quantity("irradiation_kwh_m2", "unshaded_kwh_m2", lacking=True),
    ),
    Scale(
        "wind", "wind of a turbine in a year, likely", "wind van een turbine per jaar,"
        " waarschijnlijk", "kWh/year", Palette(WIND, 0.0, 1000.0), Quantity("wind_kwh"),
    ),
)
# fmt: on
