"""The columns of the rows by area, each declared once, and those rows as people read them."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.errors import InputError
from pipeline.results.columns import NUMBER, WHOLE, Column, Words
from pipeline.results.spreadsheets import write_xlsx

HTML = re.compile(r"</?[A-Za-z][^<>]*>")
HA, KWH, HOMES, SHARE = "ha", "kWh/year", "households", "share"
DECIMALS = {HA: 4, KWH: 0, HOMES: 1, SHARE: 4}  # by unit: of a hectare square metres

Row = dict[str, Any]


def _count(name: str, en: Words, nl: Words) -> Column:
    return Column(name, WHOLE, "", en, nl)


def _sum(name: str, unit: str, en: Words, nl: Words) -> Column:
    return Column(name, NUMBER, unit, en, nl)


COLUMNS = (
    _count(
        "footprints",
        Words("Footprints", "whose centre lies in the area"),
        Words("Panden", "met hun middelpunt in het gebied"),
    ),
    _count(
        "selected",
        Words("Selected", "of those within --around; all without it; the next ones count these"),
        Words("Geselecteerd", "daarvan binnen --around; zonder dat alle; hierna tellen deze"),
    ),
    _count(
        "judged",
        Words("Judged", "for which there is a verdict"),
        Words("Beoordeeld", "waarvoor er een oordeel is"),
    ),
    _count(
        "rejected",
        Words("Not judged", "so unknown, which is not unsuitable"),
        Words("Niet beoordeeld", "dus onbekend, wat niet ongeschikt is"),
    ),
    _count(
        "solar_suitable",
        Words("Suit solar panels", "lit at all suns, and not set aside for sun"),
        Words("Geschikt voor zon", "bij elke zonnestand in de zon, en niet uitgezonderd voor zon"),
    ),
    _count(
        "wind_candidates",
        Words("High enough for wind", "high enough for a small turbine"),
        Words("Hoog genoeg voor wind", "hoog genoeg voor een kleine turbine"),
    ),
    _count(
        "wind_shadowed",
        Words("Sheltered", "of those with a higher building within the radius"),
        Words("In de luwte", "daarvan met een hoger gebouw binnen de straal"),
    ),
    _count(
        "wind_suitable",
        Words("Suit a turbine", "high enough, not sheltered, and not set aside for wind"),
        Words("Geschikt voor wind", "hoog genoeg, niet in de luwte, en niet uitgezonderd"),
    ),
    _count(
        "neighbours",
        Words("Neighbours", "of a whole run only: read besides, for their shadow and shelter"),
        Words("Buren", "alleen van een hele berekening: gelezen om hun schaduw en luwte"),
    ),
    _count(
        "class_solar",
        Words("Class solar", "roofs of this class: for sun only"),
        Words("Klasse solar", "daken van deze klasse: voor alleen zon"),
    ),
    _count(
        "class_wind_or_solar",
        Words("Class wind_or_solar", "roofs of this class: for wind, with or without sun"),
        Words("Klasse wind_or_solar", "daken van deze klasse: voor wind, met of zonder zon"),
    ),
    _count(
        "class_none",
        Words("Class none", "roofs of this class: for neither"),
        Words("Klasse none", "daken van deze klasse: voor geen van beide"),
    ),
    _sum(
        "roof_ha",
        HA,
        Words("Roof area", "of what is judged"),
        Words("Dakoppervlak", "van wat beoordeeld is"),
    ),
    _sum(
        "suitable_roof_ha",
        HA,
        Words("Suitable roof area", "of what suits solar panels"),
        Words("Geschikt dakoppervlak", "van wat geschikt is voor zonnepanelen"),
    ),
    _sum(
        "panel_ha",
        HA,
        Words("Panels", "the method's share of the suitable roof area"),
        Words("Panelen", "het deel van het geschikte dakoppervlak dat de methode rekent"),
    ),
    _sum(
        "lit_roof_ha",
        HA,
        Words("Lit roof area", "of what is judged, the part that is lit at all suns"),
        Words("Dakoppervlak in de zon", "van wat beoordeeld is: bij elke zonnestand in de zon"),
    ),
    _sum(
        "solar_kwh",
        KWH,
        Words("Solar yield", "of the panels in a year"),
        Words("Opbrengst zon", "van de panelen in een jaar"),
    ),
    _sum(
        "wind_kwh",
        KWH,
        Words("Wind yield", "of the turbines in a year, by the study"),
        Words("Opbrengst wind", "van de turbines in een jaar, volgens de studie"),
    ),
    _sum(
        "total_kwh",
        KWH,
        Words("Yield", "of sun and wind together"),
        Words("Opbrengst", "van zon en wind samen"),
    ),
    _sum(
        "wind_field_trials_low_kwh",
        KWH,
        Words("Wind, lowest trial", "what the turbines yield by the poorest of field trials"),
        Words("Wind, laagste proef", "opbrengst van de turbines naar de zwakste praktijkproef"),
    ),
    _sum(
        "wind_field_trials_high_kwh",
        KWH,
        Words("Wind, highest trial", "what the turbines yield by the best of field trials"),
        Words("Wind, hoogste proef", "opbrengst van de turbines naar de beste praktijkproef"),
    ),
    _sum(
        "households_solar",
        HOMES,
        Words("Households, sun", "whose use the yield of sun equals"),
        Words("Huishoudens, zon", "waarvan het verbruik gelijk is aan de opbrengst van zon"),
    ),
    _sum(
        "households_wind",
        HOMES,
        Words("Households, wind", "whose use the yield of wind equals"),
        Words("Huishoudens, wind", "waarvan het verbruik gelijk is aan de opbrengst van wind"),
    ),
    _sum(
        "households_total",
        HOMES,
        Words("Households", "whose use the yield of both equals"),
        Words("Huishoudens", "waarvan het verbruik gelijk is aan de opbrengst van beide"),
    ),
    _sum(
        "households_share",
        SHARE,
        Words("Share of households", "of those in the area, where the areas' file counts them"),
        Words("Aandeel huishoudens", "van die in het gebied, als het bestand ze telt"),
    ),
)
_BY_NAME = {column.name: column for column in COLUMNS}


def own_columns(own: Sequence[Row], name: str | None, file: str | Path) -> list[Row]:
    """The columns of an areas' file without those that hold HTML, which no table shows; first the
    one that names the areas, if it is given. Raises InputError where that is not among them."""
    marked = {
        key
        for key in own[0]
        if any(isinstance(row[key], str) and HTML.search(row[key]) for row in own)
    }
    kept = [key for key in own[0] if key not in marked]
    if name is not None and name not in kept:
        raise InputError(
            "--name {name}: no column of {file}; choose one of {kept}",
            name=name,
            file=Path(file).name,
            kept=kept,
        )
    if not kept:
        return [{"area": number + 1} for number in range(len(own))]
    ordered = sorted(kept, key=lambda key: key != name)
    return [{key: row[key] for key in ordered} for row in own]


def readable(rows: Sequence[Row], every: bool = False) -> list[Row]:
    """Rows by area, the last of what lies in none, with figures rounded to what they bear; areas
    without roofs are left out unless `every`."""
    *areas, outside = rows
    kept = [row for row in areas if every or row["footprints"]]
    return [rounded(row) for row in (*kept, outside)]


def is_sum(name: str) -> bool:
    """Whether a column of ours is a sum of measures, not a count of roofs."""
    return name in _BY_NAME and _BY_NAME[name].type == NUMBER


def rounded(row: Row) -> Row:
    """A row with our figures as they are read: whole kWh, square metres, tenths of households."""
    return {name: _rounded(name, value) for name, value in row.items()}


def _rounded(name: str, value: Any) -> Any:
    column = _BY_NAME.get(name)
    digits = None if column is None else DECIMALS.get(column.unit)
    if digits is None or not isinstance(value, float) or not math.isfinite(value):
        return value
    return round(value, digits) if digits else round(value)


def xlsx(rows: Sequence[Row], title: str) -> bytes:
    """Rows with the same columns as an XLSX workbook of one sheet."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.xlsx"
        write_xlsx(file, title, list(rows[0]), (list(row.values()) for row in rows))
        return file.read_bytes()
