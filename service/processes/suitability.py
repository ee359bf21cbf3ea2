"""The process `suitability`: the roofs of an area judged, or read where they were judged before."""

from typing import Any

import shapely

from pipeline.errors import InputError
from service.core.catalogue import Backend
from service.processes.areas import Ground, box_around, circle_of, ground_of, joined
from service.processes.availability import request_key, source_of
from service.processes.geojson import read_shapes
from service.processes.inputs import (
    FOOTPRINTS,
    RESTRICTIONS,
    SuitabilityInputs,
    judged_by,
    read_inputs,
)
from service.processes.job_request import Execution, JobRequest

ID = "suitability"


def request_suitability(given: dict[str, Any], backend: Backend) -> JobRequest:
    """Raises InputError for inputs that are not accepted, Problem 409 if nothing answers them."""
    parsed = read_inputs(SuitabilityInputs, given)
    circle = None if parsed.around is None else circle_of(parsed.around)
    ground = _ground(parsed.area, circle, backend)
    inputs = {
        "area": ground.value,
        "around": circle and joined(circle),
        "lang": parsed.lang,
        **judged_by(parsed),
    }
    for name, kind in (("restrictions", RESTRICTIONS), ("footprints", FOOTPRINTS)):
        value = getattr(parsed, name)
        shapes = None if value is None else read_shapes(value, f"input {name}", kind)
        inputs[name] = shapes and shapes.document
    inputs["collection"] = source_of(inputs, ground, backend)
    return JobRequest(ID, inputs, request_key(ID, inputs, ground, backend), ground.geometry.area)


def _ground(area: Any, circle: tuple[float, float, float] | None, backend: Backend) -> Ground:
    """The area that is asked for; of a circle alone, the rectangle around it."""
    if area is not None:
        return ground_of(area, backend.sources.boundaries)
    if circle is None:
        raise InputError("input area", "is missing", "give it, or the input around")
    box = box_around(circle)
    return Ground(box, shapely.box(*map(float, box.split(","))), {"kind": "box"})


def execute_suitability(execution: Execution) -> None:
    """Leave a finished run in the folder of the result."""
    with execution.work_folder():
        request = execution.run_request(execution.folder)
        execution.run(request, execution.request.inputs["collection"])
