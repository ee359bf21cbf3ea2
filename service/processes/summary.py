"""The process `summary`: the totals of an area, and of its parts, from a finished run."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.cache import stamps
from pipeline.errors import InputError
from pipeline.kept import Kept
from pipeline.ledger import REPORT
from pipeline.regions import Area
from pipeline.summary import summary
from service.catalogue import Collection
from service.problem import Problem
from service.processes.areas import (
    BY,
    Ground,
    circle_of,
    files_of,
    ground_of,
    regions_touching,
)
from service.processes.errand import Means
from service.processes.geojson import Kind, read_shapes
from service.processes.inputs import SummaryInputs, read_inputs

ID = "summary"
KEPT_BYTES = 16_000_000  # of answers: 2 kB, and 900 bytes a part
SHARED_BYTES = 2000  # of inputs that others may send as well
PARTS = Kind(others=True)
Rows = list[dict[str, Any]]
_kept: Kept[str] = Kept(KEPT_BYTES, len)


def summarise(given: dict[str, Any], means: Means, find: Callable[[str], Collection]) -> str:
    """The answer of the process as JSON. find: a collection that the client may see, by its name.

    Raises InputError for inputs that are not accepted, Problem 404 or 409 without a collection.
    """
    asked = read_inputs(SummaryInputs, given)
    collection = _collection(asked.collection, means, find)
    said = json.dumps(asked.model_dump(), sort_keys=True)

    def make() -> str:
        found = _answer(asked, collection, means.sources.boundaries)
        return json.dumps(found, allow_nan=False, separators=(",", ":"))

    if len(said) > SHARED_BYTES:
        return make()
    key = (said, collection.name, str(collection.place), _stamps(collection, means))
    return _kept.get(key, make)


def _collection(name: str | None, means: Means, find: Callable[[str], Collection]) -> Collection:
    if name is not None:
        return find(name)
    for collection in means.public.values():
        return collection
    raise Problem(409, "this service has no public collection; name one by the input collection")


def _stamps(collection: Collection, means: Means) -> str:
    """What tells that an answer that is kept is still good: of the run, and of the boundaries."""
    try:
        regions = files_of(means.sources.boundaries)
    except InputError:
        regions = ()
    return stamps((collection.place / REPORT, *regions))


def _answer(
    asked: SummaryInputs, collection: Collection, boundaries: tuple[str, ...]
) -> dict[str, Any]:
    ground = None if asked.area is None else ground_of(asked.area, boundaries)
    around = None if asked.around is None else circle_of(asked.around)
    whole = None if ground is None else ground.geometry
    if ground is None and around is not None:
        whole = shapely.Point(around[:2]).buffer(around[2])
    found = summary(
        collection.place,
        area=Area(ground.geometry, ground.label) if ground else None,
        around=around,
        by=_parts(asked.by, whole, boundaries),
        households=asked.households,
        boundaries=boundaries,
    )
    return {"collection": collection.name} | found | {"area": _label(ground)}


def _label(ground: Ground | None) -> dict[str, Any] | None:
    """What the area is, and how large."""
    if ground is None:
        return None
    return ground.label | {"km2": round(ground.geometry.area / 1e6, 6)}


def _parts(
    by: Any, whole: shapely.Geometry | None, boundaries: tuple[str, ...]
) -> tuple[Rows, NDArray[Any]] | None:
    """The sub-areas, their own columns first; None if none were asked for."""
    if by is None:
        return None
    if isinstance(by, dict):
        shapes = read_shapes(by, "input by", PARTS)
        rows = [feature["properties"] for feature in shapes.document["features"]]
        return _alike(rows), shapely.make_valid(shapes.geometry)
    if by not in BY:
        raise InputError(f"input by: {by!r} is unknown; give {', '.join(BY)}, or polygons")
    parts = regions_touching(by, whole, boundaries)
    if not parts.codes:
        return None
    named = zip(parts.codes, parts.names, strict=True)
    return [{"code": code, "name": name} for code, name in named], np.asarray(parts.geometry)


def _alike(rows: Rows) -> Rows:
    """Rows with the same columns; without any they are counted, from 1."""
    columns = dict.fromkeys(name for row in rows for name in row)
    if not columns:
        return [{"area": n + 1} for n in range(len(rows))]
    return [dict.fromkeys(columns) | row for row in rows]
