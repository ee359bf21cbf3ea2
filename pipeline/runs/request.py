"""What is asked of a run."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pipeline.areas.selection import Area, Circle, parse_area, parse_around
from pipeline.engine.cluster import check_address
from pipeline.engine.processes import Processes
from pipeline.engine.threads import Threads
from pipeline.errors import InputError
from pipeline.methods import DEFAULT, METHODS
from pipeline.methods.method import names
from pipeline.storage.places import Place
from pipeline.terms import Field

ALLOWANCES = ("gaps", "heights", "versions")
AUTO = "auto"  # the scheduler: threads, or processes where they pay


@dataclass(frozen=True)
class Inputs:
    """What is read, and how.

    dsm, dtm, buildings: files, folders, globs or indexes; layer: of the buildings' file; id, group:
    its columns; nodata: for rasters that declare none [units of the file]; attribution: their
    source line, if not AHN and BAG; allow: which of ALLOWANCES to accept; restrictions: a file of
    roofs set aside or flagged; climate: a folder with the files of a climate, and turbines: a
    file of turbines, if not those that the program brings along; add_building: files of buildings
    that are not in the heights, as if they stood there; remove_building: ids of buildings that are
    taken to be demolished.
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
    climate: str | None = None
    turbines: str | None = None
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

    out: the place of the result; layers: raster layers, None: those that the method makes by
    default; by: files of areas to report by; lang: of the map and the report; overwrite: what
    another run left there; update: take the finished run in `out` along, and compute anew only what
    a change of the inputs can reach.
    """

    out: Place
    layers: tuple[str, ...] | None = None
    by: tuple[str, ...] = ()
    lang: str = "en"
    overwrite: bool = False
    update: bool = False


@dataclass(frozen=True)
class Resources:
    """What a run may use of the machine; no result depends on it.

    block: cells a side of what is computed at once; workers: one a core by default; scheduler:
    `threads`, `processes`, `auto` (which of these is faster), or the address of a dask scheduler;
    relief, prepared: where the sheets' relief and the sorted footprints are kept, if not in the
    user's cache.
    """

    block: int = 2048
    workers: int | None = None
    scheduler: str = AUTO
    relief: Path | None = None
    prepared: Path | None = None


@dataclass(frozen=True)
class Request:
    """A run as the command line, the service and the tests ask for it.

        Request(
            Inputs(dsm=("sheets/",), dtm=("sheets/",), buildings=("bag.gpkg",)),
            Outputs(Path("result"), layers=()),
            Selection(area="84000,446500,85500,448000"),
            settings={"surface": "dsm"},
        )

    method: by its name; settings: its parameters that are not the default, as values or texts.
    """

    inputs: Inputs
    outputs: Outputs
    selection: Selection = Selection()
    method: str = DEFAULT
    settings: dict[str, Any] = field(default_factory=dict)
    resources: Resources = Resources()

    @property
    def layers(self) -> tuple[str, ...]:
        """The raster layers that are to be made."""
        if self.outputs.layers is not None:
            return self.outputs.layers
        return tuple(layer.name for layer in METHODS[self.method].layers if layer.default)

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


def check_options(request: Request) -> None:
    """Raises InputError for an option whose value is none of those it takes."""
    if request.method not in METHODS:
        raise InputError(
            Field("method", request.method), "unknown", "there is {known}", known=list(METHODS)
        )
    for option, values, known in (
        ("layers", request.layers, names(METHODS[request.method].layers)),
        ("allow", sorted(request.inputs.allow), ALLOWANCES),
    ):
        if odd := [value for value in values if value not in known]:
            raise InputError(
                Field(option), "{odd!r} is unknown", "it takes {known}", odd=odd[0], known=known
            )
    block, workers = request.resources.block, request.resources.workers
    if block < 16:
        raise InputError(Field("block", block), remedy="give 16 cells or more")
    if workers is not None and workers < 1:
        raise InputError(Field("workers", workers), remedy="give 1 or more")
    if request.resources.scheduler not in (AUTO, Threads.name, Processes.name):
        check_address(request.resources.scheduler)
