"""What the method `powermapping` declares: its columns, classes, reasons, flags and layers."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from pipeline.methods import house
from pipeline.methods.house import REASONS, SHAPE, identity, verdict
from pipeline.methods.method import (
    BOOLEAN,
    NUMBER,
    Class,
    Column,
    Flag,
    Layer,
    Method,
    Total,
    Words,
)
from pipeline.methods.powermapping import words
from pipeline.methods.powermapping.derived import DERIVED, KWH
from pipeline.methods.powermapping.influence import SunAndWindReach
from pipeline.methods.powermapping.passes import PASSES
from pipeline.methods.powermapping.rules import NAME, Powermapping, check, suns_stated

# fmt: off
# Told apart with each of the three kinds of colour blindness, and in grey by their lightness.
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
_REPEATED_ID, _ONE_CELL, _PART_OUTSIDE, _REPAIRED, _UNKNOWN_STATUS, _RESTRICTED = house.FLAGS
FLAGS = (
    _REPEATED_ID,
    Flag(
        "uneven", "parts differ by more than 10 m in height",
        "delen verschillen meer dan 10 m in hoogte",
    ),
    _ONE_CELL,
    _PART_OUTSIDE,
    house.REACH_CUT,
    _REPAIRED,
    _UNKNOWN_STATUS,
    _RESTRICTED,
)
HA = "ha"
AREAS = (
    Total(
        "roof_ha", "area_ha", HA, 10_000, en=Words("Roof area", "of what is judged"),
        nl=Words("Dakoppervlak", "van wat beoordeeld is"),
    ),
    Total(
        "suitable_roof_ha", "area_ha", HA, 10_000, where="solar_suitable",
        en=Words("Suitable roof area", "of what suits solar panels"),
        nl=Words("Geschikt dakoppervlak", "van wat geschikt is voor zonnepanelen"),
    ),
)
OWN = (
    Column(
        "lit", pa.list_(BOOLEAN), "",
        Words(
            "Centre lit",
            "for each sun position, whether the centre is out of the shadow (lit_1, lit_2 ... in"
            " flat formats)",
        ),
        Words(
            "Middelpunt in de zon",
            "voor elke zonnestand of het middelpunt buiten de schaduw ligt (lit_1, lit_2 ... in"
            " platte formaten)",
        ),
        compared=True,
    ),
    Column(
        "solar_suitable", BOOLEAN, "",
        Words("Suits solar panels", "the centre is lit at all sun positions"),
        Words("Geschikt voor zonnepanelen", "het middelpunt ligt bij elke zonnestand in de zon"),
        use="solar",
        totals=(Total(
            "solar_suitable",
            en=Words("Suit solar panels", "lit at all sun positions, and not set aside for sun"),
            nl=Words(
                "Geschikt voor zon", "bij elke zonnestand in de zon, en niet uitgezonderd voor zon",
            ),
        ),),
        compared=True,
    ),
    Column(
        "panel_area_m2", NUMBER, "m2",
        Words("Panel area", "the method's share of the area if it suits, else 0"),
        Words("Paneeloppervlak", "het deel van het grondvlak dat de methode rekent, of anders 0"),
        totals=(Total(
            "panel_ha", "area_ha", HA, 10_000, where="solar_suitable",
            en=Words("Panels", "the method's share of the suitable roof area"),
            nl=Words("Panelen", "het deel van het geschikte dakoppervlak dat de methode rekent"),
        ),),
    ),
    Column(
        "solar_kwh", NUMBER, "kWh/year", Words("Solar yield", "of the panels in a year"),
        Words("Opbrengst zon", "van de panelen in een jaar"),
        totals=(Total("solar_kwh", "kwh", KWH, where="solar_suitable"),), compared=True,
    ),
    Column(
        "wind_candidate", BOOLEAN, "",
        Words("High enough for wind", "high enough for a small turbine"),
        Words("Hoog genoeg voor wind", "hoog genoeg voor een kleine turbine"),
        totals=(Total("wind_candidates"),), compared=True,
    ),
    Column(
        "wind_shadowed", BOOLEAN, "",
        Words("Sheltered", "a higher building stands within the radius; null if no candidate"),
        Words("In de luwte", "binnen de straal staat een hoger gebouw; leeg als het te laag is"),
        totals=(Total(
            "wind_shadowed",
            en=Words("Sheltered", "of those with a higher building within the radius"),
            nl=Words("In de luwte", "daarvan met een hoger gebouw binnen de straal"),
        ),),
        compared=True,
    ),
    Column(
        "wind_suitable", BOOLEAN, "", Words("Suits a turbine", "high enough and not sheltered"),
        Words("Geschikt voor een turbine", "hoog genoeg en niet in de luwte"), use="wind",
        totals=(Total(
            "wind_suitable",
            en=Words("Suit a turbine", "high enough, not sheltered, and not set aside for wind"),
            nl=Words("Geschikt voor wind", "hoog genoeg, niet in de luwte, en niet uitgezonderd"),
        ),),
        compared=True,
    ),
    Column(
        "wind_kwh", NUMBER, "kWh/year",
        Words("Wind yield", "of one turbine in a year if it suits, else 0"),
        Words("Opbrengst wind", "van één turbine in een jaar als het geschikt is, anders 0"),
        totals=(Total(
            "wind_kwh", "kwh", KWH, where="wind_suitable",
            en=Words("Wind yield", "of the turbines in a year, by the study"),
            nl=Words("Opbrengst wind", "van de turbines in een jaar, volgens de studie"),
        ),),
        compared=True,
    ),
)
LIT = (
    Column(
        "lit_share", NUMBER, "",
        Words(
            "Lit share of the roof",
            "from 0 to 1: of the own cells with data those that are lit at all the suns, of each"
            " cell's own lattice square; null if rejected",
        ),
        Words(
            "Deel van het dak in de zon",
            "van 0 tot 1: van de eigen cellen met gegevens die bij elke zonnestand in de zon"
            " liggen; leeg als het niet is beoordeeld",
        ),
    ),
    Column(
        "lit_area_m2", NUMBER, "m2",
        Words("Lit area of the roof", "lit_share x area_m2; null if rejected"),
        Words("Dakoppervlak in de zon", "lit_share x area_m2; leeg als het niet is beoordeeld"),
        totals=(Total(
            "lit_roof_ha", "area_ha", HA, 10_000,
            en=Words("Lit roof area", "of what is judged, the part lit at all sun positions"),
            nl=Words(
                "Dakoppervlak in de zon", "van wat beoordeeld is: bij elke zonnestand in de zon",
            ),
        ),),
    ),
)
COLUMNS = (
    *identity(AREAS),
    *OWN,
    *verdict(
        CLASSES,
        "solar (sun only), wind_or_solar (wind, with or without sun), none; null: not judged",
        "solar (alleen zon), wind_or_solar (wind, met of zonder zon), none (geen van"
        " beide); leeg: niet beoordeeld",
        REASONS,
        FLAGS,
    ),
    *LIT,
    *SHAPE,
)
# fmt: on


def times_of(p: Powermapping) -> tuple[dt.datetime, ...]:
    """The times of the sun positions [CET]."""
    return tuple(dt.datetime.combine(p.date, time) for time in p.times)


def _bits(p: Powermapping) -> Mapping[str, Any]:
    """What the bits of the layer `shadow` mean."""
    shaded = [f"shaded_at_{time:%H%M}_CET" for time in p.times]
    masks = [1 << i for i in range(len(shaded))]
    return {"flag_masks": masks, "flag_meanings": " ".join(shaded)}


LAYERS = (
    Layer(
        "hillshade", "uint8", 0, "1", "hillshade of the DSM, sun in the north-west at 45 degrees",
        "Relief", "Reliëf", drawn="grey", default=True,
    ),
    Layer(
        "shadow", "uint8", 255, "1",
        "cast shadow on the method's surface, a bit a sun",
        "Shadows on the shortest day", "Schaduwen op de kortste dag", drawn="bits",
        coarser="first", attributes=_bits, default=True,
        says="cast shadow, shaded: {bits}; 255 no data", band="shaded: {bits}; 255 no data",
    ),
    Layer(
        "sun_hillshade", "uint8", 0, "1",
        "hillshade of the method's surface at each sun, 0 in shadow or without data",
        "Sunlit relief", "Reliëf in de zon", drawn="grey", times=times_of,
        says="hillshade of the method's surface at {times}",
        band="hillshade at {time}, 0 in shadow or without data",
    ),
    Layer(
        "surface", "float32", float("nan"), "m", "height of the method's surface above NAP",
        "Height of the surface", "Hoogte van het oppervlak",
        attributes=lambda p: {"units": "m", "standard_name": "surface_altitude"},
        says="height of the method's surface above NAP in metres",
    ),
)  # fmt: skip

POWERMAPPING = Method(
    name=NAME,
    parameters=Powermapping,
    columns=COLUMNS,
    classes=CLASSES,
    reasons=REASONS,
    flags=FLAGS,
    layers=LAYERS,
    passes=PASSES,
    reach=SunAndWindReach(
        lambda p: p.wind_radius_m,
        ("surface", "date", "times", "elevation", "wind_radius_m", "ground_ring_m"),
    ),
    states=suns_stated,
    check=check,
    en=words.EN,
    nl=words.NL,
    figures=words.figures,
    derived=DERIVED,
    moments=words.sun_times,
)
