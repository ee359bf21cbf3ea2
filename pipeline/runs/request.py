"""What is asked of a run, and the request made ready: inputs opened and checked."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import shapely

from kernels.shadow import Halo, Sun
from pipeline.areas.selection import Area, check_extent, parse_area, parse_around
from pipeline.engine.engine import Progress, Stop, never_stop, no_progress
from pipeline.errors import EmptyAreaError, InputError
from pipeline.footprints.prepared import Prepared, prepare_footprints
from pipeline.footprints.prepared_few import with_few
from pipeline.footprints.restrictions import Restrictions, check_ids, read_restrictions
from pipeline.footprints.scope import Scope, asked_of, scope_of
from pipeline.grid.sun import suns, suns_degrees
from pipeline.grid.windows import LatticeCell, Layout, Window
from pipeline.heights.mosaics import check_told_apart, open_mosaic
from pipeline.heights.pair import HeightPair, check_pair
from pipeline.heights.swapped import check_order
from pipeline.messages import Text
from pipeline.methods import METHODS
from pipeline.methods import parameters as parameters_
from pipeline.methods.powermapping.reach import farthest
from pipeline.methods.powermapping.rules import Powermapping
from pipeline.runs.added import Added, read_added
from pipeline.runs.removed import Removed, find_removed
from pipeline.storage.cache import cache_dir
from pipeline.storage.places import Place

LAYERS = ("hillshade", "shadow", "sun_hillshade", "surface")
ALLOWANCES = ("gaps", "heights", "versions")
DEFAULT_BLOCK = 2048


@dataclass(frozen=True)
class Request:
    """A run as the command line, the service and the tests ask for it.

     dsm, dtm, buildings: files, folders, globs or indexes; out: the place of the result; area:
     `xmin,ymin,xmax,ymax` [RD m] or a file of polygons; settings: parameters of the method, as
     texts; around: `x,y,radius` [RD m]; nodata: for rasters that declare none [units of the file];
     block: cells a side of what is computed at once; scheduler: `threads` or the address of a
     dask scheduler; relief, prepared: where the sheets' relief and the sorted footprints are kept,
     if not in the user's cache;
     add_building: files of buildings that are not in the heights, as if they stood there;
    remove_building: ids of buildings that are taken to be demolished; update: take the finished run
    in `out` along, and compute anew only what a change of the inputs can reach; by: files of areas
    to report by; boundaries: of regions that `area` names.
    """

    dsm: tuple[str, ...]
    dtm: tuple[str, ...]
    buildings: tuple[str, ...]
    out: Place
    area: str | None = None
    layer: str | None = None
    id: str | None = None
    group: str | None = None
    method: str = "powermapping"
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    layers: tuple[str, ...] = ("hillshade", "shadow")
    restrictions: str | None = None
    around: str | None = None
    nodata: float | None = None
    attribution: str | None = None
    block: int = DEFAULT_BLOCK
    workers: int | None = None
    scheduler: str = "threads"
    allow: frozenset[str] = frozenset()
    overwrite: bool = False
    lang: str = "en"
    relief: Path | None = None
    prepared: Path | None = None
    add_building: tuple[str, ...] = ()
    remove_building: tuple[str, ...] = ()
    update: bool = False
    by: tuple[str, ...] = ()
    boundaries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """A request whose inputs are open and fit together.

    terrain: the sheets that the area can feel, of those given; seen: what all of them cover;
    covered: what those do that lie where footprints are.
    """

    request: Request
    p: Powermapping
    terrain: HeightPair
    added: Added | None
    removed: tuple[Removed, ...]
    seen: shapely.Geometry
    covered: shapely.Geometry
    prepared: Prepared
    area: Area | None
    around: tuple[float, float, float] | None
    restrictions: Restrictions
    layout: Layout
    scope: Scope
    squares: tuple[LatticeCell, ...]

    def suns(self, square: LatticeCell) -> list[Sun]:
        """The suns of a square of the lattice."""
        return suns(square, self.p.date, self.p.times, self.p.elevation)

    @property
    def every_sun(self) -> list[Sun]:
        """Those of all squares in which a shadow is asked for."""
        return [sun for square in self.squares for sun in self.suns(square)]

    @property
    def halo(self) -> Halo:
        """How far anything in the country could matter to the area [cells]."""
        return farthest(self.every_sun, self.p, self.layout.resolution)


def prepare(request: Request, progress: Progress = no_progress, stop: Stop = never_stop) -> Job:
    """Open and check all that a request names. Raises InputError for what it cannot use."""
    check_options(request)
    p = parameters_.parse(METHODS[request.method].parameters, request.settings)
    area = None if request.area is None else parse_area(request.area, request.boundaries)
    around = None if request.around is None else parse_around(request.around)
    terrain = _terrain(request, area)
    if request.area is not None:
        check_extent(request.area, terrain.rectangle)
    added = _added(request, terrain, p)
    prepared = _prepared(request, p, progress, stop)
    _check_any(prepared, area, request)
    layout = Layout.of(_extent(terrain, prepared, area, request), terrain.resolution)
    scope = scope_of(prepared, area, around, layout, request.block, terrain.window)
    if not scope.selected:
        raise InputError(
            "--around {around}: no footprint's centre lies in it; give X,Y,RADIUS in RD metres",
            around=request.around,
        )
    if "heights" not in request.allow:
        check_order(terrain, scope.tiles)
    squares = tuple(squares_asked(scope, layout, request.layers))
    _check_suns(squares, p)
    restrictions = _restrictions(request, prepared)
    job = Job(
        request=request,
        p=p,
        terrain=terrain,
        added=added,
        removed=find_removed(request.remove_building, prepared, added, p),
        seen=terrain.ground,
        covered=terrain.part(Window.around(prepared.bounds, terrain.resolution)).ground,
        prepared=prepared,
        area=area,
        around=around,
        restrictions=restrictions,
        layout=layout,
        scope=scope,
        squares=squares,
    )
    felt = ground_felt(scope, layout, request.layers, job.halo)
    return replace(job, terrain=replace(terrain, added=added).part(felt))


def _restrictions(request: Request, prepared: Prepared) -> Restrictions:
    if not request.restrictions:
        return Restrictions()
    found = read_restrictions(Path(request.restrictions))
    check_ids(found, prepared)
    return found


def squares_asked(scope: Scope, layout: Layout, layers: tuple[str, ...]) -> list[LatticeCell]:
    """The squares in which a shadow is asked for."""
    pictures = LatticeCell.touched(layout.extent, layout.resolution) if layers else ()
    return sorted({*scope.squares(layout.resolution), *pictures})


def ground_felt(scope: Scope, layout: Layout, layers: tuple[str, ...], halo: Halo) -> Window:
    """The ground that could matter to an area, whatever stands there."""
    ground = scope.tiles.window
    return ground.union(layout.extent if layers else ground).grow(halo)


def _check_any(prepared: Prepared, area: Area | None, request: Request) -> None:
    if not any(inside.any() for _, inside in asked_of(prepared, area)):
        source = request.buildings[0]
        if area is None:
            raise InputError(
                "{source}: no footprint is a polygon; give the layer of buildings", source=source
            )
        bounds = ",".join(f"{edge:.0f}" for edge in prepared.bounds)
        raise EmptyAreaError(
            "{source}: no footprint lies in AREA {area}; they lie in {bounds} (RD metres): give one"
            " there",
            source=source,
            area=request.area,
            bounds=bounds,
        )


def check_options(request: Request) -> None:
    """Raises InputError for an option whose value is none of those it takes."""
    if request.method not in METHODS:
        raise InputError(
            "--method {method}: unknown; there is {known}",
            method=request.method,
            known=list(METHODS),
        )
    for option, values, known in (
        ("--layers", request.layers, LAYERS),
        ("--allow", sorted(request.allow), ALLOWANCES),
    ):
        if odd := [value for value in values if value not in known]:
            raise InputError(
                "{option}: {odd!r} is unknown; it takes {known}",
                option=option,
                odd=odd[0],
                known=known,
            )
    if request.block < 16:
        raise InputError("--block {block}: give 16 cells or more", block=request.block)
    if request.workers is not None and request.workers < 1:
        raise InputError("--workers {workers}: give 1 or more", workers=request.workers)


def _terrain(request: Request, area: Area | None) -> HeightPair:
    check_told_apart(request.dsm, request.dtm)
    ground = area and area.geometry
    dsm = open_mosaic(request.dsm, "DSM", request.nodata, request.allow, ground)
    dtm = open_mosaic(request.dtm, "DTM", request.nodata, request.allow, ground)
    return check_pair(dsm, dtm, request.allow)


def _added(request: Request, terrain: HeightPair, p: Powermapping) -> Added | None:
    if not request.add_building:
        return None
    return read_added(request.add_building, terrain, p, **_columns(request))


def _prepared(request: Request, p: Powermapping, progress: Progress, stop: Stop) -> Prepared:
    options = {"centre": p.centre, "stop": stop, **_columns(request)}
    found = prepare_footprints(
        request.buildings,
        cache=request.prepared or cache_dir(),
        progress=progress,
        **options,
    )
    return with_few(found, request.add_building, **options) if request.add_building else found


def _columns(request: Request) -> dict[str, Any]:
    """Where the columns of footprints are."""
    return {"layer": request.layer, "id_column": request.id, "group_column": request.group}


def _extent(terrain: HeightPair, prepared: Prepared, area: Area | None, request: Request) -> Window:
    """The ground of the raster layers: the area, else the footprints, as far as rasters go."""
    bounds = area.geometry.bounds if area else prepared.bounds
    extent = Window.around(bounds, terrain.resolution).intersect(terrain.window)
    if not extent.size:
        xmin, ymin, xmax, ymax = terrain.window.bounds(terrain.resolution)
        given = Text("AREA {area}", area=request.area)
        what = given if area else Text("the footprints' bounding box")
        raise InputError(
            "{what} lies beside the rasters, which cover {xmin:g},{ymin:g},{xmax:g},{ymax:g}; give"
            " the sheets of that place, or check the CRS",
            what=what,
            xmin=xmin,
            ymin=ymin,
            xmax=xmax,
            ymax=ymax,
        )
    return extent


def _check_suns(squares: Iterable[LatticeCell], p: Powermapping) -> None:
    for square in squares:
        degrees = suns_degrees(square, p.date, p.times, p.elevation)
        for time, (elevation, _) in zip(p.times, degrees, strict=True):
            if elevation <= 0:
                raise InputError(
                    "parameter times: on {date} at {time:%H:%M} CET the sun stands {elevation:.2f}"
                    " degrees below the horizon near RD {x:.0f},{y:.0f}; choose another date or"
                    " time",
                    date=p.date,
                    time=time,
                    elevation=-elevation,
                    x=square.centre[0],
                    y=square.centre[1],
                )
