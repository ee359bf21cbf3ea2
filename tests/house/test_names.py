"""What a method declares stands in the rooms of methods: nothing else knows one of its names."""

import re
from pathlib import Path

import pytest

from pipeline.methods import METHODS
from pipeline.methods.house import own_columns
from pipeline.methods.method import Method, names

ROOT = Path(__file__).parents[2]
# What every method has in common, though a method names a class or a layer so too: what
# restrictions exclude from, the word for nothing, and the parts of a CityJSON and of a scene.
COMMON = {"solar", "none", "surface"}
# A keyword by which catalogues find the process; a quantity that a room of methods computes.
ELSEWHERE = {
    "powermapping": {"service/processes/descriptions.py": {"shadow"}},
    "annual": {"pipeline/methods/climate/light.py": {"sky_view"}},
}
QUOTES = r"[\"'`]"


def sources() -> dict[str, str]:
    """The text of each file of code but those of methods, which may share names: their rooms, and
    their modules of the page; and of the generated scenes, which depend on no room."""
    every = [path for folder in ("pipeline", "service") for path in (ROOT / folder).rglob("*")]
    rooms = [f"pipeline/methods/{name}/" for name in METHODS]
    own = (*rooms, "service/page/map/methods/", "pipeline/quarter/")
    found = {
        str(p.relative_to(ROOT)): p for p in every if p.suffix in (".py", ".js", ".json", ".html")
    }
    return {
        name: path.read_text("utf-8")
        for name, path in found.items()
        if not name.startswith(own) and "/vendor/" not in name
    }


def declared(method: Method) -> set[str]:
    """The names of its columns that not every method has, of its classes and layers, and of what
    its columns add up to."""
    columns = names(own_columns(method))
    totals = [total.name for column in method.columns for total in column.totals]
    return {*columns, *totals, *names(method.classes), *names(method.layers)} - COMMON


def known(text: str, name: str) -> bool:
    """Whether a text of code knows a name: it stands there as a word, or, if it is one of English
    too, as a text or as a property."""
    if "_" in name:
        return bool(re.search(rf"\b{name}\b", text))
    return bool(re.search(rf"{QUOTES}{name}{QUOTES}|(?<!kernels)\.{name}\b", text))


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_a_method_is_known_in_rooms_of_methods_only(method: Method) -> None:
    texts = sources()
    assert {"pipeline/runs/run.py", "service/page/map/main.js"} <= texts.keys()
    found = {
        name: knows
        for name, text in texts.items()
        if (knows := {each for each in declared(method) if known(text, each)})
    }
    assert found == ELSEWHERE.get(method.name, {})


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ('columns = ["lit"]', "lit", True),
        ("roof.lit ? 1 : 0", "lit", True),
        ("the roof is lit at noon", "lit", False),
        ("# of solar_kwh", "solar_kwh", True),
        ("from kernels.shadow import Sun", "shadow", False),
        ("more_solar_kwh_", "solar_kwh", False),
    ],
)
def test_names_are_seen(text: str, name: str, expected: bool) -> None:
    assert known(text, name) == expected
