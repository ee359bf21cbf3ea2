"""The command line as the tests type it, in this process or in one of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from shapely import box

from service.cli.main import main
from tests.support.runs import Files, World

FINAL = {"buildings.parquet", "map.png", "rasters.zarr", "report.json"}
RUNNABLE = [sys.executable, "-c", "from service.cli.main import main; main(prog_name='daklaag')"]
ROOT = Path(__file__).parents[2]


def small_world() -> World:
    """A flat that shades a house, a house in the sun, one that is not built yet."""
    world = World(120, 120, 1.0)
    world.block(40, 20, 70, 32, 30, bouwjaar=1970, status="Pand in gebruik")
    world.block(50, 40, 60, 50, 6, bouwjaar=1930, status=None)
    world.block(98, 90, 110, 100, 6, bouwjaar=1005, status="Pand in gebruik")
    world.footprint(box(10, 10, 20, 20), status="Bouw gestart", bouwjaar=2024)
    return world


def arguments(files: Files, out: Path, *more: Any, command: str = "run") -> list[str]:
    """A command over all the files; only the layer of shadows, which is quicker."""
    inputs = [("--dsm", p) for p in files.dsm] + [("--dtm", p) for p in files.dtm]
    inputs += [("--buildings", files.buildings), ("--out", out), ("--layers", "shadow")]
    return [command, *(str(text) for pair in inputs for text in pair), *map(str, more)]


def call(*words: Any) -> Result:
    """A command in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


def start(*words: Any) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*RUNNABLE, *(str(word) for word in words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
