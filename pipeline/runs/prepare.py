"""Preparation of a request: its inputs are opened and checked against each other."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import shapely

from pipeline.areas.selection import Area, Circle, check_extent
from pipeline.engine.engine import Progress, Stop, never_stop, no_progress
from pipeline.errors import EmptyAreaError, InputError
from pipeline.footprints.prepared import Prepared
from pipeline.footprints.prepared_make import prepare_footprints, with_extra
from pipeline.footprints.restrictions import Restrictions, check_ids, read_restrictions
from pipeline.footprints.scope import RowGroups, Scope, boxes_of_area, scope_at_most, scope_of
from pipeline.grid.windows import LatticeCell, Layout, Window
from pipeline.heights.mosaics import check_told_apart, open_mosaic
from pipeline.heights.pair import HeightPair, check_pair
from pipeline.heights.swapped import check_order
from pipeline.methods import METHODS, parse_settings
from pipeline.methods.climate import (
    Climate,
    Turbines,
    read_climate,
    read_turbines,
    shipped_climate,
    shipped_turbines,
)
from pipeline.methods.context import NOTHING, Context
from pipeline.methods.method import Method
from pipeline.runs.added import Added, read_added
from pipeline.runs.removed import Removed, find_removed, plain
from pipeline.runs.request import Inputs, Request, check_options
from pipeline.storage.cache import cache_dir
from pipeline.storage.ledger import Ledger
from pipeline.terms import Field, File, Location


@dataclass(frozen=True)
class ParsedRequest:
    """A request with its method, that method's parameters `p`, its area and circle (None for all
    buildings), and the climate and the turbines for a method that uses them."""

    request: Request
    method: Method
    p: Any
    area: Area | None
    around: Circle | None
    climate: Climate
    turbines: Turbines

    @classmethod
    def of(cls, request: Request) -> "ParsedRequest":
        """Raises InputError for an option, a parameter, an area, a climate or turbines that are not
        valid."""
        check_options(request)
        method = METHODS[request.method]
        p = parse_settings(method, request.settings)
        area, around = request.selection.parse()
        climate, turbines = _climate(request, method), _turbines(request, method)
        return cls(request, method, p, area, around, climate, turbines)

    def check_turbine(self) -> None:
        """Raises InputError for a turbine that is unknown: not for one of a finished run that
        answers, which had its own."""
        if self.method.uses_turbines:
            self.turbines.named(self.p.turbine)


def _climate(request: Request, method: Method) -> Climate:
    folder = request.inputs.climate
    if folder is None:
        return shipped_climate()
    if not method.uses_climate:
        raise _unused("climate", folder, method)
    return read_climate(Path(folder))


def _turbines(request: Request, method: Method) -> Turbines:
    path = request.inputs.turbines
    if path is not None and not method.uses_turbines:
        raise _unused("turbines", path, method)
    return shipped_turbines() if path is None else read_turbines(Path(path))


def _unused(option: str, value: str, method: Method) -> InputError:
    return InputError(
        Field(option, value), "the method {name} uses none", "leave it out", name=method.name
    )


@dataclass(frozen=True)
class GridArea:
    """The area of a request on the grid. layout: its shards; scope: its footprints; squares: cells
    of the lattice that these or its raster layers touch; influence_zone: the cells that could
    matter to it, whatever stands there."""

    layout: Layout
    scope: Scope
    squares: tuple[LatticeCell, ...]
    influence_zone: Window

    @classmethod
    def of(
        cls,
        parsed: ParsedRequest,
        footprints: RowGroups,
        layout: Layout,
        within: Window,
        rough: bool = False,
    ) -> "GridArea":
        """within: the cells of the inputs; rough: read no rows, so that the influence zone may be
        too large, and of the scope only the tiles are known. Raises InputError where the method
        cannot be used there."""
        request, area, method = parsed.request, parsed.area, parsed.method
        block = request.resources.block
        scope = (
            scope_at_most(footprints, area, layout, within)
            if rough
            else scope_of(footprints, area, parsed.around, layout, block, within)
        )
        raster = layout.extent if request.layers else NOTHING
        squares = {*LatticeCell.touched(raster, layout.resolution)}
        squares |= {*scope.squares(layout.resolution)}
        ordered = tuple(sorted(squares))
        method.check(parsed.p, ordered, plain(request.inputs.remove_building))
        halo = method.reach.halo(parsed.p, ordered, layout.resolution)
        return cls(layout, scope, ordered, scope.tiles.window.union(raster).grow(halo))


@dataclass(frozen=True)
class Run:
    """A request whose inputs are open and fit together.

    context: what the method computes with, of the terrain only the sheets in the influence zone;
    covered: the ground of all given sheets within the bounding box of the footprints [RD m].
    """

    request: Request
    method: Method
    context: Context
    added: Added | None
    removed: tuple[Removed, ...]
    covered: shapely.Geometry


def prepare(request: Request, progress: Progress = no_progress, stop: Stop = never_stop) -> Run:
    """Open and check all that a request names. Raises InputError for what it cannot use."""
    parsed, inputs = ParsedRequest.of(request), request.inputs
    parsed.check_turbine()
    p, area = parsed.p, parsed.area
    terrain = _terrain(inputs, area)
    parsed.method.check_cells(terrain.resolution)
    if request.selection.area is not None:
        check_extent(request.selection.area, terrain.rectangle)
    buildings = inputs.add_building
    added = read_added(buildings, terrain, p, **_columns(inputs)) if buildings else None
    prepared = _prepared(request, p, progress, stop)
    _check_any(prepared, area, request)
    layout = Layout.of(_extent(terrain, prepared, area, request), terrain.resolution)
    grid_area = GridArea.of(parsed, prepared, layout, terrain.window)
    if not grid_area.scope.selected:
        raise InputError(
            Field("around", request.selection.around),
            "no footprint's centre lies in it",
            "give X,Y,RADIUS in RD metres",
        )
    if "heights" not in inputs.allow:
        check_order(terrain, grid_area.scope.tiles)
    removed = find_removed(inputs.remove_building, prepared, added)
    context = Context(
        p=p,
        ledger=Ledger(request.outputs.out),
        terrain=replace(terrain, added=added).part(grid_area.influence_zone),
        region=_region(terrain.ground, prepared.bounds),
        prepared=prepared,
        layout=layout,
        block=request.resources.block,
        layers=request.layers,
        scope=grid_area.scope,
        squares=grid_area.squares,
        relief=(request.resources.relief or cache_dir() / "relief").absolute(),
        area=area,
        around=parsed.around,
        restrictions=_restrictions(inputs, prepared),
        removed=frozenset(building.id for building in removed),
        climate=parsed.climate,
        turbines=parsed.turbines,
    )
    covered = terrain.part(Window.around(prepared.bounds, terrain.resolution)).ground
    return Run(request, parsed.method, context, added, removed, covered)


def _region(ground: shapely.Geometry, bounds: tuple[float, ...]) -> shapely.Geometry:
    """The common ground of the rasters within the bounding box of all footprints."""
    parts = shapely.get_parts(shapely.intersection(ground, shapely.box(*bounds)))
    region = shapely.union_all(parts[shapely.get_type_id(parts) == 3])  # not lines where they touch
    shapely.prepare(region)
    return region


def _restrictions(inputs: Inputs, prepared: Prepared) -> Restrictions:
    if not inputs.restrictions:
        return Restrictions()
    restrictions = read_restrictions(Path(inputs.restrictions))
    check_ids(restrictions, prepared)
    return restrictions


def _check_any(prepared: Prepared, area: Area | None, request: Request) -> None:
    if not any(inside.any() for _, inside in boxes_of_area(prepared, area)):
        source = request.inputs.buildings[0]
        if area is None:
            raise InputError(
                Location(source), "no footprint is a polygon", "give the layer of buildings"
            )
        bounds = ",".join(f"{edge:.0f}" for edge in prepared.bounds)
        raise EmptyAreaError(
            Location(source),
            "no footprint lies in {area}",
            "they lie in {bounds} (RD metres): give one there",
            area=Field("area", request.selection.area),
            bounds=bounds,
        )


def _terrain(inputs: Inputs, area: Area | None) -> HeightPair:
    check_told_apart(inputs.dsm, inputs.dtm)
    ground = area and area.geometry
    dsm = open_mosaic(inputs.dsm, "DSM", inputs.nodata, inputs.allow, ground)
    dtm = open_mosaic(inputs.dtm, "DTM", inputs.nodata, inputs.allow, ground)
    return check_pair(dsm, dtm, inputs.allow)


def _prepared(request: Request, p: Any, progress: Progress, stop: Stop) -> Prepared:
    options = {"centre": p.centre, "stop": stop, **_columns(request.inputs)}
    cache = request.resources.prepared or cache_dir()
    files = request.inputs.buildings
    prepared = prepare_footprints(files, cache=cache, progress=progress, **options)
    added = request.inputs.add_building
    return with_extra(prepared, added, **options) if added else prepared


def _columns(inputs: Inputs) -> dict[str, Any]:
    return {"layer": inputs.layer, "id_column": inputs.id, "group_column": inputs.group}


def _extent(terrain: HeightPair, prepared: Prepared, area: Area | None, request: Request) -> Window:
    """The extent of the raster layers: the area, else the footprints, cut to the rasters."""
    bounds = area.geometry.bounds if area else prepared.bounds
    extent = Window.around(bounds, terrain.resolution).intersect(terrain.window)
    if not extent.size:
        xmin, ymin, xmax, ymax = terrain.window.bounds(terrain.resolution)
        place, files = request.selection.area, request.inputs.buildings
        raise InputError(
            Field("area", place) if area else File(files[0]),
            "its bounding box lies beside the rasters, which cover {xmin:g},{ymin:g},{xmax:g},"
            "{ymax:g}",
            "give the sheets of that place, or check the CRS",
            xmin=xmin,
            ymin=ymin,
            xmax=xmax,
            ymax=ymax,
        )
    return extent
