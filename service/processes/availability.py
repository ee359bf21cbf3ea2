"""Sources that answer a request: a finished run, or sheets of the ground; and the request's key."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import shapely

from pipeline.areas.polygons import own_copy
from pipeline.errors import InputError
from pipeline.grid.windows import LATTICE_M, LatticeCell
from pipeline.heights.mosaics import open_sheets
from pipeline.heights.rasters import Mosaic
from pipeline.results.coverage import of_ground
from pipeline.runs.answers import why_not
from pipeline.runs.prepare import ParsedRequest
from service.core.catalogue import Backend, Sources
from service.core.problem import Problem
from service.processes.areas import Ground, stamp_of
from service.processes.job_request import (
    READ_AS,
    file_stamps,
    job_key,
    run_request,
    temporary_folder,
)


def request_key(
    process: str, inputs: dict[str, Any], ground: Ground, backend: Backend, computed: bool = False
) -> str:
    """The key of a job request, of its inputs and of what it is answered from. computed:
    sheets and footprints count, though a collection answers a part of it."""
    behind: list[Any] = []
    if ground.label.get("code"):
        behind.append(stamp_of(ground.label["code"], backend.sources.boundaries))
    if inputs["collection"]:
        report = backend.public[inputs["collection"]].report
        behind.append({name: report[name] for name in ("method", "inputs", "program")})
    if computed or not inputs["collection"]:
        behind.append(file_stamps(backend.sources))
        behind.append(backend.settings.model_dump(mode="json", include=READ_AS))
    return job_key(process, inputs, *behind)


def source_of(inputs: Mapping[str, Any], ground: Ground, backend: Backend) -> str | None:
    """The public finished run that answers the inputs; None if they have to be computed.

    Raises Problem 409 if they cannot be.
    """
    reasons = []
    with temporary_folder(backend) as files:
        request = run_request(backend, inputs, files, files / "none")
        for name, collection in backend.public.items():
            reason = why_not(collection.place, request)
            if reason is None:
                return name
            reasons.append(f"{name}: {reason}")
    check_can_compute(backend, reasons)
    check_run(inputs, ground.geometry, backend)
    return None


def check_can_compute(backend: Backend, reasons: list[str]) -> None:
    """Raises Problem 409 where there is nothing to compute from."""
    if not backend.sources.can_compute:
        because = f" ({'; '.join(reasons)})" if reasons else ""
        raise Problem(
            409,
            "this service was given no heights and footprints to compute from, and none of its"
            f" collections answers this{because}; ask for an area and parameters of theirs",
        )


def computable(area: shapely.Geometry, backend: Backend) -> float | None:
    """The share of the ground of an area [RD m] that the sheets cover, 0 for a service without
    sheets or footprints; None where that is not known, as a sheet cannot be opened."""
    ground = ground_of_sheets(backend)
    return None if ground is None else of_ground(area, ground)


def check_run(inputs: Mapping[str, Any], area: shapely.Geometry, backend: Backend) -> None:
    """Raises Problem 409 for an area [RD m] of which the sheets cover nothing, and InputError for
    what a run on them would refuse: a turbine that is unknown, a sun that is not up there, cells
    that are too coarse for the method."""
    with temporary_folder(backend) as files:
        parsed = ParsedRequest.of(run_request(backend, inputs, files, files / "none"))
    parsed.check_turbine()
    covered = _covered_by_sheets(backend)
    if covered is None:
        return
    bounds = covered.ground.bounds
    if of_ground(area, covered.ground) == 0:
        raise Problem(
            409,
            "this service has no heights of this area, so it cannot be computed; what it has lies"
            f" within {','.join(f'{edge:.0f}' for edge in bounds)} (RD metres): ask for an area"
            " there",
        )
    parsed.method.check_cells(covered.resolution)
    middle = shapely.intersection(shapely.box(*bounds), shapely.box(*area.bounds)).centroid
    square = LatticeCell(int(middle.x // LATTICE_M), int(middle.y // LATTICE_M))
    parsed.method.check(parsed.p, (square,), ())


def ground_of_sheets(backend: Backend) -> shapely.Geometry | None:
    """The ground that sheets of both kinds cover [RD m], likewise."""
    if not backend.sources.can_compute:
        return shapely.Polygon()
    covered = _covered_by_sheets(backend)
    return None if covered is None else covered.ground


class Covered(NamedTuple):
    """What sheets of both kinds cover. ground: in RD [m]; resolution: of their cells [m]."""

    ground: shapely.Geometry
    resolution: float


def _covered_by_sheets(backend: Backend) -> Covered | None:
    try:
        mark = json.dumps(file_stamps(backend.sources))
        covered = _covered(backend.sources, backend.settings.nodata, mark)
        return covered._replace(ground=own_copy(covered.ground))
    except (InputError, OSError):  # the job, or the operator's log, tells which
        return None


@lru_cache(maxsize=4)
def _covered(sources: Sources, nodata: float | None, mark: str) -> Covered:
    kinds = (("DSM", sources.dsm), ("DTM", sources.dtm))
    dsm, dtm = (Mosaic(kind, open_sheets(given, kind, nodata)) for kind, given in kinds)
    return Covered(shapely.intersection(dsm.ground, dtm.ground), dsm.resolution)
