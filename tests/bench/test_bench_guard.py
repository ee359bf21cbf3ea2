"""A kernel that has become much slower, told by its ratio to a copy in the same rounds."""

import os

import pytest

from bench.cases import KERNELS
from bench.pairs import measure
from bench.scenes import city

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="the compiler is off"
)
SIDE, ROUNDS, TRIES = 2000, 31, 3
# Copies that a cell may cost: two to three times what it costs at this size. An idle machine and
# one that is busy with other work differ by a third.
BOUNDS = {"hillshade": 5.0, "cast shadow, one sun": 3.0}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_kernel_is_about_as_fast_as_it_was(name: str) -> None:
    height, target = city(SIDE), KERNELS[name].target
    call, cells = KERNELS[name].prepare(height)
    assert cells == height.size and target
    found = [measure(call, height, ROUNDS) for _ in range(TRIES)]
    least = min(found)
    assert least.median < BOUNDS[name], (
        f"{name}: {least.median:.2f} copies a cell (quartiles {least.q1:.2f} to {least.q3:.2f}),"
        f" where {BOUNDS[name]} is the bound and {target.text} the target"
    )
