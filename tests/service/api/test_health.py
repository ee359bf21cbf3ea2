"""For who watches: alive, ready, figures; and the way in with the document that describes it."""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from service.api.metrics import Work
from service.api.openapi import OPENAPI, older
from service.api.service import Service
from tests.support.clients import application, asks, public, visits


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return application(tmp_path_factory.mktemp("state"))


def figures(app: FastAPI) -> dict[tuple[str, str], float]:
    """Samples by name and labels."""
    text = asks(app).get("/metrics").text
    return {
        (one.name, ",".join(one.labels[name] for name in sorted(one.labels))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_the_service_is_alive_and_ready(app: FastAPI) -> None:
    assert asks(app).get("/health").json()["status"] == "alive"
    told = asks(app).get("/ready")
    assert told.status_code == 200 and told.headers["Cache-Control"] == "no-store"
    assert told.json()["checks"] == {"database": True, "workers": True, "room": True}


def test_it_is_not_ready_without_room_memory_or_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = application(tmp_path, room_gb=1e9)
    told = asks(full).get("/ready")
    assert told.status_code == 503 and told.json()["checks"]["room"] is False

    class Dead:
        processes: tuple[int, ...] = ()

    full.state.supervisor = Dead()
    assert asks(full).get("/ready").json()["checks"]["workers"] is False
    service: Service = full.state.service
    service.database.execute("PRAGMA query_only = 1")
    monkeypatch.setattr(type(service.database), "connection", service.database.connection)
    assert asks(full).get("/ready").json()["checks"]["database"] is False


def test_requests_are_counted_by_template(app: FastAPI) -> None:
    before = figures(app)
    asks(app).get("/jobs/one")
    asks(app).get("/jobs/two")
    asks(app).get("/nothing/at/all")
    asks(app).request("BREW", "/health")
    after = figures(app)

    def more(labels: str) -> float:
        name = ("daklaag_request_seconds_count", labels)
        return after.get(name, 0) - before.get(name, 0)

    assert sum(more(f"GET,/jobs/{{job_id}},{status}") for status in (400, 404)) == 2
    assert more("GET,none,404") == 1
    assert more("other,none,405") + more("other,/health,405") == 1
    assert not [labels for _, labels in after if re.search("/one|two|nothing|BREW", labels)]


def test_faults_are_counted(tmp_path: Path) -> None:
    app = application(tmp_path)

    @app.get("/fault")
    def fault() -> None:
        raise ZeroDivisionError

    assert asks(app).get("/fault").status_code == 500
    assert figures(app)["daklaag_faults_total", "/fault"] == 1


def add(service: Service, id: str, status: str, done: int, now: float) -> None:
    """A row of the table of jobs as its owner leaves it, or changes it."""
    service.database.execute(
        "INSERT INTO jobs (id, client, visitor, share, process, key, asked, status, message,"
        " created, updated, blocks_done) VALUES (:id, 'c', 0, 'c', 'suitability', :id, '{}',"
        " :status, '', :now, :now, :done) ON CONFLICT (id) DO UPDATE SET status = :status,"
        " updated = :now, blocks_done = :done",
        id=id, status=status, done=done, now=now,
    )  # fmt: skip


def test_blocks_and_ends_are_counted_though_jobs_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service: Service = application(tmp_path).state.service
    now = [1000.0]
    monkeypatch.setattr("service.api.metrics.time.time", lambda: now[0])
    add(service, "old", "successful", 50, 900.0)
    work = Work(service.jobs)

    def seen() -> tuple[float, float, float]:
        now[0] += 10
        told = {one.name: one for one in work.collect()}
        ended = sum(sample.value for sample in told["daklaag_jobs_ended"].samples)
        running = {s.labels["status"]: s.value for s in told["daklaag_jobs"].samples}["running"]
        return told["daklaag_blocks"].samples[0].value, ended, running

    assert seen() == (0, 0, 0)
    add(service, "new", "running", 3, now[0])
    assert seen() == (3, 0, 1)
    add(service, "new", "running", 7, now[0])
    assert seen() == seen() == (7, 0, 1)
    add(service, "new", "successful", 9, now[0])
    assert seen() == seen() == (9, 1, 0)
    service.database.execute("DELETE FROM jobs")
    assert seen() == (9, 1, 0)


def test_a_memory_that_was_removed_is_not_ready(tmp_path: Path) -> None:
    app = application(tmp_path)
    assert asks(app).get("/ready").status_code == 200
    app.state.service.database.file.unlink()
    told = asks(app).get("/ready")
    assert told.status_code == 503 and told.json()["checks"]["database"] is False


def test_tiles_are_timed_by_layer(app: FastAPI) -> None:
    path = "/collections/{collectionId}/tiles/{layer}/{z}/{x}/{y}"
    for layer in ("roofs", "made-up"):
        app.state.metrics.request(path, "GET", 200, 0.03, {"layer": layer})
    told = {
        labels: value
        for (name, labels), value in figures(app).items()
        if name == "daklaag_tile_seconds_count"
    }
    assert told == {"roofs": 1}


def test_the_way_in(app: FastAPI) -> None:
    told = asks(app).get("/").json()
    rels = {each["rel"]: each for each in told["links"]}
    assert {"self", "service-desc", "conformance", "data"} <= set(rels)
    assert rels["service-desc"]["type"] == "application/vnd.oai.openapi+json;version=3.0"
    for each in told["links"]:
        assert asks(app).get(each["href"]).status_code in (200, 503), each  # 503: no libraries
    browser = asks(app, accept="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    answer = browser.get("/")
    assert answer.status_code == 307 and answer.headers["Location"].endswith("/map/")
    classes = asks(app).get("/conformance").json()["conformsTo"]
    assert len(classes) == len(set(classes))
    for part in (
        "processes-1/1.0/conf/dismiss",
        "features-1/1.0/conf/geojson",
    ):
        assert any(each.endswith(part) for each in classes), part


def walk(part: Any) -> Any:
    """Every object within."""
    if isinstance(part, dict):
        yield part
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from walk(each)


def test_the_document_is_openapi_3_0(app: FastAPI) -> None:
    answer = asks(app).get("/api")
    assert answer.headers["Content-Type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    assert document["openapi"] == OPENAPI
    for part in walk(document):
        assert (
            not {"const", "prefixItems", "$defs", "examples"} & set(part)
            or "content" in part
            or isinstance(part.get("examples"), dict)
        ), part
        assert part.get("type") != "null" and not isinstance(part.get("type"), list), part
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            declared = operation["responses"]
            assert "422" not in declared and {"400", "401", "429", "500"} <= set(declared), path
            assert ("413" in declared) or method == "get", path
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])
    assert "HTTPValidationError" not in answer.text


@pytest.mark.parametrize(
    ("newer", "expected"),
    [
        ({"const": 1}, {"enum": [1]}),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        (
            {"type": ["string", "integer", "null"]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        ),
        (
            {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "title": "N"},
            {"type": "integer", "minimum": 1, "title": "N", "nullable": True},
        ),
        (
            {"anyOf": [{"$ref": "#/x"}, {"type": "null"}]},
            {"anyOf": [{"$ref": "#/x"}], "nullable": True},
        ),
        ({"exclusiveMinimum": 0}, {"minimum": 0, "exclusiveMinimum": True}),
        (
            {"type": "array", "prefixItems": [{"type": "number"}]},
            {"type": "array", "items": {"anyOf": [{"type": "number"}]}},
        ),
        (
            {"properties": {"const": {"type": "string"}, "examples": {"type": "array"}}},
            {
                "properties": {
                    "const": {"type": "string"},
                    "examples": {"type": "array", "items": {}},
                }
            },
        ),
        ({"examples": ["a", "b"]}, {"example": "a"}),
    ],
)
def test_newer_schemas_are_said_in_the_old_words(
    newer: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert older(newer) == expected


def test_figures_are_for_operators(tmp_path: Path) -> None:
    assert visits(public(tmp_path)).get("/metrics").status_code == 401
