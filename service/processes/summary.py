"""The process `summary`: the totals of an area, and of its parts, from a finished run."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.areas.regions import Area
from pipeline.errors import InputError
from pipeline.results.finished import open_finished
from pipeline.results.summary import computed, summary
from pipeline.storage.cache import fingerprints
from pipeline.storage.ledger import REPORT
from pipeline.storage.lru import LRUCache
from service.core.catalogue import Backend, Collection
from service.core.problem import Problem
from service.processes.areas import (
    BY,
    Ground,
    circle_of,
    files_of,
    ground_of,
    regions_touching,
)
from service.processes.availability import computable
from service.processes.geojson import Kind, read_shapes
from service.processes.inputs import SummaryInputs, read_inputs

ID = "summary"
KEPT_BYTES = 16_000_000  # of answers: 2 kB, and 900 bytes a part
SHARED_BYTES = 2000  # of inputs that others may send as well
PARTS = Kind(others=True)
# Types of a 404 where nothing was computed: a job can; another run has; there are no heights.
NOT_COMPUTED, ELSEWHERE = "urn:daklaag:not-computed", "urn:daklaag:computed-elsewhere"
NO_HEIGHTS = "urn:daklaag:no-heights"
THERE = "ask for a place within its collections (/collections tells where they lie)"
Rows = list[dict[str, Any]]
_kept: LRUCache[str] = LRUCache(KEPT_BYTES, len)


def summarise(given: dict[str, Any], backend: Backend, find: Callable[[str], Collection]) -> str:
    """The answer of the process as JSON. find: a collection that the client may see, by its name.

    Without a collection it is the public one that covers most of the place. Raises InputError for
    inputs that are not accepted, Problem 404 where nothing was computed, or without such a
    collection, 409 without any.
    """
    parsed = read_inputs(SummaryInputs, given)
    where = _where(parsed, backend.sources.boundaries)
    collection = find(parsed.collection) if parsed.collection else _best(where, backend)
    text = json.dumps(parsed.model_dump(), sort_keys=True)

    def make() -> str:
        found = _answer(parsed, where, collection, backend)
        return json.dumps(found, allow_nan=False, separators=(",", ":"))

    if len(text) > SHARED_BYTES:
        return make()
    key = (text, collection.name, str(collection.place), _stamps(collection, backend))
    return _kept.get(key, make)


@dataclass(frozen=True)
class Where:
    """The place that is asked for. ground: an area, with how it is called; around: a circle."""

    ground: Ground | None
    around: tuple[float, float, float] | None

    @property
    def area(self) -> Area | None:
        """The area as the pipeline takes it."""
        return Area(self.ground.geometry, self.ground.label) if self.ground else None

    @property
    def geometry(self) -> shapely.Geometry | None:
        """The area, else the circle [RD m]; None for neither."""
        if self.ground is not None:
            return self.ground.geometry
        return shapely.Point(self.around[:2]).buffer(self.around[2]) if self.around else None

    def computed(self, collection: Collection, boundaries: tuple[str, ...]) -> float:
        """The share of it that a collection has computed."""
        finished = open_finished(collection.place)
        return computed(finished, self.area, self.around, boundaries) or 0.0


def _where(parsed: SummaryInputs, boundaries: tuple[str, ...]) -> Where:
    ground = None if parsed.area is None else ground_of(parsed.area, boundaries)
    return Where(ground, None if parsed.around is None else circle_of(parsed.around))


def _best(where: Where, backend: Backend) -> Collection:
    """The public collection that has computed most of a place, of equals the first."""
    public = list(backend.public.values())
    if where.geometry is None and not public:
        raise Problem(
            409, "this service has no public collection; name one by the input collection"
        )
    if not public:
        raise _nothing_there(where, "any collection", backend)
    if where.geometry is None or len(public) == 1:
        return public[0]
    return max(public, key=lambda each: where.computed(each, backend.sources.boundaries))


def _nothing_there(where: Where, who: str, backend: Backend) -> Problem:
    """Problem 404 for a place of which a collection has computed nothing, with the remedy."""
    text = f"nothing of this place was computed in {who}"
    if backend.public:
        best = _best(where, backend)
        share = where.computed(best, backend.sources.boundaries)
        if share > 0:
            remedy = f"{best.name} has computed {share:.1%} of it: name that one, or none"
            return Problem(404, f"{text}; {remedy}", ELSEWHERE)
    if computable(where.geometry, backend) == 0:
        return Problem(404, f"{text}, and this service has no heights of it; {THERE}", NO_HEIGHTS)
    return Problem(404, f"{text}; order the process suitability for it", NOT_COMPUTED)


def _stamps(collection: Collection, backend: Backend) -> str:
    """Fingerprints of the run and the boundaries: while they last, a kept answer is valid."""
    try:
        regions = files_of(backend.sources.boundaries)
    except InputError:
        regions = ()
    return fingerprints((collection.place / REPORT, *regions))


def _answer(
    parsed: SummaryInputs, where: Where, collection: Collection, backend: Backend
) -> dict[str, Any]:
    """Raises Problem 404 where zero would only say that nothing was computed."""
    boundaries, whole = backend.sources.boundaries, where.geometry
    totals = summary(
        collection.place,
        area=where.area,
        around=where.around,
        by=_parts(parsed.by, whole, boundaries),
        households=parsed.households,
        boundaries=boundaries,
    )
    if whole is not None and not totals["complete"] and totals["coverage"]["ground"] == 0:
        raise _nothing_there(where, f"collection {collection.name}", backend)
    more = None if whole is None else computable(whole, backend)
    values = {"area": _label(where.ground), "computable": more}
    return {"collection": collection.name} | totals | values


def _label(ground: Ground | None) -> dict[str, Any] | None:
    """Label of the area, with its size."""
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
        return _alike(rows), shapes.geometry
    if by not in BY:
        raise InputError(
            "input by", "{by!r} is unknown", "give {kinds}, or polygons", by=by, kinds=BY
        )
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
