"""A whole run by workers: on the same ground (strong), on ground that grows with them (weak)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from distributed import LocalCluster

from bench.machine import workers
from bench.runs import cells_of, whole_run
from pipeline.quarter import generate


@contextmanager
def scheduler(kind: str, n: int) -> Iterator[str]:
    """`threads`, or the address of a cluster of processes of one thread each, here."""
    if kind == "threads":
        yield kind
    else:
        with LocalCluster(n, threads_per_worker=1, dashboard_address=":0") as cluster:
            yield cluster.scheduler_address


@pytest.mark.parametrize("n", workers())
@pytest.mark.parametrize("kind", ["threads", "distributed"])
@pytest.mark.parametrize("ground", ["strong", "weak"])
def bench_workers(
    paired: Callable[..., None],
    side: int,
    timed: bool,
    tmp_path: Path,
    ground: str,
    kind: str,
    n: int,
) -> None:
    """The default layers; the quarter grows eastward."""
    if not timed and (n != workers()[-1] or (ground, kind) == ("weak", "distributed")):
        pytest.skip("untimed, one number of workers is as good as all, and one cluster")
    wide = n if ground == "weak" else 1
    quarter = generate(tmp_path / "in", size=(side / 2 * wide, side / 2), sheets=(2 * wide, 2))
    group = f"{ground}, {kind}"
    with scheduler(kind, n) as where:
        call = whole_run(quarter, tmp_path, scheduler=where, workers=n)
        paired(f"{group}, {n}", group, call, cells_of(quarter), rounds=3, several=9, workers=n)
