"""A whole run on the generated quarter beside merely decoding its sheets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.runs import cells_of, decode, whole_run
from pipeline.quarter import Quarter, generate


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory, side: int) -> Quarter:
    """A quarter of `side` cells of 0.5 m along a side."""
    return generate(tmp_path_factory.mktemp("quarter"), size=(side / 2, side / 2))


def bench_decode(paired: Callable[..., None], quarter: Quarter) -> None:
    """All sheets of DSM and DTM, one after another."""
    paired(
        "decode DSM and DTM", "run", lambda: decode(quarter), cells_of(quarter), rounds=5, several=9
    )


@pytest.mark.parametrize("surface", ["extruded", "dsm"])
@pytest.mark.parametrize("layers", [(), ("hillshade", "shadow")], ids=["none", "default"])
@pytest.mark.parametrize("n", [1, 2])
def bench_whole_run(
    paired: Callable[..., None],
    quarter: Quarter,
    tmp_path: Path,
    surface: str,
    layers: tuple[str, ...],
    n: int,
) -> None:
    """From sheets to table, map and report."""
    asked = {"settings": {"surface": surface}, "layers": layers, "workers": n}
    kind = "default layers" if layers else "no layers"
    name = f"run, {surface}, {kind}, {n} worker{'s' * (n > 1)}"
    paired(
        name, "run", whole_run(quarter, tmp_path, **asked), cells_of(quarter), rounds=3, several=9
    )
