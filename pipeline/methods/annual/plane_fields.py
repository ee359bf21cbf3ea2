"""The fields of a plane, as the method `annual` has them in its column `planes`."""

from dataclasses import replace

import pyarrow as pa

from pipeline.methods.annual.rules import KINDS
from pipeline.methods.annual.sums import (
    KWH,
    KWP,
    MONTH_LABELS,
    areas_by_direction,
    hectares,
    is_pitched,
    least,
    most,
    panels_by_direction,
)
from pipeline.methods.method import BOOLEAN, NUMBER, SINGLE, TEXT, Field, Total, Words

INTEGER = pa.int32()

# fmt: off
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
                hectares(
                    "pitched_ha", Words("Pitched roof area", "true, of the pitched planes"),
                    Words("Hellend dakoppervlak", "werkelijk, van de hellende vlakken"),
                ),
                parts=is_pitched,
            ),
            *areas_by_direction(),
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
    ),
    Field(
        "centre_y", NUMBER, "m", Words("Centre, RD y", "mean of its cells' centres, northward"),
        Words("Middelpunt, RD y", "gemiddelde van de middens van zijn cellen, noordwaarts"),
    ),
    Field(
        "usable_m2", NUMBER, "m2", Words("Usable area", "of the modules that it has room for"),
        Words("Bruikbaar oppervlak", "van de modules die erop passen"),
    ),
    Field(
        "kwp", NUMBER, KWP, Words("Peak power", "of those modules"),
        Words("Piekvermogen", "van die modules"), totals=panels_by_direction(KWP),
    ),
    Field(
        "irradiation_kwh_m2", NUMBER, "kWh/m2",
        Words("Irradiation", "of the modules in a year, behind all that stands around"),
        Words("Instraling", "op de modules in een jaar, achter alles wat eromheen staat"),
    ),
    Field(
        "unshaded_kwh_m2", NUMBER, "kWh/m2",
        Words("Irradiation, unshaded", "of the modules in a year with nothing around"),
        Words("Instraling zonder schaduw", "op de modules in een jaar zonder iets eromheen"),
    ),
    Field(
        "sky_view", NUMBER, "", Words("Sky view", "share of an even sky's light that it gets"),
        Words("Hemelzicht", "deel van het licht van een egale hemel dat erop valt"),
    ),
    Field(
        "kwh", NUMBER, KWH, Words("Yield", "of its modules in a year"),
        Words("Opbrengst", "van zijn modules in een jaar"),
        totals=panels_by_direction(KWH),
    ),
    Field(
        "month_kwh", pa.list_(SINGLE), "kWh",
        Words("Yield by month", "of its modules, January first (month_kwh_1 ... in flat formats)"),
        Words("Opbrengst per maand", "van zijn modules, vanaf januari (month_kwh_1 ... in platte"
              " formaten)"),
        items=MONTH_LABELS, in_tiles=False,
    ),
    Field("low_kwh", NUMBER, KWH, *least("Yield", "Opbrengst")),
    Field("high_kwh", NUMBER, KWH, *most("Yield", "Opbrengst")),
    Field(
        "suitable", BOOLEAN, "", Words("Suitable", "by the scheme; never without usable area"),
        Words("Geschikt", "volgens het schema; nooit zonder bruikbaar oppervlak"),
    ),
    Field(
        "very_suitable", BOOLEAN, "",
        Words("Very suitable", "by the scheme zonatlas; null by others, which do not say"),
        Words("Zeer geschikt", "volgens het schema zonatlas; leeg bij andere, die dat niet zeggen"),
    ),
    Field(
        "outline", pa.binary(), "",
        Words("Outline", "of its cells, simplified; null with outlines=no"),
        Words("Omtrek", "van zijn cellen, vereenvoudigd; leeg met outlines=no"),
    ),
)
# fmt: on
