"""Whether a finished run holds the answer to a request, and what of it is asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.grid.windows import Layout, Window
from pipeline.heights.mosaics import open_sheets
from pipeline.heights.sheets import Sheet
from pipeline.methods import parameters as parameters_
from pipeline.results.finished import KINDS, Finished
from pipeline.runs.prepare import GridArea, Question
from pipeline.runs.provenance import PROGRAM
from pipeline.runs.request import Request
from pipeline.storage.files import find, on_disk, size_of
from pipeline.storage.ledger import first_difference
from pipeline.storage.vsis3 import is_vsis3
from pipeline.vectors.files import ENDINGS


@dataclass(frozen=True)
class RunQuery:
    """What is asked of a finished run."""

    finished: Finished
    question: Question
    on_grid: GridArea

    def sheets(self, kind: str) -> list[dict[str, Any]]:
        """Those of the finished run that could matter, of `dsm` or `dtm`."""
        cells, felt = self.finished.cells, self.on_grid.felt
        every = self.finished.inputs[kind]
        return [sheet for sheet in every if cells(sheet["bounds"]).intersect(felt).size]


def why_not(finished: Finished, request: Request) -> str | None:
    """Why a finished run does not answer a request, in words; None if it does.

    What could matter at most tells it nearly always, and takes no reading of rows. Raises
    InputError for a request that is wrong in itself.
    """
    found = match(finished, request, rough=True)
    if isinstance(found, str):
        found = match(finished, request)
    return found if isinstance(found, str) else None


def match(finished: Finished, request: Request, rough: bool = False) -> RunQuery | str:
    """What a request asks of a finished run, or why that does not answer it, in words.

    rough: more may be felt than is, and of the scope only the tiles are known. Raises InputError
    for a request that is wrong in itself.
    """
    question = Question.of(request)
    for reason in _otherwise_made(finished, question):
        return reason
    bounds = question.area.geometry.bounds if question.area else finished.bounds
    extent = Window.around(bounds, finished.resolution).intersect(finished.window)
    if not extent.size:
        return "its sheets do not reach the area"
    layout = Layout.of(extent, finished.resolution)
    for reason in _otherwise_given(finished, request, layout):
        return reason
    on_grid = GridArea.of(question, finished, layout, finished.window, rough)
    asked = RunQuery(finished, question, on_grid)
    return next(_otherwise_placed(asked), asked)


def _otherwise_made(finished: Finished, question: Question) -> Iterator[str]:
    """What differs that needs no look at the rows."""
    request = question.request
    method = {"name": request.method, "parameters": parameters_.as_json(question.p)}
    there = {key: finished.report["method"].get(key) for key in method}
    found = first_difference({"method": there, "program": finished.report["program"]},
                   {"method": method, "program": PROGRAM})  # fmt: skip
    if found:
        yield f"its {found}"
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
    yield from _otherwise_read(request, options)
    if not finished.holds(question.area, request.selection.boundaries):
        yield "its area does not hold this one, or cannot be told any more"


def _otherwise_read(request: Request, options: dict[str, Any]) -> Iterator[str]:
    """Options of how files are read that differ; those of files that are not given do not count."""
    for name in ("layer", "id", "group"):
        value = getattr(request.inputs, name)
        if value != options[name] and (request.inputs.buildings or value is not None):
            yield f"its option {name} is {options[name]}, not {value}"
    if request.inputs.dsm and (more := {*options["allow"]} - request.inputs.allow):
        yield f"it was allowed {', '.join(sorted(more))}"


def _otherwise_given(finished: Finished, request: Request, layout: Layout) -> Iterator[str]:
    """What differs whatever matters there: raster layers that end before, other footprints."""
    if request.layers and not finished.extent.covers(layout.extent):
        yield "its raster layers end before the area does"
    inputs = finished.inputs
    if request.inputs.attribution not in (None, *(s["attribution"] for s in inputs["buildings"])):
        yield "its attribution is another"
    if request.inputs.buildings:
        files = find(request.inputs.buildings, ENDINGS, "-")
        given = [(on_disk(f).name, size_of(f)) for f in files]
        if given != [(s["name"], s["size"]) for s in inputs["buildings"]]:
            yield "its footprints are others, by name or size"


def _otherwise_placed(asked: RunQuery) -> Iterator[str]:
    """Sheets that could matter and that only one of the two has, by name, size, place and unit."""
    request = asked.question.request
    for kind, sources in zip(KINDS, (request.inputs.dsm, request.inputs.dtm), strict=True):
        if not sources:
            continue
        sheets = open_sheets(sources, kind.upper(), request.inputs.nodata, _far_away(asked, kind))
        there = {_identity(s, asked.finished.cells(s["bounds"])) for s in asked.sheets(kind)}
        here = {_identity_of(s) for s in sheets if s.window.intersect(asked.on_grid.felt).size}
        for name, *_ in sorted(there ^ here, key=str):
            yield f"its {kind.upper()} sheet {name} is another, or only one of the two has it"


def _far_away(asked: RunQuery, kind: str) -> Callable[[str], bool]:
    """A test of files: whether one is known to the finished run, by name and size, and cannot
    matter: of a nation's sheets, few are opened for a province."""
    near = [(s["name"], s["size"]) for s in asked.sheets(kind)]
    far = {(s["name"], s["size"]) for s in asked.finished.inputs[kind]}.difference(near)
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
