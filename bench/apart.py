"""The tasks of the rehearsal, each measured in a process of its own: time and peak memory.

python -m bench.apart TASK: its arguments from standard input and its answer, both JSON.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.watch import watched

ROOT = Path(__file__).parents[1]
Answer = dict[str, Any]
Bounds = tuple[float, float, float, float]
COUNTS = {"read": "cells", "own": "own", "decoded": "decoded"}  # cells, by their names in the log
CACHE_MB = 64  # tiles are read once: a larger cache has no use


def apart(task: str, cache: Path, **asked: Any) -> Answer:
    """A task's answer, from a process of its own, with what that took (bench.watch). cache: the
    folder of the program's cache, beside which the compiled kernels are kept.

    Raises RuntimeError if it fails.
    """
    process = _begun(task, cache, asked)
    with watched(process) as took:
        line, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{task} ended with status {process.returncode}")
    answer: Answer = json.loads(line.splitlines()[-1])
    return answer | took


def killed(task: str, cache: Path, when: Callable[[], bool], **asked: Any) -> bool:
    """Begin a task in a process of its own, and kill that as soon as `when` answers True. Whether
    it was killed before it was done."""
    process = _begun(task, cache, asked)
    while process.poll() is None and not when():
        time.sleep(0.01)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def _begun(task: str, cache: Path, asked: Answer) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.apart", task],
        cwd=ROOT,
        env=_environment(cache.absolute()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    json.dump(asked, process.stdin, default=str)
    process.stdin.close()
    process.stdin = None  # or `communicate` would close it again
    return process


def _environment(cache: Path) -> dict[str, str]:
    """With caches of its own, and with byte code, which any program has from its second start on:
    to compile all modules anew takes 2 s."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "DAKLAAG_CACHE": str(cache),
        "NUMBA_CACHE_DIR": str(cache.with_name("compiled")),
        "PYTHONPYCACHEPREFIX": str(cache.with_name("bytecode")),
    }


def make(folder: str, kind: str, workers: int, **options: Any) -> Answer:
    """Generate the nation, a province, or four sheets of a kind (`city`, `country`; with pitched
    roofs `pitched city`, `pitched country`), of which `one` is the name of the most usual."""
    from bench import nation

    *pitched, kind = kind.split()
    options["pitched"] = bool(pitched)
    with _timed() as answer:
        if kind in nation.FOUR:
            options["names"] = [place.name for place in nation.typical_four(kind)]
            answer["one"] = options["names"][0]
        made = {"province": nation.province}.get(kind, nation.generate)
        found = made(Path(folder), workers=workers, **options)
    values = answer | {"dsm": str(found.dsm), "dtm": str(found.dtm)}
    return values | {
        "buildings": str(found.buildings),
        "footprints": found.footprints,
        "cells": found.cells,
        "bounds": found.bounds,
        "sheets": len(found.names),
        "bytes": sum(p.stat().st_size for f in (found.dsm, found.dtm) for p in f.iterdir()),
    }


def decode(files: list[str], workers: int) -> Answer:
    """Read all of some rasters once, each by one of the threads, a row of blocks at a time."""
    import rasterio
    from rasterio.windows import Window

    def read(path: str) -> int:
        with rasterio.open(path) as sheet:
            high = sheet.block_shapes[0][0]
            for row in range(0, sheet.height, high):
                sheet.read(1, window=Window(0, row, sheet.width, min(high, sheet.height - row)))
            return int(sheet.width * sheet.height)

    with _timed() as answer, rasterio.Env(GDAL_CACHEMAX=CACHE_MB * 2**20):
        answer["cells"] = sum(_spread(read, files, workers))
    return answer


def relief(files: list[str], store: str, workers: int) -> Answer:
    """Write the relief store of some sheets of DSM, when what is compiled was loaded by one."""
    from pipeline.engine.engine import never_stop
    from pipeline.heights.mosaics import open_mosaic
    from pipeline.heights.relief import survey_sheet

    sheets = open_mosaic(files, "DSM", None, frozenset({"gaps"})).sheets
    survey_sheet(sheets[0], Path(store) / "first", never_stop)
    with _timed() as answer:
        _spread(lambda sheet: survey_sheet(sheet, Path(store), never_stop), sheets, workers)
    return answer | {"cells": sum(sheet.window.size for sheet in sheets)}


def whole_run(out: str, log: str | None = None, **asked: Any) -> Answer:
    """A run from the sheets to the table, the report and the map.

    log: a file that gets a line of JSON for each task that is done. Answers read and own, the cells
    asked for and those of them that are the blocks' own; decoded, the cells of the tiles that were
    decoded for them; done and kept, the tasks of this run and those that it found finished.
    """
    from pipeline.engine.garbage import collect_rarely

    collect_rarely()  # as the command does
    import pyarrow.parquet as pq

    from pipeline.engine.events import DONE, KEPT, Event
    from pipeline.runs.run import run

    found: Counter[str] = Counter()

    def tell(event: Event) -> None:
        if "shard" not in event:
            return
        found[event.get("outcome", "")] += 1
        found.update({name: event.get(key, 0) for name, key in COUNTS.items()})
        if log and event.get("outcome") == DONE:
            with Path(log).open("a") as lines:
                lines.write(json.dumps(event) + "\n")

    request = _request(out, asked)
    with _timed() as answer:
        run(request, log=tell)
    rows = int(pq.read_metadata(Path(out) / "buildings.parquet").num_rows)
    counts = {name: found[name] for name in (*COUNTS, DONE, KEPT)}
    return answer | counts | {"rows": rows}


def expected(out: str, **asked: Any) -> Answer:
    """The time of a run by its plan; `seconds` is the time of planning."""
    from pipeline.runs.plan import plan

    request = _request(out, asked)
    with _timed() as answer:
        found = plan(request)
    return answer | {"expected": found.seconds}


def _request(out: str, asked: Answer) -> Any:
    from pipeline.runs.request import Request

    options: Answer = {"allow": frozenset({"gaps"})} | asked
    options |= {name: (asked[name],) for name in ("dsm", "dtm", "buildings")}
    if "layers" in options:
        options["layers"] = tuple(options["layers"])
    return Request.of(out=Path(out), **options)


def rows_of(table: str, bounds: Bounds) -> Answer:
    """Read the rows of a table of buildings whose centre lies in a rectangle."""
    import pyarrow.parquet as pq

    xmin, ymin, xmax, ymax = bounds
    inside = [("centre_x", ">=", xmin), ("centre_x", "<", xmax)]
    inside += [("centre_y", ">=", ymin), ("centre_y", "<", ymax)]
    with _timed() as answer:
        answer["rows"] = len(pq.read_table(table, filters=inside))
    return answer


def _spread(call: Callable[[Any], Any], items: Iterable[Any], workers: int) -> list[Any]:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(call, items))


@contextmanager
def _timed() -> Iterator[Answer]:
    """Gives the seconds that a block took."""
    answer: Answer = {}
    begin = time.perf_counter()
    yield answer
    answer["seconds"] = time.perf_counter() - begin


TASKS: dict[str, Callable[..., Answer]] = {
    "make": make,
    "decode": decode,
    "relief": relief,
    "run": whole_run,
    "plan": expected,
    "rows": rows_of,
}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](**json.load(sys.stdin))))
