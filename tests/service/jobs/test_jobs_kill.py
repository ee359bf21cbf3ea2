"""The service killed at random moments while jobs run: none lost, none done twice, results equal.

Two kills, drawn by a seed; `DAKLAAG_KILLS=20 pytest -s tests/service/jobs/test_jobs_kill.py` draws
twenty and says what became of each.
"""

import json
import os
import re
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import urllib3

from pipeline.storage.ledger import RECORDS, REPORT, WORK
from service.jobs.claims import REMOVED
from tests.support.clocks import using_at_most
from tests.support.clusters import wait
from tests.support.commands import ROOT, RUNNABLE, contents
from tests.support.region import Region

KILLS = int(os.environ.get("DAKLAAG_KILLS", "2"))
JOBS = max(2, KILLS // 3)
OFTEN_S = 0.02
MOST_TASKS, LATE_S = 14, 0.5  # between two kills, and how long after the last of these
DISMISSED = 5
GREETING = re.compile(r"http://127\.0\.0\.1:\d+/")


@dataclass
class Seen:
    """What is seen of the folders of results meanwhile: which file each finished task left, and
    each finished run. A file that was written again is another one."""

    results: Path
    known: dict[Path, int] = field(default_factory=dict)
    twice: list[Path] = field(default_factory=list)

    def look(self) -> int:
        """How many were seen ever."""
        for pattern in (f"*/{WORK}/{RECORDS}/*/*.*", f"*/{REPORT}"):
            for file in self.results.glob(pattern):
                if file.suffix in (".npz", ".arrow", ".json"):
                    self._see(file)
        return len(self.known)

    def _see(self, file: Path) -> None:
        try:
            found = file.stat().st_mtime_ns
        except FileNotFoundError:  # published just now
            return
        if self.known.setdefault(file, found) != found:
            self.twice.append(file)
            self.known[file] = found

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look all the time."""
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(OFTEN_S):
                self.look()

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@dataclass
class Served:
    """A service in a process of its own, and who asks it."""

    region: Region
    state: Path
    process: "subprocess.Popen[str] | None" = None
    url: str = ""

    def start(self) -> None:
        words = ["serve", "--data", self.region.files.buildings.parent, "--state", self.state]
        words += ["--port", 0, "--workers", 2, "--jobs-a-client", 100]
        with self.state.with_suffix(".log").open("a") as log:
            self.process = subprocess.Popen(
                [*RUNNABLE, *map(str, words)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            )
        assert self.process.stdout is not None
        greeting = GREETING.search(self.process.stdout.readline())
        assert greeting, self.state.with_suffix(".log").read_text()
        self.url = greeting[0]

    def kill(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        with urllib3.PoolManager(retries=False) as pool:
            answer = pool.request(method, self.url + path, **more)
            return answer.status, answer.json()

    def order(self, bounds: str, **more: Any) -> str:
        """The id of a new job."""
        asked = {"inputs": {"area": bounds, "layers": ["hillshade", "shadow"], **more}}
        status, said = self.ask("POST", "processes/suitability/execution", json=asked)
        assert status == 201, said
        return str(said["jobID"])

    def jobs(self) -> dict[str, Any]:
        return {job["jobID"]: job for job in self.ask("GET", "jobs")[1]["jobs"]}

    def ended(self, ids: list[str]) -> bool:
        found = self.jobs()
        assert found.keys() == set(ids)
        return all(job["status"] not in ("accepted", "running") for job in found.values())

    def is_beyond(self, id: str, blocks: int) -> bool:
        """Whether more blocks of a job are done than so many."""
        return bool(self.jobs()[id]["blocks_done"] > blocks)

    def has_no_results(self) -> bool:
        """Whether no folder is left, but for those that are being removed."""
        folders = (self.state / "results").iterdir()
        return all(folder.name.startswith(REMOVED) for folder in folders)


@contextmanager
def served(region: Region, state: Path) -> Iterator[Served]:
    service = Served(region, state)
    try:
        service.start()
        yield service
    finally:
        if service.process is not None:
            service.kill()


def bounds_of(region: Region) -> list[float]:
    """Of the ground of a region, a while within its edges."""
    store = json.loads((region.out / REPORT).read_bytes())["inputs"]["dsm"]
    edges = np.array([sheet["bounds"] for sheet in store])
    return [*(edges[:, :2].min(axis=0) + 10), *(edges[:, 2:].max(axis=0) - 10)]


def ordered(service: Served, region: Region, jobs: int) -> list[str]:
    """So many jobs of the region, each with another answer."""
    bounds = ",".join(f"{edge:.0f}" for edge in bounds_of(region))
    return [service.order(bounds, parameters={"roof_percentile": str(60 + n)}) for n in range(jobs)]


def results(service: Served, ids: list[str]) -> list[dict[str, bytes]]:
    """All files that the jobs left, in their order; of reports all but what the machine did."""
    found = []
    with closing(sqlite3.connect(service.state / "service.sqlite")) as database:
        for id in ids:
            ((key,),) = database.execute("SELECT key FROM jobs WHERE id = ?", (id,))
            files = contents(service.state / "results" / key)
            report = json.loads(files[REPORT])
            report.pop("machine")
            found.append(files | {REPORT: json.dumps(report, sort_keys=True).encode()})
    database.close()
    return found


def test_a_table_written_twice_is_seen(tmp_path: Path) -> None:
    """Else the proof below would prove nothing."""
    table = tmp_path / "key" / WORK / RECORDS / "measure" / "0_0.npz"
    table.parent.mkdir(parents=True)
    seen = Seen(tmp_path)
    for written, twice in ((b"", 0), (b"", 1)):
        table.write_bytes(written)
        os.utime(table, ns=(twice, twice))
        assert seen.look() == seen.look() == 1
        assert len(seen.twice) == twice


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path, region: Region) -> None:
    """As a service that nobody disturbs has them."""
    rng, state = np.random.default_rng(KILLS), tmp_path / "killed"
    with served(region, tmp_path / "whole") as service:
        ids = ordered(service, region, JOBS)
        wait(lambda: service.ended(ids))
        expected = results(service, ids)
    seen = Seen(state / "results")
    with served(region, state) as service, seen.looking():
        ids = ordered(service, region, JOBS)
        for number in range(KILLS):
            tasks = seen.look() + int(rng.integers(0, MOST_TASKS))
            wait(lambda tasks=tasks: seen.look() >= tasks or service.ended(ids))
            time.sleep(float(rng.uniform(0, LATE_S)))
            shown = [job["progress"] for job in service.jobs().values()]
            service.kill()
            print(f"{number + 1}: {len(seen.known)} finished, jobs at {shown} per cent")
            service.start()
        wait(lambda: service.ended(ids))
        assert {job["status"] for job in service.jobs().values()} == {"successful"}
        found = results(service, ids)
    print(f"{len(seen.known)} files of finished work, {len(seen.twice)} written twice")
    assert seen.twice == []
    assert [each.keys() for each in found] == [each.keys() for each in expected]
    assert found == expected
    assert "Traceback" not in state.with_suffix(".log").read_text()


@pytest.mark.slow
def test_dismissed_within_a_second(tmp_path: Path, region: Region) -> None:
    """While shards are computed: a second of a core, where a job uses three; and no trace."""
    with served(region, tmp_path / "state") as service:
        for number in range(DISMISSED):
            (id,) = ordered(service, region, 1)
            wait(partial(service.is_beyond, id, 2 * number))
            assert service.process is not None
            with using_at_most(1.0, service.process.pid):
                _, said = service.ask("DELETE", f"jobs/{id}")
                assert said["status"] == service.jobs()[id]["status"] == "dismissed"
                wait(service.has_no_results)
            assert [service.ask(m, f"jobs/{id}")[0] for m in ("DELETE", "GET")] == [200, 404]
