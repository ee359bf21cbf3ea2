"""What the method `annual` declares: its columns, classes, reasons, flags and layers."""

from pipeline.methods import house
from pipeline.methods.annual import words
from pipeline.methods.annual.columns import FOOTPRINTS, OWN
from pipeline.methods.annual.painting import PLANE, SKY, SOLAR
from pipeline.methods.annual.passes import PASSES
from pipeline.methods.annual.reach import HorizonReach
from pipeline.methods.annual.rules import NAME, Annual, check, check_cells, convergences
from pipeline.methods.annual.shades import SUN_OF_YEAR
from pipeline.methods.annual.sums import DERIVED
from pipeline.methods.annual.wind.scene import wind_reach
from pipeline.methods.house import REASONS, SHAPE, identity, verdict
from pipeline.methods.method import Class, Flag, Layer, Method

# fmt: off
CLASSES = (
    Class(
        "solar", "sun", "zon", colour="#fbb829", edge="#8a5f00", line_width=0.4,
        suits="solar_suitable",
    ),
    Class(
        "wind_or_solar", "wind, with or without sun", "wind, met of zonder zon", colour="#0b4f94",
        edge="#052c55", line_width=0.5, suits="wind_suitable",
    ),
    Class("none", "neither", "geen van beide", colour="#a2584f", edge="#5a2c26", line_width=0.4),
)
FLAGS = (
    *house.FLAGS,
    Flag(
        "poor_data", "fewer than 80 % of its cells have data",
        "minder dan 80 % van zijn cellen heeft gegevens",
    ),
    Flag(
        "rough_roof", "fewer than half of its cells lie in planes",
        "minder dan de helft van zijn cellen ligt in dakvlakken",
    ),
    Flag(
        "overgrown", "something, such as a crown, hangs over more than 15 % of it",
        "iets, zoals een boomkroon, hangt over meer dan 15 % ervan",
    ),
    house.REACH_CUT,
    Flag(
        "many_planes", "more than 254 planes: the smallest count as rest",
        "meer dan 254 dakvlakken: de kleinste tellen als rest",
    ),
    Flag(
        "low_hub", "what stands around is so high that no wind reaches a hub on its roof from some"
        " side",
        "wat eromheen staat is zo hoog dat van een kant geen wind een as op zijn dak bereikt",
    ),
)
COLUMNS = (
    *identity((FOOTPRINTS,)),
    *OWN,
    *verdict(
        CLASSES,
        "solar (sun only), wind_or_solar (wind, with or without sun), none; null: not judged",
        "solar (alleen zon), wind_or_solar (wind, met of zonder zon), none (geen van"
        " beide); leeg: niet beoordeeld",
        REASONS, FLAGS,
    ),
    *SHAPE,
)
LAYERS = (
    Layer(
        PLANE, "uint8", 0, "1", "number of the roof's plane, 255 in none, 0 outside buildings",
        "Planes of roofs", "Dakvlakken", coarser="first",
        attributes=lambda p: {"valid_min": 1, "valid_max": 255},
    ),
    Layer(
        SKY, "float32", float("nan"), "1", "share of an even sky's light that the cell gets",
        "Sky view of roofs", "Hemelzicht van daken",
    ),
    Layer(
        SOLAR, "float32", float("nan"), "kWh/m2",
        "irradiation of a year on the modules of the roof's plane",
        "Irradiation of roofs", "Instraling op daken", drawn=SUN_OF_YEAR,
    ),
)
# fmt: on

ANNUAL = Method(
    name=NAME,
    parameters=Annual,
    columns=COLUMNS,
    classes=CLASSES,
    reasons=REASONS,
    flags=FLAGS,
    layers=LAYERS,
    passes=PASSES,
    reach=HorizonReach(
        lambda p: 0.0,
        depends_on=("ground_ring_m", "wind_min_height_m", "fetch_m"),
        marked={"wind_candidate": wind_reach},
    ),
    states=convergences,
    check=check,
    check_cells=check_cells,
    uses_climate=True,
    uses_turbines=True,
    derived=DERIVED,
    figures=words.figures,
    en=words.EN,
    nl=words.NL,
)
