"""The words of the method `powermapping`, for its printed report and its map."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.methods.phrases import Phrases
from pipeline.methods.powermapping.rules import YIELDS
from pipeline.methods.trials import FIELD_TRIAL_KWH
from pipeline.wording import amount, listed, number, percent

LOW, HIGH = FIELD_TRIAL_KWH


def _template(kind: str, lang: str) -> str:
    return Path(__file__).with_name(f"{kind}.{lang}.txt").read_text("utf-8")


EN = Phrases(
    report=_template("report", "en"),
    sums=_template("sums", "en"),
    table="Potentially suitable; beside every turbine yield (wind_kwh): field trials of small roof"
    f" turbines measured {LOW}-{HIGH} kWh a year.",
    title="Sun and wind on the roofs",
    subtitle="Potentially suitable roofs, by the Powermapping method",
    moments="Shadows on {method.parameters.date:day} at {times} CET",
    roofs="Roofs, potentially suitable for",
    ground="Relief and shadow",
    shade="in shadow (darker: at more of these times)",
    remark="Not judged: structure, ownership, permits and monuments, noise, grid capacity, panels"
    " already there.",
    changes={
        "counts.class.solar": "suitable for sun only",
        "counts.class.wind_or_solar": "for wind, with or without sun",
        "counts.class.none": "for neither",
        "counts.rejected": "not judged",
        "area_ha.suitable_roof:2": "roof area suitable for sun, ha",
        "kwh.solar": "yield of sun, kWh a year",
        "kwh.wind": "yield of wind, kWh a year",
        "households.total:1": "as much as the use of households",
    },
    more="{more} kWh a year",
)
NL = Phrases(
    report=_template("report", "nl"),
    sums=_template("sums", "nl"),
    table="Potentieel geschikt; bij elke turbineopbrengst (wind_kwh): in praktijkproeven haalden"
    f" kleine dakturbines {LOW}-{HIGH} kWh per jaar.",
    title="Zon en wind op de daken",
    subtitle="Potentieel geschikte daken, volgens de methode Powermapping",
    moments="Schaduwen op {method.parameters.date:day} om {times} MET",
    roofs="Daken, potentieel geschikt voor",
    ground="Reliëf en schaduw",
    shade="in de schaduw (donkerder: op meer van deze tijden)",
    remark="Niet beoordeeld: constructie, eigendom, vergunningen en monumenten, geluid,"
    " netcapaciteit, panelen die er al liggen.",
    changes={
        "counts.class.solar": "geschikt voor alleen zon",
        "counts.class.wind_or_solar": "voor wind, met of zonder zon",
        "counts.class.none": "voor geen van beide",
        "counts.rejected": "niet beoordeeld",
        "area_ha.suitable_roof:2": "dakoppervlak geschikt voor zon, ha",
        "kwh.solar": "opbrengst zon, kWh per jaar",
        "kwh.wind": "opbrengst wind, kWh per jaar",
        "households.total:1": "evenveel als het verbruik van huishoudens",
    },
    more="{more} kWh per jaar",
)
SIDE_BY_SIDE = {
    "en": {
        "title": "Sun by other yields, side by side",
        "own": "this run",
        "panel_share": "  panels of the roof",
        "solar_kwh_m2": "  kWh a year of a m2 of panels",
        "household_kwh": "  kWh a year of a household",
        "panel_ha": "  ha of panels",
        "solar_kwh": "  kWh a year",
        "households": "  as much as the use of households",
        "remark": "  Of 2024 the share and the kWh of a m2 are assumptions; the use is "
        "CBS's.\n  What edges, paths and installations leave of a roof is not known.\n",
    },
    "nl": {
        "title": "Zon bij andere opbrengsten, naast elkaar",
        "own": "deze run",
        "panel_share": "  panelen op het dak",
        "solar_kwh_m2": "  kWh per jaar van een m2 paneel",
        "household_kwh": "  kWh per jaar van een huishouden",
        "panel_ha": "  ha panelen",
        "solar_kwh": "  kWh per jaar",
        "households": "  evenveel als het verbruik van huishoudens",
        "remark": "  Van 2024 zijn aandeel en kWh van een m2 aannamen; het verbruik is "
        "van CBS.\n  Wat randen, paden en installaties van een dak overlaten, is niet bekend.\n",
    },
}
# The figures of a preset of yields in their order, and how each is written.
WRITTEN: dict[str, Callable[[float, str], str]] = {
    "panel_share": percent,
    "solar_kwh_m2": amount,
    "household_kwh": number,
    "panel_ha": amount,
    "solar_kwh": number,
    "households": amount,
}


def figures(report: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The figures of the printed report's template that are not in the report itself."""
    counts = report["counts"]
    turbines = counts["wind_suitable"]
    sun = [report["kwh"]["solar"], *(each["solar_kwh"] for each in report["yields"].values())]
    return {
        "sun": {"low": min(sun), "high": max(sun)},
        "times": listed(sun_times(report), lang),
        "solar_and_wind": counts["solar_suitable"] - counts["legend"]["solar"],
        "trial_kwh": {"low": LOW, "high": HIGH},
        "trials": {"low": LOW * turbines, "high": HIGH * turbines},
        "yields": _side_by_side(report, lang),
    }


def sun_times(report: Mapping[str, Any]) -> list[str]:
    """The clock times of the sun positions [CET], in their order."""
    return list(dict.fromkeys(str(sun["time"]) for sun in report["method"]["suns"]))


def _side_by_side(report: Mapping[str, Any], lang: str) -> str:
    """A line for each figure of the presets of yields, a column a preset, and what of them is an
    assumption; first the run's own, if it has others."""
    words, yields = SIDE_BY_SIDE[lang], dict(report["yields"])
    own = {name: report["method"]["parameters"][name] for name in YIELDS["study"]}
    if own not in YIELDS.values():
        own["panel_ha"], own["solar_kwh"] = report["area_ha"]["panel"], report["kwh"]["solar"]
        yields = {words["own"]: own | {"households": report["households"]["solar"]}} | yields
    lines = [(words["title"], list(yields))]
    for name, write in WRITTEN.items():
        lines.append((words[name], [write(of[name], lang) for of in yields.values()]))
    rows = [f"{label:<44}{''.join(f'{v:>14}' for v in values)}\n" for label, values in lines]
    return "".join(rows) + words["remark"]
