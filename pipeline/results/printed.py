"""The printed report: what a run says to who reads it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.messages import of_json, translated
from pipeline.methods.powermapping.rules import YIELDS
from pipeline.results import texts
from pipeline.results.coverage import percent


def to_text(report: Mapping[str, Any], lang: str = "en") -> str:
    """The printed report, in `nl` or `en`; it ends with what it does not judge."""
    lines = texts.template(lang).format_map(_phrases(report, lang)).splitlines()
    return "\n".join(_aligned(line) for line in lines) + "\n"


def _phrases(report: Mapping[str, Any], lang: str) -> dict[str, str]:
    """What fills the places of the template."""
    counts, accounting = report["counts"], report["accounting"]
    parameters = report["method"]["parameters"]
    figures = {
        **{name: value for name, value in counts.items() if isinstance(value, int)},
        **{f"legend_{name}": value for name, value in counts["legend"].items()},
        "solar_and_wind": counts["solar_suitable"] - counts["legend"]["solar"],
        **{f"{name}_kwh": value for name, value in report["kwh"].items()},
        "turbine_kwh": parameters["turbine_kwh"],
        "household_kwh": parameters["household_kwh"],
        "read": accounting["read"],
        "judged_all": accounting["judged"],
        "rejected_all": sum(accounting["rejected"].values()),
    }
    return {
        "neighbours": "?",  # of an answer from a finished run
        **{name: texts.number(value, lang) for name, value in figures.items()},
        **{name: amount(value, lang) for name, value in report["area_ha"].items()},
        **{f"{k}_households": amount(v, lang) for k, v in report["households"].items()},
        "wind_min_height": f"{parameters['wind_min_height_m']:g}",
        "wind_radius": f"{parameters['wind_radius_m']:g}",
        "panel_share": texts.percent(parameters["panel_share"], lang),
        "method": report["method"]["name"],
        "program": " ".join(str(report["program"].get(k, "")) for k in ("name", "version")).strip(),
        "date": texts.day(str(parameters["date"]), lang),
        "times": texts.listed(sun_times(report), lang),
        "yields": _side_by_side(report, lang),
        **_passages(report, lang),
    }


def _side_by_side(report: Mapping[str, Any], lang: str) -> str:
    """A line for each figure of the presets of yields, a column a preset, and what of them is an
    assumption; first the run's own, if it has others."""
    words, yields = texts.words(lang), dict(report["yields"])
    own = {name: report["method"]["parameters"][name] for name in YIELDS["study"]}
    if own not in YIELDS.values():
        yields = {words["yields_own"]: own | _own_yields(report)} | yields
    lines = [(words["yields"], list(yields))]
    for name, write in _FIGURES.items():
        lines.append((words[f"yields_{name}"], [write(of[name], lang) for of in yields.values()]))
    rows = [f"{label:<44}{''.join(f'{v:>14}' for v in values)}\n" for label, values in lines]
    return "".join(rows) + words["yields_told"]


def _own_yields(report: Mapping[str, Any]) -> dict[str, float]:
    """What the suitable roofs of a run come to by its own parameters."""
    return {
        "panel_ha": report["area_ha"]["panel"],
        "solar_kwh": report["kwh"]["solar"],
        "households": report["households"]["solar"],
    }


def _passages(report: Mapping[str, Any], lang: str) -> dict[str, str]:
    """The lines that stand only where there is something to say."""
    words, counts, served = texts.words(lang), report["counts"], report["households"]
    tallies, excluded = report["accounting"], counts["excluded"]
    low, high = (kwh * counts["wind_suitable"] for kwh in texts.FIELD_TRIAL_KWH)
    share = served.get("share", 0.0)
    kinds = ", ".join(f"{k} {texts.number(v, lang)}" for k, v in counts["restrictions"].items())
    flags = _tallied(tallies["flags"], lang)
    warned = "".join(f"  {translated(said, lang)}\n" for said in warnings(report))
    sources = "".join(f"  {name}\n" for name in attributions(report["inputs"]))

    def say(name: str, spoken: object = True, **figures: float) -> str:
        written = {k: texts.number(value, lang) for k, value in figures.items()}
        filled = words[name].format(**written, share=texts.percent(share, lang), kinds=kinds)
        return filled if spoken else ""

    partly = counts["selected"] != counts["footprints"]
    return {
        "coverage": _coverage(report, lang),
        "trials": words["trials"],
        "trial_sum": say("trial_sum", low=low, high=high),
        "reasons": _tallied(tallies["rejected"], lang),
        "selection": say("selection", partly, selected=counts["selected"]),
        "excluded": say("excluded", any(excluded.values()), **excluded) + say("by_kind", kinds),
        "set_aside": say("set_aside_line", counts["legend"]["set_aside"], **counts["legend"]),
        "one_cell": say("one_cell_line", any(counts["one_cell"].values()), **counts["one_cell"]),
        "share": say("share", "share" in served, number=served.get("number", 0)),
        "warnings": say("warnings", warned) + warned,
        "flags": say("flags", flags) + flags,
        "sources": say("sources", sources) + sources,
    }


def _coverage(report: Mapping[str, Any], lang: str) -> str:
    """Which part the inputs cover, where the report knows it; what is not all is not 100 %."""
    shares = report.get("coverage") or {}
    if None in shares.values() or not shares:
        return ""
    written = {k: texts.percent(percent(v) / 100, lang) for k, v in shares.items()}
    return texts.words(lang)["coverage"].format_map(written)


def _tallied(tally: Mapping[str, int], lang: str) -> str:
    """A line for each name that was counted, with what it means."""
    words = texts.words(lang)
    return "".join(
        f"    {name} | {texts.number(count, lang)} | {words.get(name, '')}\n"
        for name, count in tally.items()
        if count
    )


def _aligned(line: str) -> str:
    """`label | figure | rest` in columns; any other line as it is."""
    parts = f"{line} ".split(" | ")
    if len(parts) != 3:
        return line
    label, figure, rest = parts
    return f"{label:<44}{figure:>12} {rest}".rstrip()


def warnings(report: Mapping[str, Any]) -> list[str]:
    """The warnings of a report, which can be said in Dutch if it holds what they are made of."""
    tallies = report["accounting"]
    if "warning_values" in tallies:
        return [of_json(told) for told in tallies["warning_values"]]
    return list(tallies.get("warnings", []))


def amount(value: float, lang: str) -> str:
    """A figure with as many decimals as its size bears."""
    digits = sum(0 < value < limit for limit in (100, 10, 1))
    return texts.number(value, lang, digits)


def attributions(inputs: Any) -> list[str]:
    """Every `attribution` in a report's `inputs`, at whatever depth, each once, in order."""
    found: list[str] = []
    if isinstance(inputs, Mapping):
        found += [str(inputs["attribution"])] if inputs.get("attribution") else []
        inputs = list(inputs.values())
    if isinstance(inputs, list):
        found += [name for part in inputs for name in attributions(part)]
    return list(dict.fromkeys(found))


def place(inputs: Mapping[str, Any], lang: str = "en") -> str:
    """Where a run is, from its report's `inputs`: a region by name and code, the area's file, its
    rectangle, or the footprints' files; and the circle that is selected."""
    area, around = inputs.get("area"), inputs.get("around")
    if isinstance(area, Mapping):
        named = f"{area['name']} ({area['region']})" if "region" in area else str(area["name"])
    elif area:
        named = _coordinates(area)
    else:
        named = ", ".join(str(source["name"]) for source in inputs["buildings"])
    if not around:
        return named
    *middle, radius = around
    circle = {"middle": _coordinates(middle), "radius": texts.number(radius, lang)}
    return f"{named}, {texts.words(lang)['circle'].format(**circle)}"


def _coordinates(metres: Sequence[float]) -> str:
    return f"RD {', '.join(f'{value:.0f}' for value in metres)}"


def heights(inputs: Mapping[str, Any], lang: str = "en") -> str:
    """The AHN versions of a run's sheets, from its report's `inputs`."""
    sheets = [*inputs["dsm"], *inputs.get("dtm", [])]
    versions = sorted({str(sheet.get("ahn_version") or "") for sheet in sheets} - {""})
    return ", ".join(versions) or texts.words(lang)["no_version"]


def sun_times(report: Mapping[str, Any]) -> list[str]:
    """The clock times of the suns, in their order."""
    return list(dict.fromkeys(str(sun["time"]) for sun in report["method"]["suns"]))


# The figures of a preset of yields in their order, and how each is written.
_FIGURES: dict[str, Callable[[float, str], str]] = {
    "panel_share": texts.percent,
    "solar_kwh_m2": amount,
    "household_kwh": texts.number,
    "panel_ha": amount,
    "solar_kwh": texts.number,
    "households": amount,
}
