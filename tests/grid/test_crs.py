"""The ways between coordinate reference systems: those of PROJ, at little cost in many threads."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyproj

from pipeline.grid.crs import RD, transformer
from tests.support.clusters import PATIENCE_S
from tests.support.commands import ROOT

THREADS = 40
FORKED = """
import os
from pipeline.grid.crs import RD, transformer
found = transformer(RD, "EPSG:4326").transform(121_000.0, 487_000.0)
child = os.fork()
if not child:
    os._exit(found != transformer(RD, "EPSG:4326").transform(121_000.0, 487_000.0))
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_transformer_gives_what_proj_gives() -> None:
    draw = np.random.default_rng(3)
    x, y = draw.uniform(10_000, 280_000, 50), draw.uniform(310_000, 620_000, 50)
    proj = pyproj.Transformer.from_crs(RD, "EPSG:4326", always_xy=True)
    there = transformer(RD, "EPSG:4326")
    assert np.array_equal(there.transform(x, y), proj.transform(x, y))
    bounds = (121_000.0, 486_000.0, 122_000.0, 487_500.0)
    assert there.transform_bounds(*bounds) == proj.transform_bounds(*bounds)
    back = transformer("EPSG:4326", RD).transform(*there.transform(x, y))
    assert np.abs(np.array(back) - (x, y)).max() < 0.001


def test_threads_that_use_it_first_do_not_wait() -> None:
    """A transformer of PROJ's own takes 30 ms of each."""
    there, meet = transformer(RD, "EPSG:3857"), threading.Barrier(THREADS)

    def ask(x: float) -> float:
        meet.wait()
        east: float = there.transform(x, 487_000.0)[0]
        return east

    begin = time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(ask, np.linspace(100_000, 140_000, THREADS)))
    assert time.process_time() - begin < 0.01 * THREADS
    assert found == sorted(found)


def test_a_forked_process_transforms_too() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE_S)
