"""What is asked of a run, and the request made ready: inputs opened and checked."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
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

Circle = tuple[float, float, float]
LAYERS = ("hillshade", "shadow", "sun_hillshade", "surface")
ALLOWANCES = ("gaps", "heights", "versions")


@dataclass(frozen=True)
class Inputs:
    """What is read, and how.

    dsm, dtm, buildings: files, folders, globs or indexes; layer: of the buildings' file; id, group:
    its columns; nodata: for rasters that declare none [units of the file]; attribution: their
    source line, if not AHN and BAG; allow: which of ALLOWANCES to accept; restrictions: a file of
    roofs set aside or flagged; add_building: files of buildings that are not in the heights, as if
    they stood there; remove_building: ids of buildings that are taken to be demolished.
    """

    dsm: tuple[str, ...]
    dtm: tuple[str, ...]
    buildings: tuple[str, ...]
    layer: str | None = None
    id: str | None = None
    group: str | None = None
    nodata: float | None = None
    attribution: str | None = None
    allow: frozenset[str] = frozenset()
    restrictions: str | None = None
    add_building: tuple[str, ...] = ()
    remove_building: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selection:
    """Which buildings are judged: all, unless an area is named.

    area: `xmin,ymin,xmax,ymax` [RD m], a file of polygons, or a region; boundaries: files of
    regions; around: `x,y,radius` [RD m], the circle whose buildings are totalled.
    """

    area: str | None = None
    around: str | None = None
    boundaries: tuple[str, ...] = ()

    def parse(self) -> tuple[Area | None, Circle | None]:
        """The ground of the area, and centre and radius of the circle. Raises InputError."""
        return (
            None if self.area is None else parse_area(self.area, self.boundaries),
            None if self.around is None else parse_around(self.around),
        )


@dataclass(frozen=True)
class Outputs:
    """What is written, and where.

    out: the place of the result; layers: raster layers; by: files of areas to report by; lang: of
    the map and the report; overwrite: what another run left there; update: take the finished run
    in `out` along, and compute anew only what a change of the inputs can reach.
    """

    out: Place
    layers: tuple[str, ...] = ("hillshade", "shadow")
    by: tuple[str, ...] = ()
    lang: str = "en"
    overwrite: bool = False
    update: bool = False


@dataclass(frozen=True)
class Resources:
    """What a run may use of the machine; no result depends on it.

    block: cells a side of what is computed at once; workers: one a core by default; scheduler:
    `threads` or the address of a dask scheduler; relief, prepared: where the sheets' relief and
    the sorted footprints are kept, if not in the user's cache.
    """

    block: int = 2048
    workers: int | None = None
    scheduler: str = "threads"
    relief: Path | None = None
    prepared: Path | None = None


@dataclass(frozen=True)
class Request:
    """A run as the command line, the service and the tests ask for it.

        Request(
            Inputs(dsm=("sheets/",), dtm=("sheets/",), buildings=("bag.gpkg",)),
            Outputs(Path("result"), layers=("shadow",)),
            Selection(area="84000,446500,85500,448000"),
            settings={"surface": "dsm"},
        )

    method: by its name; settings: its parameters that are not the default, as values or texts.
    """

    inputs: Inputs
    outputs: Outputs
    selection: Selection = Selection()
    method: str = "powermapping"
    settings: dict[str, Any] = field(default_factory=dict)
    resources: Resources = Resources()

    @classmethod
    def of(cls, **options: Any) -> "Request":
        """A request from the fields of all groups by name, as the options of a command."""
        groups, own = _by_group(options)
        return cls(**{name: GROUPS[name](**fields) for name, fields in groups.items()}, **own)

    def replace(self, **options: Any) -> "Request":
        """The request with other values of the fields that are named, of whichever group."""
        groups, own = _by_group(options)
        changed = {name: replace(getattr(self, name), **fields) for name, fields in groups.items()}
        return replace(self, **changed, **own)


GROUPS: dict[str, Any] = {
    "inputs": Inputs,
    "outputs": Outputs,
    "selection": Selection,
    "resources": Resources,
}


def _by_group(options: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The options of each group, and those of the request itself."""
    groups = {
        name: {f.name: options[f.name] for f in fields(group) if f.name in options}
        for name, group in GROUPS.items()
    }
    grouped = {name for group in groups.values() for name in group}
    return groups, {name: options[name] for name in options.keys() - grouped}


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
    around: Circle | None
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
    area, around = request.selection.parse()
    terrain = _terrain(request.inputs, area)
    if request.selection.area is not None:
        check_extent(request.selection.area, terrain.rectangle)
    added = _added(request.inputs, terrain, p)
    prepared = _prepared(request, p, progress, stop)
    _check_any(prepared, area, request)
    layout = Layout.of(_extent(terrain, prepared, area, request), terrain.resolution)
    scope = scope_of(prepared, area, around, layout, request.resources.block, terrain.window)
    if not scope.selected:
        raise InputError(
            "--around {around}: no footprint's centre lies in it; give X,Y,RADIUS in RD metres",
            around=request.selection.around,
        )
    if "heights" not in request.inputs.allow:
        check_order(terrain, scope.tiles)
    squares = tuple(squares_asked(scope, layout, request.outputs.layers))
    _check_suns(squares, p)
    restrictions = _restrictions(request.inputs, prepared)
    job = Job(
        request=request,
        p=p,
        terrain=terrain,
        added=added,
        removed=find_removed(request.inputs.remove_building, prepared, added, p),
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
    felt = ground_felt(scope, layout, request.outputs.layers, job.halo)
    return replace(job, terrain=replace(terrain, added=added).part(felt))


def _restrictions(inputs: Inputs, prepared: Prepared) -> Restrictions:
    if not inputs.restrictions:
        return Restrictions()
    found = read_restrictions(Path(inputs.restrictions))
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
        source = request.inputs.buildings[0]
        if area is None:
            raise InputError(
                "{source}: no footprint is a polygon; give the layer of buildings", source=source
            )
        bounds = ",".join(f"{edge:.0f}" for edge in prepared.bounds)
        raise EmptyAreaError(
            "{source}: no footprint lies in AREA {area}; they lie in {bounds} (RD metres): give one"
            " there",
            source=source,
            area=request.selection.area,
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
        ("--layers", request.outputs.layers, LAYERS),
        ("--allow", sorted(request.inputs.allow), ALLOWANCES),
    ):
        if odd := [value for value in values if value not in known]:
            raise InputError(
                "{option}: {odd!r} is unknown; it takes {known}",
                option=option,
                odd=odd[0],
                known=known,
            )
    block, workers = request.resources.block, request.resources.workers
    if block < 16:
        raise InputError("--block {block}: give 16 cells or more", block=block)
    if workers is not None and workers < 1:
        raise InputError("--workers {workers}: give 1 or more", workers=workers)


def _terrain(inputs: Inputs, area: Area | None) -> HeightPair:
    check_told_apart(inputs.dsm, inputs.dtm)
    ground = area and area.geometry
    dsm = open_mosaic(inputs.dsm, "DSM", inputs.nodata, inputs.allow, ground)
    dtm = open_mosaic(inputs.dtm, "DTM", inputs.nodata, inputs.allow, ground)
    return check_pair(dsm, dtm, inputs.allow)


def _added(inputs: Inputs, terrain: HeightPair, p: Powermapping) -> Added | None:
    if not inputs.add_building:
        return None
    return read_added(inputs.add_building, terrain, p, **_columns(inputs))


def _prepared(request: Request, p: Powermapping, progress: Progress, stop: Stop) -> Prepared:
    options = {"centre": p.centre, "stop": stop, **_columns(request.inputs)}
    cache = request.resources.prepared or cache_dir()
    found = prepare_footprints(request.inputs.buildings, cache=cache, progress=progress, **options)
    added = request.inputs.add_building
    return with_few(found, added, **options) if added else found


def _columns(inputs: Inputs) -> dict[str, Any]:
    """Where the columns of footprints are."""
    return {"layer": inputs.layer, "id_column": inputs.id, "group_column": inputs.group}


def _extent(terrain: HeightPair, prepared: Prepared, area: Area | None, request: Request) -> Window:
    """The ground of the raster layers: the area, else the footprints, as far as rasters go."""
    bounds = area.geometry.bounds if area else prepared.bounds
    extent = Window.around(bounds, terrain.resolution).intersect(terrain.window)
    if not extent.size:
        xmin, ymin, xmax, ymax = terrain.window.bounds(terrain.resolution)
        given = Text("AREA {area}", area=request.selection.area)
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
