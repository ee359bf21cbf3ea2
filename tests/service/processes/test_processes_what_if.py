"""The process `what-if`: two runs and what differs, as a table and on the map."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.errors import InputError, Stopped
from pipeline.results import report
from pipeline.runs.run import run
from service.core.catalogue import Backend, Sources
from service.core.faults import Faults
from service.core.problem import Problem
from service.processes.dispatch import job_request
from service.processes.geojson import in_degrees, polygon_of
from tests.support.quarters import CORNER, MUNICIPALITY, World, carried_out

RD = {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}}


pytestmark = pytest.mark.usefixtures("no_map")


@pytest.fixture
def backend(w: World, tmp_path: Path) -> Backend:
    return w.backend(tmp_path / "state")


def tower(w: World, **properties: Any) -> dict[str, Any]:
    """A tower in the south of the middle: its shadow falls northward."""
    box = [float(edge) for edge in w.box(140, 60, 160, 80).split(",")]
    return {"type": "Feature", "geometry": polygon_of(box), "properties": properties, **RD}


def tallest(w: World) -> str:
    """The id of the highest building, which stands in the sun of others."""
    table = pq.read_table(w.run / "buildings.parquet", columns=["id", "height_m", "rejected"])
    rows = [row for row in table.to_pylist() if row["rejected"] is None]
    return str(max(rows, key=lambda row: row["height_m"])["id"])


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_bytes())


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return pq.read_table(folder / "buildings.parquet").to_pylist()


def test_a_tower_comes_and_another_goes(w: World, backend: Backend, tmp_path: Path) -> None:
    """What is left is the run with both; what differs from the run without is told, with the
    outline on the map. The run without is read from the collection."""
    gone = tallest(w)
    changed = {"add": tower(w, height_m=60, id="nieuw"), "remove": [gone]}
    inputs = {"area": MUNICIPALITY, "layers": ["shadow"], **changed}
    folder = carried_out("what-if", inputs, backend)
    made = job_request("what-if", inputs, backend)
    assert made.inputs["collection"] == "quarter"
    file = tmp_path / "add.geojson"
    file.write_text(json.dumps(made.inputs["add"], sort_keys=True, separators=(",", ":")))
    coming = {"add_building": (str(file),), "remove_building": (gone,)}
    run(w.asked(tmp_path / "after", area=made.inputs["area"], layers=("shadow",), **coming))
    expected, before = rows_of(tmp_path / "after"), rows_of(w.run)
    assert rows_of(folder) == expected
    collection = told(folder, "changes")
    features = {f["properties"]["id"]: f["properties"] for f in collection["features"]}
    assert features["nieuw"]["what"] == "added"
    assert features[gone]["rejected_after"] == "not_standing"
    old = {row["row"]: row["class"] for row in before}
    other = {r["row"] for r in expected if old.get(r["row"]) != r["class"]}
    assert other <= {f["id"] for f in collection["features"]}
    assert len(other) > 2
    outline = shapely.from_geojson(json.dumps(collection["features"][-1]["geometry"]))
    assert 3 < outline.bounds[0] < 8
    totals = told(folder, "totals")
    assert totals["after"]["counts"] == report.read(tmp_path / "after")["counts"]
    assert totals["before"]["counts"]["class"] == report.read(w.run)["counts"]["class"]
    assert not any((backend.settings.state / "work").iterdir())


def test_changes_lie_within_the_influence_zone(w: World, backend: Backend) -> None:
    """No row of the whole quarter differs that is not in the area that is chosen."""
    inputs = {"add": tower(w, height_m=25, id="nieuw"), "layers": []}
    near = carried_out("what-if", inputs, backend)
    far = carried_out("what-if", inputs | {"area": MUNICIPALITY}, backend)
    found, whole = (
        [{**f["properties"]} for f in told(each, "changes")["features"]] for each in (near, far)
    )
    assert found == whole
    assert len(rows_of(near)) <= len(rows_of(far))


def test_the_run_before_is_not_computed_twice(w: World, tmp_path: Path) -> None:
    """A job's result is taken, and left as it is."""
    backend = w.backend(tmp_path, w.inputs)
    plain = carried_out("suitability", {"area": CORNER, "layers": ["shadow"]}, backend)
    files = {f: f.read_bytes() for f in plain.rglob("*") if f.is_file()}
    events: list[str] = []

    def log(event: Any) -> None:
        events.append(event.get("stage"))

    inputs = {"area": CORNER, "layers": ["shadow"], "add": tower(w, roof_m=50)}
    folder = carried_out("what-if", inputs, backend, log=log)
    assert events.count("start") == 1
    assert {f: f.read_bytes() for f in plain.rglob("*") if f.is_file()} == files
    added = [f["properties"] for f in told(folder, "changes")["features"]]
    assert all(row["what"] == "changed" for row in added)  # it stands beside the area


def test_a_stopped_job_goes_on(w: World, tmp_path: Path) -> None:
    """Stopped between the two runs; nothing is half there."""
    backend = w.backend(tmp_path, w.inputs)
    inputs = {"area": MUNICIPALITY, "layers": [], "add": tower(w, roof_m=50)}
    stages: list[str] = []

    def progress(stage: str, done: int, total: int) -> None:
        stages.append(stage)

    def twice() -> bool:
        return stages.count("measure") > 0 and stages[0] != stages[-1] and len(stages) > 12

    with pytest.raises(Stopped):
        carried_out("what-if", inputs, backend, progress=progress, stop=twice)
    made = job_request("what-if", inputs, backend)
    folder = backend.settings.state / "results" / made.key
    assert not any(folder.iterdir())
    assert carried_out("what-if", inputs, backend) == folder
    assert told(folder, "changes")["features"]


def test_the_reach_needs_a_collection(w: World, tmp_path: Path) -> None:
    backend = w.backend(tmp_path, w.inputs)
    with pytest.raises(InputError, match="inputs add and remove: this service has no public"):
        job_request("what-if", {"add": tower(w, roof_m=50)}, backend)
    with_run = w.backend(tmp_path)
    with pytest.raises(InputError, match="inputs add and remove: this service has no public"):
        inputs = {"add": tower(w, roof_m=50), "parameters": {"date": "2025-11-21"}}
        job_request("what-if", inputs, with_run)
    with pytest.raises(InputError, match="has no building 1"):
        job_request("what-if", {"remove": ["1"]}, with_run)


def test_what_if_needs_heights(w: World, backend: Backend) -> None:
    nothing = Backend(backend.settings, Sources(), backend.public)
    with pytest.raises(Problem) as error:
        job_request("what-if", {"add": tower(w, roof_m=50)}, nothing)
    assert error.value.status == 409


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({}, "feature 0: has no height"),
        ({"roof_m": 5000}, "feature 0: has an impossible height"),
        ({"height_m": -3}, "feature 0: has an impossible height"),
        ({"roof_m": "high"}, "its property roof_m is not a number"),
    ],
)
def test_an_added_building_has_a_height(
    w: World, backend: Backend, properties: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        job_request("what-if", {"add": tower(w, **properties)}, backend)


def test_other_faulty_inputs_are_refused(w: World, backend: Backend) -> None:
    for inputs, said in (
        ({}, "input add: is missing"),
        ({"remove": "x"}, "input remove"),
        ({"remove": ["x"], "parameters": {"surface": "dsm"}}, "input remove: .*measured surface"),
        ({"add": {"href": "http://localhost/"}}, "input add: refers to another place"),
    ):
        with pytest.raises(InputError) as error:
            job_request("what-if", inputs, backend)
        assert re.search(said, Faults().sentence(error.value))
    far = {"type": "FeatureCollection", "features": [
        tower(w, roof_m=50),
        tower(w, roof_m=50) | {"geometry": polygon_of((140_000, 481_170, 140_010, 481_180))},
    ], **RD}  # fmt: skip
    with pytest.raises(InputError, match="lie more than 10 km apart"):
        job_request("what-if", {"add": far}, backend)


def test_recognised_by_what_changes(w: World, backend: Backend) -> None:
    def key(**inputs: Any) -> str:
        return job_request("what-if", {"area": CORNER, "layers": []} | inputs, backend).key

    one = tower(w, roof_m=50)
    assert key(add=one) == key(add=one | {"properties": {"ROOF_M": "50", "id": "added-1"}})
    others = [key(add=tower(w, roof_m=51)), key(remove=["7"]), key(add=one, remove=["7"])]
    assert len({key(add=one), *others}) == 4
    assert key(remove=["7", "8"]) == key(remove=["8", " 7", "NL.IMBAG.Pand.7"])


def test_outlines_in_degrees() -> None:
    (found, none) = in_degrees([shapely.box(155_000, 463_000, 155_010, 463_010), None])
    assert none is None
    assert found is not None
    # The spire of Amersfoort, as the Kadaster gives it in ETRS89; half a metre is 5e-6 degrees.
    spire = [5.387203657, 52.155172897]
    assert min(found["coordinates"][0]) == pytest.approx(spire, abs=5e-6)
