"""A whole run on the generated quarter beside merely decoding its sheets."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest
import rasterio

from pipeline.quarter import Quarter, generate
from pipeline.request import Request
from pipeline.run import run


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory, timed: bool) -> Quarter:
    side = 2000.0 if timed else 200.0
    return generate(tmp_path_factory.mktemp("quarter"), size=(side, side))


def decode(quarter: Quarter) -> None:
    for path in (*quarter.dsm, *quarter.dtm):
        with rasterio.open(path) as sheet:
            sheet.read(1)


def cells_of(quarter: Quarter) -> int:
    xmin, ymin, xmax, ymax = quarter.bounds
    return round((xmax - xmin) * (ymax - ymin) * 4)


def bench_decode(benchmark: Any, quarter: Quarter) -> None:
    benchmark.extra_info.update(group="run", label="decode DSM and DTM", cells=cells_of(quarter))
    benchmark.pedantic(decode, args=(quarter,), rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("surface", ["extruded", "dsm"])
@pytest.mark.parametrize("layers", [(), ("hillshade", "shadow")], ids=["none", "default"])
@pytest.mark.parametrize("workers", [1, 2])
def bench_whole_run(
    benchmark: Any, quarter: Quarter, tmp_path: Path, surface: str, layers: Any, workers: int
) -> None:
    numbers = count()

    def whole() -> None:
        run(
            Request(
                dsm=tuple(map(str, quarter.dsm)),
                dtm=tuple(map(str, quarter.dtm)),
                buildings=(str(quarter.buildings),),
                out=tmp_path / str(next(numbers)),
                settings={"surface": surface},
                layers=layers,
                workers=workers,
            )
        )

    kind = "default layers" if layers else "no layers"
    label = f"run, {surface}, {kind}, {workers} worker{'s' * (workers > 1)}"
    benchmark.extra_info.update(group="run", label=label, cells=cells_of(quarter))
    benchmark.pedantic(whole, rounds=3, warmup_rounds=1)
