"""What the service can compute from its own sheets, so that nothing else is offered."""

import json
from functools import lru_cache

import shapely

from pipeline.areas.polygons import own_copy
from pipeline.errors import InputError
from pipeline.heights.mosaics import open_sheets
from pipeline.heights.rasters import Mosaic
from pipeline.results.coverage import of_ground
from service.core.catalogue import Backend, Sources
from service.core.problem import Problem
from service.processes.job_request import file_stamps


def computable(asked: shapely.Geometry, backend: Backend) -> float | None:
    """The share of the ground of an area [RD m] that the sheets cover, 0 for a service without
    sheets or footprints; None where that is not known, as a sheet cannot be opened."""
    ground = ground_of_sheets(backend)
    return None if ground is None else of_ground(asked, ground)


def check_reached(asked: shapely.Geometry, backend: Backend) -> None:
    """Raises Problem 409 for an area of which the sheets cover nothing."""
    ground = ground_of_sheets(backend)
    if ground is not None and of_ground(asked, ground) == 0:
        bounds = ",".join(f"{edge:.0f}" for edge in ground.bounds)
        raise Problem(
            409,
            "this service has no heights of this area, so it cannot be computed; what it has lies"
            f" within {bounds} (RD metres): ask for an area there",
        )


def ground_of_sheets(backend: Backend) -> shapely.Geometry | None:
    """What sheets of both kinds cover [RD m], likewise."""
    sources = backend.sources
    if not sources.can_compute:
        return shapely.Polygon()
    try:
        mark = json.dumps(file_stamps(sources))
        return own_copy(_ground(sources, backend.settings.nodata, mark))
    except (InputError, OSError):  # the job, or the operator's log, tells which
        return None


@lru_cache(maxsize=4)
def _ground(sources: Sources, nodata: float | None, mark: str) -> shapely.Geometry:
    kinds = (("DSM", sources.dsm), ("DTM", sources.dtm))
    dsm, dtm = (Mosaic(kind, open_sheets(given, kind, nodata)).ground for kind, given in kinds)
    return shapely.intersection(dsm, dtm)
