"""What is asked of a run, and the request made ready: inputs opened and checked."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from kernels.shadow import Sun
from pipeline.errors import InputError
from pipeline.files import identity
from pipeline.footprints import Footprints, read_footprints
from pipeline.grid import Lattice, Layout, Window, cut_at_lattice
from pipeline.methods import METHODS
from pipeline.methods import parameters as parameters_
from pipeline.methods.powermapping import Powermapping
from pipeline.outlines import Outlines
from pipeline.rasters import Mosaic, open_mosaic
from pipeline.restrictions import Restrictions, no_restrictions, read_restrictions
from pipeline.selection import Area, parse_area, parse_around, within_circle
from pipeline.sun import suns, suns_degrees
from pipeline.terrain import Terrain, check_pair

LAYERS = ("hillshade", "shadow", "sun_hillshade", "surface")
ALLOWANCES = ("gaps", "versions")
ATTRIBUTION = "AHN (Actueel Hoogtebestand Nederland), BAG (Kadaster)"
LICENCE = "as published by its source: AHN and BAG are CC0 / public domain"
DEFAULT_BLOCK = 2048


@dataclass(frozen=True)
class Request:
    """A run as the command line, the service and the tests ask for it.

    dsm, dtm, buildings: files, folders, globs or indexes; out: the folder of the result; area:
    `xmin,ymin,xmax,ymax` [RD m] or a file of polygons; settings: parameters of the method, as
    texts; around: `x,y,radius` [RD m]; nodata: for rasters that declare none [units of the file];
    block: cells a side of what is computed at once; scheduler: `threads` or the address of a
    dask scheduler.
    """

    dsm: tuple[str, ...]
    dtm: tuple[str, ...]
    buildings: tuple[str, ...]
    out: Path
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


@dataclass(frozen=True)
class Job:
    """A request whose inputs are open and fit together.

    asked: which footprints are of the area (or have no centre at all), by row.
    """

    request: Request
    p: Powermapping
    terrain: Terrain
    footprints: Footprints
    asked: NDArray[np.bool_]
    around: tuple[float, float, float] | None
    restrictions: Restrictions
    area: Area | None
    layout: Layout

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What makes two runs the same: method, inputs, program."""
        return _provenance(self)

    @cached_property
    def outlines(self) -> Outlines:
        """All footprints with a polygon."""
        usable = np.flatnonzero(self.footprints.usable)
        f = self.footprints
        return Outlines(
            usable, f.geometry[usable], f.centre[usable], f.bounds[usable], self.layout.resolution
        )

    @cached_property
    def ground(self) -> Window:
        """The layers' extent and all cells of the area's own footprints, as far as rasters go."""
        own = self.outlines.take(self.asked[self.outlines.rows]).windows()
        low, high = own.min(axis=0), own.max(axis=0)
        around = Window.between(int(low[0]), int(low[1]), int(high[2]), int(high[3]))
        return self.layout.extent.union(around.intersect(self.terrain.window))

    @cached_property
    def squares(self) -> list[Lattice]:
        """The squares of the suns' lattice that the ground touches, in order."""
        return sorted({q for q, _ in cut_at_lattice(self.ground, self.layout.resolution)})

    @cached_property
    def suns(self) -> list[Sun]:
        """The suns of all those squares."""
        p = self.p
        return [s for q in self.squares for s in suns(q, p.date, p.times, p.elevation)]

    @property
    def selected(self) -> NDArray[np.bool_]:
        return within_circle(self.footprints.centre, self.around)


def prepare(request: Request) -> Job:
    """Open and check all that a request names. Raises InputError for what it cannot use."""
    _check_options(request)
    p = parameters_.parse(METHODS[request.method], request.settings)
    area = None if request.area is None else parse_area(request.area)
    around = None if request.around is None else parse_around(request.around)
    terrain = _terrain(request)
    footprints = read_footprints(
        request.buildings,
        layer=request.layer,
        id_column=request.id,
        group_column=request.group,
        centre=p.centre,
    )
    inside = area.holds(footprints.centre) if area else footprints.usable
    if not inside.any():
        where = f"lies in AREA {request.area}; give one of that place, in RD metres"
        said = where if area else "is a polygon; give the layer of buildings"
        raise InputError(f"{request.buildings[0]}: no footprint {said}")
    layout = Layout.of(_extent(terrain, footprints, inside, area, request), terrain.resolution)
    restrictions = _restrictions(request, footprints)
    job = Job(
        request=request,
        p=p,
        terrain=terrain,
        footprints=footprints,
        asked=inside | ~footprints.usable,
        around=around,
        restrictions=restrictions,
        area=area,
        layout=layout,
    )
    _check_suns(job.squares, p)
    if not (job.selected & job.asked).any():
        raise InputError(
            f"--around {request.around}: no footprint's centre lies in it; give X,Y,RADIUS in RD"
            " metres"
        )
    return job


def _check_options(request: Request) -> None:
    if request.method not in METHODS:
        raise InputError(f"--method {request.method}: unknown; there is {', '.join(METHODS)}")
    for option, values, known in (
        ("--layers", request.layers, LAYERS),
        ("--allow", sorted(request.allow), ALLOWANCES),
    ):
        if odd := [value for value in values if value not in known]:
            raise InputError(f"{option}: {odd[0]!r} is unknown; it takes {', '.join(known)}")
    if request.block < 16:
        raise InputError(f"--block {request.block}: give 16 cells or more")
    if request.workers is not None and request.workers < 1:
        raise InputError(f"--workers {request.workers}: give 1 or more")


def _terrain(request: Request) -> Terrain:
    dsm = open_mosaic(request.dsm, "DSM", request.nodata, request.allow)
    dtm = open_mosaic(request.dtm, "DTM", request.nodata, request.allow)
    return check_pair(dsm, dtm, request.allow)


def _extent(
    terrain: Terrain,
    footprints: Footprints,
    inside: NDArray[np.bool_],
    area: Area | None,
    request: Request,
) -> Window:
    """The ground of the raster layers: the area, else the footprints, as far as rasters go."""
    if area:
        bounds = area.geometry.bounds
    else:
        bounds = tuple(shapely.total_bounds(footprints.geometry[inside]).tolist())
    extent = Window.around(bounds, terrain.resolution).intersect(terrain.window)
    if not extent.size:
        xmin, ymin, xmax, ymax = terrain.window.bounds(terrain.resolution)
        what = f"AREA {request.area}" if area else "the footprints' bounding box"
        raise InputError(
            f"{what} lies beside the rasters, which cover {xmin:g},{ymin:g},{xmax:g},{ymax:g};"
            " give the sheets of that place, or check the CRS"
        )
    return extent


def _check_suns(squares: list[Lattice], p: Powermapping) -> None:
    for square in squares:
        degrees = suns_degrees(square, p.date, p.times, p.elevation)
        for time, (elevation, _) in zip(p.times, degrees, strict=True):
            if elevation <= 0:
                raise InputError(
                    f"parameter times: on {p.date} at {time:%H:%M} CET the sun stands"
                    f" {-elevation:.2f} degrees below the horizon near RD"
                    f" {square.centre[0]:.0f},{square.centre[1]:.0f}; choose another date or time"
                )


def _restrictions(request: Request, footprints: Footprints) -> Restrictions:
    if request.restrictions is None:
        return no_restrictions(len(footprints))
    return read_restrictions(Path(request.restrictions), footprints)


def _provenance(job: Job) -> dict[str, Any]:
    """What makes two runs the same: method, inputs, program."""
    request = job.request
    said = {"licence": LICENCE, "attribution": request.attribution or ATTRIBUTION}
    restrictions = request.restrictions
    return {
        "method": {
            "name": request.method,
            "parameters": parameters_.as_json(job.p),
            "suns": _suns(job.squares, job.p),
        },
        "inputs": {
            "dsm": [sheet | said for sheet in _sheets(job.terrain.dsm)],
            "dtm": [sheet | said for sheet in _sheets(job.terrain.dtm)],
            "buildings": [source | said for source in job.footprints.sources],
            "area": job.area.source if job.area else None,
            "around": list(job.around) if job.around else None,
            "restrictions": identity(restrictions) if restrictions else None,
            "options": {
                "layer": request.layer,
                "id": request.id,
                "group": request.group,
                "layers": list(request.layers),
                "allow": sorted(request.allow),
                "lang": request.lang,
            },
        },
        "program": {"name": "daklaag", "version": version("daklaag")},
    }


def _suns(squares: list[Lattice], p: Powermapping) -> list[dict[str, Any]]:
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


def _sheets(mosaic: Mosaic) -> list[dict[str, Any]]:
    return [
        identity(sheet.path, sheet.files)
        | {
            "crs": sheet.crs,
            "nodata": None if sheet.nodata is None else str(sheet.nodata),
            "nodata_declared": sheet.declared,
            "bounds": list(sheet.window.bounds(sheet.resolution)),
            "unit_m": sheet.scale,
            "offset_m": sheet.offset,
            "ahn_version": sheet.version,
        }
        for sheet in mosaic.sheets
    ]
