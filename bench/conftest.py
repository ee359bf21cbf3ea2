"""Benchmarks are tests that time: at full size in `make bench`, else small and untimed."""

import pytest


@pytest.fixture(scope="session")
def timed(pytestconfig: pytest.Config) -> bool:
    """Whether this run times anything."""
    return bool(pytestconfig.getoption("benchmark_enable"))


@pytest.fixture(scope="session")
def side(timed: bool) -> int:
    """Cells along a side of the rasters of a benchmark."""
    return 4096 if timed else 256
