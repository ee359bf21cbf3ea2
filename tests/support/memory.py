"""What a worker holds in each pass of a run, and what writes the table: peaks [bytes], measured in
a process of their own."""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from numpy.typing import NDArray

from tests.support.commands import ROOT
from tests.support.outcomes import counted, set_everywhere
from tests.support.runs import Files

CLEAR_PEAK = "5"  # see proc_pid_clear_refs(5)


def resident(name: str) -> int:
    """VmRSS or VmHWM, its highest value since it was cleared [bytes]."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"no {name} here")


def clear() -> int:
    """Forget the peak; what is held now."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text(CLEAR_PEAK)
    return resident("VmRSS")


def measure_passes(folder: str, home: str, options: dict[str, Any]) -> dict[str, int]:
    """What the plan promises of a world, and the peaks of its passes, with one worker.

    folder: with the files of the world, and in `small` those of one in which all is compiled; home:
    for the results."""
    _passes(Path(folder) / "small", Path(home) / "small", options | {"area": None})
    return _passes(Path(folder), Path(home) / "town", options)


def _passes(folder: Path, out: Path, options: dict[str, Any]) -> dict[str, int]:
    """Beyond what was held before, without the tiles that are kept."""
    from pipeline.heights import tiles
    from pipeline.output.map import cartography
    from pipeline.runs import passes, run

    found: dict[str, int] = {}

    def watched(work: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        def watch(*given: Any) -> Any:
            held = clear()
            answer = work(*given)
            found[name(*given)] = resident("VmHWM") - held
            return answer

        return watch

    def name_of(asked: Any, engine: Any, index: int, *_: Any) -> str:
        return asked.method.passes[index].name

    files = Files((folder / "R_1.tif",), (folder / "M_1.tif",), folder / "pand.parquet")
    request = files.request(out, workers=1, **options)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE_MB", "GDAL_MB"):  # a promise of its own, which would hide the others
            set_everywhere(patch, tiles, name, 0)
        patch.setattr(tiles.TILES, "limit", 0)
        patch.setattr(run, "survey_pass", watched(run.survey_pass, lambda *_: "survey"))
        patch.setattr(passes, "run_pass", watched(passes.run_pass, name_of))
        patch.setattr(cartography, "draw", lambda scene, to, lang: None)
        run.run(request)
        return found | {"promised": counted(request).memory}


def measure_table(path: Path, groups: int) -> int:
    """The peak of writing a table of buildings of so many row groups, beyond what was held."""
    from pipeline.methods import METHODS
    from pipeline.results.buildings import GROUP_ROWS, write_buildings

    def tables() -> Iterator[pa.Table]:
        for i in range(groups):
            yield synthetic_rows(np.arange(GROUP_ROWS) + i * GROUP_ROWS)

    write_buildings(path, [synthetic_rows(np.arange(100))], {}, METHODS["powermapping"].schema)
    held = clear()
    write_buildings(path, tables(), {}, METHODS["powermapping"].schema)
    return resident("VmHWM") - held


def synthetic_rows(row: NDArray[np.int64]) -> pa.Table:
    """Squares in a line, judged alike."""
    from pipeline.methods import METHODS

    known: dict[str, Any] = {
        "row": row,
        "id": pa.array(row).cast(pa.string()),
        "centre_x": row * 20.0,
        "centre_y": row * 0.0,
        "flags": pa.array([[]] * len(row), METHODS["powermapping"].schema.field("flags").type),
        "geometry": pa.array(shapely.to_wkb(shapely.box(row * 20.0, 0, row * 20.0 + 9, 9))),
    }
    columns = {
        f.name: known.get(f.name, pa.nulls(len(row), f.type))
        for f in METHODS["powermapping"].schema
    }
    return pa.table(columns, schema=METHODS["powermapping"].schema)


def apart(call: str, **environment: str) -> Any:
    """What a call of a function of this module answers in a process of its own, where nothing else
    is held."""
    code = f"import json; from tests.support.memory import *; print(json.dumps({call}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
