"""The columns of the method `annual`, and how they add up."""

import pyarrow as pa

from pipeline.methods.annual.plane_fields import PLANE
from pipeline.methods.annual.shades import SCALES, SHADES
from pipeline.methods.annual.shades import SUITS as SUITED
from pipeline.methods.annual.sums import (
    KWH,
    KWP,
    MONTH_LABELS,
    SUITS,
    apart_of,
    by_month,
    hectares,
    least,
    most,
)
from pipeline.methods.annual.wind.columns import COLUMNS as WIND
from pipeline.methods.method import BOOLEAN, NUMBER, SINGLE, Column, Total, Words, lists_of

# fmt: off
FOOTPRINTS = hectares(
    "footprint_ha", Words("Footprint area", "of what is judged"),
    Words("Grondvlak", "van wat beoordeeld is"),
)
PLANES = Column(
    "planes", lists_of(PLANE), "",
    Words("Planes", "list of structs: the planes of the roof, the largest first"),
    Words("Dakvlakken", "lijst van structs: de vlakken van het dak, het grootste eerst"),
    filterable=False, fields=PLANE, geometry="outline", shades=SHADES,
    scales=SCALES, verdict=SUITED,
)
OWN = (
    Column(
        "roof_area_m2", NUMBER, "m2", Words("Roof area", "true, of all planes"),
        Words("Dakoppervlak", "werkelijk, van alle dakvlakken"), totals=(hectares("roof_ha"),),
    ),
    Column(
        "roof_flat_m2", NUMBER, "m2", Words("Flat roof area", "true, of the flat planes"),
        Words("Plat dakoppervlak", "werkelijk, van de platte vlakken"),
        totals=(hectares("flat_ha"),),
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
        totals=(hectares("panel_ha", where=SUITS),),
    ),
    Column(
        "kwp", NUMBER, KWP, Words("Peak power", "of the panels on the suitable planes"),
        Words("Piekvermogen", "van de panelen op de geschikte dakvlakken"),
        totals=(Total("panel_kwp", "kwp", KWP, where=SUITS),),
    ),
    Column(
        "solar_kwh", NUMBER, KWH, Words("Solar yield", "of those panels in a year"),
        Words("Opbrengst zon", "van die panelen in een jaar"), compared=True,
        totals=(Total("solar_kwh", "kwh", KWH, where=SUITS, error=apart_of),),
    ),
    Column("solar_low_kwh", NUMBER, KWH, *least("Solar yield", "Opbrengst zon")),
    Column("solar_high_kwh", NUMBER, KWH, *most("Solar yield", "Opbrengst zon")),
    Column(
        "solar_month_kwh", pa.list_(SINGLE), "kWh",
        Words("Solar yield by month", "of those panels, January first (solar_month_kwh_1 ... in"
              " flat formats)"),
        Words("Opbrengst zon per maand", "van die panelen, vanaf januari (solar_month_kwh_1 ... in"
              " platte formaten)"),
        items=MONTH_LABELS, totals=by_month(),
    ),
    Column(
        "unshaded_kwh", NUMBER, KWH,
        Words("Solar yield, unshaded", "of the same panels in a year with nothing around"),
        Words("Opbrengst zon zonder schaduw", "van dezelfde panelen in een jaar zonder iets"
              " eromheen"),
        totals=(Total("unshaded_kwh", "kwh", KWH, where=SUITS),),
    ),
    Column(
        "unshaded_month_kwh", pa.list_(SINGLE), "kWh",
        Words("Months, unshaded", "yield of the same panels with nothing around, January first"
              " (unshaded_month_kwh_1 ... in flat formats)"),
        Words("Maanden zonder schaduw", "opbrengst van dezelfde panelen zonder iets"
              " eromheen, vanaf januari (unshaded_month_kwh_1 ... in platte formaten)"),
        items=MONTH_LABELS,
    ),
    Column(
        "solar_flat_eastwest_kwh", NUMBER, KWH,
        Words("Flat roof, east and west", "yield in a year of such rows on all flat planes"),
        Words("Plat dak, oost en west", "opbrengst in een jaar van zulke rijen op alle platte"
              " vlakken"),
    ),
    Column(
        "solar_flat_south_kwh", NUMBER, KWH,
        Words("Flat roof, south", "yield in a year of such rows on all flat planes"),
        Words("Plat dak, zuid", "opbrengst in een jaar van zulke rijen op alle platte vlakken"),
    ),
    Column(
        "sky_view", NUMBER, "",
        Words("Sky view", "share of an even sky's light that its planes get; null without planes"),
        Words("Hemelzicht", "deel van het licht van een egale hemel dat op zijn vlakken valt; leeg"
              " zonder vlakken"),
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
    *WIND,
)
# fmt: on
