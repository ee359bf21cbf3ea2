"""The colours of planes by the direction that they face, by their sun, and by what shade takes.

They go round with the compass: dark in the north and light in the south, blue in the east and red
in the west, since hue alone, as of the usual aspect map, makes opposite directions alike to one man
in twelve. Any two differ by 33 in CIELAB (1976), also to those who see no red, green or blue.
"""

from pipeline.methods.annual.rules import FLAT
from pipeline.methods.shades import Palette, Quantity, Scale, Shade, Spread, Steps, Tint, Verdict

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
# Lighter from step to step in CIELAB, so that each is read without colour too.
SUN = ("#1e0c45", "#6a176e", "#a82e5f", "#dd513a", "#f98e09", "#f2e661")  # inferno
SUN_OF_YEAR = Palette(SUN, 400.0, 1200.0)  # kWh/m2
# Of the whole country, so that two towns compare. A plane to the south without shade has 1,200, one
# to the north 600 to 750 kWh/m2.
SUN_STEPS = Steps(
    ("#2b0f54", "#82206c", "#d1426f", "#f98e09", "#f6e35a"), (600.0, 750.0, 900.0, 1050.0)
)
LOSS_STEPS = Steps(("#f7f3b4", "#a9dba0", "#39a5b8", "#2a5ba5", "#14164f"), (5.0, 10.0, 20.0, 40.0))
# Of the symbols of turbines: small ones in field trials gave 15 to 870 kWh a year.
TURBINE_STEPS = Steps(
    ("#ffffff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"), (100.0, 200.0, 400.0, 800.0)
)
WIDE = 0.4  # of the yield: the interval of a plane without shade is 0.34 of it
SUITS = Verdict("suitable", "solar_suitable", suits="solar", otherwise="none")
# fmt: off
SCALES = (
    Scale(
        "irradiation", "sun on the panels in a year", "zon op de panelen in een jaar", "kWh/m2",
        SUN_STEPS, Quantity("irradiation_kwh_m2"),
        Quantity("solar_kwh", "kwp", per="performance_ratio"),
        Spread("kwh", "low_kwh", "high_kwh"),
        Spread("solar_kwh", "solar_low_kwh", "solar_high_kwh"), WIDE,
    ),
    Scale(
        "shade", "share that shade takes", "deel dat schaduw wegneemt", "%",
        LOSS_STEPS, Quantity("irradiation_kwh_m2", "unshaded_kwh_m2", lacking=True),
        Quantity("solar_kwh", "unshaded_kwh", lacking=True),
    ),
)
# fmt: on
