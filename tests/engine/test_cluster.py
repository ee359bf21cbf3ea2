"""A scheduler and workers as processes of their own: the same result, whoever comes and goes."""

import os
import signal
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from distributed import Client

from tests.support.clusters import PATIENCE_S, Processes, processes, wait
from tests.support.commands import ROOT, call, start
from tests.support.region import Region, after, ended, finished, interrupt, outcomes

pytestmark = pytest.mark.slow
GONE = "start it and its workers, and run the same command again: it goes on where it was\n"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Processes]:
    with processes(tmp_path / "cluster", workers=2) as started:
        yield started


def test_a_cluster_gives_what_threads_give(
    tmp_path: Path, region: Region, cluster: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where paths are relative to a folder that is not the workers'."""
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "log"
    words = region.command("out", "--scheduler", cluster.address, "--log-json", log)
    assert call(*words).exit_code == 0
    assert outcomes(log)["done"] == region.tasks
    region.assert_same(tmp_path / "out")


def test_workers_that_join_late(tmp_path: Path, region: Region) -> None:
    out = tmp_path / "out"
    with processes(tmp_path / "cluster", workers=0) as cluster:
        process = start(*region.command(out, "--scheduler", cluster.address))
        wait(out.exists)
        cluster.join()
        wait(after(out, 2))
        cluster.join()
        status, _ = ended(process)
    assert status == 0
    region.assert_same(out)


def test_a_scheduler_that_is_killed(tmp_path: Path, region: Region, cluster: Processes) -> None:
    """One line; and with a new one the same command goes on."""
    out, log = tmp_path / "out", tmp_path / "log"
    address = cluster.address
    process = start(*region.command(out, "--scheduler", address))
    wait(after(out, len(region.tasks) // 2))
    cluster.kill(cluster.scheduler)
    status, said = ended(process)
    assert status == 2
    *_, last = said.splitlines(keepends=True)
    assert last == f"error: the scheduler at {address} is gone; {GONE}"
    for worker in cluster.workers:
        worker.wait(PATIENCE_S)  # they end by themselves
    kept = finished(out)
    cluster.start(workers=1)
    again = region.command(out, "--scheduler", cluster.address, "--log-json", log)
    assert call(*again).exit_code == 0
    assert outcomes(log)["kept"] == kept
    region.assert_same(out)


def test_a_run_that_is_stopped(tmp_path: Path, region: Region, cluster: Processes) -> None:
    """And nothing of it runs on: the workers are free for the next."""
    out = tmp_path / "out"
    words = region.command(out, "--scheduler", cluster.address)
    status, said = interrupt(words, after(out, 3), signal.SIGTERM)
    assert status == 130
    assert said.endswith("stopped; the same command takes it up again\n")
    kept = finished(out)
    assert call(*words, "--log-json", tmp_path / "log").exit_code == 0
    assert outcomes(tmp_path / "log")["kept"] == kept
    region.assert_same(out)


def other_version(folder: Path) -> str:
    """What makes a worker have another version of the program."""
    told = folder / "other" / "daklaag-9.9.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: daklaag\nVersion: 9.9\n")
    return os.pathsep.join([str(told.parent), str(ROOT)])


def test_workers_of_another_version(tmp_path: Path, region: Region) -> None:
    """At the start, or later: no task is given to them."""
    expected = f"has version 9.9, but here is {version('daklaag')}; install the same on every"
    with processes(tmp_path / "cluster", workers=0) as cluster:
        other = cluster.join(PYTHONPATH=other_version(tmp_path))
        with Client(cluster.address) as client:
            client.wait_for_workers(1, PATIENCE_S)
        words = region.command(tmp_path / "out", "--scheduler", cluster.address, "-q")
        result = call(*words)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert expected in result.stderr
        other.terminate()
        other.wait(PATIENCE_S)
        process = start(*words)
        wait((tmp_path / "out").exists)
        cluster.join(PYTHONPATH=other_version(tmp_path / "again"))
        status, said = ended(process)
        assert (status, said.count("\n")) == (2, 1)
        assert expected in said
        assert not finished(tmp_path / "out")


def test_no_scheduler(tmp_path: Path, region: Region) -> None:
    result = call(*region.command(tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1", "-q"))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("error: --scheduler tcp://127.0.0.1:1: no dask scheduler")
