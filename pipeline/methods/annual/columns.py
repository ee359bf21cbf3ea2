"""The columns of the method `annual`, with the fields of a plane, and how these add up."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.methods.annual.rules import DIRECTIONS, KINDS, PITCHED
from pipeline.methods.annual.shades import SHADES
from pipeline.methods.method import BOOLEAN, NUMBER, TEXT, Column, Field, Total, Words, lists_of

HA, KWP = "ha", "kWp"
INTEGER = pa.int32()
DUTCH = dict(zip(DIRECTIONS, ("N", "NO", "O", "ZO", "Z", "ZW", "W", "NW"), strict=True))


def _hectares(
    name: str, en: Words | None = None, nl: Words | None = None, where: str = ""
) -> Total:
    return Total(name, "area_ha", HA, 10_000, where=where, en=en, nl=nl)


def _pitched(planes: pa.StructArray) -> NDArray[np.bool_]:
    return np.asarray(pc.equal(planes.field("kind"), PITCHED))


def _facing(sector: int) -> Callable[[pa.StructArray], NDArray[np.bool_]]:
    """Which planes are pitched and face within 22.5 degrees of one of the eight directions."""

    def parts(planes: pa.StructArray) -> NDArray[np.bool_]:
        azimuth = np.asarray(pc.fill_null(planes.field("azimuth_deg"), np.nan))
        turned = (azimuth + 180 / len(DIRECTIONS)) % 360
        low, high = sector * 360 / len(DIRECTIONS), (sector + 1) * 360 / len(DIRECTIONS)
        return (turned >= low) & (turned < high)

    return parts


def _by_direction() -> tuple[Total, ...]:
    """Hectares of pitched planes by the direction that they face."""
    return tuple(
        replace(
            _hectares(
                f"facing_{name}_ha",
                Words(f"Facing {name.upper()}", "true area of pitched planes that face there"),
                Words(f"Naar {DUTCH[name]}", "werkelijk oppervlak van hellende vlakken daarheen"),
            ),
            parts=_facing(sector),
        )
        for sector, name in enumerate(DIRECTIONS)
    )


# fmt: off
FOOTPRINTS = _hectares(
    "footprint_ha", Words("Footprint area", "of what is judged"),
    Words("Grondvlak", "van wat beoordeeld is"),
)
PLANE = (
    Field(
        "n", INTEGER, "", Words("Number", "from 1, by falling number of cells; ties by the first"),
        Words("Nummer", "vanaf 1, naar dalend aantal cellen; bij gelijke de eerste"),
    ),
    Field(
        "kind", TEXT, "", Words("Kind", "flat, pitched: tilted as much as flat_below_deg, or more"),
        Words("Soort", "flat (plat), pitched (hellend): zo steil als flat_below_deg of steiler"),
        KINDS, totals=(Total(
            "planes_number", "number", en=Words("Planes", "of all roofs that are judged"),
            nl=Words("Dakvlakken", "van alle daken die beoordeeld zijn"),
        ),),
    ),
    Field(
        "slope_east", NUMBER, "", Words("Slope east", "of the plane: dz/dx in RD"),
        Words("Helling oost", "van het vlak: dz/dx in RD"),
        in_tiles=False,
    ),
    Field(
        "slope_north", NUMBER, "", Words("Slope north", "of the plane: dz/dy in RD"),
        Words("Helling noord", "van het vlak: dz/dy in RD"),
        in_tiles=False,
    ),
    Field(
        "z_m", NUMBER, "m", Words("Height", "above NAP, of the plane at its centre"),
        Words("Hoogte", "boven NAP, van het vlak in zijn middelpunt"),
        in_tiles=False,
    ),
    Field(
        "tilt_deg", NUMBER, "degrees", Words("Tilt", "from the horizontal"),
        Words("Hellingshoek", "ten opzichte van horizontaal"),
    ),
    Field(
        "azimuth_deg", NUMBER, "degrees",
        Words("Direction", "that it faces, clockwise from true north; null if flat"),
        Words("Richting", "waarin het vlak afloopt, vanaf het ware noorden; leeg als het plat is"),
    ),
    Field(
        "plan_m2", NUMBER, "m2",
        Words("Plan area", "seen from above: the footprint's area by its share of the cells"),
        Words("Grondoppervlak", "van boven gezien: het grondvlak naar zijn deel van de cellen"),
        in_tiles=False,
    ),
    Field(
        "area_m2", NUMBER, "m2", Words("Area", "true: the plan area by the cosine of the tilt"),
        Words("Oppervlak", "werkelijk: het grondoppervlak gedeeld door de cosinus van de helling"),
        totals=(
            replace(
                _hectares(
                    "pitched_ha", Words("Pitched roof area", "true, of the pitched planes"),
                    Words("Hellend dakoppervlak", "werkelijk, van de hellende vlakken"),
                ),
                parts=_pitched,
            ),
            *_by_direction(),
        ),
    ),
    Field(
        "rmse_m", NUMBER, "m", Words("Scatter", "root of the mean square of its cells around it"),
        Words("Spreiding", "wortel van het gemiddelde kwadraat van zijn cellen rond het vlak"),
        in_tiles=False,
    ),
    Field(
        "cells", INTEGER, "", Words("Cells", "that are counted as its own"),
        Words("Cellen", "die tot het vlak worden gerekend"),
        in_tiles=False,
    ),
    Field(
        "centre_x", NUMBER, "m", Words("Centre, RD x", "mean of its cells' centres, eastward"),
        Words("Middelpunt, RD x", "gemiddelde van de middens van zijn cellen, oostwaarts"),
        in_tiles=False,
    ),
    Field(
        "centre_y", NUMBER, "m", Words("Centre, RD y", "mean of its cells' centres, northward"),
        Words("Middelpunt, RD y", "gemiddelde van de middens van zijn cellen, noordwaarts"),
        in_tiles=False,
    ),
    Field(
        "usable_m2", NUMBER, "m2", Words("Usable area", "of the modules that it has room for"),
        Words("Bruikbaar oppervlak", "van de modules die erop passen"),
    ),
    Field(
        "kwp", NUMBER, KWP, Words("Peak power", "of those modules"),
        Words("Piekvermogen", "van die modules"),
    ),
    Field(
        "suitable", BOOLEAN, "", Words("Suitable", "by the scheme; never without usable area"),
        Words("Geschikt", "volgens het schema; nooit zonder bruikbaar oppervlak"),
    ),
    Field(
        "outline", pa.binary(), "",
        Words("Outline", "of its cells, simplified; null with outlines=no"),
        Words("Omtrek", "van zijn cellen, vereenvoudigd; leeg met outlines=no"),
    ),
)
PLANES = Column(
    "planes", lists_of(PLANE), "",
    Words("Planes", "list of structs: the planes of the roof, the largest first"),
    Words("Dakvlakken", "lijst van structs: de vlakken van het dak, het grootste eerst"),
    filterable=False, fields=PLANE, geometry="outline", shades=SHADES,
)
OWN = (
    Column(
        "roof_area_m2", NUMBER, "m2", Words("Roof area", "true, of all planes"),
        Words("Dakoppervlak", "werkelijk, van alle dakvlakken"), totals=(_hectares("roof_ha"),),
        compared=True,
    ),
    Column(
        "roof_flat_m2", NUMBER, "m2", Words("Flat roof area", "true, of the flat planes"),
        Words("Plat dakoppervlak", "werkelijk, van de platte vlakken"),
        totals=(_hectares("flat_ha"),),
    ),
    Column(
        "roof_known", NUMBER, "",
        Words("Known share", "from 0 to 1: of own cells, those in planes"),
        Words("Bekend deel", "van 0 tot 1: van de eigen cellen die in dakvlakken"),
    ),
    PLANES,
    Column(
        "panel_area_m2", NUMBER, "m2", Words("Panel area", "usable area of the suitable planes"),
        Words("Paneeloppervlak", "bruikbaar oppervlak van de geschikte dakvlakken"),
        totals=(_hectares("panel_ha", where="solar_suitable"),),
    ),
    Column(
        "kwp", NUMBER, KWP, Words("Peak power", "of the panels on the suitable planes"),
        Words("Piekvermogen", "van de panelen op de geschikte dakvlakken"),
        totals=(Total("panel_kwp", "kwp", KWP, where="solar_suitable"),), compared=True,
    ),
    Column(
        "solar_suitable", BOOLEAN, "",
        Words("Suits solar panels", "a plane is suitable by the scheme"),
        Words("Geschikt voor zonnepanelen", "een dakvlak is geschikt volgens het schema"),
        use="solar", compared=True,
        totals=(Total(
            "solar_suitable",
            en=Words("Suit solar panels", "with a suitable plane, and not set aside for sun"),
            nl=Words("Geschikt voor zon", "met een geschikt dakvlak, niet uitgezonderd voor zon"),
        ),),
    ),
    Column(
        "wind_candidate", BOOLEAN, "",
        Words("High enough for wind", "null: not judged yet by this method"),
        Words("Hoog genoeg voor wind", "leeg: deze methode beoordeelt dat nog niet"),
    ),
    Column(
        "wind_suitable", BOOLEAN, "",
        Words("Suits a turbine", "null: not judged yet by this method"),
        Words("Geschikt voor een turbine", "leeg: deze methode beoordeelt dat nog niet"),
        use="wind",
    ),
    Column(
        "wind_kwh", NUMBER, "kWh/year",
        Words("Wind yield", "null: not computed yet by this method"),
        Words("Opbrengst wind", "leeg: deze methode berekent dat nog niet"),
    ),
)
# fmt: on
