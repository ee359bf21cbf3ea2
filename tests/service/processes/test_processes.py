"""Orders: what makes two of them one, and that carrying one out is the command line's run."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError, Stopped
from pipeline.quarter.regions import write_regions
from pipeline.results import report
from pipeline.runs.run import run
from pipeline.storage.ledger import RECORDS, WORK
from service.core.catalogue import Backend, Collection, Sources, public_collections
from service.core.faults import Faults
from service.core.problem import Problem
from service.processes.dispatch import job_request
from service.processes.geojson import polygon_of
from service.processes.job_request import FORGOTTEN_S, run_request
from service.processes.summary import summarise
from tests.support.quarters import CORNER, MUNICIPALITY, World, carried_out
from tests.support.region import assert_same

RD = {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}}


@pytest.fixture
def backend(w: World, tmp_path: Path) -> Backend:
    """A service that can compute, and shows no run."""
    return w.backend(tmp_path / "state", w.inputs)


def drawn(w: World, *corners: float) -> dict[str, Any]:
    """A rectangle as somebody draws it, in RD."""
    box = [float(edge) for edge in w.box(*corners).split(",")]
    return {"type": "Feature", "geometry": polygon_of(box), "properties": None, **RD}


def unwanted(w: World, *corners: float) -> dict[str, Any]:
    words = {"what": "both", "effect": "exclude", "kind": "not_wanted", "reason": "mine"}
    return drawn(w, *corners) | {"properties": words}


def test_a_job_is_the_run_of_the_command_line(w: World, backend: Backend) -> None:
    assert_same(carried_out("suitability", {"area": "daklaag"}, backend), w.run)


def test_so_it_is_with_parameters_and_layers(w: World, backend: Backend, tmp_path: Path) -> None:
    inputs = {
        "area": CORNER,
        "parameters": {"panel_share": 0.2, "times": ["12:00"]},
        "layers": ["shadow"],
        "lang": "nl",
    }
    settings = {"panel_share": "0.2", "times": "12:00"}
    run(w.asked(tmp_path / "out", area=CORNER, settings=settings, layers=("shadow",), lang="nl"))
    assert_same(carried_out("suitability", inputs, backend), tmp_path / "out")


@pytest.mark.usefixtures("no_map")
def test_so_it_is_with_all_that_is_sent_along(w: World, backend: Backend, tmp_path: Path) -> None:
    """A drawn area, a circle, restrictions, footprints: as files of the same content."""
    circle = w.box(150, 150, 80, 0).rpartition(",")[0]
    footprints = drawn(w, 100, 100, 112, 110)
    footprints["properties"] = {"identificatie": "mine", "bouwjaar": 1950, "unknown": []}
    inputs = {
        "area": drawn(w, 10, 10, 290, 280),
        "around": ",".join([*circle.split(",")[:2], "120"]),
        "restrictions": unwanted(w, 90, 90, 200, 200),
        "footprints": footprints,
        "layers": [],
    }
    found = carried_out("suitability", inputs, backend)
    files, asked = {}, job_request("suitability", inputs, backend).inputs
    for name in ("area", "restrictions", "footprints"):
        files[name] = tmp_path / f"{name}.geojson"
        files[name].write_text(json.dumps(asked[name], sort_keys=True, separators=(",", ":")))
    kept = {"id": "mine", "bouwjaar": 1950.0}
    assert asked["footprints"]["features"][0]["properties"] == kept
    assert "mine" not in json.dumps(asked["restrictions"])  # reasons are not for the report
    run(
        w.asked(
            tmp_path / "out",
            area=str(files["area"]),
            around=inputs["around"],
            restrictions=str(files["restrictions"]),
            buildings=(str(files["footprints"]),),
            layers=(),
        )
    )
    assert_same(found, tmp_path / "out")
    rows = pq.read_table(found / "buildings.parquet").to_pylist()
    assert [(row["id"], row["built"], row["excluded"]) for row in rows] == [("mine", 1950, "both")]
    assert not any((backend.settings.state / "work").iterdir())


@pytest.mark.usefixtures("no_map")
def test_a_finished_run_is_read(w: World, tmp_path: Path) -> None:
    """An area inside a finished run, of the same inputs or where there is none to compute from."""
    run(w.asked(tmp_path / "out", area=CORNER))
    expected = pq.read_table(tmp_path / "out" / "buildings.parquet")
    for number in (1, 2):
        backend = w.backend(tmp_path / str(number))
        if number == 2:
            nothing = Sources(boundaries=backend.sources.boundaries)
            backend = Backend(backend.settings, nothing, backend.public)
        made = job_request("suitability", {"area": CORNER}, backend)
        assert made.inputs["collection"] == "quarter"
        found = carried_out("suitability", {"area": CORNER}, backend, log=_never)
        assert pq.read_table(found / "buildings.parquet").equals(expected)


def _never(*given: Any) -> None:
    raise AssertionError("it was computed")


def test_other_parameters_are_computed(w: World, tmp_path: Path) -> None:
    backend = w.backend(tmp_path)
    inputs = {"area": CORNER, "parameters": {"panel_share": 0.5}}
    assert job_request("suitability", inputs, backend).inputs["collection"] is None
    nothing = replace(backend, sources=Sources(boundaries=backend.sources.boundaries))
    with pytest.raises(Problem, match="was given no heights") as error:
        job_request("suitability", inputs, nothing)
    assert error.value.status == 409
    assert "panel_share" in error.value.detail


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"method": "annual", "parameters": {"turbine": "turbi"}},
         "parameter turbine: 'turbi' is not in turbines.csv; did you mean turby?; it has study,"),
        ({"parameters": {"times": ["10:00", "23:30"]}},
         "parameter times: on 2025-12-21 at 23:30 CET the sun stands"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("process", ["suitability", "what-if"])
def test_what_a_run_would_refuse_is_refused_at_once(
    w: World, tmp_path: Path, process: str, inputs: dict[str, Any], said: str
) -> None:
    more = {"add": drawn(w, 9, 9, 19, 19) | {"properties": {"roof_m": 9}}}
    asked = {"area": CORNER, **inputs, **(more if process == "what-if" else {})}
    for backend in (w.backend(tmp_path / "with"), w.backend(tmp_path / "without", w.inputs)):
        with pytest.raises(InputError) as fault:
            job_request(process, asked, backend)
        assert Faults().sentence(fault.value).startswith(said)


def test_orders_are_recognised(w: World, backend: Backend) -> None:
    """In other words, with defaults said or not, whoever asks."""

    def key(**inputs: Any) -> str:
        return job_request("suitability", {"area": MUNICIPALITY} | inputs, backend).key

    same = [
        {},
        {"area": "  Daklaag"},
        {"area": {"value": "GM9999", "mediaType": "text/plain"}},
        {"layers": ["shadow", "hillshade", "shadow"]},
        {"parameters": {"panel_share": 0.1, "date": "2025-12-21"}},
        {"parameters": {"panel_share": "0.10"}},
        {"method": "powermapping", "lang": "en", "restrictions": None},
    ]
    other = [
        {"area": "PV99"},
        {"area": w.box(0, 0, 300, 300)},
        {"area": drawn(w, 0, 0, 300, 300)},
        {"around": w.box(150, 150, 0, 0).rsplit(",", 2)[0] + ",100"},
        {"layers": ["shadow"]},
        {"lang": "nl"},
        {"parameters": {"panel_share": 0.2}},
        {"restrictions": unwanted(w, 0, 0, 10, 10)},
        {"footprints": drawn(w, 0, 0, 10, 10)},
    ]
    assert len({key(**each) for each in same}) == 1
    assert len({key(), *(key(**each) for each in other)}) == 1 + len(other)


def test_files_are_read_as_the_settings_say(w: World, tmp_path: Path) -> None:
    """As the command line's options of the same names; an upload has columns of its own."""
    plain = w.backend(tmp_path, w.inputs)
    how = {"nodata": 0.0, "allow": ("versions",), "id": "number", "layer": "pand", "group": "part"}
    backend = replace(plain, settings=w.settings(tmp_path, w.inputs, **how))
    inputs = job_request("suitability", {"area": CORNER}, plain).inputs
    request = run_request(backend, inputs, tmp_path / "files", tmp_path / "out")
    assert {name: getattr(request.inputs, name) for name in how} == how | {"allow": {"versions"}}
    sent = inputs | {"footprints": drawn(w, 0, 0, 9, 9)}
    request = run_request(backend, sent, tmp_path / "files", tmp_path / "out")
    assert (request.inputs.nodata, request.inputs.allow) == (0.0, {"versions"})
    assert (request.inputs.id, request.inputs.layer, request.inputs.group) == (None, None, None)
    keys = {job_request("suitability", {"area": CORNER}, each).key for each in (plain, backend)}
    assert len(keys) == 2


def test_another_sheet_makes_another_order(w: World, tmp_path: Path) -> None:
    """Or other boundaries; and another version of the program."""
    here = tmp_path / "inputs"
    shutil.copytree(w.inputs, here)

    def key() -> str:
        backend = w.backend(tmp_path / "s", here)
        return job_request("suitability", {"area": MUNICIPALITY}, backend).key

    keys = [key()]
    os.utime(next(here.glob("R_*.tif")), (1, 1))
    keys.append(key())
    write_regions(here, (w.bounds[0], *w.bounds[1:3], w.bounds[3] - 100))
    keys.append(key())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.processes.job_request.version", lambda name: "99")
        keys.append(key())
    assert len(set(keys)) == 4
    assert keys[2] == key()


@pytest.mark.usefixtures("no_map")
def test_a_stopped_job_goes_on(w: World, backend: Backend, tmp_path: Path) -> None:
    """After a stop in the midst, and after a kill, which leaves files; done, it only tidies up."""
    inputs = {"area": drawn(w, 0, 0, 300, 300)}
    made = job_request("suitability", inputs, backend)
    told: list[str] = []

    def progress(stage: str, done: int, total: int) -> None:
        told.append(stage)

    with pytest.raises(Stopped):
        carried_out("suitability", inputs, backend, progress=progress, stop=lambda: "shade" in told)
    left = backend.settings.state / "work" / made.key
    left.mkdir(parents=True)
    (left / "area.geojson.partial").touch()
    folder = carried_out("suitability", inputs, backend, progress=progress)
    assert not left.exists()
    plain = carried_out("suitability", inputs, w.backend(tmp_path / "other", w.inputs))
    assert_same(folder, plain)
    before = (folder / "report.json").stat().st_mtime_ns
    (folder / WORK / RECORDS).mkdir(parents=True)
    (folder / WORK / RECORDS / "1_0.npz").touch()  # killed as it removed its work
    assert carried_out("suitability", inputs, backend) == folder
    assert (folder / "report.json").stat().st_mtime_ns == before
    assert_same(folder, plain)


@pytest.mark.usefixtures("no_map")
def test_leftovers_of_killed_jobs_are_removed(w: World, backend: Backend) -> None:
    old, new = (backend.settings.state / "work" / name for name in ("old", "new"))
    for place in (old, new):
        place.mkdir(parents=True)
    os.utime(old, (1, time.time() - FORGOTTEN_S - 1))
    carried_out("suitability", {"area": CORNER, "layers": []}, backend)
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "input area: is missing"),
        ({"area": 7}, "input area: give a text"),
        ({"area": "Atlantis"}, "input area: Atlantis: no region"),
        ({"area": {"href": "http://169.254.169.254/"}}, "input area: refers to another place"),
        ({"area": {"href": "file:///etc/passwd", "type": "x"}}, "input area: refers to another"),
        ({"area": CORNER, "extra": 1}, "input extra: there is no such input"),
        ({"area": CORNER, "layers": ["shadow", "sun"]}, r"input layers\[1\]: input should be"),
        ({"area": CORNER, "layers": "shadow"}, "input layers: input should be a valid list"),
        ({"area": CORNER, "lang": "de"}, "input lang: input should be 'en' or 'nl'"),
        ({"area": CORNER, "method": "x"}, "input method: 'x' is unknown"),
        ({"area": CORNER, "parameters": {"panel": 1}}, "did you mean panel_share"),
        ({"area": CORNER, "parameters": {"panel_share": 2}}, "input parameters: .* 0 to 1"),
        ({"area": CORNER, "parameters": {"heights_year": 1e999}}, "input parameters: .*1995"),
        ({"area": CORNER, "parameters": []}, "input parameters: input should be a valid dict"),
        ({"area": CORNER, "around": "here"}, "input around: is no circle"),
        ({"area": CORNER, "restrictions": {"type": "Point", "coordinates": [5, 52]}},
         "input restrictions: feature 0: its property what is not one of solar, wind, both"),
        ({"area": CORNER, "footprints": {"type": "Point", "coordinates": [5, 52]}},
         "input footprints: feature 0: is no Polygon"),
    ],
)  # fmt: skip
def test_faults_name_the_input(backend: Backend, inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as fault:
        job_request("suitability", inputs, backend)
    assert re.search(said, Faults().sentence(fault.value))


# Summaries


@pytest.fixture
def asking(w: World, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The process `summary` of a service that shows the run."""
    backend = w.backend(tmp_path)
    public = public_collections(backend.settings)
    return lambda **inputs: json.loads(summarise(inputs, backend, lambda name: public[name]))


@pytest.mark.usefixtures("no_map")
def test_a_summary_is_the_report_of_the_area(
    w: World, tmp_path: Path, asking: Callable[..., dict[str, Any]]
) -> None:
    run(w.asked(tmp_path / "out", area=CORNER))
    told = report.read(tmp_path / "out")
    found = asking(area="noordwest", households=10)
    for name in ("counts", "area_ha", "kwh"):
        assert found["totals"][name].items() <= told[name].items()
    assert found["totals"]["households"]["number"] == 10
    assert (found["collection"], found["complete"], found["rows"]) == ("quarter", True, [])
    assert found["area"] == {
        "kind": "neighbourhood", "code": CORNER, "name": "Noordwest", "km2": 0.0225,
    }  # fmt: skip
    assert found["method"]["name"] == "powermapping"


def test_rows_by_regions_and_by_polygons(
    w: World, tmp_path: Path, asking: Callable[..., dict[str, Any]]
) -> None:
    """Those that touch the area; what is outside of all of them is told apart."""
    found = asking(area=MUNICIPALITY, by="neighbourhood")
    assert [row["code"] for row in found["rows"]] == [f"BU9999000{n}" for n in range(1, 5)]
    judged = [row["judged"] for row in (*found["rows"], found["outside"])]
    assert sum(judged) == found["totals"]["counts"]["judged"] > 0
    one = asking(area=CORNER, by="neighbourhood")
    assert [row["name"] for row in one["rows"]] == ["Noordwest"]
    assert one["rows"][0] == found["rows"][0]
    mine = drawn(w, 0, 150, 150, 300) | {"properties": {"wijk": "A", "households": 5, "deep": {}}}
    polygons = asking(by=mine)
    assert polygons["rows"][0]["wijk"] == "A"
    assert polygons["rows"][0]["judged"] == found["rows"][0]["judged"]
    assert polygons["rows"][0]["households_share"] > 0
    assert "deep" not in polygons["rows"][0]
    assert asking(by=drawn(w, 0, 150, 150, 300))["rows"][0]["area"] == 1


def test_a_circle_counts_exactly(w: World, asking: Callable[..., dict[str, Any]]) -> None:
    x, y = (edge + 150 for edge in w.bounds[:2])
    table = pq.read_table(w.run / "buildings.parquet", columns=["centre_x", "centre_y"])
    inside = np.hypot(table["centre_x"].to_numpy() - x, table["centre_y"].to_numpy() - y) <= 90
    found = asking(around=f"{x},{y},90")
    assert found["totals"]["counts"]["selected"] == inside.sum() > 3
    assert found["around"] == [x, y, 90]


def test_areas_not_covered_are_reported(w: World, asking: Callable[..., dict[str, Any]]) -> None:
    assert asking(area=drawn(w, 10, 10, 200, 200))["complete"] is True
    assert asking(area=drawn(w, 10, 10, 20_000, 200))["complete"] is False


def test_an_answer_is_kept(
    asking: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not when the run is another, nor one that only one client can have asked for."""
    inputs = {"area": MUNICIPALITY, "by": "postcode", "households": 77}
    first = asking(**inputs)
    monkeypatch.setattr("service.processes.summary._answer", _never)
    assert asking(**inputs) == first
    monkeypatch.setattr("service.processes.summary._stamps", lambda *given: ("later",))
    with pytest.raises(AssertionError):
        asking(**inputs)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"by": "planet"}, "input by: 'planet' is unknown"),
        ({"by": "district"}, "input by: .* have no district"),
        ({"households": 0}, "input households: input should be greater than 0"),
        ({"households": True}, "input households: input should be a valid number"),
        ({"area": "Atlantis"}, "input area"),
        ({"collection": 7}, "input collection: input should be a valid string"),
    ],
)
def test_faulty_summary_inputs_are_refused(
    asking: Callable[..., dict[str, Any]], inputs: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as fault:
        asking(**inputs)
    assert re.search(said, Faults().sentence(fault.value))


def test_without_a_collection_there_is_no_summary(w: World, backend: Backend) -> None:
    with pytest.raises(Problem, match="has no public collection"):
        summarise({}, backend, dict[str, Collection]().__getitem__)
