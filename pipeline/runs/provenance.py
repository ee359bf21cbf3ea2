"""What makes two runs the same, as their reports and stores say it."""

import os
import platform
import time
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import numpy as np

from pipeline.grid.sun import suns_degrees
from pipeline.grid.windows import LatticeCell
from pipeline.heights.rasters import Mosaic
from pipeline.heights.relief import SheetManifest
from pipeline.methods import parameters as parameters_
from pipeline.methods.powermapping.rules import Powermapping
from pipeline.runs.request import Job
from pipeline.storage.files import identity

ATTRIBUTION = "AHN (Actueel Hoogtebestand Nederland), BAG (Kadaster)"
LICENCE = "as published by its source: AHN and BAG are CC0 / public domain"
LICENCE_OF_OTHERS = "as published by its source"
PROGRAM = {"name": "daklaag", "version": version("daklaag")}


def provenance(job: Job, cards: dict[str, list[SheetManifest]]) -> dict[str, Any]:
    """What makes two runs the same: method, inputs, program. cards: of the sheets of DSM and DTM,
    in their order."""
    request, inputs = job.request, job.request.inputs
    said = {
        "attribution": inputs.attribution or ATTRIBUTION,
        "licence": LICENCE_OF_OTHERS if inputs.attribution else LICENCE,
    }
    return {
        "method": {
            "name": request.method,
            "parameters": parameters_.as_json(job.p),
            "suns": suns_said(job.squares, job.p),
        },
        "inputs": {
            "dsm": [sheet | said for sheet in _sheets(job.terrain.dsm, cards["dsm"])],
            "dtm": [sheet | said for sheet in _sheets(job.terrain.dtm, cards["dtm"])],
            "buildings": [source | said for source in _given(job)],
            "added": _added_ones(job),
            "removed": [one.told for one in job.removed],
            "area": job.area.source if job.area else None,
            "around": list(job.around) if job.around else None,
            "restrictions": identity(inputs.restrictions) if inputs.restrictions else None,
            "options": {
                "layer": inputs.layer,
                "id": inputs.id,
                "group": inputs.group,
                "layers": list(request.outputs.layers),
                "allow": sorted(inputs.allow),
                "lang": request.outputs.lang,
            },
        },
        "program": PROGRAM,
    }


def _given(job: Job) -> tuple[dict[str, Any], ...]:
    sources = job.prepared.sources
    return sources[: len(sources) - len(job.request.inputs.add_building)]


def _added_ones(job: Job) -> list[dict[str, Any]]:
    """The files of added buildings; where they stand, how high, and which ids they bear."""
    files = job.request.inputs.add_building
    return [
        source | (job.added.told(i) if job.added else {})
        for i, source in enumerate(job.prepared.sources[-len(files) :] if files else ())
    ]


def _known(height: float) -> float | None:
    return None if np.isnan(height) else height


def suns_said(squares: Iterable[LatticeCell], p: Powermapping) -> list[dict[str, Any]]:
    """Where each sun stands in each square of the lattice [degrees]."""
    return [
        {
            "lattice": list(square),
            "time": parameters_.as_text(time),
            "elevation_deg": elevation,
            "azimuth_deg": azimuth,
        }
        for square in squares
        for time, (elevation, azimuth) in zip(
            p.times, suns_degrees(square, p.date, p.times, p.elevation), strict=True
        )
    ]


def _sheets(mosaic: Mosaic, cards: list[SheetManifest]) -> list[dict[str, Any]]:
    return [
        card.file
        | {
            "crs": sheet.crs,
            "nodata": None if sheet.nodata is None else str(sheet.nodata),
            "nodata_declared": sheet.declared,
            "bounds": list(sheet.window.bounds(sheet.resolution)),
            "unit_m": sheet.scale,
            "offset_m": sheet.offset,
            "ahn_version": sheet.version,
            "lowest_m": _known(card.survey.lowest),
            "highest_m": _known(card.survey.highest),
        }
        for sheet, card in zip(mosaic.sheets, cards, strict=True)
    ]


def machine(started: float) -> dict[str, Any]:
    """In what two equal runs may differ. started: by the monotonic clock [s]. Where the variable
    SOURCE_DATE_EPOCH is set [s since 1970], that is when it finished."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    finished = time.localtime(None if epoch is None else int(epoch))
    return {
        "seconds": round(time.monotonic() - started, 3),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z", finished),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
