"""What a worker holds in each pass of a run, measured in a process of its own.

`python -m tests.memory FOLDER JSON` prints the promise and the peaks [bytes] as JSON. FOLDER holds
the files of a world, and in `small` those of one to begin with.
"""

import ctypes
import json
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.commands import ROOT

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


def measure(folder: Path, options: dict[str, Any]) -> dict[str, int]:
    """Peaks of the passes beyond what was held before, with one worker; without GDAL's cache."""
    from pipeline import passes, plan, rasters, store
    from pipeline.engine import Engine, never
    from pipeline.ledger import Ledger
    from pipeline.request import Request, prepare
    from pipeline.tasks import Context

    def silent(stage: str, done: int, total: int) -> None:
        """No progress."""

    rasters.CACHE_MB = 1  # its promise is kept by GDAL, and would hide ours
    inputs = ((str(folder / name),) for name in ("R_1.tif", "M_1.tif", "pand.parquet"))
    job = prepare(Request(*inputs, folder, **options))
    ledger, engine = Ledger(Path(mkdtemp(dir=folder))), Engine(1, None, silent, never)
    context = Context(ledger, job.terrain, job.p, job.layout, job.request.block)
    held = clear()
    surveys = passes.survey_pass(job, ledger, engine)
    found = {"promised": plan.count(job, surveys).memory, "survey": resident("VmHWM") - held}
    held = clear()
    measured = passes.measure_pass(job, context, engine, surveys)
    found["measure"] = resident("VmHWM") - held
    layers = store.layers_of(job.request.layers, tuple(f"{t:%H:%M}" for t in job.p.times))
    store.create(ledger.rasters, job.layout, layers, job.provenance)
    held = clear()
    passes.shade_pass(job, context, engine, surveys, measured, layers)
    return found | {"shade": resident("VmHWM") - held}


def measured_apart(folder: Path, **options: Any) -> dict[str, int]:
    """The same in a process of its own, where nothing else is held."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.memory", str(folder), json.dumps(options)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    asked = json.loads(sys.argv[2])
    measure(Path(sys.argv[1]) / "small", asked | {"area": None})  # compiles what is compiled
    print(json.dumps(measure(Path(sys.argv[1]), asked)))
