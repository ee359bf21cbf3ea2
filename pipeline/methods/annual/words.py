"""The words of the method `annual`, for its printed report and its map."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.methods.annual.rules import DELOITTE, DIRECTIONS, NREL, ORIENTATION, ZONATLAS
from pipeline.methods.annual.sums import DUTCH, FACING, MONTH_LABELS
from pipeline.methods.phrases import Phrases
from pipeline.methods.trials import FIELD_TRIAL_KWH, STUDY_KWH
from pipeline.wording import amount, number

FLEET = {"low": 838, "high": 947}  # kWh/kWp a year: Laevens (2020), Schardt and te Heesen
SCHEMES = {
    "en": {
        ZONATLAS: "70 % of the best plane there, with nothing around",
        NREL: "70 % of its own open year, 10 m2, not to the north",
        DELOITTE: "690 kWh/m2 a year, not to the north",
        ORIENTATION: "flat, or facing SE, S or SW",
    },
    "nl": {
        ZONATLAS: "70 % van het beste vlak daar, zonder schaduw",
        NREL: "70 % van het eigen open jaar, 10 m2, niet op het noorden",
        DELOITTE: "690 kWh/m2 per jaar, niet op het noorden",
        ORIENTATION: "plat, of op het ZO, Z of ZW",
    },
}
FLAT = {"en": "flat", "nl": "plat"}
LOW, HIGH = FIELD_TRIAL_KWH
TO = {"en": "to", "nl": "tot"}


def _template(kind: str, lang: str) -> str:
    return Path(__file__).with_name(f"{kind}.{lang}.txt").read_text("utf-8")


EN = Phrases(
    report=_template("report", "en"),
    sums=_template("sums", "en"),
    table="A turbine's yield (wind_kwh) lies between wind_low_kwh and wind_high_kwh in 80 of 100"
    f" cases; field trials of small roof turbines measured {LOW}-{HIGH} kWh a year.",
    title="A year of sun and wind",
    subtitle="Roofs, by the method annual",
    yields="Sun: {kwh.solar_low:about} to {kwh.solar_high:about} kWh a year\n"
    "[counts.wind_suitable]Wind: {kwh.wind_low:about} to {kwh.wind_high:about} kWh a year\n"
    "in 80 of 100 cases",
    roofs="Roofs, potentially suitable for",
    parts="Planes, by the direction that they face; paler: less steep",
    remark="Not judged: structure, ownership, permits and monuments, noise, grid capacity, panels"
    " already there.",
    changes={
        "counts.class.solar": "suitable for sun only",
        "counts.class.wind_or_solar": "for wind, with or without sun",
        "counts.class.none": "for neither",
        "counts.rejected": "not judged",
        "number.planes": "planes",
        "area_ha.roof:2": "true area of planes, ha",
        "kwp.panel:1": "peak power of the panels, kWp",
        "kwh.solar": "yield of the panels, kWh a year",
        "kwh.solar_low": "  in 80 of 100 cases at least",
        "kwh.solar_high": "  and at most",
        "kwh.shade": "lost by shade, kWh a year",
        "kwh.wind": "yield of turbines in the field, kWh a year",
        "kwh.wind_low": "  in 80 of 100 cases at least",
        "kwh.wind_high": "  and at most",
        "households.solar:1": "as much as the use of households, sun",
        "households.wind:1": "  wind",
    },
    more="{more} kWh a year",
)
NL = Phrases(
    report=_template("report", "nl"),
    sums=_template("sums", "nl"),
    table="De opbrengst van een turbine (wind_kwh) ligt in 80 van de 100 gevallen tussen"
    " wind_low_kwh en wind_high_kwh; in praktijkproeven haalden kleine dakturbines"
    f" {LOW}-{HIGH} kWh per jaar.",
    title="Een jaar zon en wind",
    subtitle="Potentieel geschikte daken, volgens de methode annual",
    yields="Zon: {kwh.solar_low:about} tot {kwh.solar_high:about} kWh per jaar\n"
    "[counts.wind_suitable]Wind: {kwh.wind_low:about} tot {kwh.wind_high:about} kWh per jaar\n"
    "in 80 van de 100 gevallen",
    roofs="Daken, potentieel geschikt voor",
    parts="Dakvlakken, naar hun richting; bleker: minder steil",
    remark="Niet beoordeeld: constructie, eigendom, vergunningen en monumenten, geluid,"
    " netcapaciteit, panelen die er al liggen.",
    changes={
        "counts.class.solar": "geschikt voor alleen zon",
        "counts.class.wind_or_solar": "voor wind, met of zonder zon",
        "counts.class.none": "voor geen van beide",
        "counts.rejected": "niet beoordeeld",
        "number.planes": "dakvlakken",
        "area_ha.roof:2": "werkelijk oppervlak van dakvlakken, ha",
        "kwp.panel:1": "piekvermogen van de panelen, kWp",
        "kwh.solar": "opbrengst van de panelen, kWh per jaar",
        "kwh.solar_low": "  in 80 van de 100 gevallen minstens",
        "kwh.solar_high": "  en hoogstens",
        "kwh.shade": "verlies door schaduw, kWh per jaar",
        "kwh.wind": "opbrengst van turbines in de praktijk, kWh per jaar",
        "kwh.wind_low": "  in 80 van de 100 gevallen minstens",
        "kwh.wind_high": "  en hoogstens",
        "households.solar:1": "evenveel als het verbruik van huishoudens, zon",
        "households.wind:1": "  wind",
    },
    more="{more} kWh per jaar",
)


def figures(report: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The figures of the printed report's template that are not in the report itself."""
    kwh, kwp = report["kwh"], report["kwp"]["panel"]
    turbines = report["counts"]["wind_suitable"]
    return {
        "scheme": SCHEMES[lang][report["method"]["parameters"]["scheme"]],
        "fleet": FLEET,
        "specific": kwh["solar"] / kwp if kwp else None,
        "shade": kwh["shade"] / kwh["unshaded"] if kwh["unshaded"] else 0.0,
        "months": _by_month(report["month_kwh"], lang),
        "directions": _by_direction(report, lang),
        "a_turbine": {
            name: kwh[end] / turbines if turbines else None
            for name, end in (("likely", "wind"), ("low", "wind_low"), ("high", "wind_high"))
        },
        "homes": {
            end: kwh[end] / report["method"]["parameters"]["household_kwh"]
            for end in ("solar_low", "solar_high")
        },
        "trial_kwh": {"low": LOW, "high": HIGH},
        "study_kwh": STUDY_KWH,
        "study_total": STUDY_KWH * turbines,
    }


def _by_month(kwh: Mapping[str, float], lang: str) -> str:
    """A line of the template for each month."""
    lines = ((month.words(lang), month.name) for month in MONTH_LABELS)
    return "".join(f"  {title} | {_yield(kwh, name, lang)}\n" for title, name in lines)


def _by_direction(report: Mapping[str, Any], lang: str) -> str:
    """A line of the template for flat planes, and for each direction of pitched ones."""
    titles = [FLAT[lang], *(DUTCH[n] if lang == "nl" else n.upper() for n in DIRECTIONS)]
    kwh, kwp = report["facing_kwh"], report["facing_kwp"]
    return "".join(
        f"  {title} | {_yield(kwh, name, lang)}; {amount(kwp[name], lang)} kWp\n"
        for title, name in zip(titles, FACING, strict=True)
    )


def _yield(kwh: Mapping[str, float], name: str, lang: str) -> str:
    """A yield with its interval."""
    low, high = (number(kwh[f"{name}_{end}"], lang) for end in ("low", "high"))
    return f"{number(kwh[name], lang)} | kWh, {low} {TO[lang]} {high}"
