"""What `bench.wind_cost` counts: each candidate of a quarter once, in time that it takes."""

from pathlib import Path

import numpy as np

from bench.wind_blocks import measured_blocks
from bench.wind_cost import Cost, cost, prepared
from pipeline.methods.buildings import is_candidate


def test_every_candidate_is_counted(tmp_path: Path) -> None:
    run = prepared(tmp_path, 150, 1.0, 6.0)
    found = cost(run)
    due = sum(
        np.count_nonzero(is_candidate(measured, run.context.p))
        for *_, measured in measured_blocks(run)
    )
    assert found.candidates == due > 5
    assert found.around > 0 and found.year >= 0


def test_the_cost_of_each() -> None:
    assert Cost(4, 0.010, 0.006).each == (2.5, 1.5, 4.0)
