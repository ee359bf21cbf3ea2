"""OGC API - Processes over HTTP: its rules for every answer, and two clients of others."""

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient
from ogc_api_processes_client import Configuration
from ogc_api_processes_client.api_client_wrapper import ApiClientWrapper
from owslib.ogcapi.processes import Processes

from pipeline.quarter.regions import CORNERS
from service.api.access import COOKIE
from service.api.app import create_app
from service.api.service import Service
from service.core.catalogue import Backend
from service.jobs.work import Task, work
from service.processes.dispatch import execute
from service.processes.geojson import polygon_of
from tests.ogc.schemas import faults
from tests.support.clusters import wait
from tests.support.quarters import CORNER, MUNICIPALITY, World

HERE = "http://127.0.0.1:8000"
OGC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
ASYNC = {"Prefer": "respond-async, wait=5"}


@dataclass(frozen=True)
class Asked:
    """A service without workers, and a client of it."""

    client: TestClient
    service: Service

    def get(self, path: str, schema: str, status: int = 200) -> Any:
        """What is answered, which keeps to the schema of the standard."""
        return self._kept(self.client.get(path), schema, status)

    def execute(self, process: str, schema: str, status: int, **said: Any) -> Any:
        answer = self.client.post(f"/processes/{process}/execution", json=said, headers=ASYNC)
        return self._kept(answer, schema, status)

    def _kept(self, answer: Any, schema: str, status: int) -> Any:
        assert answer.status_code == status, answer.text
        said = answer.json()
        assert faults(schema, said) == []
        if schema == "exception":
            assert answer.headers["content-type"] == "application/problem+json"
            assert said["status"] == status
        return said

    def submitted(self, process: str = "suitability", **said: Any) -> str:
        """The id of a job."""
        told: str = self.execute(process, "statusInfo", 201, **said)["jobID"]
        return told

    def done(self, process: str = "suitability", **said: Any) -> str:
        """The id of a job that was carried out."""
        id = self.submitted(process, **said)
        self.work()
        return id

    def work(self) -> None:
        s = self.service
        while job := s.jobs.claim("worker"):
            backend = Backend(s.settings, s.sources, s.public)
            work(job, s.jobs, Task("worker", backend), execute)


@pytest.fixture(scope="module")
def state(w: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is computed by one test need not be by the next."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def asked(w: World, state: Path) -> Asked:
    app = create_app(w.settings(state), work=False)
    return Asked(TestClient(app, base_url=HERE), app.state.service)


def test_the_landing_page_and_the_process_list(asked: Asked) -> None:
    landing = asked.get("/", "landingPage")
    rels = {link["rel"]: link["href"] for link in landing["links"]}
    assert rels["http://www.opengis.net/def/rel/ogc/1.0/processes"] == f"{HERE}/processes"
    conforms = asked.get("/conformance", "confClasses")["conformsTo"]
    base = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
    assert {f"{base}{name}" for name in ("core", "ogc-process-description", "json", "job-list",
                                         "dismiss", "callback")} <= {*conforms}  # fmt: skip
    listed = asked.get("/processes", "processList")["processes"]
    options = {each["id"]: each["jobControlOptions"] for each in listed}
    assert options == {
        "suitability": ["async-execute", "dismiss"],
        "summary": ["sync-execute"],
        "what-if": ["async-execute", "dismiss"],
    }
    assert len(asked.get("/processes?limit=1", "processList")["processes"]) == 1
    for each in listed:
        (self,) = [link["href"] for link in each["links"] if link["rel"] == "self"]
        whole = asked.get(self.removeprefix(HERE), "process")
        assert each.items() <= whole.items()
        assert whole["inputs"]
        assert whole["outputs"]


def test_unknown_processes_and_jobs_are_not_found(asked: Asked) -> None:
    for method, path in (("GET", "/processes/x"), ("POST", "/processes/x/execution")):
        answer = asked.client.request(method, path, json={} if method == "POST" else None)
        assert asked._kept(answer, "exception", 404)["type"] == f"{OGC}no-such-process"
    for path in ("/jobs/x", "/jobs/a.b c", f"/jobs/{'x' * 80}", "/jobs/x/results",
                 "/jobs/x/results/report"):  # fmt: skip
        assert asked.get(path, "exception", 404)["type"] == f"{OGC}no-such-job"
    asked.get("/processes?limit=0", "exception", 400)


def test_a_summary_is_answered_at_once(asked: Asked) -> None:
    """Raw by itself, since it is one; as a document where that is wanted."""
    inputs = {"area": MUNICIPALITY, "by": "neighbourhood"}
    answer = asked.client.post(
        "/processes/summary/execution", json={"inputs": inputs}, headers=ASYNC
    )
    assert answer.status_code == 200
    assert "preference-applied" not in answer.headers
    raw = answer.json()
    assert {"collection", "area", "totals", "rows", "method", "complete"} <= raw.keys()
    assert [row["name"] for row in raw["rows"]] == [*CORNERS]
    document = asked.execute("summary", "results", 200, inputs=inputs, response="document")
    assert document == {"summary": {"value": raw, "mediaType": "application/json"}}
    by_value = {"summary": {"transmissionMode": "value"}}
    assert asked.client.post(
        "/processes/summary/execution", json={"inputs": inputs, "outputs": by_value}
    ).json() == raw  # fmt: skip
    none = asked.execute("summary", "exception", 404, inputs={"collection": "secret"})
    assert "secret" in none["detail"]


@pytest.mark.parametrize(
    ("process", "said", "detail"),
    [
        ("suitability", {"inputs": {}}, "input area: is missing"),
        ("suitability", {"inputs": {"area": "Atlantis"}}, "input area"),
        ("suitability", {"inputs": []}, "inputs"),
        ("suitability", {"inputs": {"area": CORNER}, "outputs": {"x": {}}}, "output x: is unknown"),
        ("suitability", {"inputs": {"area": CORNER}, "outputs": {"map": 1}}, "outputs.map"),
        ("suitability", {"inputs": {"area": CORNER}, "response": "both"}, "response"),
        ("suitability", {"inputs": {"area": CORNER},
                         "outputs": {"map": {"transmissionMode": "value"}}}, "map: is a file"),
        ("suitability", {"inputs": {"area": CORNER, "layers": []}, "outputs": {"shadow": {}}},
         "output shadow: is of a raster layer"),
        ("suitability", {"inputs": {"area": CORNER},
                         "subscriber": {"successUri": "http://169.254.169.254/"}}, "successUri"),
        ("summary", {"outputs": {"summary": {"transmissionMode": "reference"}}}, "by value only"),
        ("summary", {"inputs": {"by": "planet"}}, "input by"),
        ("what-if", {"inputs": {}}, "input add"),
    ],
)  # fmt: skip
def test_faulty_inputs_are_named(
    asked: Asked, process: str, said: dict[str, Any], detail: str
) -> None:
    problem = asked.execute(process, "exception", 400, **said)
    assert detail in problem["detail"]


def test_a_body_that_is_no_json_is_refused(asked: Asked) -> None:
    for body in (b"{", b'{"inputs": {"area": NaN}}', b"[" * 10_000, b'{"inputs": "\xff"}'):
        answer = asked.client.post(
            "/processes/suitability/execution",
            content=body,
            headers={"Content-Type": "application/json"},
        )
        asked._kept(answer, "exception", 400)


def test_a_job_from_order_to_results(asked: Asked) -> None:
    answer = asked.client.post(
        "/processes/suitability/execution", json={"inputs": {"area": CORNER}}, headers=ASYNC
    )
    told = asked._kept(answer, "statusInfo", 201)
    id = told["jobID"]
    assert answer.headers["location"] == f"{HERE}/jobs/{id}"
    assert answer.headers["preference-applied"] == "respond-async"
    assert (told["processID"], told["status"]) == ("suitability", "accepted")
    early = asked.get(f"/jobs/{id}/results", "exception", 404)
    assert early["type"] == f"{OGC}result-not-ready"
    asked.work()
    told = asked.get(f"/jobs/{id}", "statusInfo")
    assert (told["status"], told["progress"]) == ("successful", 100)
    assert id in [job["jobID"] for job in asked.get("/jobs", "jobList")["jobs"]]
    (results,) = [link["href"] for link in told["links"] if link["rel"].endswith("/results")]
    document = asked.get(results.removeprefix(HERE), "results")
    assert [*document] == [
        "buildings", "geopackage", "geojson", "csv", "report", "map", "rasters", "hillshade",
        "shadow",
    ]  # fmt: skip
    for name, said in document.items():
        if name != "rasters":  # a folder
            got = asked.client.get(said["href"])
            assert got.status_code == 200, name
            kind, _, _ = got.headers["content-type"].partition(";")
            assert said["type"].startswith(kind), name
        one = asked.client.get(f"/jobs/{id}/results/{name}", follow_redirects=False)
        assert (one.status_code, one.headers["location"]) == (307, said["href"])
    asked.get(f"/jobs/{id}/results/raw", "exception", 404)


def test_results_in_the_form_that_was_asked_for(asked: Asked) -> None:
    inputs = {"area": CORNER, "layers": []}
    value, reference = ({"transmissionMode": how} for how in ("value", "reference"))
    some = asked.done(inputs=inputs, outputs={"report": value, "csv": {}}, response="document")
    document = asked.get(f"/jobs/{some}/results", "results")
    assert [*document] == ["csv", "report"]
    assert document["report"]["value"]["counts"]["selected"] > 0
    assert document["csv"]["href"].endswith("buildings.csv")
    every = asked.get(f"/jobs/{asked.submitted(inputs=inputs)}/results", "results")
    assert "shadow" not in every
    raw = asked.submitted(inputs=inputs, outputs={"report": value})
    assert asked.client.get(f"/jobs/{raw}/results").json() == document["report"]["value"]
    linked = asked.submitted(inputs=inputs, outputs={"geojson": reference}, response="raw")
    answer = asked.client.get(f"/jobs/{linked}/results")
    assert answer.status_code == 204
    place = f"{HERE}/collections/{linked}/files/buildings.geojson"
    assert answer.headers["link"].startswith(f"<{place}>; rel=")


def test_several_results_themselves(asked: Asked) -> None:
    """Files as links; with a value among them, as parts of one body, which the library of mail
    reads."""
    inputs = {"area": CORNER, "layers": []}
    files = asked.done(inputs=inputs, outputs={"map": {}, "csv": {}}, response="raw")
    answer = asked.client.get(f"/jobs/{files}/results")
    assert answer.status_code == 204
    base = f"{HERE}/collections/{files}/files"
    assert re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers["link"]) == [
        (f"{base}/buildings.csv", "csv"),
        (f"{base}/map.png", "map"),
    ]
    mixed = asked.done(inputs=inputs, outputs={"map": {}, "report": {}}, response="raw")
    answer = asked.client.get(f"/jobs/{mixed}/results")
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n"
    parts = BytesParser(policy=policy.HTTP).parsebytes(head.encode() + answer.content)
    assert parts.get_content_type() == "multipart/related"
    report, picture = parts.iter_parts()
    assert (report["Content-ID"], report.get_content_type()) == ("<report>", "application/json")
    assert json.loads(report.get_content())["counts"]["selected"] > 0
    assert picture["Content-Location"].endswith(f"{mixed}/files/map.png")
    assert picture.get_payload() == ""


@pytest.mark.usefixtures("no_map")
def test_what_if_lists_the_changes(asked: Asked, w: World) -> None:
    """By value, as GeoJSON; each result has an address of its own."""
    box = [float(edge) for edge in w.box(60, 160, 80, 180).split(",")]
    tower = {"type": "Feature", "geometry": polygon_of(box), "properties": {"height_m": 60}}
    tower["crs"] = {"type": "name", "properties": {"name": "EPSG:28992"}}
    inputs = {"area": CORNER, "add": tower, "layers": []}
    id = asked.done("what-if", inputs=inputs)
    document = asked.get(f"/jobs/{id}/results", "results")
    changes = document["changes"]["value"]
    what = {f["properties"]["id"]: f["properties"]["what"] for f in changes["features"]}
    assert what["added-1"] == "added"
    assert "changed" in what.values()
    assert {"before", "after", "difference"} == document["totals"]["value"].keys()
    alone = asked.client.get(f"/jobs/{id}/results/changes")
    assert alone.json() == changes
    assert alone.headers["content-type"] == "application/geo+json"
    how = {"transmissionMode": "reference"}
    reference = {"changes": how, "report": how}
    other = asked.submitted("what-if", inputs=inputs, outputs=reference)
    told = asked.get(f"/jobs/{other}/results", "results")
    assert told["changes"]["href"] == f"{HERE}/jobs/{other}/results/changes"
    assert asked.client.get(told["report"]["href"]).json()["counts"]["selected"] > 0


def test_the_same_order_is_answered_at_once(asked: Asked) -> None:
    """Whoever asks; and the result is each client's own."""
    asked.done(inputs={"area": CORNER, "layers": []})
    other = TestClient(asked.client.app, base_url=HERE)
    answer = other.post(
        "/processes/suitability/execution", json={"inputs": {"area": "noordwest", "layers": []}}
    )
    assert answer.status_code == 201
    assert answer.json()["status"] == "successful"


def test_jobs_without_results_say_why(asked: Asked, w: World) -> None:
    dismissed = asked.submitted(inputs={"area": CORNER, "lang": "nl"})
    assert asked.client.delete(f"/jobs/{dismissed}").json()["status"] == "dismissed"
    asked.work()
    assert "dismissed" in asked.get(f"/jobs/{dismissed}/results", "exception", 410)["detail"]
    failed = asked.done(inputs={"area": w.box(0, 0, 1, 1)})
    problem = asked.get(f"/jobs/{failed}/results", "exception", 400)
    assert "lies" in problem["detail"] and problem["type"] == "InvalidParameterValue"
    assert str(w.inputs.parent) not in json.dumps(problem)
    sheet, hidden = w.request.inputs.dsm[0], f"{w.request.inputs.dsm[0]}.hidden"
    broken = asked.submitted(inputs={"area": CORNER, "layers": ["surface"]})
    Path(sheet).rename(hidden)
    Path(sheet).write_bytes(Path(hidden).read_bytes()[:2000])
    asked.work()
    Path(hidden).replace(sheet)
    problem = asked.get(f"/jobs/{broken}/results", "exception", 500)
    assert "files of the service are faulty" in problem["detail"]
    assert problem["type"] == "NoApplicableCode"
    assert Path(sheet).name in problem["detail"]
    assert str(w.inputs) not in problem["detail"]
    gone = asked.done(inputs={"area": CORNER, "layers": ["shadow"]})
    asked.service.database.execute("UPDATE jobs SET expired = 1 WHERE id = ?", gone)
    assert "expired" in asked.get(f"/jobs/{gone}/results", "exception", 410)["detail"]


def test_visitors_have_summaries_and_small_jobs(w: World, tmp_path: Path) -> None:
    """Each their own; what is too large for them is said to be so."""
    app = create_app(w.settings(tmp_path, open=False, visitor_area_km2=0.03), work=False)
    one, other = (TestClient(app, base_url=HERE) for _ in range(2))
    for client in (one, other):
        client.get("/conformance")
    body = {"inputs": {"area": CORNER}}
    small = one.post("/processes/suitability/execution", json=body)
    assert small.status_code == 201, small.text
    id = small.json()["jobID"]
    assert one.cookies.get(COOKIE)
    assert one.get(f"/jobs/{id}").status_code == 200
    for path in (f"/jobs/{id}", f"/jobs/{id}/results"):
        assert other.get(path).status_code == 404
    large = one.post("/processes/suitability/execution", json={"inputs": {"area": MUNICIPALITY}})
    assert large.status_code == 413, large.text
    assert "km2" in large.json()["detail"]
    assert other.post("/processes/summary/execution", json={}).status_code == 200


# Clients of others, against a server with workers


@pytest.fixture(scope="module")
def address(w: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = create_app(w.settings(tmp_path_factory.mktemp("server"), port=0))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    (socket,) = server.servers[0].sockets
    yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def finished(ask: Any) -> Any:
    """Poll until a job has ended."""
    found = None

    def ended() -> bool:
        nonlocal found
        found = ask()
        return found[0] not in ("accepted", "running")

    wait(ended, pause=0.1)
    return found


@pytest.mark.slow
def test_ogc_api_processes_client(address: str) -> None:
    api = ApiClientWrapper(Configuration(host=address))
    assert api.get_landing_page().links
    assert api.get_conformance_classes().conforms_to
    listed = api.get_processes().processes
    assert [each.id for each in listed] == ["suitability", "summary", "what-if"]
    for each in listed:
        described = api.get_process_description(each.id)
        assert described.inputs["area"].var_schema.actual_instance
    inputs = {"area": CORNER, "layers": ["shadow"]}
    json_body = {"Content-Type": "application/json"}
    job = api.execute_simple("suitability", {"inputs": inputs}, _headers=json_body)
    ended = finished(lambda: (api.get_status(job.job_id).status.value,))
    assert ended == ("successful",)
    results = api.get_result_simple(job.job_id)
    assert results["geopackage"].actual_instance.href.startswith(address)
    assert [each.job_id for each in api.get_jobs().jobs] == [job.job_id]
    assert api.dismiss(job.job_id).status.value == "dismissed"
    assert api.get_jobs().jobs == []


def test_owslib(address: str) -> None:
    client = Processes(address)
    assert [each["id"] for each in client.processes()] == ["suitability", "summary", "what-if"]
    assert client.process("summary")["jobControlOptions"] == ["sync-execute"]
    summed = client.execute("summary", {"area": MUNICIPALITY})
    assert summed["summary"]["value"]["totals"]["counts"]["judged"] > 0
    job = client.execute("suitability", {"area": CORNER, "layers": []}, async_=True)
    place = client.response_headers["Location"]
    assert place == f"{address}/jobs/{job['jobID']}"
    ended = finished(lambda: (client._request(path=f"jobs/{job['jobID']}")["status"],))
    assert ended == ("successful",)
    results = client._request(path=f"jobs/{job['jobID']}/results")
    assert client._request(path=results["report"]["href"].removeprefix(f"{address}/"))["counts"]
    gone = client._request(method="DELETE", path=f"jobs/{job['jobID']}")
    assert gone["status"] == "dismissed"
