"""The service's data: finished runs to serve, and sheets and footprints to compute from."""

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.methods import method_of
from pipeline.methods.method import Column, Method
from pipeline.results.features import Features
from pipeline.results.finished import LAYER, open_finished
from pipeline.storage.integrity import is_unfinished
from pipeline.storage.ledger import REPORT
from pipeline.terms import Field, Source
from service.core.settings import Settings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
FOOTPRINTS = ("pand.gpkg", "bag-light.gpkg", "bag_*.geojson", "bag_*.gpkg")
SHEETS = {"dsm": ("dsm_*", "[Rr]_*.[Tt][Ii][Ff]", "[Rr]5_*.[Tt][Ii][Ff]"),
          "dtm": ("dtm_*", "[Mm]_*.[Tt][Ii][Ff]", "[Mm]5_*.[Tt][Ii][Ff]")}  # fmt: skip
BOUNDARIES = ("boundaries/*.gpkg", "boundaries/*.geojson", "cbs*.gpkg", "boundaries.*")
ADDRESSES = ("addresses.*", "addresses_*.geojson")
KINDS = ("dsm", "dtm", "buildings", "boundaries", "addresses")


@dataclass(frozen=True)
class Collection:
    """A table of a finished run that is served. client: whose it is, or None for everybody; table:
    its name, by default that of the buildings."""

    name: str
    place: Path
    client: str | None = None
    table: str = LAYER

    @property
    def report(self) -> dict[str, Any]:
        """The run's report, read once until the run is updated: that of the nation has 2 MB.

        Raises InputError where the run is gone.
        """
        return open_finished(self.place).report

    @property
    def method(self) -> Method:
        """By which its roofs were judged. Raises InputError where this version has it not."""
        return method_of(self.report)

    @property
    def features(self) -> Features:
        """The rows of the table. Raises InputError where the run is gone, or damaged."""
        return Features.of(self.place, self.table)

    @property
    def part(self) -> Column | None:
        """The column whose structs are the rows; None for buildings."""
        return None if self.table == LAYER else self.method.by_name[self.table]

    @property
    def run(self) -> "Collection":
        """That of the buildings of its run."""
        return replace(self, name=self.name.partition(".")[0], table=LAYER)

    @property
    def parts(self) -> list["Collection"]:
        """The parts of its buildings, each kind a collection named after both."""
        return [
            replace(self, name=f"{self.name}.{of.name}", table=of.name) for of in self.method.parts
        ]


@dataclass(frozen=True)
class Sources:
    """Inputs of jobs, and regions and addresses to find: files, folders or globs."""

    dsm: tuple[str, ...] = ()
    dtm: tuple[str, ...] = ()
    buildings: tuple[str, ...] = ()
    boundaries: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def can_compute(self) -> bool:
        """Whether a run can be made of them."""
        return bool(self.dsm and self.dtm and self.buildings)


@dataclass(frozen=True)
class Backend:
    """Data behind the processes: settings, sources to compute from, and finished runs by name."""

    settings: Settings
    sources: Sources
    public: Mapping[str, Collection]

    @classmethod
    def of(cls, settings: Settings) -> "Backend":
        """All that the settings name. Raises InputError for what is not usable."""
        return cls(settings, sources_of(settings), public_collections(settings))


def files_of(source: str) -> list[Path]:
    """Files of a source: itself, those in a folder, or those of a glob."""
    path = Path(source)
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file())
    if path.is_file():
        return [path]
    return sorted(Path(file) for file in glob.glob(source, recursive=True) if Path(file).is_file())


def public_collections(settings: Settings) -> dict[str, Collection]:
    """The finished runs among the folders of data, by name, in their order.

    Raises InputError for a folder that is neither a run nor has sheets, footprints or boundaries,
    or where two runs have one name.
    """
    collections: dict[str, Collection] = {}
    for given in settings.data:
        place = Path(given).absolute()
        if not (place / REPORT).is_file():
            continue
        name = name_of(place)
        if name in collections:
            raise second_run(name, Field("data", given))
        open_finished(place)
        collections[name] = Collection(name, place)
    return collections


def second_run(name: str, source: Source) -> InputError:
    """That a run has the name of another. source: what names the run."""
    return InputError(source, "a second run with the name {name}", "rename its folder", name=name)


def name_of(place: Path) -> str:
    """Name of a finished run, from its folder."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", place.name).strip("-") or "run"


def sources_of(settings: Settings) -> Sources:
    """Sources in the data folders that are no finished runs, and those named in the settings."""
    sources: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for given in settings.data:
        folder = Path(given).absolute()
        if (folder / REPORT).is_file():
            continue
        inputs = _inputs_in(folder)
        if not any(inputs.values()):
            if is_unfinished(folder):
                open_finished(folder)  # says so, and what continues it
            raise InputError(
                Field("data", given),
                "neither a finished run nor a folder with sheets (R_*.tif, M_*.tif, or as daklaag"
                " fetch leaves them), footprints, boundaries or addresses",
                "check the path",
            )
        for kind, files in inputs.items():
            sources[kind] += files
    for kind in sources:
        sources[kind] += getattr(settings, kind)
    return Sources(**{kind: tuple(files) for kind, files in sources.items()})


def _inputs_in(folder: Path) -> dict[str, list[str]]:
    """The sheets, footprints, boundaries and addresses of a folder that fetch or the quarter
    made."""
    patterns: dict[str, Sequence[str]] = {
        **SHEETS,
        "buildings": FOOTPRINTS,
        "boundaries": BOUNDARIES,
        "addresses": ADDRESSES,
    }
    return {
        kind: sorted({str(file) for glob in globs for file in folder.glob(glob)})
        for kind, globs in patterns.items()
    }
