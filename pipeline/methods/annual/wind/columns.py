"""The columns of the wind of a year, which follow those of the sun in the table of `annual`."""

import pyarrow as pa

from pipeline.methods.annual.shades import TURBINE_STEPS
from pipeline.methods.annual.sums import KWH, least, most
from pipeline.methods.annual.wind.sums import apart_of
from pipeline.methods.method import BOOLEAN, NUMBER, SINGLE, Column, Label, Total, Words

SPEED = "m/s"
SUITS = "wind_suitable"  # what a restriction sets aside for wind does not count
BEARINGS = {
    "en": "N NNE ENE E ESE SSE S SSW WSW W WNW NNW",
    "nl": "N NNO ONO O OZO ZZO Z ZZW WZW W WNW NNW",
}
SECTOR_LABELS = tuple(
    Label(en.lower(), en, nl)
    for en, nl in zip(*(BEARINGS[lang].split() for lang in ("en", "nl")), strict=True)
)

# fmt: off
COLUMNS = (
    Column(
        "hub_m", NUMBER, "m",
        Words("Hub height", "above NAP: the roof's height and the mast; null if no candidate"),
        Words("Ashoogte", "boven NAP: de dakhoogte en de mast; leeg als het te laag is"),
    ),
    Column(
        "wind_candidate", BOOLEAN, "",
        Words("High enough for wind", "high enough for a small turbine"),
        Words("Hoog genoeg voor wind", "hoog genoeg voor een kleine turbine"),
        totals=(Total("wind_candidates"),), compared=True,
    ),
    Column(
        "wind_suitable", BOOLEAN, "",
        Words("Suits a turbine", "its field yield is wind_min_kwh or more; null if no candidate"),
        Words(
            "Geschikt voor een turbine",
            "opbrengst in de praktijk is minstens wind_min_kwh; leeg als het te laag is",
        ),
        use="wind", compared=True,
        totals=(Total(
            "wind_suitable",
            en=Words("Suit a turbine", "yield enough in the field, and not set aside for wind"),
            nl=Words(
                "Geschikt voor wind", "geven in de praktijk genoeg, niet uitgezonderd voor wind",
            ),
        ),),
    ),
    Column(
        "wind_kwh", NUMBER, KWH,
        Words("Wind yield", "of one turbine in a year, as in the field; null if no candidate"),
        Words("Opbrengst wind", "van één turbine per jaar, in de praktijk; leeg als te laag"),
        compared=True, symbols=TURBINE_STEPS,
        totals=(Total(
            "wind_kwh", "kwh", KWH, where=SUITS, error=apart_of, reads=("wind_high_kwh",),
            en=Words("Wind yield", "of the turbines on what suits one, as in the field"),
            nl=Words("Opbrengst wind", "van de turbines op wat geschikt is, in de praktijk"),
        ),),
    ),
    Column("wind_low_kwh", NUMBER, KWH, *least("Wind yield", "Opbrengst wind")),
    Column("wind_high_kwh", NUMBER, KWH, *most("Wind yield", "Opbrengst wind")),
    Column(
        "wind_brochure_kwh", NUMBER, KWH,
        Words("Wind yield by brochure", "of the same turbine by its maker's curve: a promise"),
        Words("Opbrengst wind, folder", "van dezelfde turbine volgens de fabrikant: een belofte"),
        totals=(Total(
            "wind_brochure_kwh", "kwh", KWH, where=SUITS,
            en=Words("Wind yield by brochure", "of those turbines by their maker's curve"),
            nl=Words("Opbrengst wind, folder", "van die turbines volgens de fabrikant"),
        ),),
    ),
    Column(
        "wind_sector_kwh", pa.list_(SINGLE), KWH,
        Words(
            "Wind yield by sector",
            "of wind_kwh, 12 sectors from which the wind comes, clockwise, the first around grid"
            " north (wind_sector_kwh_1 ... in flat formats)",
        ),
        Words(
            "Opbrengst wind per sector",
            "van wind_kwh, 12 sectoren waaruit de wind komt, met de klok mee, de eerste rond het"
            " noorden van RD (wind_sector_kwh_1 ... in platte formaten)",
        ),
        items=SECTOR_LABELS,
    ),
    Column(
        "wind_mean_ms", NUMBER, SPEED, Words("Wind at the hub", "mean speed in a year"),
        Words("Wind op ashoogte", "gemiddelde snelheid in een jaar"),
    ),
    Column(
        "wind_unsheltered_ms", NUMBER, SPEED,
        Words("Wind, unsheltered", "the same if nothing rose above the roof"),
        Words("Wind zonder luwte", "hetzelfde als niets boven het dak uitstak"),
    ),
    Column(
        "z0_m", NUMBER, "m",
        Words("Roughness length", "of what stands around, by sectors weighted by their yield"),
        Words("Ruwheidslengte", "van wat eromheen staat, sectoren gewogen naar hun opbrengst"),
    ),
    Column(
        "displacement_m", NUMBER, "m",
        Words("Displacement height", "that the wind rises by, weighted in the same way"),
        Words("Verplaatsingshoogte", "waarover de wind wordt opgetild, net zo gewogen"),
    ),
    Column(
        "wind_held", NUMBER, "",
        Words("Wake held", "share of directions whose obstacle is too near for the wake's formula"),
        Words("Zog vastgehouden", "deel van de richtingen met een obstakel te dichtbij voor de"
              " formule van het zog"),
    ),
)
# fmt: on
