"""Jobs over HTTP: the list and its filters, one job, its events, an end to it; each its own."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from service.api import errors, jobs
from service.api.access import client_of
from service.api.service import Service
from service.core.keys import Client
from service.core.problem import Problem
from service.core.settings import Settings
from service.jobs.job import Job, Status
from service.jobs.watch import LOOK_S, MOST, MOST_A_CLIENT, MOST_AN_ADDRESS, Watch, shares_of
from service.processes.job_request import JobRequest
from tests.support.clusters import PATIENCE_S, wait

SCOPE = {"type": "http", "method": "GET", "headers": []}
ID = "00000000-0000-4000-8000-000000000000"
ANNA = shares_of(Client("anna", "key"), "203.0.113.9")


def who(request: Request) -> Client:
    return Client(request.headers.get("x-client", "anna"), "key")


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service.of(Settings(state=tmp_path, jobs_a_client=50))


@pytest.fixture
def asking(service: Service) -> Iterator[TestClient]:
    """A client of the routes of jobs, without the layers around them."""
    app = FastAPI()
    app.state.service = service
    app.dependency_overrides[client_of] = who
    errors.install(app)
    app.include_router(jobs.router)
    with TestClient(app, base_url="http://here") as client:
        yield client


def sent(service: Service, key: str = "k", process: str = "suitability") -> Job:
    return service.jobs.submit(JobRequest(process, {}, key, 1.0), Client("anna", "key"))


def listed(asking: TestClient, query: str = "") -> list[str]:
    answer = asking.get(f"/jobs{query}")
    assert answer.status_code == 200, answer.text
    return [job["jobID"] for job in answer.json()["jobs"]]


def test_a_job(asking: TestClient, service: Service) -> None:
    job = sent(service)
    said = asking.get(f"/jobs/{job.id}").json()
    assert (said["status"], said["progress"], said["seconds_left"]) == ("accepted", 0, None)
    assert said["links"][0]["href"] == f"http://here/jobs/{job.id}"
    service.jobs.claim("w")
    service.jobs.finish(job.id, Status.SUCCESSFUL, "done")
    said = asking.get(f"/jobs/{job.id}").json()
    assert (said["status"], said["progress"]) == ("successful", 100)
    assert said["created"] <= said["started"] <= said["finished"]
    assert f"http://here/jobs/{job.id}/results" in [link["href"] for link in said["links"]]


def test_of_others_nothing_is_known(asking: TestClient, service: Service) -> None:
    """What is another's looks as what is not there."""
    job = sent(service)
    other = {"x-client": "bert"}
    for path in ("", "/events"):
        there, nowhere = (asking.get(f"/jobs/{id}{path}", headers=other) for id in (job.id, ID))
        assert there.status_code == nowhere.status_code == 404
        assert there.text.replace(job.id, ID) == nowhere.text
        assert there.json()["type"].endswith("/no-such-job")
    assert asking.delete(f"/jobs/{job.id}", headers=other).status_code == 404
    assert asking.get("/jobs", headers=other).json()["jobs"] == []
    assert listed(asking) == [job.id]


def test_dismissed(asking: TestClient, service: Service) -> None:
    job = sent(service)
    assert asking.delete(f"/jobs/{job.id}").json()["status"] == "dismissed"
    assert asking.get(f"/jobs/{job.id}").json()["status"] == "dismissed"
    assert listed(asking, "?status=dismissed") == [job.id]
    assert asking.delete(f"/jobs/{job.id}").json()["status"] == "dismissed"
    assert asking.get(f"/jobs/{job.id}").status_code == 404
    assert asking.delete(f"/jobs/{job.id}").status_code == 404


def test_a_moment_lies_between_two_jobs(asking: TestClient, service: Service) -> None:
    """Intervals end with the instant that is told; without a fraction it is an instant as well."""
    first, second = sent(service, "1"), sent(service, "2", process="what-if")
    for job, created in ((first, 1_780_000_000.250), (second, 1_780_000_000.750)):
        service.database.execute("UPDATE jobs SET created = ? WHERE id = ?", created, job.id)
    whole = "2026-05-28T20:26:40"
    assert listed(asking, f"?datetime={whole}Z") == [second.id, first.id]
    for when in (f"{whole}.250Z", f"../{whole}.250Z", f"{whole}Z/{whole}.749Z"):
        assert listed(asking, f"?datetime={when}") == [first.id], when
    assert listed(asking, f"?datetime={whole}.751Z/..") == []
    assert listed(asking, f"?datetime=../{whole}Z") == []


def test_filters(asking: TestClient, service: Service) -> None:
    first, second = sent(service, "1"), sent(service, "2", process="what-if")
    taken = service.jobs.claim("w")
    assert taken is not None and taken.id == first.id
    both, now = [second.id, first.id], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert listed(asking) == listed(asking, "?type=process") == both
    assert listed(asking, "?status=accepted,running") == both
    assert listed(asking, "?status=accepted&status=running") == both
    assert listed(asking, "?status=running") == [first.id]
    assert listed(asking, "?processID=what-if") == [second.id]
    assert listed(asking, "?minDuration=0") == [first.id]
    assert listed(asking, "?minDuration=1000") == listed(asking, "?processID=other") == []
    assert listed(asking, f"?datetime={now[:10]}") == both
    for when in ("2020-01-01/..", "2020-01-01/", f"/{now[:4]}-12-31", "../.."):
        assert listed(asking, f"?datetime={when}") == both
    long_ago = "2020-01-01/2021-01-01T10:00:00.5%2B01:00"
    for when in ("2020-01-01", "../2020-01-01T00:00:00Z", long_ago):
        assert listed(asking, f"?datetime={when}") == []


def test_pages(asking: TestClient, service: Service) -> None:
    every = [sent(service, f"{n}").id for n in range(5)][::-1]
    found, path = [], "/jobs?limit=2&status=accepted"
    while path:
        page = asking.get(path).json()
        assert len(page["jobs"]) <= 2
        found += [job["jobID"] for job in page["jobs"]]
        path = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert found == every


@pytest.mark.parametrize(
    "query",
    ["status=odd", "limit=0", "limit=1001", "limit=x", "datetime=2026-13-01", "datetime=2025-02-29",
     "datetime=/", "type=service", "minDuration=-1", "odd=1"],
)  # fmt: skip
def test_faulty_job_requests_are_refused(asking: TestClient, query: str) -> None:
    answer = asking.get(f"/jobs?{query}")
    if query == "datetime=/":  # open at both ends
        assert answer.status_code == 200
        return
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert query.partition("=")[0] in answer.json()["detail"]


def events(asking: TestClient, path: str, **more: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Event, id and data of each that comes."""
    with asking.stream("GET", path, **more) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        said: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                said[name] = value
            elif "data" in said:
                yield said["event"], said["id"], json.loads(said["data"])
                said = {}


def test_events_end_with_the_last(asking: TestClient, service: Service) -> None:
    job, looks, many = sent(service), [], service.watch._many

    def noted(ids: Any) -> dict[str, Job]:
        looks.append(ids)
        return many(ids)

    def seen() -> None:
        """Wait until somebody has looked who began later than now."""
        before = len(looks)
        wait(lambda: len(looks) > before + 1)

    def work() -> None:
        seen()
        service.jobs.claim("w")
        seen()
        service.jobs.progress(job.id, 1, 2, 3.0, "half")
        seen()
        service.jobs.finish(job.id, Status.SUCCESSFUL, "done")

    service.watch._many = noted
    worker = threading.Thread(target=work)
    worker.start()
    told = list(events(asking, f"/jobs/{job.id}/events"))
    worker.join()
    assert [name for name, *_ in told] == ["status"] * 4
    assert [said["status"] for *_, said in told] == ["accepted", "running", "running", "successful"]
    assert [said["progress"] for *_, said in told] == [0, 0, 50, 100]
    last = {"Last-Event-ID": told[-1][1]}
    assert asking.get(f"/jobs/{job.id}/events", headers=last).status_code == 204
    assert [said["status"] for *_, said in events(asking, f"/jobs/{job.id}/events")] == [
        "successful"
    ]


def test_head_of_events_ends_at_once(asking: TestClient, service: Service) -> None:
    head = asking.head(f"/jobs/{sent(service).id}/events")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")


def test_so_many_streams_and_no_more(asking: TestClient, service: Service) -> None:
    job = sent(service)
    watch = service.watch
    for _ in range(MOST_A_CLIENT):
        watch.open(job.id, ANNA)
    refused = asking.get(f"/jobs/{job.id}/events")
    assert refused.status_code == 429 and refused.headers["retry-after"]
    watch.close(job.id, ANNA)
    service.jobs.dismiss(job.id, "anna")
    for _ in range(3):  # each gives its place back
        assert len(list(events(asking, f"/jobs/{job.id}/events"))) == 1


def opened(watch: Watch, clients: Iterator[Client], addresses: Iterator[str]) -> int:
    """How many streams clients open, each with the next address, before one is refused."""
    for n, (client, address) in enumerate(zip(clients, addresses, strict=False)):
        try:
            watch.open("job", shares_of(client, address))
        except Problem as problem:
            assert problem.status == 429
            return n
    raise AssertionError("none was refused")


def test_many_cookies_do_not_take_all_streams(service: Service) -> None:
    """Neither those of one address, nor those of all visitors: keys have a reserve."""
    watch = service.watch
    visitors = (Client(f"visitor-{n}", "visitor") for n in range(1000))
    assert opened(watch, visitors, repeat("203.0.113.9")) == MOST_AN_ADDRESS
    left = opened(watch, visitors, (f"198.51.100.{n}" for n in range(250)))
    assert MOST_AN_ADDRESS + left < MOST
    keys = (Client(f"key-{n}", "key") for n in range(1000))
    assert opened(watch, keys, repeat("203.0.113.9")) == MOST - MOST_AN_ADDRESS - left


def test_one_look_does_for_all_that_watch(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the next is due."""
    ids, looks, now = [sent(service, f"{n}").id for n in range(5)], [], [0.0]
    monkeypatch.setattr("service.jobs.watch.time", SimpleNamespace(monotonic=lambda: now[0]))

    def many(wanted: Any) -> dict[str, Job]:
        looks.append(set(wanted))
        return service.jobs.many(wanted)

    watch = jobs.Watch(many)
    for id in ids:
        watch.open(id, ANNA)
    for now[0] in (0.0, LOOK_S):
        for id in 100 * ids:
            found = watch.latest(id)
            assert found is not None and found.id == id
    assert looks == [set(ids)] * 2


def test_a_stream_that_is_left_gives_its_place_back(service: Service) -> None:
    """The client goes before the job ends."""
    job = sent(service)
    watch = service.watch
    watch.open(job.id, ANNA)
    stream = jobs._Stream(watch, job, ANNA, "http://here/")

    async def leave() -> dict[str, Any]:
        await asyncio.sleep(0.3)
        return {"type": "http.disconnect"}

    async def take(message: Any) -> None:
        assert message["type"].startswith("http.response")

    asyncio.run(asyncio.wait_for(stream(SCOPE, leave, take), PATIENCE_S))
    for _ in range(MOST_A_CLIENT):
        watch.open(job.id, ANNA)
