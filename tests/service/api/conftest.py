"""A service over a generated quarter and over many roofs, one for each file of tests."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.api import page
from tests.support.services import app_of, local, runs


@pytest.fixture(scope="module")
def run(base: Path) -> Path:
    """The finished run of the quarter."""
    return runs(base) / "quarter"


@pytest.fixture(scope="module")
def table(base: Path) -> pa.Table:
    """The rows of the many roofs."""
    return pq.read_table(runs(base) / "many" / "buildings.parquet")


@pytest.fixture(scope="module")
def app(base: Path, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The service, without workers."""
    return app_of(base, tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> TestClient:
    """This machine as a client of it."""
    return local(app)


@pytest.fixture
def page_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page counts as complete, though nobody fetched its libraries (`make map`)."""
    (tmp_path / "vendored.json").touch()
    monkeypatch.setattr(page, "LIBRARIES", tmp_path / "vendored.json")
