"""What a run would read and hold: counted, not computed."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from kernels.shadow import Halo
from pipeline.engine import Stop, never, open_engine
from pipeline.grid import Window
from pipeline.ledger import Ledger
from pipeline.passes import Surveys, felt_halo, select, survey_pass
from pipeline.rasters import CACHE_MB
from pipeline.request import Job, Request, prepare

MEASURE_BYTES = 24  # a cell of a block in the first pass: heights, centimetres, own cells
SHADE_BYTES = 26  # a cell of a block and its halo in the second: surfaces, and the sweep's turn


@dataclass(frozen=True)
class Plan:
    """What lies ahead. extent: of the layers [cells]; relief, height differences [m]; halo [cells];
    neighbours: footprints measured only because they cast shadow or shelter; read, core: cells of
    the second pass, with and without halos; memory: of a worker at most, beside the program and
    the table of buildings [bytes]."""

    sheets: int
    resolution: float
    extent: Window
    shard: int
    shards: int
    blocks: int
    relief: float
    halo: Halo
    footprints: int
    asked: int
    neighbours: int
    read: int
    core: int
    memory: int


def plan(request: Request, stop: Stop = never) -> Plan:
    """Count what `run` would do. The sheets are read once for their relief; nothing is written.

    Raises InputError as `run` does.
    """

    def silent(stage: str, done: int, total: int) -> None:
        """No progress."""

    job = prepare(request)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="daklaag-")))
        engine = open_engine(stack, "threads", request.workers, silent, stop)
        return _count(job, survey_pass(job, Ledger(folder), engine))


def _count(job: Job, surveys: Surveys) -> Plan:
    relief, halo = felt_halo(job, surveys)
    outlines = select(job, surveys)
    layout, inputs, block = job.layout, job.terrain.window, job.request.block
    shards = list(layout.shards())
    cores = [
        core.intersect(inputs)
        for shard in shards
        for _, core in layout.blocks(layout.window(shard).intersect(layout.extent), block)
    ]
    windows = [core.grow(halo).intersect(inputs) for core in cores if core.size]
    return Plan(
        sheets=len(job.terrain.dsm.sheets) + len(job.terrain.dtm.sheets),
        resolution=layout.resolution,
        extent=layout.extent,
        shard=layout.shard,
        shards=len(shards),
        blocks=len(windows),
        relief=relief.highest - relief.lowest,
        halo=halo,
        footprints=len(job.footprints),
        asked=int(job.asked.sum()),
        neighbours=int((~job.asked[outlines.rows]).sum()),
        read=sum(window.size for window in windows),
        core=sum(core.size for core in cores),
        memory=_memory(job, windows),
    )


def _memory(job: Job, windows: list[Window]) -> int:
    side = min(job.request.block, job.layout.shard)
    largest = max((window.size for window in windows), default=0)
    suns = len(job.p.times) if "sun_hillshade" in job.request.layers else 0
    layers = job.layout.shard**2 * (2 + suns + 4 * ("surface" in job.request.layers))
    shade = SHADE_BYTES * largest + 2 * layers
    return max(MEASURE_BYTES * side * side, shade) + CACHE_MB * 2**20


def table(found: Plan) -> list[tuple[str, str]]:
    """The plan as names and values to print."""
    xmin, ymin, xmax, ymax = found.extent.bounds(found.resolution)
    halo = ", ".join(f"{name} {cells}" for name, cells in found.halo._asdict().items())
    ratio = found.read / found.core if found.core else np.nan
    return [
        ("sheets", f"{found.sheets} of {found.resolution:g} m"),
        ("extent", f"{xmin:g},{ymin:g},{xmax:g},{ymax:g} ({found.extent.size:,} cells)"),
        ("shards", f"{found.shards} of {found.shard} x {found.shard} cells"),
        ("blocks", f"{found.blocks}"),
        ("relief", f"{found.relief:.2f} m"),
        ("halo, at most", f"{halo} cells"),
        ("cells read over cells of the blocks", f"{ratio:.2f}"),
        ("footprints", f"{found.footprints:,}, of the area {found.asked:,}"),
        ("neighbours", f"{found.neighbours:,}"),
        ("memory a worker, at most", f"{found.memory / 2**20:,.0f} MiB"),
    ]
