"""Every operation of the OpenAPI document, asked with what fits it and with what does not.

What schemathesis thinks of is the same each time, and done in half a minute; `DAKLAAG_EXAMPLES=300
pytest tests/service/api/test_openapi.py` thinks of more, and of other things.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.openapi import from_asgi
from schemathesis.specs.openapi.checks import negative_data_rejection

from pipeline.grid.crs import lonlat
from pipeline.methods import DEFAULT
from pipeline.output.tiles.scheme import MapTile
from service.api.app import create_app
from service.core.keys import LOCAL, LOCAL_CLIENT
from service.jobs.job import Status
from service.marks.table import MarkQuery
from service.processes.job_request import JobRequest
from tests.support.mark_tables import target
from tests.support.quarters import MUNICIPALITY, World

LONGER = os.environ.get("DAKLAAG_EXAMPLES")
EXAMPLES = int(LONGER or 12)  # an operation, beside the limits of each parameter
RUN, JOB, MARK, KEY = "quarter", "known-job", "known-mark", "k" * 16
PLENTY, SEED = 10**9, 5
OFTEN = 0.7  # of what is drawn is something that is there
FINE = ["2xx", "3xx", "401", "403", "404", "409", "429", "503"]
# What they take has no words in OpenAPI: the inputs of a process, where a polygon may lie, CQL2,
# which of two numbers or days is the smaller.
TOLD_ELSEWHERE = [*FINE, "400", "413"]
BEYOND = (
    "/processes/{process_id}/execution",
    "/marks",
    "/marks/restrictions",
    "/collections/{collectionId}/items",
    f"/collections/{RUN}/items",
)


def known(w: World) -> dict[str, list[Any]]:
    """Values of parameters that there are."""
    west, south, east, north = lonlat(w.bounds)
    tile = MapTile.at((west + east) / 2, (south + north) / 2, 15)
    return {
        "collectionId": [RUN],
        "job_id": [JOB],
        "id": [MARK],
        "featureId": ["0", "1", "2"],
        "code": [MUNICIPALITY, "0999"],
        "q": ["dak", "999"],
        "near": ["4.9,52.3"],
        "building": ["0363100012000001"],
        "process_id": ["suitability", "summary", "what-if"],
        "output": ["report", "geopackage", "map", "rasters"],
        "file": ["buildings.gpkg", "buildings.csv", "report.json", "shadow.tif"],
        "key": ["zarr.json", "0/zarr.json", "0/shadow/c/0/0"],
        "layer": ["buildings", "roofs", "shadow", "hillshade"],
        "sun": ["10:00", "12:00"],
        "z": [tile.z],
        "x": [tile.x],
        "y": [tile.y],
    }


def configured(w: World) -> SchemathesisConfig:
    """How schemathesis asks: all its checks; mostly for what there is."""
    values = known(w)
    drawn = {name: {"dictionary": name, "probability": OFTEN} for name in values}
    judged = {"checks": {"positive_data_acceptance": {"expected-statuses": TOLD_ELSEWHERE}}}
    return SchemathesisConfig.from_dict(
        {
            "dictionaries": {name: {"values": each} for name, each in values.items()},
            "parameters": drawn,
            **({} if LONGER else {"seed": SEED}),
            "checks": {"positive_data_acceptance": {"expected-statuses": FINE}},
            "operations": [{"include-path": path, **judged} for path in BEYOND],
        }
    )


@pytest.fixture(scope="module")
def app(w: World, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """A service that takes all jobs and marks, and computes none."""
    settings = w.settings(
        tmp_path_factory.mktemp("state"),
        hosts=("testserver",),
        jobs_a_client=PLENTY,
        marks_a_day=PLENTY,
    )
    return create_app(settings, work=False)


@pytest.fixture(scope="module")
def document(w: World, app: FastAPI) -> Any:
    return from_asgi("/api", app, config=configured(w))


def put(app: FastAPI, w: World) -> None:
    """A finished job and a mark that are known, where an operation before took them away."""
    service, place = app.state.service, app.state.service.settings.state / "results" / KEY
    if not place.exists():
        shutil.copytree(w.run, place)
    if service.jobs.find(JOB, LOCAL) is None:
        inputs = {"layers": ["shadow"], "method": DEFAULT}
        order = JobRequest("suitability", inputs, KEY, 1e4)
        made = service.jobs.submit(order, LOCAL_CLIENT)
        assert made.status is Status.SUCCESSFUL
        service.database.execute("UPDATE jobs SET id = ? WHERE id = ?", JOB, made.id)
    if service.marks.find(MARK, MarkQuery(LOCAL)) is None:
        made = service.marks.add(LOCAL, "chance", "panels", "", target())
        service.database.execute("UPDATE marks SET id = ? WHERE id = ?", MARK, made.id)


@pytest.fixture
def answered(request: pytest.FixtureRequest) -> Iterator[dict[str, set[int]]]:
    """What each operation answered; none may only have refused what it was asked."""
    # By this name schemathesis 4 tells what it is at, and pytest 9.2 has it no more.
    request.node._nodeid = request.node.nodeid
    found: dict[str, set[int]] = defaultdict(set)
    yield found
    assert found
    assert {name: seen for name, seen in found.items() if min(seen) >= 400} == {}


def asks_for_too_many(case: Any) -> bool:
    """Whether items are asked for by a `limit` above the maximum only, which is no fault (OGC API -
    Features 7.15.3, fc-limit-response-1)."""
    query = case.query or {}
    limit = str(query.get("limit", ""))
    return case.path.endswith("/items") and query.keys() == {"limit"} and limit.isdigit()


api = schemathesis.pytest.from_fixture("document")


@pytest.mark.slow
@api.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
def test_every_operation_keeps_to_the_document(
    case: Any, app: FastAPI, w: World, answered: dict[str, set[int]]
) -> None:
    put(app, w)
    answer = case.call()
    answered[case.operation.label].add(answer.status_code)
    lenient = asks_for_too_many(case) and answer.status_code == 200
    case.validate_response(answer, excluded_checks=[negative_data_rejection] if lenient else [])
