"""What a legend counts: each roof once, as it counts in the totals."""

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.output.map import cartography, dots
from pipeline.output.map.legend import Shown
from pipeline.results import report, totals
from tests.support.finished import METHOD, SCHEMA, box, building, buildings, composed, finished

KINDS = list(itertools.product((True, False), (24.0, 6.0), (None, "solar", "wind", "both")))
CLASSES = ("solar", "wind_or_solar", "none")


@pytest.fixture
def every_kind() -> pa.Table:
    """A roof for each way to be suitable and to be set aside; every third rests on one cell."""
    rows = [
        building(
            row, box(10 * row, 20, 5, 5), area=25, sunny=sunny, height=height, excluded=excluded,
            flags=["one_cell", "repaired"] if row % 3 == 0 else ["repaired"],
        )
        for row, (sunny, height, excluded) in enumerate(KINDS)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def line(sunny: bool, high: bool, excluded: str | None) -> str:
    """The line of the legend in which a roof stands, as docs/methods/powermapping.md has it."""
    if high and excluded not in ("wind", "both"):
        return "wind_or_solar"
    if sunny and excluded not in ("solar", "both"):
        return "solar"
    return "set_aside" if sunny or high else "none"


def test_the_lines_are_what_counts(every_kind: pa.Table) -> None:
    counts = composed(every_kind)["counts"]
    lines = [line(sunny, height >= 20, out) for sunny, height, out in KINDS]
    assert counts["legend"] == {name: lines.count(name) for name in (*CLASSES, "set_aside")}
    assert counts["one_cell"] == {name: lines[::3].count(name) for name in (*CLASSES, "set_aside")}
    assert counts["one_cell"]["solar"] and counts["one_cell"]["wind_or_solar"]


@pytest.mark.parametrize("part", [slice(0, 12), slice(2, 7), slice(0, 0)])
def test_the_legend_and_the_totals_agree(part: slice) -> None:
    counts = composed(buildings()[part])["counts"]
    lines = counts["legend"]
    assert sum(lines.values()) == counts["judged"]
    assert lines["wind_or_solar"] == counts["wind_suitable"]
    assert lines["solar"] <= counts["solar_suitable"] <= lines["solar"] + lines["wind_or_solar"]


def test_without_restrictions_the_lines_are_the_classes(every_kind: pa.Table) -> None:
    at = every_kind.column_names.index("excluded")
    free = every_kind.set_column(at, "excluded", pa.nulls(len(every_kind), pa.string()))
    counts = composed(free)["counts"]
    assert counts["legend"] == counts["class"] | {"set_aside": 0}


@pytest.mark.parametrize("most", [cartography.MOST, 3], ids=["outlines", "dots"])
def test_map_report_and_print_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    told = report.read(finished(tmp_path))
    said: list[Shown] = []
    monkeypatch.setattr(cartography, "MOST", most)
    monkeypatch.setattr(cartography, "panel", lambda axes, told, lang: said.append(told))
    scene = cartography.scene(tmp_path / "buildings.parquet", told, None)
    cartography.draw(scene, tmp_path / "map.png")
    (shown,) = said
    counts = told["counts"]
    assert (shown.dot is not None) == (most == 3)
    assert {name: shown.counts[name] for name in counts["legend"]} == counts["legend"]
    assert shown.counts["not_judged"] == counts["rejected"]
    assert (
        sum(shown.counts[name] for name in totals.legend(buildings(), METHOD))
        == counts["footprints"]
    )
    printed = report.to_text(told)
    for words, name in (("sun only", "solar"), ("wind, with or without sun", "wind_or_solar"),
                        ("neither", "none")):  # fmt: skip
        assert re.search(f"for {words} +{counts['legend'][name]}\n", printed)
    assert re.search("set aside by restrictions +1\n", printed)


def test_a_class_that_rests_on_one_cell_is_told_apart(every_kind: pa.Table) -> None:
    told = composed(every_kind)
    few = told["counts"]["one_cell"]
    said = f"resting on one: {few['solar']} for sun, {few['wind_or_solar']} for wind"
    assert said in report.to_text(told)
    assert "resting on one" not in report.to_text(composed(buildings()))


def test_layers_of_the_map_still_show_the_class(every_kind: pa.Table) -> None:
    layers: dict[str, Any] = dots.layers(every_kind, METHOD)
    shown = np.sum([layers[name] for name in CLASSES], axis=0)
    assert (shown == 1).all()
    assert (sum(totals.legend(every_kind, METHOD).values()) == np.ones(len(every_kind))).all()
