"""Benchmarks are tests that time: at full size by `daklaag bench`, else small and untimed."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.pairs import Copies, Timed
from bench.scenes import city

SMALL, FULL = 256, 4000


def pytest_addoption(parser: pytest.Parser) -> None:
    """The size of the rasters."""
    parser.addoption("--side", type=int, default=FULL, help="Cells along a side, where timed.")


@pytest.fixture(scope="session")
def timed(pytestconfig: pytest.Config) -> bool:
    """Whether this run times anything."""
    return bool(pytestconfig.getoption("benchmark_enable"))


@pytest.fixture(scope="session")
def side(pytestconfig: pytest.Config, timed: bool) -> int:
    """Cells along a side of the rasters of a benchmark."""
    # without the default, `pytest .` fails: it meets this file too late for its option
    return pytestconfig.getoption("side", FULL) if timed else SMALL


@pytest.fixture
def paired(benchmark: Any, side: int) -> Callable[..., None]:
    """Measure a call in pairs with copies (the median of several), and in the same rounds another
    call `beside`; what is said of it goes into the result's row."""

    def measure(
        name: str,
        group: str,
        call: Callable[[], Any],
        cells: int | None,
        rounds: int = 11,
        several: int = 1,
        beside: Callable[[], Any] | None = None,
        **more: Any,
    ) -> None:
        copies = Copies(city(side), several)
        others = Timed(beside) if beside else None

        def setup() -> None:
            copies()
            if others:
                others()

        benchmark.pedantic(call, setup=setup, rounds=rounds, warmup_rounds=1)
        row = {"name": name, "group": group, "cells": cells} | more
        benchmark.extra_info.update(row=row, copied=copies.source.size)
        benchmark.extra_info["copies"] = copies.seconds[-rounds:]
        if others:
            benchmark.extra_info["beside"] = others.seconds[-rounds:]

    return measure
