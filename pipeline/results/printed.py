"""The printed report: a method's template, filled from report.json.

`{counts.selected}` is a figure of the report by its place, `{figure:amount}` one in another format,
and a line that begins with `[counts.excluded]` stands only where that figure is known and not zero.
Of a mapping the figure is the sum of its values. `label | figure | rest` are set in columns. The
template of a method that has none is `report` of pipeline/results/texts.py.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from string import Formatter
from typing import Any

from pipeline import wording
from pipeline.messages import of_json, translated
from pipeline.methods import method_of
from pipeline.methods.method import NUMBER, Field, Label, Method, Total
from pipeline.results import texts
from pipeline.results.coverage import percent
from pipeline.results.totals import totals_of

NUMBER_FORMATS: dict[str, Callable[[Any, str], str]] = {
    "": wording.number,
    "about": wording.about,
    "amount": wording.amount,
    "percent": wording.percent,
}
CONDITION = re.compile(r"\[([\w.]+)\]")
# ahn.nl/kwaliteitsbeschrijving; since AHN5 a sheet's name has its year: 2023_R_25GN1.TIF.
FLOWN = {"AHN2": "2007-2012", "AHN3": "2014-2019", "AHN4": "2020-2022"}
FLIGHT = re.compile(r"(?:^|_)(20\d\d)_[RM]5?_", re.IGNORECASE)


def phrase(template: str, report: Mapping[str, Any], lang: str) -> str:
    """A template, filled with the figures of a report and those of its method."""
    return _ReportFiller({**report, **method_of(report).figures(report, lang)}, lang).text(template)


class _ReportFiller(Formatter):
    """Fills a template with figures, as a language writes them."""

    def __init__(self, figures: Mapping[str, Any], lang: str) -> None:
        self._figures, self._lang = figures, lang

    def text(self, template: str) -> str:
        """The template with its figures, without the lines whose condition does not hold."""
        lines = template.splitlines(keepends=True)
        kept = [CONDITION.sub("", line, 1) for line in lines if self._stands(line)]
        return self.vformat("".join(kept), (), {})

    def _stands(self, line: str) -> bool:
        condition = CONDITION.match(line)
        return condition is None or bool(_sum(self._at(condition[1])))

    def _at(self, path: str) -> Any:
        value: Any = self._figures
        for part in path.split("."):
            value = None if value is None else value.get(part)
        return value

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        """A figure by its place in the report."""
        return self._at(field_name), field_name

    def format_field(self, value: Any, spec: str) -> str:
        """A figure as text; "?" where it is not known."""
        value = _sum(value)
        if value is None:
            return "?"
        if spec == "day":
            return wording.day(str(value), self._lang)
        if isinstance(value, Real) and spec in NUMBER_FORMATS:
            return NUMBER_FORMATS[spec](value, self._lang)
        return format(value, spec)


def _sum(value: Any) -> Any:
    return sum(value.values()) if isinstance(value, Mapping) else value


def to_text(report: Mapping[str, Any], lang: str = "en") -> str:
    """The printed report, in `nl` or `en`. Raises InputError for another language."""
    template = method_of(report).words(lang).report or texts.words(lang)["report"]
    lines = phrase(template, {**report, **_passages(report, lang)}, lang).splitlines()
    return "\n".join(_aligned(line) for line in lines) + "\n"


def sums(report: Mapping[str, Any], lang: str) -> list[list[str]]:
    """The lines of the one page for a council: [label, figure, rest], or [sentence]."""
    template = method_of(report).words(lang).sums or texts.words(lang)["sums"]
    lines = phrase(template, {**report, **_passages(report, lang)}, lang).splitlines()
    return [line.split(" | ") for line in lines if line]


def _passages(report: Mapping[str, Any], lang: str) -> dict[str, str]:
    """The passages that the templates of all methods share, by their name there."""
    words, counts, accounting = texts.words(lang), report["counts"], report["accounting"]
    method, program = method_of(report), report["program"]
    figures = {
        "unselected": counts["footprints"] - counts["selected"],
        "covered": {k: percent(v) / 100 for k, v in _covered(report).items()},
        "kinds": ", ".join(
            f"{k} {wording.number(v, lang)}" for k, v in counts["restrictions"].items()
        ),
    }
    filler = _ReportFiller({**report, **figures}, lang)
    listed = {
        "flags": _tallied(method.flags, accounting["flags"], lang),
        "warnings": "".join(f"  {translated(each, lang)}\n" for each in warnings(report)),
        "sources": "".join(f"  {name}\n" for name in attributions(report["inputs"])),
    }
    return {
        "program": " ".join(str(program.get(k, "")) for k in ("name", "version")).strip(),
        "coverage": filler.text(words["coverage"]) if figures["covered"] else "",
        "reasons": _tallied(method.reasons, accounting["rejected"], lang),
        "selection": filler.text(words["selection"]),
        "excluded": filler.text(words["excluded"]),
        "classes": filler.text(_classes(method, lang)),
        "totals": filler.text(_totals(method, lang)),
        **{name: words[name] + lines if lines else "" for name, lines in listed.items()},
    }


def _classes(method: Method, lang: str) -> str:
    """A line of a template for each class."""
    return "".join(f"  {c.words(lang)} | {{counts.legend.{c.name}}} |\n" for c in method.classes)


def _totals(method: Method, lang: str) -> str:
    """A line of a template for each total of a column."""
    lines = []
    for of, total in totals_of(method):
        words = total.words(lang) or of.words(lang)
        lines.append(f"  {words.title} | {{{_figure(of, total)}}} | {total.unit}\n")
    return "".join(lines)


def _figure(of: Field, total: Total) -> str:
    """A total's place in the report, and how it is written."""
    return f"{total.section}.{total.key}{':amount' if of.type == NUMBER else ''}"


def _covered(report: Mapping[str, Any]) -> Mapping[str, float]:
    """The shares of 1 that the inputs cover; nothing where the report does not know them."""
    shares = report.get("coverage") or {}
    return {} if None in shares.values() else shares


def _tallied(terms: Sequence[Label], tally: Mapping[str, int], lang: str) -> str:
    """A line for each name that was counted, with what it means."""
    return "".join(
        f"    {term.name} | {wording.number(tally[term.name], lang)} | {term.words(lang)}\n"
        for term in terms
        if tally.get(term.name)
    )


def _aligned(line: str) -> str:
    """`label | figure | rest` in columns; any other line as it is."""
    parts = f"{line} ".split(" | ")
    if len(parts) != 3:
        return line
    label, figure, rest = parts
    return f"{label:<44}{figure:>12} {rest}".rstrip()


def warnings(report: Mapping[str, Any]) -> list[str]:
    """The warnings of a report, in a form that can be translated where it keeps their values."""
    accounting = report["accounting"]
    if "warning_values" in accounting:
        return [of_json(values) for values in accounting["warning_values"]]
    return list(accounting.get("warnings", []))


def attributions(inputs: Any) -> list[str]:
    """Every `attribution` in a report's `inputs`, at whatever depth, each once, in order."""
    names: list[str] = []
    if isinstance(inputs, Mapping):
        names += [str(inputs["attribution"])] if inputs.get("attribution") else []
        inputs = list(inputs.values())
    if isinstance(inputs, list):
        names += [name for part in inputs for name in attributions(part)]
    return list(dict.fromkeys(names))


def place(inputs: Mapping[str, Any], lang: str = "en") -> str:
    """The place of a run, from its report's `inputs`: a region by name and code, the area's file,
    its rectangle, or the footprints' files; and the circle that is selected."""
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
    circle = {"middle": _coordinates(middle), "radius": wording.number(radius, lang)}
    return f"{named}, {texts.words(lang)['circle'].format(**circle)}"


def _coordinates(metres: Sequence[float]) -> str:
    return f"RD {', '.join(f'{value:.0f}' for value in metres)}"


def flights(inputs: Mapping[str, Any]) -> dict[str, list[str]]:
    """The AHN versions of a run's sheets, each with the years of its flights where they are known,
    from its report's `inputs`."""
    years: dict[str, set[str]] = {}
    for sheet in [*inputs["dsm"], *inputs.get("dtm", [])]:
        if version := sheet.get("ahn_version"):
            flight = FLIGHT.search(str(sheet.get("name", "")))
            flown = flight[1] if flight else FLOWN.get(str(version))
            years.setdefault(str(version), set()).update([flown] if flown else [])
    return {version: sorted(flown) for version, flown in sorted(years.items())}


def heights(inputs: Mapping[str, Any], lang: str = "en") -> str:
    """The same in words."""
    words = texts.words(lang)
    versions = [
        words["flown"].format(version=version, years=", ".join(years)) if years else version
        for version, years in flights(inputs).items()
    ]
    return ", ".join(versions) or words["no_version"]


def sun_times(report: Mapping[str, Any]) -> list[str]:
    """The clock times that lists and layers tell apart, in their order."""
    return list(method_of(report).moments(report))
