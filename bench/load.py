"""A service under load: clients that ask tiles and summaries while a job runs on all cores.

python -m bench.load [--clients 50] [--requests 10000] [--json FILE]

A client is somebody at the map: a view of twelve tiles, a summary, a pause of five seconds or so,
another view; they come within twenty seconds. Then all of them once more without a pause: each with
one request after another beside a job, and as a browser does it, six at a time, without a job: what
the service can at most. The ground is a generated quarter; --data asks a
service of other folders instead, and --area says what of them a job is for.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.asking import LANES, Person, RequestLog, ServedLayer, ask
from bench.machine import ROOT, machine
from bench.result import Row, check_free, result, write
from bench.rounds import aim, tell
from bench.runs import whole_run
from bench.table import table
from bench.targets import Target

NAME = "quarter"
SERVE = "from service.cli.main import main; main(prog_name='daklaag')"
SUITABILITY = "/processes/suitability/execution"
PAUSE_S = 5.0
SAMPLE_S = 0.25
WARM = 0.2  # of the requests come before memory is judged, while caches fill
JOBS = 3
QUICK = Target("p99 <= 500 ms", "p99_ms", 500)
NONE = Target("none", "errors", 0)
SLOWED = Target("<= 1.33 x", "ratio", 4 / 3)
FLAT = Target("<= 1.05 x", "ratio", 1.05)


@dataclass(frozen=True)
class Place:
    """The folders that a service is started with, and the area of jobs, if there are any."""

    data: tuple[Path, ...]
    area: str | None


def generated(folder: Path, metres: float) -> Place:
    """A quarter with its regions, and a finished run of it."""
    from pipeline.quarter import generate
    from pipeline.quarter.regions import write_regions

    inputs = folder / "inputs"
    made = generate(inputs, size=(metres, metres))
    write_regions(inputs, made.bounds)
    whole_run(made, folder, layers=("hillshade", "shadow"))()
    (folder / "0").rename(folder / NAME)
    return Place((folder / NAME, inputs), ",".join(f"{side:g}" for side in made.bounds))


@dataclass
class Usage:
    """CPU time and memory of a process [s, bytes] after so many responses."""

    pid: int
    samples: list[tuple[int, float, int]] = field(default_factory=list)

    def sample(self, answered: int) -> None:
        """Take a sample. Raises OSError where the system has no /proc."""
        words = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(words[11]) + int(words[12])
        page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
        self.samples.append((answered, ticks / tick, int(words[21]) * page))

    @asynccontextmanager
    async def sampling(self, log: RequestLog) -> AsyncIterator[None]:
        """Take samples all the time."""

        async def look() -> None:
            while True:
                self.sample(log.answered)
                await asyncio.sleep(SAMPLE_S)

        task = asyncio.create_task(look())
        try:
            yield
        finally:
            task.cancel()
            self.sample(log.answered)

    @property
    def seconds(self) -> float:
        """Seconds of CPU since the first look."""
        return self.samples[-1][1] - self.samples[0][1]

    def memory(self) -> tuple[float, float, float]:
        """MB in the first and the last tenth, and MB a thousand responses, when caches are full."""
        answered, _, size = np.array(self.samples, float).T
        at = np.linspace(WARM * answered[-1], answered[-1], 1000)
        size = np.interp(at, answered, size / 1e6)
        slope = np.polyfit(at, size, 1)[0]
        return float(size[:100].mean()), float(size[-100:].mean()), float(1000 * slope)


class Load:
    """A service under load by its clients; `rows` grows."""

    def __init__(self, address: str, pid: int, place: Place, rows: list[Row]) -> None:
        self.address, self.pid, self.place, self.rows = address, pid, place, rows
        self._jobs = 0

    async def measure(
        self, clients: int, requests: int, pause: float = PAUSE_S, jobs: int = JOBS
    ) -> None:
        """Measure all rows. pause: of a client between two views, on average [s]; jobs: how many
        are measured alone."""
        layers = await self._layers()
        areas = await self._areas(layers[0].bounds)
        people = [Person(self.address, layers, areas, number) for number in range(clients)]
        alone = await self._alone(jobs)
        tell(f"load: {clients} clients, a job beside them")
        beside: list[float] = []
        async with self._busy(beside):
            await self._phase("while a job runs", people, requests, pause, goal=True)
        self._slowed(alone, beside)
        tell(f"load: {clients} clients without a pause")
        async with self._busy([]):
            one = "one after another without a pause, while a job runs"
            await self._phase(one, people, requests, 0.0, at_once=1, goal=True)
        await self._phase("without a pause, no job", people, requests, 0.0)

    async def _layers(self) -> list[ServedLayer]:
        """Layers of the first collection."""
        name = (await ask(self.address, "/collections"))["collections"][0]["id"]
        layers = []
        for layer in ("buildings", "roofs", "hillshade", "shadow"):
            tilejson = await ask(self.address, f"/collections/{name}/tiles/{layer}")
            template = tilejson["tiles"][0].removeprefix(self.address)
            zooms = tilejson["minzoom"], tilejson["maxzoom"]
            layers.append(ServedLayer(template, zooms, tuple(tilejson["bounds"])))
        return layers

    async def _areas(self, bounds: tuple[float, ...]) -> list[dict[str, Any]]:
        """Inputs of summaries: half of them places by name, half circles that somebody drew."""
        draw, (west, south, east, north) = np.random.default_rng(5), bounds
        places = (await ask(self.address, "/places?q=a&limit=50"))["features"]
        named = [{"area": place["id"]} for place in places]
        named += [{"area": place["id"], "by": "neighbourhood"} for place in places[:2]]
        circles = [
            {"around": {"centre": [draw.uniform(west, east), draw.uniform(south, north)],
                        "radius_m": draw.uniform(50, 1000)}}
            for _ in range(5000)
        ]  # fmt: skip
        return named * (len(circles) // max(len(named), 1)) + circles

    async def _alone(self, jobs: int) -> list[float]:
        """Seconds of jobs without clients, but for the first, which compiles and fills caches."""
        seconds: list[float] = []
        if self.place.area:
            tell("load: jobs alone")
            while len(seconds) <= jobs:
                await self._job(seconds)
        return seconds[1:]

    @asynccontextmanager
    async def _busy(self, seconds: list[float]) -> AsyncIterator[None]:
        """One job after another meanwhile, with their seconds."""

        async def jobs() -> None:
            while self.place.area:
                await self._job(seconds)

        task = asyncio.create_task(jobs())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _job(self, seconds: list[float]) -> None:
        """A job with parameters that were not computed before."""
        self._jobs += 1
        share = {"panel_share": 0.1 + self._jobs / 10_000}
        inputs = {"area": self.place.area, "parameters": share}
        job = await ask(self.address, SUITABILITY, {"inputs": inputs})
        while job["status"] in ("accepted", "running"):
            await asyncio.sleep(SAMPLE_S)
            job = await ask(self.address, f"/jobs/{job['jobID']}")
        if job["status"] != "successful":
            raise RuntimeError(f"a job ended as {job['status']}: {job['message']}")
        begun, ended = (datetime.fromisoformat(job[name]) for name in ("started", "finished"))
        seconds.append((ended - begun).total_seconds())

    async def _phase(
        self,
        when: str,
        people: list[Person],
        requests: int,
        pause: float,
        at_once: int = LANES,
        goal: bool = False,
    ) -> None:
        log, usage = RequestLog(requests), Usage(self.pid)
        begin, own = time.perf_counter(), time.process_time()
        async with usage.sampling(log):
            await asyncio.gather(*(person.ask(log, pause, at_once) for person in people))
        took, own = time.perf_counter() - begin, time.process_time() - own
        for kind, seconds in log.seconds.items():
            self._latency(f"{kind}, {when}", seconds, goal and kind == "tiles")
        self._figure(f"errors, {when}", f"{log.errors}", NONE, errors=log.errors)
        self._memory(when, usage)
        rate = f"{log.answered / took:.0f} a second"
        cores = f"service {usage.seconds / took:.2f} of a core, clients {own / took:.2f}"
        self._figure(f"answers, {when}", f"{rate}; {cores}")

    def _latency(self, name: str, seconds: list[float], goal: bool) -> None:
        p50, p99 = (float(1000 * value) for value in np.percentile(seconds, (50, 99)))
        row = self._figure(name, "", QUICK if goal else None)
        row |= {"p50_ms": p50, "p99_ms": p99, "max_ms": 1000 * max(seconds), "asked": len(seconds)}
        row["median_s"] = p50 / 1000

    def _memory(self, when: str, usage: Usage) -> None:
        first, last, slope = usage.memory()
        text = f"{first:.0f} to {last:.0f} MB, {slope:+.2f} MB a thousand answers"
        self._figure(f"memory of the service, {when}", text, FLAT, ratio=last / first)

    def _slowed(self, alone: list[float], beside: list[float]) -> None:
        if not alone or not beside:
            return
        ratio = median(beside) / median(alone)
        text = f"{ratio:.2f} x ({median(alone):.1f} s alone; {len(beside)} jobs beside it)"
        self._figure("a job, over one that nobody disturbs", text, SLOWED, ratio=ratio)

    def _figure(self, name: str, text: str, target: Target | None = None, **more: Any) -> Row:
        row: Row = {"group": "load", "name": name, "figure": text, "median_s": None}
        row |= {"cells": None, "mcells_s": None, "copies": None, "spread": None, **more}
        self.rows.append(row)
        if target:
            aim(row, target)
        return row


@contextmanager
def serving(place: Place, state: Path) -> Iterator[tuple[str, int]]:
    """The address of a service and the id of its process."""
    words = [word for folder in place.data for word in ("--data", str(folder.absolute()))]
    command = [sys.executable, "-c", SERVE, "-q", "serve", "--port", "0", "--state", str(state)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with state.with_suffix(".log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--no-log-requests", *words],
            stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
        )  # fmt: skip
    try:
        assert process.stdout
        greeting = process.stdout.readline()
        if "http://" not in greeting:
            raise RuntimeError(state.with_suffix(".log").read_text())
        yield "http://" + greeting.partition("http://")[2].split("/")[0], process.pid
    finally:
        process.terminate()
        process.communicate()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=10_000, help="of each phase")
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--area", help="of a job, of --data")
    parser.add_argument("--metres", type=float, default=2000.0, help="a side of the quarter")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.json:
        check_free(options.json)
    host, rows = machine(), list[Row]()
    with tempfile.TemporaryDirectory(prefix="daklaag-load-") as name:
        folder = Path(name)
        os.environ["DAKLAAG_CACHE"] = str(folder / "cache")
        tell("load: generating and judging the ground")
        if options.data:
            place = Place(tuple(options.data), options.area)
        else:
            place = generated(folder, options.metres)
        with serving(place, folder / "state") as (address, pid):
            load = Load(address, pid, place, rows)
            asyncio.run(load.measure(options.clients, options.requests))
    measured = result("load", None, host, rows, [])
    if options.json:
        write(measured, options.json)
    print(table(measured))


if __name__ == "__main__":
    main()
