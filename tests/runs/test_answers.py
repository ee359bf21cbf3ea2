"""An answer from a finished run is what a run of that area gives: rows, rasters, sums."""

import copy
import dataclasses
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline import quarter
from pipeline.errors import InputError, Stopped
from pipeline.results.printed import to_text
from pipeline.runs import matching
from pipeline.runs.answers import answer, why_not
from pipeline.runs.request import Request
from pipeline.runs.run import run
from tests.support.finished import amend
from tests.support.outcomes import LAYERS, Outcome, assert_equal, middle, outcome
from tests.support.reads import Reads
from tests.support.runs import Files, undrawn

SECTIONS = ("counts", "area_ha", "kwh", "households", "coverage")
SIZE = 620, 520
NONE: tuple[str, ...] = ()


@pytest.fixture(autouse=True, scope="module")
def small_groups_and_no_map() -> Iterator[None]:
    """Many row groups of few rows; drawing takes longer than all else."""
    with undrawn(group_rows=16):
        yield


@dataclass(frozen=True)
class Store:
    """A finished run of a whole quarter, its inputs, and some areas of it."""

    files: Files
    out: Path
    areas: dict[str, dict[str, Any]]

    def request(self, out: Path, area: str = "rectangle", **more: Any) -> Request:
        return self.files.request(out, **({"layers": LAYERS} | self.areas[area] | more))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    made = quarter.generate(folder / "in", size=SIZE, resolution=1)
    files = Files(made.dsm, made.dtm, odder(made.buildings, folder / "pand.parquet"))
    run(files.request(folder / "whole", layers=LAYERS))
    rectangle = middle(outcome(folder / "whole"), 0.6)
    xmin, ymin, xmax, ymax = map(float, rectangle.split(","))
    x, y, size = (xmin + xmax) / 2, (ymin + ymax) / 2, (xmax - xmin) / 2
    parts = [shapely.Point(x, y).buffer(size / 2), shapely.box(xmin, ymin, x, y)]
    gpd.GeoDataFrame(geometry=parts, crs=28992).to_file(folder / "parts.gpkg")
    areas = {
        "rectangle": {"area": rectangle},
        "polygons": {"area": str(folder / "parts.gpkg")},
        "circle in it": {"area": rectangle, "around": f"{x},{y},{size / 2}"},
        "circle": {"around": f"{x},{y},{size / 2}"},
        "beyond the sheets": {"area": f"{x},{y},{x + 5000},{y + 5000}"},
        "all": {},
    }
    return Store(files, folder / "whole", areas)


def odder(buildings: Path, to: Path) -> Path:
    """The same footprints, with some that have no polygon and one beside the sheets."""
    table = gpd.read_file(buildings, layer="pand")
    xmin, ymin, xmax, _ = table.total_bounds
    beside = shapely.box(xmin - 300, ymin + 9, xmin - 290, ymin + 19)
    shapes = [None, shapely.LineString([(xmin, ymin), (xmax, ymin)]), beside, None]
    more = gpd.GeoDataFrame({"identificatie": [*"dacb"]}, geometry=shapes, crs=28992)
    pd.concat([more[:2], table, more[2:]]).to_parquet(to)
    return to


def of_a_run(found: Outcome) -> dict[str, Any]:
    """What a report says that an answer says as well."""
    said = {name: dict(found.report[name]) for name in ("method", "inputs", *SECTIONS)}
    said["counts"].pop("neighbours")
    said["inputs"].pop("answered_from", None)
    accounting = dict(found.report["accounting"])
    accounting.pop("cells")
    return said | {"accounting": accounting, "program": found.report["program"]}


@pytest.mark.parametrize(
    ("area", "layers"),
    [
        ("rectangle", LAYERS),
        ("rectangle", NONE),
        ("polygons", LAYERS),
        ("circle in it", NONE),
        ("circle", NONE),
        ("beyond the sheets", NONE),
        ("all", LAYERS),
    ],
)
def test_an_answer_is_what_a_run_gives(
    tmp_path: Path, finished: Store, area: str, layers: tuple[str, ...]
) -> None:
    whole = area == "all" and layers == LAYERS
    request = finished.request(finished.out if whole else tmp_path / "run", area, layers=layers)
    asked = request.replace(out=tmp_path / "answer")
    computed, result = run(request), answer(asked, finished.out)
    assert computed.was_finished == whole
    assert not result.was_finished and result.report["counts"]["footprints"] > 15
    found, expected = outcome(tmp_path / "answer"), outcome(Path(request.outputs.out))
    assert of_a_run(found) == of_a_run(expected)
    assert found.report["counts"]["neighbours"] is None
    a, b = (pq.read_table(Path(r.outputs.out) / "buildings.parquet") for r in (asked, request))
    assert a.equals(b)  # in the same order as well
    same = {"buildings": b"", "report": {}}
    assert_equal(dataclasses.replace(found, **same), dataclasses.replace(expected, **same))
    assert bool(found.arrays) == bool(layers)
    assert computed.report["machine"].keys() > result.report["machine"].keys()


def test_layers_end_where_the_footprints_do(tmp_path: Path, finished: Store) -> None:
    request = finished.request(tmp_path / "a", "beyond the sheets")
    assert why_not(finished.out, request) == "its raster layers end before the area does"


def test_the_quarter_asks_enough(finished: Store) -> None:
    rows = pq.read_table(finished.out / "buildings.parquet").to_pandas()
    assert pq.read_metadata(finished.out / "buildings.parquet").num_row_groups > 5
    assert rows["centre_x"].isna().any()
    assert {"off_rasters", "empty", "invalid"} <= {*rows["rejected"]}
    assert "reach_cut" in {*rows["flags"].explode()}


def test_its_own_sheets_and_footprints_need_not_be_named(tmp_path: Path, finished: Store) -> None:
    request = finished.request(tmp_path / "a")
    bare = request.replace(dsm=(), dtm=(), buildings=(), out=tmp_path / "b")
    report = answer(bare, finished.out).report
    source = report["inputs"]["answered_from"]
    assert (source["name"], source["area"]) == ("whole", None)
    assert str(finished.out.parent) not in (tmp_path / "b" / "report.json").read_text()
    assert report["accounting"]["cells"] == {}
    assert source["not_known"] == ["counts.neighbours", "accounting.cells"]
    assert "besides, for their shadow and shelter" in to_text(report)
    with pytest.raises(InputError, match=r"another inputs\.answered_from"):
        run(request.replace(out=tmp_path / "b"))


def test_an_answer_from_an_answer_of_a_region(tmp_path: Path, finished: Store) -> None:
    """Its area is found in the same boundaries again; without those it is not known."""
    xmin, ymin, xmax, ymax = map(float, finished.areas["rectangle"]["area"].split(","))
    rows = {"statcode": ["GM9999", "GM9998"], "statnaam": ["Kwartier", "Hoek"]}
    corner = shapely.box(xmin, ymin, (xmin + xmax) / 2, ymax)
    shapes = [shapely.box(xmin, ymin, xmax, ymax), corner]
    file = tmp_path / "gemeente.geojson"
    gpd.GeoDataFrame(rows, geometry=shapes, crs=28992).to_file(file)
    asked = finished.request(tmp_path / "a", area="circle", layers=(), boundaries=(str(file),))
    asked = asked.replace(around=None, area="Kwartier")
    answer(asked, finished.out)
    part = asked.replace(area="GM9998", out=tmp_path / "b")
    assert why_not(tmp_path / "a", part) is None
    answer(part, tmp_path / "a")
    run(part.replace(out=tmp_path / "c"))
    a, b = (pq.read_table(tmp_path / name / "buildings.parquet") for name in "bc")
    assert a.equals(b)
    shutil.copy(file, tmp_path / "gemeente2.geojson")
    other = part.replace(boundaries=(str(tmp_path / "gemeente2.geojson"),))
    assert "cannot be told any more" in str(why_not(tmp_path / "a", other))


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "a parameter": ({"settings": {"wind_radius_m": 50}}, "wind_radius_m (100.0 there, 50.0 here)"),
    "a restriction": ({"restrictions": "roofs.csv"}, "restrictions"),
    "a tower": ({"add_building": ("tower.gpkg",)}, "added"),
    "a demolition": ({"remove_building": ("1",)}, "removed"),
    "a group": ({"group": "complex"}, "option group"),
    "another source": ({"attribution": "me"}, "attribution"),
    "elsewhere": ({"area": "1000,1000,2000,2000"}, "sheets do not reach"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_other_requests_are_not_answered(tmp_path: Path, finished: Store, other: str) -> None:
    changed, reason = OTHERS[other]
    request = finished.request(tmp_path / "a").replace(**changed)
    assert reason in str(why_not(finished.out, request))
    with pytest.raises(InputError, match="whole: does not hold the answer: "):
        answer(request, finished.out)
    assert not (tmp_path / "a").exists()


def test_runs_made_with_other_options_do_not_answer(tmp_path: Path, finished: Store) -> None:
    """Fewer layers, a smaller area, another version, a restriction: by the report."""
    home = tmp_path / "store"
    shutil.copytree(finished.out, home)
    said = json.loads((home / "report.json").read_text())

    def reason(**changed: Any) -> str:
        told = copy.deepcopy(said)
        for path, value in changed.items():
            *way, last = path.split("__")
            inner = told
            for name in way:
                inner = inner[name]
            inner[last] = value
        amend(home, told)
        return str(why_not(home, finished.request(tmp_path / "a")))

    assert reason() == "None"
    assert "lack hillshade" in reason(inputs__options__layers=["shadow"])
    assert "does not hold this one" in reason(inputs__area=[0, 0, 1000, 1000])
    assert "program.version" in reason(program__version="0.0.1")
    assert reason(inputs__restrictions={"name": "roofs.csv"}).startswith("restrictions")
    assert reason(inputs__removed=[{"id": "1"}]).startswith("removed")
    assert "allowed gaps" in reason(inputs__options__allow=["gaps"])


def test_other_sheets_and_footprints(tmp_path: Path, finished: Store) -> None:
    """A sheet that matters has another size, or is gone; footprints are cut off."""
    files, request = finished.files, finished.request(tmp_path / "a")
    sheet = Path(shutil.copy(files.dsm[0], tmp_path))
    assert not why_not(finished.out, request.replace(dsm=(str(sheet), *request.inputs.dsm[1:])))
    with sheet.open("ab") as stream:
        stream.write(b"more")
    longer = request.replace(dsm=(str(sheet), *request.inputs.dsm[1:]))
    assert f"DSM sheet {sheet.name} is another" in str(why_not(finished.out, longer))
    fewer = request.replace(dtm=request.inputs.dtm[1:])
    assert "DTM sheet" in str(why_not(finished.out, fewer))
    roofs = Path(shutil.copy(files.buildings, tmp_path / "other.parquet"))
    other = request.replace(buildings=(str(roofs),))
    assert "footprints are others" in str(why_not(finished.out, other))


def test_whether_it_answers_takes_no_reading_of_rows(
    tmp_path: Path, finished: Store, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless what could matter at most says no: then what does matter is looked at."""
    request = finished.request(tmp_path / "a")
    assert why_not(finished.out, request) is None and not reads.groups
    other = "a sheet that could matter at most"
    monkeypatch.setattr(
        matching,
        "_sheet_differences",
        lambda query: iter([] if query.grid_area.scope.asked else [other]),
    )
    assert why_not(finished.out, request) is None and reads.groups
    monkeypatch.setattr(matching, "_sheet_differences", lambda query: iter([other]))
    assert why_not(finished.out, request) == other


def test_a_sheet_that_is_known_and_far_away_is_not_opened(tmp_path: Path, finished: Store) -> None:
    """By name and size; one of another size is, and this one is no sheet at all."""
    home, far = tmp_path / "store", tmp_path / "R_FAR_1.tif"
    shutil.copytree(finished.out, home)
    far.write_bytes(b"no sheet")
    said = json.loads((home / "report.json").read_text())
    xmin, ymin, xmax, ymax = said["inputs"]["dsm"][0]["bounds"]
    beyond = [xmin + 90_000, ymin, xmax + 90_000, ymax]
    there = {"name": far.name, "size": far.stat().st_size, "bounds": beyond}
    said["inputs"]["dsm"].append(said["inputs"]["dsm"][0] | there)
    amend(home, said)
    request = finished.request(tmp_path / "a")
    asked = request.replace(dsm=(*request.inputs.dsm, str(far)))
    assert why_not(home, asked) is None
    far.write_bytes(b"no sheet at all")
    with pytest.raises(InputError, match=r"R_FAR_1\.tif: not a raster"):
        why_not(home, asked)


def test_faulty_requests_are_refused(tmp_path: Path, finished: Store) -> None:
    request = finished.request(tmp_path / "a")
    with pytest.raises(InputError, match="upside down"):
        why_not(finished.out, request.replace(area="5,5,1,1"))
    with pytest.raises(InputError, match="so no finished run"):
        why_not(tmp_path, request)
    with pytest.raises(InputError, match="whole: is what is read; give another place"):
        answer(request.replace(out=finished.out, overwrite=True), finished.out)
    x, y = map(float, str(request.selection.area).split(",")[:2])
    empty = request.replace(area=f"{x},{y},{x + 0.01},{y + 0.01}")
    with pytest.raises(InputError, match="no footprint lies in area"):
        answer(empty, finished.out)
    with pytest.raises(InputError, match="no footprint's centre lies in it"):
        answer(request.replace(around="1,1,5"), finished.out)


@pytest.mark.parametrize("patience", [1, 4, 9])
def test_stopped_and_done_again_and_then_finished(
    tmp_path: Path, finished: Store, patience: int
) -> None:
    request = finished.request(tmp_path / "a")
    polls = iter(range(patience))
    with pytest.raises(Stopped):
        answer(request, finished.out, stop=lambda: next(polls, None) is None)
    assert not (tmp_path / "a" / "report.json").exists()
    assert not answer(request, finished.out).was_finished
    answer(request.replace(out=tmp_path / "b"), finished.out)
    assert_equal(outcome(tmp_path / "a"), outcome(tmp_path / "b"))
    assert answer(request, finished.out).was_finished


def test_progress_comes_to_its_end(tmp_path: Path, finished: Store) -> None:
    told: dict[str, tuple[int, int]] = {}
    answer(finished.request(tmp_path / "a"), finished.out, lambda s, i, n: told.update({s: (i, n)}))
    assert told.keys() == {"copy", "table"}
    assert all(done == total > 1 for done, total in told.values())
