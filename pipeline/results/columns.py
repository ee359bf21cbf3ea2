"""The columns of buildings.parquet, each declared once, in the order of the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from pipeline.methods.powermapping.rules import CLASSES, FLAGS, REASONS

EDGES = ("xmin", "ymin", "xmax", "ymax")
EXCLUDED = ("solar", "wind", "both")
WHOLE, NUMBER, TEXT, BOOLEAN = pa.int64(), pa.float64(), pa.string(), pa.bool_()


class Words(NamedTuple):
    """A column in one language: a title of a few words, and one line on what it means."""

    title: str
    meaning: str


@dataclass(frozen=True)
class Column:
    """One column of the table. type: of Arrow; unit: as text, "" without one; en, nl: its words;
    values: all that its text (or a text of its list) can be, empty where any text is possible."""

    name: str
    type: pa.DataType
    unit: str
    en: Words
    nl: Words
    values: tuple[str, ...] = ()

    def words(self, lang: str) -> Words:
        """Title and meaning in `nl`, else in English."""
        return self.nl if lang == "nl" else self.en


COLUMNS = (
    Column(
        "row",
        WHOLE,
        "",
        Words("Row", "position in the input, from 0: tells repeated ids apart"),
        Words("Rij", "plaats in de invoer, vanaf 0: onderscheidt herhaalde id's"),
    ),
    Column(
        "id",
        TEXT,
        "",
        Words("Building id", "as in the input, without the prefix NL.IMBAG.Pand."),
        Words("Pand-id", "zoals in de invoer, zonder het voorvoegsel NL.IMBAG.Pand."),
    ),
    Column(
        "built",
        WHOLE,
        "",
        Words("Year of construction", "as in the input; null if not known"),
        Words("Bouwjaar", "zoals in de invoer; leeg als het niet bekend is"),
    ),
    Column(
        "status",
        TEXT,
        "",
        Words("Status", "as in the input: of the BAG's life cycle of a building"),
        Words("Status", "zoals in de invoer: uit de levenscyclus van een pand in de BAG"),
    ),
    Column(
        "area_m2",
        NUMBER,
        "m2",
        Words("Footprint area", "of the polygon, holes left out"),
        Words("Grondvlak", "oppervlakte van de veelhoek, zonder gaten"),
    ),
    Column(
        "ground_m",
        NUMBER,
        "m",
        Words("Ground height", "above NAP, of the terrain on and around the footprint"),
        Words("Maaiveldhoogte", "boven NAP, van het terrein op en rond het grondvlak"),
    ),
    Column(
        "roof_m",
        NUMBER,
        "m",
        Words("Roof height", "above NAP, one height for the whole roof"),
        Words("Dakhoogte", "boven NAP, één hoogte voor het hele dak"),
    ),
    Column(
        "height_m",
        NUMBER,
        "m",
        Words("Building height", "of the roof above the ground"),
        Words("Gebouwhoogte", "van het dak boven het maaiveld"),
    ),
    Column(
        "cells",
        WHOLE,
        "",
        Words("Cells with data", "own cells with DSM data"),
        Words("Cellen met gegevens", "eigen cellen met gegevens in het DSM"),
    ),
    Column(
        "centre_x",
        NUMBER,
        "m",
        Words("Centre, RD x", "where the shadow is asked, eastward in EPSG:28992"),
        Words("Middelpunt, RD x", "waar de schaduw wordt bepaald, oostwaarts in EPSG:28992"),
    ),
    Column(
        "centre_y",
        NUMBER,
        "m",
        Words("Centre, RD y", "where the shadow is asked, northward in EPSG:28992"),
        Words("Middelpunt, RD y", "waar de schaduw wordt bepaald, noordwaarts in EPSG:28992"),
    ),
    Column(
        "lit",
        pa.list_(BOOLEAN),
        "",
        Words(
            "Centre lit",
            "for each sun, whether the centre is out of the shadow (lit_1, lit_2 ... in flat"
            " formats)",
        ),
        Words(
            "Middelpunt in de zon",
            "voor elke zonnestand of het middelpunt buiten de schaduw ligt (lit_1, lit_2 ... in"
            " platte formaten)",
        ),
    ),
    Column(
        "solar_suitable",
        BOOLEAN,
        "",
        Words("Suits solar panels", "the centre is lit at all suns"),
        Words("Geschikt voor zonnepanelen", "het middelpunt ligt bij elke zonnestand in de zon"),
    ),
    Column(
        "panel_area_m2",
        NUMBER,
        "m2",
        Words("Panel area", "the method's share of the area if it suits, else 0"),
        Words("Paneeloppervlak", "het deel van het grondvlak dat de methode rekent, of anders 0"),
    ),
    Column(
        "solar_kwh",
        NUMBER,
        "kWh/year",
        Words("Solar yield", "of the panels in a year"),
        Words("Opbrengst zon", "van de panelen in een jaar"),
    ),
    Column(
        "wind_candidate",
        BOOLEAN,
        "",
        Words("High enough for wind", "high enough for a small turbine"),
        Words("Hoog genoeg voor wind", "hoog genoeg voor een kleine turbine"),
    ),
    Column(
        "wind_shadowed",
        BOOLEAN,
        "",
        Words("Sheltered", "a higher building stands within the radius; null if no candidate"),
        Words("In de luwte", "binnen de straal staat een hoger gebouw; leeg als het te laag is"),
    ),
    Column(
        "wind_suitable",
        BOOLEAN,
        "",
        Words("Suits a turbine", "high enough and not sheltered"),
        Words("Geschikt voor een turbine", "hoog genoeg en niet in de luwte"),
    ),
    Column(
        "wind_kwh",
        NUMBER,
        "kWh/year",
        Words("Wind yield", "of one turbine in a year if it suits, else 0"),
        Words("Opbrengst wind", "van één turbine in een jaar als het geschikt is, anders 0"),
    ),
    Column(
        "class",
        TEXT,
        "",
        Words(
            "Class",
            "solar (sun only), wind_or_solar (wind, with or without sun), none; null: not judged",
        ),
        Words(
            "Klasse",
            "solar (alleen zon), wind_or_solar (wind, met of zonder zon), none (geen van"
            " beide); leeg: niet beoordeeld",
        ),
        CLASSES,
    ),
    Column(
        "selected",
        BOOLEAN,
        "",
        Words("Selected", "within --around"),
        Words("Geselecteerd", "binnen --around"),
    ),
    Column(
        "excluded",
        TEXT,
        "",
        Words("Set aside", "null, solar, wind, both: by a restriction; out of the totals"),
        Words("Uitgezonderd", "leeg, solar, wind, both: door een beperking; niet in de totalen"),
        EXCLUDED,
    ),
    Column(
        "flags",
        pa.list_(TEXT),
        "",
        Words("Flags", "list of what to look at before use, empty if there is nothing"),
        Words("Vlaggen", "lijst van wat vóór gebruik aandacht vraagt, zonder iets leeg"),
        FLAGS,
    ),
    Column(
        "rejected",
        TEXT,
        "",
        Words("Rejected", "null, or why it was not judged"),
        Words("Niet beoordeeld", "leeg, of waarom het niet is beoordeeld"),
        REASONS,
    ),
    Column(
        "lit_share",
        NUMBER,
        "",
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
        "lit_area_m2",
        NUMBER,
        "m2",
        Words("Lit area of the roof", "lit_share x area_m2; null if rejected"),
        Words("Dakoppervlak in de zon", "lit_share x area_m2; leeg als het niet is beoordeeld"),
    ),
    Column(
        "bbox",
        pa.struct([(edge, NUMBER) for edge in EDGES]),
        "m",
        Words(
            "Rectangle",
            "struct of xmin, ymin, xmax, ymax: the polygon's rectangle, the covering of"
            " GeoParquet 1.1",
        ),
        Words(
            "Omhullende rechthoek",
            "struct van xmin, ymin, xmax, ymax: de rechthoek om de veelhoek, de covering"
            " van GeoParquet 1.1",
        ),
    ),
    Column(
        "geometry",
        pa.binary(),
        "",
        Words("Outline", "the polygon, repaired where it had to be"),
        Words("Omtrek", "de veelhoek, hersteld waar dat nodig was"),
    ),
)

SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])
# What may be null, and the types with nulls that pandas has for it; without these it reads truths
# as objects, by which no rows are selected.
PANDAS_TYPES = {"built": "Int64"} | dict.fromkeys(
    ("solar_suitable", "wind_candidate", "wind_shadowed", "wind_suitable"), "boolean"
)


def column(name: str) -> Column:
    """The column of a name; KeyError if there is none."""
    return _BY_NAME[name]


def pandas_metadata() -> bytes:
    """What pandas and GeoPandas look for under `pandas` in the metadata of a Parquet file."""
    frame = SCHEMA.empty_table().to_pandas().astype(PANDAS_TYPES)
    written = pa.Schema.from_pandas(frame, preserve_index=False)
    described: bytes = written.metadata[b"pandas"]
    return described


def listing(lang: str, columns: Sequence[Column] = COLUMNS) -> str:
    """Columns, by default all of the table, as a table of Markdown for the docs."""
    lines = ["| column | title | type | unit | meaning |", "|---|---|---|---|---|"]
    for each in columns:
        title, meaning = each.words(lang)
        lines.append(f"| `{each.name}` | {title} | {_kind(each)} | {each.unit} | {meaning} |")
    return "\n".join(lines) + "\n"


def _kind(of: Column) -> str:
    """The type in a word or two."""
    if pa.types.is_struct(of.type):
        return "struct"
    return f"list of {of.type.value_type}" if pa.types.is_list(of.type) else str(of.type)


_BY_NAME = {column.name: column for column in COLUMNS}
