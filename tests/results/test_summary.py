"""A summary of an area is what a run of that area counts, and reads little for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline import quarter
from pipeline.areas.polygons import read_areas
from pipeline.areas.selection import Area, parse_area, parse_around
from pipeline.results import report, summary
from pipeline.results.finished import open_finished
from pipeline.runs.run import run
from tests.support.clocks import using_at_most
from tests.support.reads import Reads
from tests.support.runs import Files, undrawn
from tests.support.tangled import upright

SECTIONS = ("counts", "area_ha", "kwh", "households")
SIZE = 620, 520


@pytest.fixture(autouse=True, scope="module")
def small_groups_and_no_map() -> Iterator[None]:
    with undrawn(group_rows=4):
        yield


@dataclass(frozen=True)
class Whole:
    """A finished run of a whole quarter without layers, its corner, and files of areas."""

    files: Files
    out: Path
    west: float
    south: float

    def box(self, *part: float) -> str:
        """An area by its parts of the quarter's width and height."""
        xmin, ymin, xmax, ymax = np.array(part) * np.array(SIZE * 2)
        corner = self.west, self.south
        return ",".join(
            f"{v:.3f}" for v in np.add([xmin, ymin, xmax, ymax], np.array(corner * 2)) + 0.3
        )

    def circle(self, x: float, y: float, radius: float) -> str:
        return f"{self.west + x * SIZE[0]:.3f},{self.south + y * SIZE[1]:.3f},{radius}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    made = quarter.generate(folder / "in", size=SIZE, resolution=1)
    files = Files(made.dsm, made.dtm, made.buildings)
    run(files.request(folder / "out", layers=()))
    west, south, *_ = gpd.read_file(made.buildings, layer="pand").total_bounds
    return Whole(files, folder / "out", float(west), float(south))


def counted(said: dict[str, Any]) -> dict[str, Any]:
    """What a report and a summary both say."""
    sections = {name: dict(said[name]) for name in SECTIONS}
    for name in ("neighbours", "restrictions"):
        sections["counts"].pop(name, None)
    left_out = ("cells", "warnings", "warning_values")
    accounting = {k: v for k, v in said["accounting"].items() if k not in left_out}
    return sections | {"accounting": accounting}


def summed(whole: Whole, area: str | None = None, around: str | None = None, **more: Any) -> Any:
    found = summary.summary(
        whole.out, area and parse_area(area), around and parse_around(around), **more
    )
    json.dumps(found, allow_nan=False)
    return found


AREAS = {
    "a rectangle": ((0.2, 0.3, 0.8, 0.7), None),
    "a rectangle and a circle": ((0.1, 0.1, 0.9, 0.9), (0.5, 0.4, 120)),
    "a corner": ((0.0, 0.0, 0.3, 0.25), None),
}


@pytest.mark.parametrize("name", AREAS)
def test_the_sums_are_those_of_a_run(tmp_path: Path, whole: Whole, name: str) -> None:
    part, circle = AREAS[name]
    area, around = whole.box(*part), circle and whole.circle(*circle)
    said = run(whole.files.request(tmp_path / "out", area=area, around=around, layers=())).report
    found = summed(whole, area, around)
    assert counted(found["totals"] | {"accounting": found["accounting"]}) == counted(said)
    assert found["totals"]["counts"]["selected"] > 5 and found["complete"]


def test_a_circle_alone_is_the_circle(whole: Whole) -> None:
    around = whole.circle(0.5, 0.5, 90)
    x, y, radius = parse_around(around)
    rows = pq.read_table(whole.out / "buildings.parquet").to_pandas()
    inside = rows[np.hypot(rows["centre_x"] - x, rows["centre_y"] - y) <= radius]
    found = summed(whole, None, around)
    assert 10 < len(inside) == found["totals"]["counts"]["footprints"]
    assert found["totals"]["kwh"]["solar"] == pytest.approx(inside["solar_kwh"].sum(), rel=1e-12)
    assert found["accounting"]["judged"] == inside["rejected"].isna().sum()


def test_without_an_area_all_counts_as_the_report_says(whole: Whole) -> None:
    said = report.read(whole.out)
    found = summed(whole, households=500)
    assert counted(found["totals"] | {"accounting": found["accounting"]}) == counted(
        said | {"households": found["totals"]["households"]}
    )
    added = summed(whole, by=([{"a": 1}], [shapely.box(0, 0, 1e6, 1e6)]), households=500)
    assert added["totals"] == found["totals"] and added["accounting"] == found["accounting"]
    served = found["totals"]["households"]
    assert served["share"] == pytest.approx(served["total"] / 500)


def test_rows_by_area_are_those_of_the_report(tmp_path: Path, whole: Whole) -> None:
    halves = [parse_area(whole.box(*b)).geometry for b in [(0, 0, 0.5, 1), (0.4, 0, 0.9, 0.6)]]
    file = tmp_path / "wijken.geojson"
    columns = {"naam": ["West", "Oost"], "huishoudens": [100, 0]}
    gpd.GeoDataFrame(columns, geometry=halves, crs=28992).to_file(file)
    found = summed(whole, by=read_areas(file))
    *rows, outside = report.by_area(whole.out, file)
    assert found["rows"] == rows
    assert found["outside"] == {k: v for k, v in outside.items() if k not in columns}
    assert (
        sum(r["footprints"] for r in [*rows, outside]) == (found["totals"]["counts"]["footprints"])
    )


def test_only_what_can_lie_there_is_read_and_looked_at(
    whole: Whole, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, contains = list[int](), Area.contains

    def looking(self: Area, points: Any) -> Any:
        looked.append(len(points))
        return contains(self, points)

    monkeypatch.setattr(Area, "contains", looking)
    every = open_finished(whole.out).table.groups
    found = summed(whole, whole.box(0, 0, 0.5, 0.5))
    assert 0 < len(reads.groups) < every / 2
    assert len(looked) < len(reads.groups)
    assert found["totals"]["counts"]["footprints"] > sum(looked) / 2
    reads.clear()
    assert summed(whole, "0,0,9,9")["totals"]["counts"]["footprints"] == 0
    assert not reads.groups


def test_whether_all_is_covered(tmp_path: Path, whole: Whole) -> None:
    part, beyond = whole.box(0.2, 0.2, 0.8, 0.8), whole.box(0.5, 0.5, 9, 9)
    assert summed(whole, part)["complete"]
    assert not summed(whole, beyond)["complete"]
    assert summed(whole, None, whole.circle(0.5, 0.5, 99))["complete"]
    assert not summed(whole, None, whole.circle(0.5, 0.5, 9999))["complete"]
    assert summed(whole)["complete"]
    run(whole.files.request(tmp_path / "part", area=part, layers=()))
    of_part = Whole(whole.files, tmp_path / "part", whole.west, whole.south)
    assert summed(of_part, part)["complete"] and summed(of_part)["complete"]
    assert summed(of_part, whole.box(0.3, 0.3, 0.4, 0.4))["complete"]
    assert not summed(of_part, whole.box(0.1, 0.3, 0.4, 0.4))["complete"]
    assert not summed(of_part, None, whole.circle(0.25, 0.5, 60))["complete"]


def test_ground_without_land_needs_no_sheets(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the sea that belongs to a municipality."""
    beyond = whole.box(0.5, 0.5, 9, 9)
    monkeypatch.setattr(summary, "sheets_touching", lambda ground: [])
    assert summed(whole, beyond)["complete"]


def test_a_comb_is_told_to_be_incomplete_at_once(whole: Whole) -> None:
    """To shrink it would take 8 s and 1 GB."""
    finished, comb = open_finished(whole.out), Area(upright(4000), {})
    with using_at_most(2):
        assert not summary.is_complete(finished, comb, None)
