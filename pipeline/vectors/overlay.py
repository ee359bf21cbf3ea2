"""Polygons of a user made valid, and joined: where that may take GEOS long, by a process of its own
with limits of time and memory. None of GEOS's calls can be interrupted, and a few kilobytes of
polygons can cost it hours, or all memory.

`python -m pipeline.vectors.overlay` is that process. It imports little, and so starts in 0.2 s.
"""

import os
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.engine.tasks import check_stop
from pipeline.errors import InputError
from pipeline.vectors.crossings import CROSSINGS, KNOTS, Crossings, crossings_of

PROGRAM = (sys.executable, "-m", "pipeline.vectors.overlay")
SECONDS, SECONDS_A_SIDE = 5.0, 20e-6  # of a core
BYTES, BYTES_A_SIDE = 1 << 29, 4096
LIGHT = 200  # crossings, which take 20 ms
WAITS = 6  # times its seconds that such a process may last, on a machine that is busy
LOOK_S = 0.02  # between two looks whether it is done, or to stop

Geometries = NDArray[np.object_]


class LimitError(InputError):
    """What GEOS was asked for took too long or too much memory."""


def make_valid(geometry: Geometries, name: str) -> Geometries:
    """Valid geometries, of those of a file or an input of that name.

    Raises InputError for coordinates that are no number, and for what would take too long or too
    much memory (LimitError: for what did); Stopped when that is asked for meanwhile.
    """
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise InputError("{name}: a coordinate in it is no number; repair the file", name=name)
    counted = crossings_of(geometry, name)
    broken = np.flatnonzero(~shapely.is_valid(geometry) & _there(geometry))
    knots = int(counted.knots[broken].sum())
    if knots > KNOTS:
        worst = broken[np.argmax(counted.knots[broken])]
        raise InputError(
            "{name}: feature {feature}: is not valid, and meets itself too often to be mended;"
            " repair it (in QGIS by `fix geometries`), or simplify it",
            name=name, feature=int(worst),
        )  # fmt: skip
    made = geometry.copy()
    if len(broken):
        made[broken] = _carry_out("mend", geometry[broken], counted, knots, name)
    return made


def union(geometry: Geometries, name: str) -> shapely.Geometry:
    """The union of valid geometries. Raises as `make_valid` does."""
    return _overlaid("join", geometry, name)


def intersection(one: shapely.Geometry, other: shapely.Geometry, name: str) -> shapely.Geometry:
    """The areas that two valid geometries have in common. Raises as `make_valid` does."""
    return _overlaid("share", np.array([one, other], object), name)


def difference(one: shapely.Geometry, other: shapely.Geometry, name: str) -> shapely.Geometry:
    """The first of two valid geometries without the other. Raises as `make_valid` does."""
    return _overlaid("subtract", np.array([one, other], object), name)


def make_one_valid(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """A valid geometry; None if GEOS cannot make it valid, or it meets itself too often. Raises
    LimitError, as what is None must be so on any machine."""
    try:
        return make_valid(np.array([geometry], object), "buildings")[0]
    except LimitError:
        raise
    except InputError:
        return None


def _overlaid(operation: str, geometry: Geometries, name: str) -> Any:
    """What GEOS makes of valid geometries that lie over each other."""
    counted = crossings_of(geometry, name)
    crossings = counted.between + int(counted.knots.sum())
    if crossings > CROSSINGS:
        raise InputError(
            "{name}: its polygons meet more than {most:,} times; simplify them",
            name=name, most=CROSSINGS,
        )  # fmt: skip
    return _carry_out(operation, geometry, counted, crossings, name)


def _there(geometry: Geometries) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    return found


def _areas(geometry: shapely.Geometry) -> shapely.Geometry:
    """Without the lines and points where they only touch: GEOS takes 10 times as long with them."""
    parts = shapely.get_parts(geometry)
    areas = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return geometry if len(areas) == len(parts) else shapely.multipolygons(areas)


OPERATIONS: Mapping[str, Callable[[Any], Any]] = {
    "mend": shapely.make_valid,
    "join": shapely.union_all,
    "share": lambda both: _areas(shapely.intersection(*both)),
    "subtract": lambda both: shapely.difference(*both),
}


def _carry_out(
    operation: str, geometry: Geometries, counted: Crossings, crossings: int, name: str
) -> Any:
    """What GEOS makes of the geometries: here where that is quick, else apart."""
    if counted.light and crossings <= LIGHT:
        return OPERATIONS[operation](geometry)
    seconds = SECONDS + SECONDS_A_SIDE * counted.sides
    limits = round(seconds), BYTES + BYTES_A_SIDE * counted.sides
    found = _in_subprocess(pickle.dumps((operation, geometry, limits)), WAITS * seconds)
    if found is None:
        raise LimitError(
            "{name}: its polygons take more than {seconds} s or {megabytes} MB to mend or to"
            " overlay; repair them (in QGIS by `fix geometries`), or simplify them",
            name=name, seconds=limits[0], megabytes=limits[1] >> 20,
        )  # fmt: skip
    return pickle.loads(found)


def _in_subprocess(given: bytes, seconds: float) -> bytes | None:
    """What the process answers; None if it reached a limit. Raises Stopped when that is asked."""
    until = time.monotonic() + seconds
    with TemporaryFile() as asked, TemporaryFile() as answer:
        asked.write(given)
        asked.seek(0)
        with subprocess.Popen(
            PROGRAM,
            stdin=asked,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us to hear
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each would count as memory
        ) as process:
            try:
                while process.poll() is None and time.monotonic() < until:
                    check_stop()
                    time.sleep(LOOK_S)
            finally:
                process.kill()
        answer.seek(0)
        return answer.read() if process.returncode == 0 else None


def main() -> None:
    """Answer what is asked through the standard input, within its limits."""
    operation, geometry, (seconds, most) = pickle.load(sys.stdin.buffer)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(pickle.dumps(OPERATIONS[operation](geometry)))


if __name__ == "__main__":
    main()
