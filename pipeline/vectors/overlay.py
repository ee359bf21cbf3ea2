"""Make-valid, union, intersection and difference of users' polygons, within limits.

GEOS's calls cannot be interrupted, and a few kilobytes of polygons can take it hours, or all
memory. What may take long runs in a subprocess with limits of time and memory: `python -m
pipeline.vectors.overlay`, which imports little and starts in 0.2 s.
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
from pipeline.messages import Text
from pipeline.terms import Source
from pipeline.vectors.crossings import CROSSINGS, KNOTS, Crossings, crossings_of

PROGRAM = (sys.executable, "-m", "pipeline.vectors.overlay")
SECONDS, SECONDS_A_SIDE = 5.0, 20e-6  # of a core
BYTES, BYTES_A_SIDE = 1 << 29, 4096
LIGHT = 200  # crossings, which take 20 ms
WAITS = 6  # times its seconds of CPU that a subprocess may last, on a busy machine
LOOK_S = 0.02  # between two polls of the subprocess and of the stop flag

Geometries = NDArray[np.object_]


class LimitError(InputError):
    """An operation of GEOS took too long or too much memory."""


def make_valid(geometry: Geometries, source: Source) -> Geometries:
    """Geometries made valid. source: of their file or input, for messages.

    Raises InputError for coordinates that are not finite and for polygons that would take too long;
    LimitError for an operation that exceeded its limits; Stopped when the stop flag is up.
    """
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise InputError(source, "a coordinate in it is no number", "repair the file")
    counted = crossings_of(geometry, source)
    broken = np.flatnonzero(~shapely.is_valid(geometry) & _is_present(geometry))
    knots = int(counted.knots[broken].sum())
    if knots > KNOTS:
        worst = broken[np.argmax(counted.knots[broken])]
        raise InputError(
            source,
            "is not valid, and meets itself too often to be mended",
            "repair it (in QGIS by `fix geometries`), or simplify it",
            place=Text("feature {feature}", feature=int(worst)),
        )  # fmt: skip
    made = geometry.copy()
    if len(broken):
        made[broken] = _run("mend", geometry[broken], counted, knots, source)
    return made


def union(geometry: Geometries, source: Source) -> shapely.Geometry:
    """The union of valid geometries. Raises as `make_valid` does."""
    return _overlaid("join", geometry, source)


def intersection(
    one: shapely.Geometry, other: shapely.Geometry, source: Source
) -> shapely.Geometry:
    """The areas that two valid geometries have in common. Raises as `make_valid` does."""
    return _overlaid("share", np.array([one, other], object), source)


def difference(one: shapely.Geometry, other: shapely.Geometry, source: Source) -> shapely.Geometry:
    """The first of two valid geometries without the other. Raises as `make_valid` does."""
    return _overlaid("subtract", np.array([one, other], object), source)


def make_one_valid(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """A geometry made valid; None if GEOS cannot, or it crosses itself too often. Raises
    LimitError, since None must not depend on the machine."""
    try:
        return make_valid(np.array([geometry], object), "buildings")[0]
    except LimitError:
        raise
    except InputError:
        return None


def _overlaid(operation: str, geometry: Geometries, source: Source) -> Any:
    """An overlay operation on valid geometries. Raises InputError for too many crossings."""
    counted = crossings_of(geometry, source)
    crossings = counted.between + int(counted.knots.sum())
    if crossings > CROSSINGS:
        raise InputError(
            source, "its polygons meet more than {most:,} times", "simplify them", most=CROSSINGS
        )  # fmt: skip
    return _run(operation, geometry, counted, crossings, source)


def _is_present(geometry: Geometries) -> NDArray[np.bool_]:
    present: NDArray[np.bool_] = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    return present


def _areas(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a geometry: with lines and points GEOS takes 10 times as long."""
    parts = shapely.get_parts(geometry)
    areas = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return geometry if len(areas) == len(parts) else shapely.multipolygons(areas)


OPERATIONS: Mapping[str, Callable[[Any], Any]] = {
    "mend": shapely.make_valid,
    "join": shapely.union_all,
    "share": lambda both: _areas(shapely.intersection(*both)),
    "subtract": lambda both: shapely.difference(*both),
}


def _run(
    operation: str, geometry: Geometries, counted: Crossings, crossings: int, source: Source
) -> Any:
    """The result of an operation of GEOS: in this process where it is quick, else in a
    subprocess."""
    if counted.light and crossings <= LIGHT:
        return OPERATIONS[operation](geometry)
    seconds = SECONDS + SECONDS_A_SIDE * counted.sides
    limits = round(seconds), BYTES + BYTES_A_SIDE * counted.sides
    answer = _in_subprocess(pickle.dumps((operation, geometry, limits)), WAITS * seconds)
    if answer is None:
        raise LimitError(
            source,
            "its polygons take more than {seconds} s or {megabytes} MB to mend or to overlay",
            "repair them (in QGIS by `fix geometries`), or simplify them",
            seconds=limits[0],
            megabytes=limits[1] >> 20,
        )  # fmt: skip
    return pickle.loads(answer)


def _in_subprocess(request: bytes, seconds: float) -> bytes | None:
    """The answer of the subprocess; None if it reached a limit. Raises Stopped."""
    deadline = time.monotonic() + seconds
    with TemporaryFile() as stdin, TemporaryFile() as stdout:
        stdin.write(request)
        stdin.seek(0)
        with subprocess.Popen(
            PROGRAM,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us to hear
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each would count as memory
        ) as process:
            try:
                while process.poll() is None and time.monotonic() < deadline:
                    check_stop()
                    time.sleep(LOOK_S)
            finally:
                process.kill()
        stdout.seek(0)
        return stdout.read() if process.returncode == 0 else None


def main() -> None:
    """Run the operation on standard input within its limits; the result goes to standard output."""
    operation, geometry, (seconds, most) = pickle.load(sys.stdin.buffer)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(pickle.dumps(OPERATIONS[operation](geometry)))


if __name__ == "__main__":
    main()
