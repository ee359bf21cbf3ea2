"""What the tests share: where the real data lie, and how hypothesis draws."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from pipeline.errors import InputError
from pipeline.methods import METHODS
from service.core.faults import Faults
from tests.support.commands import small_world
from tests.support.reads import Reads, noted
from tests.support.region import Region
from tests.support.runs import Files
from tests.support.second import SECOND

# The first call of a kernel compiles it: a deadline would measure the compiler.
settings.register_profile("house", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "house")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the tests' own, and one day, in this process and those that it starts; here files
    are not flushed to the disk."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAKLAAG_CACHE", str(folder))
        patch.setenv("SOURCE_DATE_EPOCH", str(int(time.time())))  # equal runs, also at midnight
        # 5 ms a file, 40 files a run: it is for a machine that loses its power, which no test does.
        patch.setattr(os, "fsync", lambda file: None)
        yield folder


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all tests, for what several of them make once."""
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session", autouse=True)
def faults_for_clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of every fault that any test of this process meets clients would be told no path."""
    init, folder = InputError.__init__, str(tmp_path_factory.getbasetemp())

    def checked(self: InputError, *args: Any, **values: Any) -> None:
        init(self, *args, **values)
        assert folder not in Faults().sentence(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InputError, "__init__", checked)
        yield


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own method stands among the others."""
    monkeypatch.setitem(METHODS, SECOND.name, SECOND)


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """A region of many shards, and what a run of it leaves."""
    return Region.generate(tmp_path_factory.mktemp("region"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Inputs of a small world, its own for each file of tests."""
    return small_world().write(tmp_path_factory.mktemp("in"))


@pytest.fixture
def reads() -> Iterator[Reads]:
    """What a test reads of GeoParquet files."""
    with noted() as found:
        yield found


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data that DAKLAAG_DATA names; without it, the test is skipped."""
    named = os.environ.get("DAKLAAG_DATA")
    if not named:
        pytest.skip("DAKLAAG_DATA names no folder of real data")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"DAKLAAG_DATA is no folder: {folder}")
    return folder


@pytest.fixture(scope="session")
def data_file(data: Path) -> Callable[[str], Path]:
    """`data_file("delft-5m/tud-dsm-5m.tif")`: its path; the test fails where it is missing."""

    def require(name: str) -> Path:
        path = data / name
        if not path.exists():
            pytest.fail(f"{path} is missing, although DAKLAAG_DATA is set")
        return path

    return require
