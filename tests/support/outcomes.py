"""A finished run as it compares with another: rows, decoded arrays where they lie, bytes."""

import json
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray

from pipeline.engine.engine import Engine, Stop, never_stop, no_progress
from pipeline.engine.events import Log, no_log
from pipeline.engine.threads import Threads
from pipeline.errors import Stopped
from pipeline.grid import windows as grid
from pipeline.heights import levels
from pipeline.runs.passes import survey_pass
from pipeline.runs.plan import Plan, count
from pipeline.runs.prepare import prepare
from pipeline.runs.request import Request
from pipeline.runs.run import run
from tests.support.runs import Files, generated, table_of, undrawn

LAYERS = ("hillshade", "shadow", "sun_hillshade", "surface")
Place = tuple[int, int]  # row southward and column eastward of RD (0, 0)


@dataclass(frozen=True)
class Outcome:
    """resolution [m]; rows: of each row what buildings.parquet says; arrays: by level and layer,
    with the place of the first cell; buildings: the bytes; report: without `machine`."""

    resolution: float
    rows: dict[int, dict[str, Any]]
    arrays: dict[tuple[int, str], tuple[Place, NDArray[Any]]]
    buildings: bytes
    report: dict[str, Any]


def small_quarter(folder: Path) -> Files:
    """A quarter of 700 x 600 m with cells of 1 m."""
    return generated(folder, size=(700, 600), resolution=1)


def outcome(out: Path) -> Outcome:
    """What a finished run left in its folder, which must be the documented files alone."""
    assert sorted(path.name for path in out.iterdir()) == [
        "buildings.parquet", "map.png", "rasters.zarr", "report.json",
    ]  # fmt: skip
    report = json.loads((out / "report.json").read_text())
    report.pop("machine")
    rows = {row["row"]: dict(row) for _, row in table_of(out).iterrows()}
    resolution, arrays = _arrays(out)
    return Outcome(resolution, rows, arrays, (out / "buildings.parquet").read_bytes(), report)


def _arrays(out: Path) -> tuple[float, dict[tuple[int, str], tuple[Place, NDArray[Any]]]]:
    """The resolution of level 0, and all layers of all levels."""
    found, resolutions = {}, []
    for name, group in zarr.open_group(out / "rasters.zarr", mode="r").groups():
        x, y = group["x"][:], group["y"][:]
        resolutions.append(float(x[1] - x[0]))
        place = tuple(round(v / resolutions[-1] - 0.5) for v in (-y[0], x[0]))
        for layer, array in group.arrays():
            if array.ndim > 1:
                found[int(name), layer] = place, array[:]
    return min(resolutions), found


def run_without_map(files: Files, out: Path, **options: Any) -> Outcome:
    """Run, all layers unless told otherwise, but draw no map."""
    compute(files, out, **options)
    return outcome(out)


def compute(
    files: Files, out: Path, stop: Stop = never_stop, log: Log = no_log, **options: Any
) -> None:
    """The same without a look at the result; Stopped if `stop` says so."""
    with undrawn():
        request = files.request(out, **({"layers": LAYERS} | options))
        run(request, stop=stop, log=log)


def counted(request: Request) -> Plan:
    """What a run would read and hold, without a guess of how long it takes."""
    found = prepare(request)
    survey_pass(found.context, Engine(1, Threads(1), no_progress, never_stop))
    return count(found, found.method.influence(found.context))


def run_interrupted(files: Files, out: Path, patience: int, **options: Any) -> int:
    """Stop at every so manieth poll of the flag and go on, as often as it takes; how often."""
    for interruptions in range(200):
        polls = iter(range(patience))
        try:
            compute(files, out, stop=lambda left=polls: next(left, None) is None, **options)
        except Stopped:
            assert not (out / "report.json").exists()
            continue
        return interruptions
    raise AssertionError("it never came to an end")


def shuffle_tasks(patch: pytest.MonkeyPatch, seed: int) -> list[str]:
    """From here on tasks run in another order; the stages in which that made a difference."""
    rng, stages, usual = random.Random(seed), [], Engine.run

    def shuffled(
        engine: Engine, stage: str, task: Any, arguments: Any, total: int, **more: Any
    ) -> None:
        mixed = rng.sample(list(arguments), total)
        if total > 1:
            stages.append(stage)
        usual(engine, stage, task, mixed, total, **more)

    patch.setattr(Engine, "run", shuffled)
    return stages


def set_everywhere(patch: pytest.MonkeyPatch, module: Any, name: str, value: Any) -> None:
    """A constant of a module, there and in all modules that took it over."""
    usual = getattr(module, name)
    for at, other in list(sys.modules.items()):
        if at.startswith("pipeline.") and getattr(other, name, None) == usual:
            patch.setattr(other, name, value)


@contextmanager
def small_tiles(cache: Path) -> Iterator[None]:
    """Tiles of 16 cells, so that small ground has hundreds; what is kept of them lies apart."""
    with pytest.MonkeyPatch.context() as patch:
        set_everywhere(patch, grid, "TILE", 16)
        set_everywhere(patch, levels, "LEVELS", 2)
        patch.setenv("DAKLAAG_CACHE", str(cache))
        yield


def assert_equal(found: Outcome, whole: Outcome) -> None:
    """All is equal, to the byte where it is bytes."""
    assert_agrees(found, whole)
    assert found.rows.keys() == whole.rows.keys()
    assert found.arrays.keys() == whole.arrays.keys()
    for key, (place, array) in whole.arrays.items():
        assert found.arrays[key][0] == place
        assert found.arrays[key][1].shape == array.shape
    assert found.buildings == whole.buildings
    assert found.report == whole.report


def assert_agrees(part: Outcome, whole: Outcome) -> int:
    """The rows and the ground that both have are equal; how many cells were compared."""
    assert part.rows
    assert not (lone := part.rows.keys() - whole.rows.keys()), lone
    other = [row for row in part.rows if part.rows[row] != whole.rows[row]]
    assert not other, [(part.rows[row], whole.rows[row]) for row in other[:3]]
    compared = 0
    for key in part.arrays.keys() & whole.arrays.keys():
        found, expected = common(part.arrays[key], whole.arrays[key])
        np.testing.assert_array_equal(found, expected, err_msg=str(key))
        compared += found.size
    return compared


def common(
    a: tuple[Place, NDArray[Any]], b: tuple[Place, NDArray[Any]]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The ground that two arrays share."""
    begin = [max(p, q) for p, q in zip(a[0], b[0], strict=True)]
    ends = [np.add(place, array.shape[-2:]) for place, array in (a, b)]
    size = np.maximum(np.minimum(*ends) - begin, 0)

    def cut(place: Place, array: NDArray[Any]) -> NDArray[Any]:
        top, left = np.subtract(begin, place)
        return array[..., top : top + size[0], left : left + size[1]]

    return cut(*a), cut(*b)


def middle(whole: Outcome, share: float) -> str:
    """An AREA in the middle of a run's ground, of a share of its width and height, whose borders
    lie on no cell's line."""
    (top, left), array = whole.arrays[0, "shadow"]
    (ymin, ymax), (xmin, xmax) = (
        (begin + size * (1 - share) / 2 + 0.3, begin + size * (1 + share) / 2 + 0.3)
        for begin, size in zip((-top - array.shape[0], left), array.shape, strict=True)
    )
    r = whole.resolution
    return f"{xmin * r},{ymin * r},{xmax * r},{ymax * r}"
