"""The columns, reasons and flags of every method."""

import pyarrow as pa

from pipeline.methods.method import (
    BOOLEAN,
    NUMBER,
    TEXT,
    WHOLE,
    Class,
    Column,
    Flag,
    Highlight,
    Label,
    Method,
    Total,
    Words,
    names,
)
from pipeline.storage.geoparquet import EDGES

# fmt: off
EXCLUDED = ("solar", "wind", "both")
HOMES = "households"
NEVER_NULL = ("row", "selected", "cells", "flags")

REASONS = (
    Label("empty", "no geometry, or an empty one", "geen geometrie, of een lege"),
    Label(
        "invalid", "a geometry that cannot be repaired", "een geometrie die niet te herstellen is",
    ),
    Label("not_standing", "not standing, by its status", "staat er niet, volgens zijn status"),
    Label(
        "newer_than_heights", "built after the heights were surveyed",
        "gebouwd nadat de hoogten zijn gemeten",
    ),
    Label("off_rasters", "centre outside the rasters", "middelpunt buiten de rasters"),
    Label("no_data", "no cell with data in the DSM", "geen cel met gegevens in het DSM"),
    Label("no_ground", "no ground height around it", "geen maaiveldhoogte eromheen"),
    Label(
        "not_in_heights", "hardly rises above the ground in the height model",
        "steekt in het hoogtemodel nauwelijks boven het maaiveld uit",
    ),
)
EDGE_OF_INPUTS = Highlight(
    "near the inputs' edge: shade may be missed", "rand van de invoer: mist mogelijk schaduw",
    "#c2007a", 1.1, (2.0, 1.2),
)
FLAGS = (
    Flag("repeated_id", "the id stands on more than one row", "het id staat op meer dan één rij"),
    Flag(
        "one_cell", "smaller than a cell: rests on the one cell at its centre",
        "kleiner dan een cel: berust op de ene cel bij het middelpunt", by_class=True,
    ),
    Flag("part_outside", "partly outside the rasters", "deels buiten de rasters"),
    Flag(
        "repaired", "the geometry was invalid and repaired",
        "de geometrie was ongeldig en is hersteld",
    ),
    Flag(
        "unknown_status", "a status that the method does not know",
        "een status die de methode niet kent",
    ),
    Flag("restricted", "touched by a restriction", "geraakt door een beperking"),
)
REACH_CUT = Flag(
    "reach_cut", "what may shade or shelter it lies partly outside the inputs",
    "wat schaduw of luwte kan geven, ligt deels buiten de invoer", highlight=EDGE_OF_INPUTS,
)


def identity(areas: tuple[Total, ...] = ()) -> tuple[Column, ...]:
    """The columns of a footprint and its measurements. areas: totals of the footprints' area."""
    return (
        Column(
            "row", WHOLE, "",
            Words("Row", "position in the input, from 0: tells repeated ids apart"),
            Words("Rij", "plaats in de invoer, vanaf 0: onderscheidt herhaalde id's"),
            in_tiles=False,
        ),
        Column(
            "id", TEXT, "",
            Words("Building id", "as in the input, without the prefix NL.IMBAG.Pand."),
            Words("Pand-id", "zoals in de invoer, zonder het voorvoegsel NL.IMBAG.Pand."),
        ),
        Column(
            "built", WHOLE, "", Words("Year of construction", "as in the input; null if not known"),
            Words("Bouwjaar", "zoals in de invoer; leeg als het niet bekend is"),
        ),
        Column(
            "status", TEXT, "",
            Words("Status", "as in the input: of the BAG's life cycle of a building"),
            Words("Status", "zoals in de invoer: uit de levenscyclus van een pand in de BAG"),
        ),
        Column(
            "area_m2", NUMBER, "m2", Words("Footprint area", "of the polygon, holes left out"),
            Words("Grondvlak", "oppervlakte van de veelhoek, zonder gaten"), totals=areas,
        ),
        Column(
            "ground_m", NUMBER, "m",
            Words("Ground height", "above NAP, of the terrain on and around the footprint"),
            Words("Maaiveldhoogte", "boven NAP, van het terrein op en rond het grondvlak"),
        ),
        Column(
            "roof_m", NUMBER, "m", Words("Roof height", "above NAP, one height for the whole roof"),
            Words("Dakhoogte", "boven NAP, één hoogte voor het hele dak"),
        ),
        Column(
            "height_m", NUMBER, "m", Words("Building height", "of the roof above the ground"),
            Words("Gebouwhoogte", "van het dak boven het maaiveld"),
        ),
        Column(
            "cells", WHOLE, "", Words("Cells with data", "own cells with DSM data"),
            Words("Cellen met gegevens", "eigen cellen met gegevens in het DSM"), in_tiles=False,
        ),
        Column(
            "centre_x", NUMBER, "m",
            Words("Centre, RD x", "where the shadow is asked, eastward in EPSG:28992"),
            Words("Middelpunt, RD x", "waar de schaduw wordt bepaald, oostwaarts in EPSG:28992"),
            in_tiles=False,
        ),
        Column(
            "centre_y", NUMBER, "m",
            Words("Centre, RD y", "where the shadow is asked, northward in EPSG:28992"),
            Words("Middelpunt, RD y", "waar de schaduw wordt bepaald, noordwaarts in EPSG:28992"),
            in_tiles=False,
        ),
    )


HOUSEHOLDS = (
    Column(
        "households_solar", NUMBER, HOMES,
        Words("Households, sun", "whose use the yield of sun equals"),
        Words("Huishoudens, zon", "waarvan het verbruik gelijk is aan de opbrengst van zon"),
    ),
    Column(
        "households_wind", NUMBER, HOMES,
        Words("Households, wind", "whose use the yield of wind equals"),
        Words("Huishoudens, wind", "waarvan het verbruik gelijk is aan de opbrengst van wind"),
    ),
)
HOUSEHOLDS_SHARE = Column(
    "households_share", NUMBER, "share",
    Words("Share of households", "of those in the area, where the areas' file counts them"),
    Words("Aandeel huishoudens", "van die in het gebied, als het bestand ze telt"),
)
SHAPE = (
    Column(
        "bbox", pa.struct([(edge, NUMBER) for edge in EDGES]), "m",
        Words(
            "Rectangle",
            "struct of xmin, ymin, xmax, ymax: the polygon's rectangle, the covering of"
            " GeoParquet 1.1",
        ),
        Words(
            "Omhullende rechthoek",
            "struct van xmin, ymin, xmax, ymax: de rechthoek om de veelhoek, de covering van"
            " GeoParquet 1.1",
        ),
        in_tiles=False, filterable=False,
    ),
    Column(
        "geometry", pa.binary(), "", Words("Outline", "the polygon, repaired where it had to be"),
        Words("Omtrek", "de veelhoek, hersteld waar dat nodig was"), in_tiles=False,
        filterable=False,
    ),
)


def verdict(
    classes: tuple[Class, ...],
    classes_en: str,
    classes_nl: str,
    reasons: tuple[Label, ...],
    flags: tuple[Flag, ...],
) -> tuple[Column, ...]:
    """The columns of the verdict. classes_en, classes_nl: what the classes mean, in a line."""
    return (
        Column(
            "class", TEXT, "", Words("Class", classes_en), Words("Klasse", classes_nl),
            names(classes),
        ),
        Column(
            "selected", BOOLEAN, "", Words("Selected", "within --around"),
            Words("Geselecteerd", "binnen --around"),
        ),
        Column(
            "excluded", TEXT, "",
            Words("Set aside", "null, solar, wind, both: by a restriction; out of the totals"),
            Words(
                "Uitgezonderd", "leeg, solar, wind, both: door een beperking; niet in de totalen",
            ),
            EXCLUDED,
        ),
        Column(
            "flags", pa.list_(TEXT), "",
            Words("Flags", "list of what to look at before use, empty if there is nothing"),
            Words("Vlaggen", "lijst van wat vóór gebruik aandacht vraagt, zonder iets leeg"),
            names(flags),
        ),
        Column(
            "rejected", TEXT, "", Words("Rejected", "null, or why it was not judged"),
            Words("Niet beoordeeld", "leeg, of waarom het niet is beoordeeld"), names(reasons),
        ),
    )


_NAMES = frozenset(each.name for each in (*identity(), *verdict((), "", "", (), ()), *SHAPE))
# fmt: on


def own_columns(method: Method) -> tuple[Column, ...]:
    """The columns of a method that not every method has, in order."""
    return tuple(column for column in method.columns if column.name not in _NAMES)
