"""What a run would read and hold: counted, not computed."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from kernels.shadow import Halo
from pipeline import store
from pipeline.engine import Stop, never, open_engine
from pipeline.grid import Window
from pipeline.ledger import Ledger
from pipeline.passes import Surveys, felt_halo, select, survey_pass
from pipeline.rasters import CACHE_MB, PIECE
from pipeline.request import Job, Request, prepare

# What a cell costs, measured and rounded up; tests/test_memory.py holds the plan to it.
WINDOW_BYTES = 9  # of a block and its halo: the surface, its shadows, where they have data
BLOCK_BYTES = 16  # of a block: pictures and what they are made from
SUN_BYTES = 4  # of a block for each sun with a picture
PIECE_BYTES = 24  # of what is read at once, all of it roofs: heights, roofs, masks
WIND_BYTES = 16  # of the ground around a roof
SLACK = 1.15  # what the allocator holds beyond what is asked of it: measured, up to a tenth
WRITE_BYTES = 10  # of a shard: coarser levels and what is encoded


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
        return count(job, survey_pass(job, Ledger(folder), engine))


def count(job: Job, surveys: Surveys) -> Plan:
    """The same of a job whose sheets have been read once."""
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
        memory=_memory(job, halo),
    )


def _memory(job: Job, halo: Halo) -> int:
    """What a worker holds at most in any pass [bytes]."""
    side, shard = min(job.request.block, job.layout.shard), job.layout.shard
    suns = len(job.p.times) if "sun_hillshade" in job.request.layers else 0
    block = (BLOCK_BYTES + SUN_BYTES * suns) * side * side
    piece = PIECE_BYTES * PIECE**2
    shade = WINDOW_BYTES * _largest(job, side, halo) + block + piece
    layers = store.layers_of(job.request.layers, tuple(map(str, job.p.times)))
    pictures = shard**2 * sum(np.dtype(x.dtype).itemsize * max(1, len(x.suns)) for x in layers)
    wind = WIND_BYTES * _largest_around_a_roof(job) + piece
    working = pictures + max(shade, wind, WRITE_BYTES * shard**2)
    return CACHE_MB * 2**20 + round(SLACK * working)


def _largest(job: Job, side: int, halo: Halo) -> int:
    """Cells of the largest window that a block of so many cells a side reads."""
    inputs = job.terrain.window
    height = min(side + halo.north + halo.south, inputs.height)
    return height * min(side + halo.west + halo.east, inputs.width)


def _largest_around_a_roof(job: Job) -> int:
    """Cells of the largest window in which others may stand higher than a roof."""
    radius = int(np.ceil(job.p.wind_radius_m / job.layout.resolution))
    top, left, bottom, right = job.outlines.take(job.asked[job.outlines.rows]).windows().T
    return int(((bottom - top + 2 * radius) * (right - left + 2 * radius)).max())


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
        ("working memory a worker, at most", f"{found.memory / 2**20:,.0f} MiB"),
    ]
