"""Matching of a request with a finished run: whether that run holds the answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.grid.windows import Layout, Window
from pipeline.heights.mosaics import open_sheets
from pipeline.heights.sheets import Sheet
from pipeline.methods import parameters as parameters_
from pipeline.results.finished import KINDS, Finished
from pipeline.runs.prepare import GridArea, ParsedRequest
from pipeline.runs.provenance import PROGRAM
from pipeline.runs.request import Request
from pipeline.storage.files import find, on_disk, size_of
from pipeline.storage.ledger import first_difference
from pipeline.storage.vsis3 import is_vsis3
from pipeline.vectors.files import ENDINGS


@dataclass(frozen=True)
class RunQuery:
    """A request that a finished run may answer."""

    finished: Finished
    parsed: ParsedRequest
    grid_area: GridArea

    def sheets(self, kind: str) -> list[dict[str, Any]]:
        """The sheets of the finished run in the influence zone. kind: `dsm` or `dtm`."""
        cells, zone = self.finished.cells, self.grid_area.influence_zone
        sheets = self.finished.inputs[kind]
        return [sheet for sheet in sheets if cells(sheet["bounds"]).intersect(zone).size]


def why_not(finished: Finished, request: Request) -> str | None:
    """The reason why a finished run does not answer a request; None if it does.

    The rough match, which reads no rows, is enough in most cases. Raises InputError for a request
    that is not valid.
    """
    query = match(finished, request, rough=True)
    if isinstance(query, str):
        query = match(finished, request)
    return query if isinstance(query, str) else None


def match(finished: Finished, request: Request, rough: bool = False) -> RunQuery | str:
    """The query of a finished run for a request, or the reason why that run does not answer it.

    rough: read no rows, so that the influence zone may be too large. Raises InputError for a
    request that is not valid.
    """
    parsed = ParsedRequest.of(request)
    for reason in _method_differences(finished, parsed):
        return reason
    bounds = parsed.area.geometry.bounds if parsed.area else finished.bounds
    extent = Window.around(bounds, finished.resolution).intersect(finished.window)
    if not extent.size:
        return "its sheets do not reach the area"
    layout = Layout.of(extent, finished.resolution)
    for reason in _input_differences(finished, parsed, layout):
        return reason
    grid_area = GridArea.of(parsed, finished, layout, finished.window, rough)
    query = RunQuery(finished, parsed, grid_area)
    return next(_sheet_differences(query), query)


def _method_differences(finished: Finished, parsed: ParsedRequest) -> Iterator[str]:
    """Differences in method, program and options."""
    request, report = parsed.request, finished.report
    method = {"name": request.method, "parameters": parameters_.as_json(parsed.p)}
    finished_method = {key: report["method"].get(key) for key in method}
    difference = first_difference(
        {"method": finished_method, "program": report["program"]},
        {"method": method, "program": PROGRAM},
    )
    if difference:
        yield f"its {difference}"
    for name, value in (
        ("restrictions", request.inputs.restrictions),
        ("added", request.inputs.add_building),
        ("removed", request.inputs.remove_building),
    ):
        if value or finished.inputs.get(name):
            yield f"{name}: an answer has none, and the run it comes from"
    options = finished.inputs["options"]
    for layer in request.layers:
        if layer not in options["layers"]:
            yield f"its raster layers lack {layer}"
    yield from _reading_differences(request, options)
    if not finished.holds(parsed.area, request.selection.boundaries):
        yield "its area does not hold this one, or cannot be told any more"


def _reading_differences(request: Request, options: dict[str, Any]) -> Iterator[str]:
    """Differences in how files are read; only of files that the request gives."""
    for name in ("layer", "id", "group"):
        value = getattr(request.inputs, name)
        if value != options[name] and (request.inputs.buildings or value is not None):
            yield f"its option {name} is {options[name]}, not {value}"
    if request.inputs.dsm and (more := {*options["allow"]} - request.inputs.allow):
        yield f"it was allowed {', '.join(sorted(more))}"


def _input_differences(finished: Finished, parsed: ParsedRequest, layout: Layout) -> Iterator[str]:
    """Differences in the extent of raster layers, the climate and the turbines if they are given,
    the attribution and the footprint files."""
    request = parsed.request
    if request.layers and not finished.extent.covers(layout.extent):
        yield "its raster layers end before the area does"
    inputs = finished.inputs
    if request.inputs.climate and parsed.climate.digest != inputs["climate"]["sha256"]:
        yield "its climate is another"
    if request.inputs.turbines and parsed.turbines.digest != inputs["turbines"]["sha256"]:
        yield "its turbines are others"
    if request.inputs.attribution not in (None, *(s["attribution"] for s in inputs["buildings"])):
        yield "its attribution is another"
    if request.inputs.buildings:
        paths = find(request.inputs.buildings, ENDINGS, "-")
        files = [(on_disk(path).name, size_of(path)) for path in paths]
        if files != [(s["name"], s["size"]) for s in inputs["buildings"]]:
            yield "its footprints are others, by name or size"


def _sheet_differences(query: RunQuery) -> Iterator[str]:
    """Sheets in the influence zone that differ in name, size, place or unit, or that only one of
    request and finished run has."""
    inputs, zone = query.parsed.request.inputs, query.grid_area.influence_zone
    for kind, sources in zip(KINDS, (inputs.dsm, inputs.dtm), strict=True):
        if not sources:
            continue
        sheets = open_sheets(sources, kind.upper(), inputs.nodata, _far_away(query, kind))
        known = {_identity(s, query.finished.cells(s["bounds"])) for s in query.sheets(kind)}
        given = {_identity_of(s) for s in sheets if s.window.intersect(zone).size}
        for name, *_ in sorted(known ^ given, key=str):
            yield f"its {kind.upper()} sheet {name} is another, or only one of the two has it"


def _far_away(query: RunQuery, kind: str) -> Callable[[str], bool]:
    """A test of files: whether one is a sheet of the finished run, by name and size, outside the
    influence zone. So for a province few of a nation's sheets are opened."""
    near = [(s["name"], s["size"]) for s in query.sheets(kind)]
    far = {(s["name"], s["size"]) for s in query.finished.inputs[kind]}.difference(near)
    names = {name for name, _ in far}

    def is_far(path: str) -> bool:
        name = on_disk(path).name
        return name in names and not is_vsis3(path) and (name, size_of(path)) in far

    return is_far


def _identity(sheet: dict[str, Any], window: Window) -> tuple[Any, ...]:
    return sheet["name"], sheet["size"], sheet["nodata"], sheet["unit_m"], sheet["offset_m"], window


def _identity_of(sheet: Sheet) -> tuple[Any, ...]:
    nodata = None if sheet.nodata is None else str(sheet.nodata)
    name, size = on_disk(sheet.path).name, size_of(sheet.path, sheet.files)
    return name, size, nodata, sheet.scale, sheet.offset, sheet.window
