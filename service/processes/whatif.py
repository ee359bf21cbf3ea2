"""The process `what-if`: an area with buildings added or demolished, and what that changes."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from pipeline.errors import InputError
from pipeline.footprints.footprints import PREFIX
from pipeline.heights.relief import HIGHEST_M, LOWEST_M
from pipeline.messages import Text
from pipeline.methods import METHODS
from pipeline.methods.parameters import parse
from pipeline.results import report
from pipeline.results.changes import changes, totals_changed
from pipeline.results.finished import open_finished
from pipeline.runs.run import run
from pipeline.runs.whatif import reach_in
from pipeline.storage.integrity import is_whole
from pipeline.storage.ledger import REPORT
from service.core.catalogue import Backend, Collection
from service.processes import suitability
from service.processes.areas import Ground, ground_of
from service.processes.availability import (
    check_can_compute,
    check_run,
    request_key,
    source_of,
)
from service.processes.geojson import Shapes, dumps, in_degrees, read_shapes
from service.processes.inputs import ADDED, WhatIfInputs, judged_by, read_inputs
from service.processes.job_request import Execution, JobRequest, written

ID = "what-if"
SPREAD_M = 10_000.0  # over which added buildings may lie where no area is given


def request_what_if(given: dict[str, Any], backend: Backend) -> JobRequest:
    """Raises InputError for inputs that are not accepted, Problem 409 without sheets."""
    parsed = read_inputs(WhatIfInputs, given)
    method = judged_by(parsed)
    added = None if parsed.add is None else _added(parsed.add)
    removed = sorted({name.strip().removeprefix(PREFIX) for name in parsed.remove})
    if added is None and not removed:
        raise InputError("input add", "is missing", "give it, or the input remove, or both")
    named = METHODS[method["method"]]
    named.check(parse(named.parameters, method["parameters"]), (), removed)
    check_can_compute(backend, [])
    if parsed.area is not None:
        ground = ground_of(parsed.area, backend.sources.boundaries)
    else:
        ground = _reached(added, removed, method, backend)
    base = _base(ground, parsed, method, backend)
    check_run(base, ground.geometry, backend)
    inputs = base | {"add": added and added.document, "remove": removed}
    inputs["base"] = request_key(suitability.ID, base, ground, backend)
    key = request_key(ID, inputs, ground, backend, computed=True)
    return JobRequest(ID, inputs, key, ground.geometry.area)


def _base(
    ground: Ground, parsed: WhatIfInputs, method: dict[str, Any], backend: Backend
) -> dict[str, Any]:
    """The inputs of `suitability` for the area as it is."""
    inputs = {
        "area": ground.value,
        "around": None,
        "lang": parsed.lang,
        **method,
        "restrictions": None,
        "footprints": None,
    }
    return inputs | {"collection": source_of(inputs, ground, backend)}


def _added(value: Any) -> Shapes:
    """Buildings to add, each with a height and an id."""
    shapes = read_shapes(value, "input add", ADDED)
    for number, feature in enumerate(shapes.document["features"]):
        row = feature["properties"]
        roof, height = row.get("roof_m"), row.get("height_m")
        if roof is None and height is None:
            raise InputError(
                "input add",
                "has no height",
                "give `roof_m`, the top above NAP, or `height_m` above the ground [m]",
                place=Text("feature {feature}", feature=number),
            )
        high = roof is not None and not LOWEST_M <= roof <= HIGHEST_M
        if high or (height is not None and not 0 < height <= HIGHEST_M):
            raise InputError(
                "input add",
                "has an impossible height",
                "give metres",
                place=Text("feature {feature}", feature=number),
            )
        row["id"] = row.get("id") or f"added-{number + 1}"
    return shapes


def _reached(
    added: Shapes | None, removed: list[str], method: dict[str, Any], backend: Backend
) -> Ground:
    """The area that the change can reach, as the first public collection that can tells it.

    Raises InputError where none can: the area has to be given then.
    """
    roofs = [] if added is None else _roofs(added)
    why = (
        "this service has no public collection of these parameters that tells what a change reaches"
    )
    for collection in backend.public.values():
        if not _reaches_alike(collection, method):
            continue
        try:
            box = reach_in(collection.place, roofs, removed)
        except InputError as error:
            why = str(error)
            continue
        return ground_of(",".join(f"{edge:.0f}" for edge in _whole(box)), ())
    raise InputError("inputs add and remove", "{why}", "or give the input area", why=why)


def _reaches_alike(collection: Collection, method: dict[str, Any]) -> bool:
    """Whether a change reaches as far by the method of a collection as by the one asked for."""
    name, parameters = method["method"], collection.report["method"]["parameters"]
    return collection.method.name == name and all(
        parameters.get(each) == method["parameters"].get(each)
        for each in METHODS[name].reach.depends_on
    )


def _whole(box: tuple[float, ...]) -> tuple[float, ...]:
    """A rectangle of whole metres around one."""
    return (*np.floor(box[:2]).tolist(), *np.ceil(box[2:]).tolist())


def _roofs(added: Shapes) -> list[tuple[shapely.Geometry, float | None, float | None]]:
    west, south, east, north = shapely.total_bounds(added.geometry)
    if max(east - west, north - south) > SPREAD_M:
        raise InputError(
            "input add",
            "the buildings lie more than {most:g} km apart",
            "give the input area, or ask for each place",
            most=SPREAD_M / 1000,
        )
    rows = [feature["properties"] for feature in added.document["features"]]
    return [
        (shape, row.get("roof_m"), row.get("height_m"))
        for shape, row in zip(added.geometry, rows, strict=True)
    ]


# Carried out: the area as it is, the area as it would be, and the difference.


def execute_what_if(execution: Execution) -> None:
    """Leave a finished run of the changed area in the folder, and beside it what changes."""
    with execution.work_folder():
        before, after = execution.work / "before", execution.work / "after"
        _judge_before(execution, before)
        _judge_after(execution, before, after)
        for name, content in _told(before, after).items():
            (after / f"{name}.json").write_bytes(content)
        os.rename(after, execution.folder)


def _judge_before(execution: Execution, place: Path) -> None:
    """Read where it was judged before, for this client or another; else judged now."""
    inputs = execution.request.inputs
    known = execution.folder.with_name(inputs["base"])
    if not place.exists() and is_whole(known):
        _link(known, place)
    request, name = execution.run_request(place), inputs["collection"]
    if (place / REPORT).is_file():
        return
    execution.run(request, name)


def _judge_after(execution: Execution, before: Path, place: Path) -> None:
    """Only what the change can reach is judged anew, where the run before can be taken along."""
    inputs = execution.request.inputs
    added = written(inputs, "add", execution.work)
    coming: dict[str, Any] = {"add_building": (added,)} if added else {}
    again = "answered_from" not in open_finished(before).inputs
    if again and not place.exists():
        _link(before, place)
    request = execution.run_request(
        place,
        **coming,
        remove_building=tuple(inputs["remove"]),
        update=again,
    )
    run(request, execution.progress, execution.stop, execution.log)


def _link(source: Path, to: Path) -> None:
    """Hard-link the files of a run into another folder: a run replaces files and changes none."""
    partial = to.with_name(f"{to.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, copy_function=os.link)
    partial.rename(to)


def _told(before: Path, after: Path) -> dict[str, bytes]:
    """Contents of the outputs, by name."""
    table = changes(before, after)
    features = _features(table, before, after)
    collection = {"type": "FeatureCollection", "features": features}
    return {
        "changes": dumps(collection),
        "totals": json.dumps(totals_changed(before, after), allow_nan=False).encode(),
    }


def _features(table: pa.Table, before: Path, after: Path) -> list[dict[str, Any]]:
    """A feature a building that changes, with its outline [degrees]; of one that is gone, the
    outline that it had."""
    rows = table.drop_columns(["centre_x", "centre_y"]).to_pylist()
    outlines = [_outlines(place, table["row"]) for place in (before, after)]
    geometries = [outlines[row["what"] != "gone"].get(row["row"]) for row in rows]
    return [
        {"type": "Feature", "id": row["row"], "properties": row, "geometry": geometry}
        for row, geometry in zip(rows, in_degrees(geometries), strict=True)
    ]


def _outlines(place: Path, rows: pa.ChunkedArray) -> dict[int, shapely.Geometry]:
    """The polygons of some rows of a run [RD m]."""
    table = report.read_buildings(place, ["row", "geometry"])
    table = table.filter(pc.is_in(table["row"], rows.combine_chunks()))
    return dict(
        zip(table["row"].to_pylist(), shapely.from_wkb(table["geometry"].to_numpy()), strict=True)
    )
