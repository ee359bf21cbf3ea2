"""Provenance of a run: its method, inputs and program, as its report and its store state them."""

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.heights.rasters import Mosaic
from pipeline.heights.relief import SheetManifest
from pipeline.methods import parameters as parameters_
from pipeline.runs.prepare import Run
from pipeline.storage.files import identity

ATTRIBUTION = "AHN (Actueel Hoogtebestand Nederland), BAG (Kadaster)"
LICENCE = "as published by its source: AHN and BAG are CC0 / public domain"
SHIPPED_CLIMATE = {"name": "daklaag", "attribution": "KNMI (the climate of 2011-2020)"}
SHIPPED_TURBINES = {"name": "daklaag"}
LICENCE_OF_OTHERS = "as published by its source"
PROGRAM = {"name": "daklaag", "version": version("daklaag")}


def provenance(run: Run, manifests: dict[str, list[SheetManifest]]) -> dict[str, Any]:
    """Provenance of a run; two runs with the same one are the same. manifests: of the sheets, `dsm`
    and `dtm`."""
    request, inputs, context = run.request, run.request.inputs, run.context
    source = {
        "attribution": inputs.attribution or ATTRIBUTION,
        "licence": LICENCE_OF_OTHERS if inputs.attribution else LICENCE,
    }
    return {
        "method": {
            "name": request.method,
            "parameters": parameters_.as_json(context.p),
            **run.method.states(context.p, context.squares),
        },
        "inputs": {
            "dsm": [sheet | source for sheet in _sheets(context.terrain.dsm, manifests["dsm"])],
            "dtm": [sheet | source for sheet in _sheets(context.terrain.dtm, manifests["dtm"])],
            "buildings": [file | source for file in _footprints(run)],
            "added": _added(run),
            "removed": [building._asdict() for building in run.removed],
            "area": context.area.source if context.area else None,
            "around": list(context.around) if context.around else None,
            "restrictions": identity(inputs.restrictions) if inputs.restrictions else None,
            **_climate(run),
            **_turbines(run),
            "options": {
                "layer": inputs.layer,
                "id": inputs.id,
                "group": inputs.group,
                "layers": list(context.layers),
                "allow": sorted(inputs.allow),
                "lang": request.outputs.lang,
            },
        },
        "program": PROGRAM,
    }


def _footprints(run: Run) -> tuple[dict[str, Any], ...]:
    sources = run.context.prepared.sources
    return sources[: len(sources) - len(run.request.inputs.add_building)]


def _added(run: Run) -> list[dict[str, Any]]:
    """The files of added buildings, with their bounds, highest roof and ids."""
    files = run.request.inputs.add_building
    return [
        source | (run.added.provenance(i) if run.added else {})
        for i, source in enumerate(run.context.prepared.sources[-len(files) :] if files else ())
    ]


def _climate(run: Run) -> dict[str, Any]:
    """The climate of a method that uses one, by the sum of its files."""
    if not run.method.uses_climate:
        return {}
    folder, digest = run.request.inputs.climate, run.context.climate.digest
    named = {"name": Path(folder).name} if folder else SHIPPED_CLIMATE
    return {"climate": {**named, "sha256": digest}}


def _turbines(run: Run) -> dict[str, Any]:
    """The file of turbines of a method that uses one."""
    if not run.method.uses_turbines:
        return {}
    turbines, path = run.context.turbines, run.request.inputs.turbines
    named = {"name": Path(path).name} if path else SHIPPED_TURBINES
    return {"turbines": {**named, "sha256": turbines.digest}}


def _known(height: float) -> float | None:
    return None if np.isnan(height) else height


def _sheets(mosaic: Mosaic, manifests: list[SheetManifest]) -> list[dict[str, Any]]:
    return [
        manifest.file
        | {
            "crs": sheet.crs,
            "nodata": None if sheet.nodata is None else str(sheet.nodata),
            "nodata_declared": sheet.declared,
            "bounds": list(sheet.window.bounds(sheet.resolution)),
            "unit_m": sheet.scale,
            "offset_m": sheet.offset,
            "ahn_version": sheet.version,
            "lowest_m": _known(manifest.survey.lowest),
            "highest_m": _known(manifest.survey.highest),
        }
        for sheet, manifest in zip(mosaic.sheets, manifests, strict=True)
    ]


def machine(started: float) -> dict[str, Any]:
    """The part of a report in which two equal runs may differ. started: by the monotonic clock [s].
    The environment variable SOURCE_DATE_EPOCH [s since 1970] sets the time at which it finished."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    finished = time.localtime(None if epoch is None else int(epoch))
    return {
        "seconds": round(time.monotonic() - started, 3),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z", finished),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
