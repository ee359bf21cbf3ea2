"""Workers as processes: started, dismissed within a second, replaced, ended with the service."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pipeline.errors import InputError
from service.api.service import Service
from service.core.faults import Owner
from service.core.keys import Client
from service.core.problem import Problem
from service.core.settings import Settings
from service.jobs import supervisor
from service.jobs.callback import PAUSE_S, checked, send_due
from service.jobs.claims import MOST_DEATHS
from service.jobs.job import Job, Status, status_info
from service.jobs.work import FAULTY
from service.processes.job_request import JobRequest
from tests.support import clusters
from tests.support.clocks import lasting_at_most
from tests.support.fake_worker import PASSES, supervised

ANNA = Client("anna", "key")
STEPS, STEP_S = 40, 0.05
SERVICE = """
import sys, time
from service.api.service import Service
from service.core.settings import Settings
from tests.support.fake_worker import supervised
with supervised(Service.of(Settings(state=sys.argv[1]))) as supervisor:
    while not supervisor.processes:
        time.sleep(0.05)
    print(supervisor.processes[0], flush=True)
    time.sleep(1000)
"""


def serving(state: Path, **settings: Any) -> Service:
    return Service.of(Settings(state=state, **settings))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose workers pretend. They take seconds to start, so there is one."""
    service = serving(tmp_path_factory.mktemp("state"))
    with supervised(service):
        yield service


def sent(service: Service, callback: str | None = None, **asked: Any) -> Job:
    """A new job, with a key of its own."""
    return service.jobs.submit(JobRequest("suitability", asked, uuid4().hex, 1.0), ANNA, callback)


def wait(service: Service, job: Job, until: Callable[[Job], Any]) -> Job:
    """A job when something holds of it."""
    found = job

    def due() -> Any:
        nonlocal found
        found = known(service, job)
        return until(found)

    clusters.wait(due)
    return found


def known(service: Service, job: Job) -> Job:
    """A job as it is now."""
    found = service.jobs.find(job.id, job.client)
    assert found is not None
    return found


def ended(job: Job) -> bool:
    return job.status.final


def underway(job: Job) -> bool:
    return job.blocks_done > 0


def hands_off(service: Service, job: Job) -> bool:
    """Whether no worker has a job's folder in hand, and it is gone."""
    row = service.database.row("SELECT worker FROM jobs WHERE id = ?", job.id)
    return (row is None or row["worker"] is None) and not service.jobs.folder(job).exists()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_jobs_are_worked_off_in_turn(service: Service) -> None:
    jobs = [sent(service, steps=2, seconds=0.01) for n in range(3)]
    ends = [wait(service, job, ended) for job in jobs]
    assert [job.status for job in ends] == [Status.SUCCESSFUL] * 3
    assert [(job.blocks_done, job.progress) for job in ends] == [(4, 100)] * 3
    row = service.database.row("SELECT bytes FROM jobs WHERE id = ?", jobs[0].id)
    assert row and row["bytes"] == 2


def test_progress_while_it_runs(service: Service, tmp_path: Path) -> None:
    """Block by block; with the time that is left, as soon as one is done."""
    job, seen = sent(service, steps=2, gates=str(tmp_path)), []
    for done, step in enumerate(f"{stage}{n}" for stage in PASSES for n in range(2)):
        seen.append(wait(service, job, lambda found, done=done: begun(found, done)))
        (tmp_path / step).touch()
    assert wait(service, job, ended).status is Status.SUCCESSFUL
    assert [found.progress for found in seen] == [0, 25, 50, 75]
    assert [found.seconds_left is None for found in seen] == [True, False, False, False]


def begun(job: Job, done: int) -> bool:
    return job.blocks_planned == 4 and job.blocks_done == done


@pytest.mark.parametrize(
    ("deaf", "seconds"), [(False, 0.5), pytest.param(True, 1.0, marks=pytest.mark.slow)]
)
def test_dismissed_within_a_second(
    service: Service, monkeypatch: pytest.MonkeyPatch, deaf: bool, seconds: float
) -> None:
    """By its worker; of a job that does not hear of it the worker is ended, and the next one
    serves others."""
    if not deaf:
        monkeypatch.setattr(supervisor, "DISMISSED_S", clusters.PATIENCE_S)
    job = sent(service, steps=1000, seconds=0.3, deaf=deaf)
    wait(service, job, underway)
    workers = _children()
    with lasting_at_most(seconds, *workers):
        with lasting_at_most(0.2, *workers):
            told = service.jobs.dismiss(job.id, "anna")
        assert told is not None and told.status is Status.DISMISSED
        clusters.wait(lambda: hands_off(service, job))
    assert (_children() != workers) is deaf
    other = wait(service, sent(service, steps=1), ended)
    assert other.status is Status.SUCCESSFUL


def test_errors_of_jobs_hold_no_paths(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    failed = wait(service, sent(service, fail=True), ended)
    assert failed.status is Status.FAILED
    assert failed.message == f"{FAULTY}: sheet.tif: cannot be read; give another"
    assert failed.owner is Owner.OPERATOR
    fault = wait(service, sent(service, fault=True), ended)
    assert fault.status is Status.FAILED
    assert "fault of the service" in fault.message and "/" not in fault.message
    assert fault.owner is Owner.SERVICE


@pytest.mark.slow
def test_a_job_that_kills_its_workers_fails_and_others_go_on(service: Service) -> None:
    deadly, harmless = sent(service, die=True), sent(service, steps=1)
    failed = wait(service, deadly, ended)
    assert (failed.status, failed.attempts) == (Status.FAILED, MOST_DEATHS)
    assert wait(service, harmless, ended).status is Status.SUCCESSFUL


def steps(state: Path) -> list[str]:
    """The steps that workers did, in turn."""
    return (state / "steps.log").read_text().splitlines()


@pytest.mark.slow
def test_workers_end_with_a_service_that_is_killed(tmp_path: Path) -> None:
    """Even while one computes; the next service takes the job up, and does nothing twice."""
    service = serving(tmp_path)
    job = sent(service, steps=STEPS, seconds=STEP_S)
    words = [sys.executable, "-c", SERVICE, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        wait(service, job, underway)
        process.kill()
        process.wait()
        before = steps(tmp_path)
    clusters.wait(lambda: not alive(worker))
    assert len(steps(tmp_path)) - len(before) < 1.0 / STEP_S  # within a second of its own time
    assert known(service, job).status is Status.RUNNING
    with supervised(service):
        assert wait(service, job, ended).status is Status.SUCCESSFUL
    every = steps(tmp_path)
    # The one in hand may have been written down just before the kill, and no other.
    assert len(set(every)) == 2 * STEPS and len(every) <= 2 * STEPS + 1


@pytest.mark.slow
def test_workers_end_with_the_supervisor(tmp_path: Path) -> None:
    """What they had in hand waits."""
    service = serving(tmp_path, jobs_at_once=2)
    with supervised(service) as supervisor:
        job = sent(service, steps=1000, seconds=0.1)
        wait(service, job, underway)
        workers = supervisor.processes
        assert len(workers) == 2
    assert not any(alive(worker) for worker in workers)
    assert known(service, job).status is Status.ACCEPTED
    assert service.jobs.folder(job).exists()


@pytest.mark.slow
def test_one_that_is_killed_is_replaced(service: Service) -> None:
    job = sent(service, steps=20, seconds=0.1)
    wait(service, job, underway)
    row = service.database.row("SELECT worker FROM jobs WHERE id = ?", job.id)
    for child in _children():
        os.kill(child, signal.SIGKILL)
    found = wait(service, job, ended)
    assert (found.status, found.attempts) == (Status.SUCCESSFUL, 1)
    assert row and row["worker"]


def _children() -> list[int]:
    """The processes that this one started and that work."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            words = (stat.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid() and b"tests.support.fake_worker" in words:
            found.append(int(stat.parent.name))
    return found


def test_a_second_service_is_told(service: Service) -> None:
    second = supervised(serving(service.settings.state))
    with pytest.raises(InputError, match="another service"), second:
        pass


class Heard(HTTPServer):
    """Listens to callbacks; answers what it is told to, in turn."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Listener)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def callback(self, settings: Settings) -> str:
        names = ("successUri", "inProgressUri", "failedUri")
        told = checked({n: f"http://{self.host}/{n}" for n in names}, settings, "http://here/")
        assert told is not None
        return told


class Listener(BaseHTTPRequestHandler):
    server: Heard

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.heard.append((self.path, body))
        status, headers = self.server.answers.pop(0) if self.server.answers else (204, {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *said: Any) -> None:
        """Nothing."""


@pytest.fixture
def heard() -> Iterator[Heard]:
    with Heard() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def results(job: Job, base: str) -> dict[str, Any]:
    return {"of": job.id, "base": base}


@pytest.mark.slow
def test_who_asked_is_called_back(tmp_path: Path, heard: Heard) -> None:
    service = serving(tmp_path, callback_hosts=(heard.host,))
    call = heard.callback(service.settings)
    with supervised(service, results=results):
        good = sent(service, call, steps=1, gates=str(tmp_path))
        bad = sent(service, call, fail=True)
        clusters.wait(lambda: "/inProgressUri" in dict(heard.heard))
        for stage in PASSES:
            (tmp_path / f"{stage}0").touch()
        clusters.wait(lambda: {"/successUri", "/failedUri"} <= dict(heard.heard).keys())
    told = dict(heard.heard)
    assert told["/successUri"] == {"of": good.id, "base": "http://here/"}
    assert (told["/failedUri"]["jobID"], told["/failedUri"]["status"]) == (bad.id, "failed")
    assert told["/inProgressUri"]["status"] == "running"
    assert [path for path, _ in heard.heard].count("/successUri") == 1


def test_callbacks_are_tried_again_and_follow_nobody(tmp_path: Path, heard: Heard) -> None:
    service = serving(tmp_path, callback_hosts=(heard.host,))
    jobs = service.jobs
    job = sent(service, callback=heard.callback(service.settings))
    jobs.claim("w")
    jobs.finish(job.id, Status.SUCCESSFUL, "done")
    elsewhere = {"Location": f"http://{heard.host}/elsewhere"}
    heard.answers = [(500, {}), (302, elsewhere)]
    for told in (0, 0, 1):
        assert send_due(jobs, results) == told
        assert send_due(jobs, results) == 0  # it is not due yet
        service.database.execute("UPDATE jobs SET to_tell = to_tell - ?", 4 * PAUSE_S)
    assert [path for path, _ in heard.heard] == ["/successUri"] * 3
    assert send_due(jobs, results) == 0


def test_a_callback_without_results_does_not_stop_others(tmp_path: Path, heard: Heard) -> None:
    """A result may be gone when it is to be told of."""
    service = serving(tmp_path, callback_hosts=(heard.host,))
    jobs = service.jobs
    for status in (Status.SUCCESSFUL, Status.FAILED):
        job = sent(service, callback=heard.callback(service.settings))
        jobs.claim("w")
        jobs.finish(job.id, status, "")

    def gone(job: Job, base: str) -> dict[str, Any]:
        raise FileNotFoundError(job.id)

    assert send_due(jobs, gone) == 1
    assert [path for path, _ in heard.heard] == ["/failedUri"]


@pytest.mark.parametrize(
    "address",
    [
        "http://else.example/", "http://good.example:81/", "https://good.example.evil.example/",
        "http://user@good.example/", "http://good.example@evil.example/", "ftp://good.example/",
        "http://good.example\\@evil.example/", "http://evil.example#@good.example/",
        "//good.example/", "good.example", "http:///", "", "http://good.example/ x",
        "http://good.example/\r\nHost: evil.example", "http://127.0.0.1/", "http://[::1]/",
        "file:///etc/passwd", "http://g\u1d0fod.example/", "http://good.example/#f",
        "http://good.example/" + 2000 * "x", 7, None,
    ],
)  # fmt: skip
def test_other_addresses_are_refused(address: Any) -> None:
    settings = Settings(callback_hosts=("good.example",))
    with pytest.raises(Problem) as told:
        checked({"successUri": address}, settings, "")
    assert told.value.status == 400 and "successUri" in told.value.detail


def test_allowed_addresses() -> None:
    settings = Settings(callback_hosts=("Good.example", "other.example:8080"))
    good = ("https://good.example/a?b=c", "http://GOOD.example:80", "https://other.example:8080/")
    for address in good:
        told = checked({"successUri": address}, settings, "http://here")
        assert told and json.loads(told) == {"successUri": address, "base": "http://here"}
    assert checked(None, settings, "") is None
    for odd in ("x", {}, {"successUri": "https://good.example/", "more": 1}):
        with pytest.raises(Problem):
            checked(odd, settings, "")
    with pytest.raises(Problem):
        checked({"successUri": "https://good.example/"}, Settings(), "")


def test_a_supervisor_of_no_use_does_not_spin(tmp_path: Path) -> None:
    """Workers that cannot start are tried after longer and longer pauses."""
    file = tmp_path / "starts"
    words = f"import time; open({str(file)!r}, 'a').write(f'{{time.monotonic()}}\\n')"
    with supervised(serving(tmp_path / "s"), (sys.executable, "-c", words)) as spinning:
        clusters.wait(lambda: spinning._slots[0].pause >= 2.0)
    first, second, *_ = map(float, file.read_text().split())
    assert second - first >= 1.0


def test_status_info_has_what_is_known(tmp_path: Path) -> None:
    service = serving(tmp_path)
    told = status_info(sent(service), "http://here/")
    assert told["jobID"] == told["id"] and told["type"] == "process"
    assert "started" not in told and told["seconds_left"] is None
    assert [link["href"] for link in told["links"]] == [
        f"http://here/jobs/{told['id']}", "http://here/jobs", f"http://here/jobs/{told['id']}/events",
    ]  # fmt: skip
