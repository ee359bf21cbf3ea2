"""A service over a generated quarter and over many roofs, for the tests of its routes."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pyarrow as pa
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pipeline import quarter
from pipeline.runs.request import Outputs, Request
from pipeline.runs.run import run
from service.api.access import COOKIE, visitor
from service.api.app import create_app
from service.core.settings import Settings
from service.processes.job_request import JobRequest
from tests.support import finished, roofs
from tests.support.runs import inputs_of

LAYERS = ("hillshade", "shadow", "sun_hillshade")
MANY = 3_000  # roofs, in row groups of 150
GROUP = 150
COOKIES = "a" * 32, "b" * 32  # of two visitors


@cache
def runs(base: Path) -> Path:
    """A folder with the inputs of a quarter (`in`), a run of it (`quarter`), and a run of many
    roofs without rasters (`many`); made once for all tests."""
    folder = base / "served"
    made = quarter.generate(folder / "in", size=(300, 300), resolution=1)
    run(Request(inputs_of(made), Outputs(folder / "quarter", layers=LAYERS)))
    many(folder / "many")
    return folder


def many(folder: Path, number: int = MANY) -> pa.Table:
    """A finished run of generated roofs in small row groups, and its table."""
    folder.mkdir(parents=True)
    rows = roofs.table(number)
    roofs.write(rows, folder / "buildings.parquet", GROUP)
    finished.seal(folder, finished.composed(rows))
    return rows


def app_of(base: Path, state: Path, **settings: object) -> FastAPI:
    """A service over both runs and the inputs, without workers."""
    folder = runs(base)
    data = tuple(str(folder / name) for name in ("quarter", "many", "in"))
    return create_app(Settings(data=data, state=state, **settings), work=False)  # type: ignore[arg-type]


def finish(app: FastAPI, place: Path, cookie: str) -> str:
    """The id of a job of a visitor, whose result is a copy of a run."""
    service, order = app.state.service, JobRequest("suitability", {}, "k" * 16, 1e4)
    folder = service.settings.state / "results" / order.key
    if not folder.exists():
        shutil.copytree(place, folder)
    id: str = service.jobs.submit(order, visitor(cookie)).id
    return id


def browser(app: FastAPI, cookie: str) -> TestClient:
    """Somebody without a key."""
    return TestClient(app, "http://localhost", headers={"Cookie": f"{COOKIE}={cookie}"})


def local(app: FastAPI) -> TestClient:
    """This machine."""
    return TestClient(app, "http://localhost")


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """The address of a server that answers, as other programs ask it."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
