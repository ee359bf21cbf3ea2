"""The process `suitability`: the roofs of an area judged, or read where they were judged before."""

from collections.abc import Mapping
from typing import Any

import shapely

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.methods import METHODS
from pipeline.methods import parameters as parameters_
from pipeline.methods.method import Method, names
from pipeline.runs.answers import why_not
from service.core.catalogue import Backend, Collection
from service.core.problem import Problem
from service.processes.areas import Ground, box_around, circle_of, circle_text, ground_of, stamp_of
from service.processes.computable import check_reached
from service.processes.execution import READ_AS, Execution, run_request, temporary_folder
from service.processes.geojson import read_shapes
from service.processes.inputs import (
    FOOTPRINTS,
    RESTRICTIONS,
    SuitabilityInputs,
    WhatIfInputs,
    read_inputs,
)
from service.processes.job_request import JobRequest, file_stamps, job_key

ID = "suitability"


def request_suitability(given: dict[str, Any], backend: Backend) -> JobRequest:
    """Raises InputError for inputs that are not accepted, Problem 409 if nothing answers them."""
    asked = read_inputs(SuitabilityInputs, given)
    circle = None if asked.around is None else circle_of(asked.around)
    ground = _ground(asked.area, circle, backend)
    inputs = {
        "area": ground.said,
        "around": circle and circle_text(circle),
        "lang": asked.lang,
        **judged_by(asked),
    }
    for name, kind in (("restrictions", RESTRICTIONS), ("footprints", FOOTPRINTS)):
        value = getattr(asked, name)
        shapes = None if value is None else read_shapes(value, f"input {name}", kind)
        inputs[name] = shapes and shapes.document
    inputs["collection"] = source_of(inputs, ground, backend)
    return JobRequest(ID, inputs, key_of(ID, inputs, ground, backend), ground.geometry.area)


def _ground(area: Any, circle: tuple[float, float, float] | None, backend: Backend) -> Ground:
    """The area that is asked for; of a circle alone, the rectangle around it."""
    if area is not None:
        return ground_of(area, backend.sources.boundaries)
    if circle is None:
        raise InputError("input area", "is missing", "give it, or the input around")
    box = box_around(circle)
    return Ground(box, shapely.box(*map(float, box.split(","))), {"kind": "box"})


def judged_by(asked: SuitabilityInputs | WhatIfInputs) -> dict[str, Any]:
    """The inputs that say how roofs are judged: method, all its parameters, raster layers.

    Raises InputError for one that is unknown or not accepted.
    """
    if asked.method not in METHODS:
        raise InputError(
            "input method",
            "{name!r} is unknown",
            "there is {known}",
            name=asked.method,
            known=list(METHODS),
        )
    method = METHODS[asked.method]
    try:
        p = parameters_.parse(method.parameters, asked.parameters)
    except InputError as error:
        raise InputError("input parameters", "{error}", error=error) from None
    layers = _layers(method, asked.layers)
    return {"method": method.name, "parameters": parameters_.as_json(p), "layers": layers}


def _layers(method: Method, asked: list[str] | None) -> list[str]:
    """The raster layers that are asked for in the method's order; None: those that it makes by
    default. Raises InputError for one that it has not."""
    if asked is None:
        return [layer.name for layer in method.layers if layer.default]
    known = names(method.layers)
    for number, name in enumerate(asked):
        if name not in known:
            raise InputError(
                Text("input layers[{n}]", n=number),
                remedy="input should be one of {known}",
                known=known,
            )
    return [name for name in known if name in asked]


def key_of(
    process: str, inputs: dict[str, Any], ground: Ground, backend: Backend, computed: bool = False
) -> str:
    """The key of a job request, of its inputs and of what it is answered from. computed:
    sheets and footprints count, though a collection answers a part of it."""
    behind: list[Any] = []
    if ground.label.get("code"):
        behind.append(stamp_of(ground.label["code"], backend.sources.boundaries))
    if inputs["collection"]:
        behind.append(_provenance(backend.public[inputs["collection"]]))
    if computed or not inputs["collection"]:
        behind.append(file_stamps(backend.sources))
        behind.append(backend.settings.model_dump(mode="json", include=READ_AS))
    return job_key(process, inputs, *behind)


def _provenance(collection: Collection) -> dict[str, Any]:
    return {name: collection.report[name] for name in ("method", "inputs", "program")}


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
    check_reached(ground.geometry, backend)
    return None


def check_can_compute(backend: Backend, reasons: list[str]) -> None:
    """Raises Problem 409 where there is nothing to compute from."""
    if not backend.sources.can_compute:
        said = f" ({'; '.join(reasons)})" if reasons else ""
        raise Problem(
            409,
            "this service was given no heights and footprints to compute from, and none of its"
            f" collections answers this{said}; ask for an area and parameters of theirs",
        )


def execute_suitability(execution: Execution) -> None:
    """Leave a finished run in the folder of the result."""
    with execution.work_folder():
        request = execution.run_request(execution.folder)
        execution.run(request, execution.request.inputs["collection"])
