"""The map as a folder for a plain web host: the page, and finished runs as files beside it."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.areas.regions import boundary_files
from pipeline.engine.engine import Progress
from pipeline.engine.tasks import Stop
from pipeline.errors import InputError, Stopped
from pipeline.messages import Text
from pipeline.output.export import WRITERS
from pipeline.output.site import addresses as site_addresses
from pipeline.output.site import archives, places, rows
from pipeline.results import report
from pipeline.results.finished import open_finished
from pipeline.storage.files import identity
from pipeline.storage.places import PARTIAL, Place, is_remote
from pipeline.terms import Location
from service.core.catalogue import Collection, name_of, second_run
from service.page import config as mapconfig
from service.page import vendor

PAGE = Path(__file__).parent / "map"
LEFT_OUT = ("licences", ".*", "*.woff2", "noto-*")  # a site has no base map with names
RUNS, DATA, ADDRESSES = "runs", "data", "addresses"
SOURCES = ("method", "inputs", "program")  # of the report
BOUNDARIES = "{}; those of CBS are CC BY 4.0: their sources are CBS and Kadaster"
MADE_BY = "daklaag export"
MARKER = "site.json"  # tells a site of ours, and which files in it are
LICENCES = """\
What you see on this map

{results}Places   {places}

All inputs by name, size and SHA-256, and all parameters: sources.json

What shows it

daklaag, this page                    EUPL-1.2, https://eupl.eu/1.2/en/
"""
RESULT = """\
Results  {title}, computed with daklaag {version}, method {method}
Sources  {attribution}
Licence  {licence}

"""


class Found(NamedTuple):
    """Files of what a reader finds: regions by name, and addresses."""

    boundaries: list[Path]
    addresses: list[str]


class Exported(NamedTuple):
    """Bytes of each file or folder of data, and how many addresses lead to a roof; None without
    files of addresses."""

    sizes: dict[str, int]
    addresses: site_addresses.WrittenAddresses | None


def is_site(to: str) -> bool:
    """Whether that names a folder for a map rather than a file: it has no ending, it ends with a
    slash, or there is such a folder."""
    ending = Path(to).suffix.lower()
    return not ending or (ending not in WRITERS and (to.endswith("/") or Path(to).is_dir()))


def export(
    directories: Sequence[Place],
    to: Path,
    boundaries: Sequence[str],
    overwrite: bool,
    progress: Progress,
    stop: Stop,
    page: Path | None = None,
    addresses: Sequence[str] = (),
) -> Exported:
    """Write finished runs as a folder that any web host with range requests shows as a map.

    directories: of the runs, the first of which is shown first. boundaries: files of regions to
    find by name, by default those in the cache. overwrite: replace a site that stands there; files
    that others put into it stay. addresses: files of addresses to find a roof by. The folder
    appears whole or not at all. Raises InputError for a folder that holds anything else, a run of
    too many roofs, two of one name, or a page without its libraries; and Stopped.
    """
    runs = _runs(directories)
    theirs, page = _theirs(to, overwrite), page or PAGE
    _check_page(page)
    for place in runs.values():
        rows.check(place)
    with _published(to, theirs) as folder:
        shutil.copytree(page, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
        inputs = Found(boundary_files(boundaries), list(addresses))
        counts = _write_data(runs, folder, inputs, progress, stop)
        _mark(folder)
        written = sorted([*folder.glob(f"{RUNS}/*/*"), *folder.glob(f"{DATA}/*")])
        sizes = {one.relative_to(folder).as_posix(): _size(one) for one in written}
        return Exported(sizes, counts)


def _runs(directories: Sequence[Place]) -> dict[str, Path]:
    """The folders of finished runs by their names."""
    runs: dict[str, Path] = {}
    for directory in directories:
        if is_remote(directory):
            raise InputError(
                Location(directory), "a site is made of a run on disk", "copy it there first"
            )
        place = Path(directory).absolute()
        if (name := name_of(place)) in runs:
            raise second_run(name, Location(directory))
        open_finished(place)
        runs[name] = place
    return runs


def _size(path: Path) -> int:
    """Bytes of a file, or of all in a folder."""
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def _write_data(
    runs: Mapping[str, Path], folder: Path, found: Found, progress: Progress, stop: Stop
) -> site_addresses.WrittenAddresses | None:
    data, files = folder / DATA, found.boundaries
    data.mkdir()
    described = [
        _write_run(Collection(name, place), folder / RUNS / name, files, progress, stop)
        for name, place in runs.items()
    ]
    count = places.write(runs, files, data / "places.geojson", stop) if files else 0
    regions = mapconfig.regions_line([str(file) for file in files]) if count else None
    configuration = _configuration(described, bool(count), regions)
    sources: dict[str, Any] = {"runs": {name: _sources(place) for name, place in runs.items()}}
    sources["boundaries"] = [identity(str(file)) for file in files]
    counts = None
    if found.addresses:
        counts = site_addresses.write(runs, found.addresses, data / ADDRESSES, stop)
        configuration["addresses"] = f"{DATA}/{ADDRESSES}/{site_addresses.INDEX}"
        sources["addresses"] = [identity(file) for file in found.addresses]
        sources["address_counts"] = counts._asdict()
    _write_json(folder / "config.json", configuration)
    _write_json(folder / "sources.json", sources)
    (folder / "LICENCES.txt").write_text(_licences(described, sources), encoding="utf-8")
    return counts


def _write_run(
    run: Collection, folder: Path, boundaries: list[Path], progress: Progress, stop: Stop
) -> dict[str, Any]:
    """Write a run into a folder of its own; gives its part of the configuration."""
    folder.mkdir(parents=True)
    rows.write(run.place, folder / "totals.json", progress, stop)
    return mapconfig.described(run) | {
        "totals": f"{RUNS}/{run.name}/totals.json",
        "tiles": _write_tiles(run.place, folder, progress, stop),
        "ground": places.ground(run.place, boundaries),
        "coverage": run.report.get("coverage"),
    }


def _sources(place: Path) -> dict[str, Any]:
    """The sections of a run's report that say what it was made of."""
    return {name: part for name, part in open_finished(place).report.items() if name in SOURCES}


def _write_tiles(place: Path, folder: Path, progress: Progress, stop: Stop) -> dict[str, str]:
    """The files of tiles of a run by what the page calls them."""
    scratch = folder / "counts"
    try:
        planned = archives.archives(place, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {
        one.key: f"{RUNS}/{folder.name}/{one.name}"
        for one in planned
        if archives.write(one, place, folder, progress, stop)
    }


def _configuration(
    collections: list[dict[str, Any]], with_places: bool, regions: str | None
) -> dict[str, Any]:
    """The config.json of a page without a service."""
    return {
        "static": True,
        "collections": collections,
        "places": f"{DATA}/places.geojson" if with_places else None,
        "regions": regions,
        "addresses": None,
        "basemap": None,
        "can_compute": False,
        "limits": {},
        "methods": mapconfig.methods(),
        "languages": list(mapconfig.LANGUAGES),
        "marks": False,
    }


def _licences(collections: list[dict[str, Any]], sources: dict[str, Any]) -> str:
    files = ", ".join(str(file["name"]) for file in sources["boundaries"])
    results = (
        RESULT.format(
            title=one["title"],
            version=sources["runs"][one["name"]]["program"].get("version", ""),
            method=one["method"]["name"],
            attribution=one["attribution"],
            licence=one["licence"] or "as its sources publish it",
        )
        for one in collections
    )
    text = LICENCES.format(
        results="".join(results), places=BOUNDARIES.format(files) if files else "none"
    )
    return text + "".join(
        f"{f'{one.name} {one.version}':<38}vendor/{one.short}.LICENCE.txt\n" for one in vendor.PAGE
    )


def _write_json(file: Path, content: Any) -> None:
    file.write_text(report.dumps(content), encoding="utf-8")


def _check_page(page: Path) -> None:
    wanted = [name for one in vendor.PAGE for name in one.files.values()]
    missing = [name for name in (vendor.STAMP, *wanted) if not (page / "vendor" / name).is_file()]
    if missing:
        raise InputError(
            Text("the map's page"),
            "{source} lacks its libraries ({first})",
            "bring them with `make map`, or python -m service.page.vendor page",
            first=missing[0],
        )


# The folder


def _theirs(to: Path, overwrite: bool) -> list[Path]:
    """Files of others in a site that is to be replaced, relative to it.

    Raises InputError where something stands that is not to be replaced.
    """
    if not to.absolute().parent.is_dir():
        raise InputError(Location(to), "not in a folder that exists", "name another")
    if not to.exists():
        return []
    if not to.is_dir():
        raise InputError(Location(to), "a file", "name a folder for the site")
    inside = [path.relative_to(to) for path in sorted(to.rglob("*")) if not path.is_dir()]
    ours = _ours(to)
    if inside and ours is None:
        raise InputError(
            Location(to), "holds something else than a site", "name an empty folder, or a new one"
        )
    if inside and not overwrite:
        raise InputError(Location(to), "holds a site already", "--overwrite replaces it")
    return [path for path in inside if path.as_posix() not in (ours or ())]


def _ours(to: Path) -> set[str] | None:
    """The files of a site; None if it is none."""
    try:
        marker = json.loads((to / MARKER).read_text("utf-8"))
        return set(marker["files"]) if marker["made_by"] == MADE_BY else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mark(folder: Path) -> None:
    """Say which files are ours."""
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    _write_json(folder / MARKER, {"made_by": MADE_BY, "files": [*files, MARKER]})


@contextmanager
def _published(to: Path, theirs: Sequence[Path]) -> Iterator[Path]:
    """A folder beside `to`, which takes its place when all went well; theirs: files of `to` that
    move along."""
    whole = to.absolute()
    partial = whole.with_name(f".{whole.name}.{os.urandom(4).hex()}{PARTIAL}")
    old = partial.with_name(f"{partial.name}.old")
    try:
        partial.mkdir()
        yield partial
        for name in theirs:
            if not (partial / name).exists():
                (partial / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(whole / name, partial / name, follow_symlinks=False)
        if whole.exists():
            whole.rename(old)
        partial.rename(whole)
    except Stopped:
        raise Stopped(Text("{name} is as it was", name=to.name)) from None
    except BaseException:
        if old.exists() and not whole.exists():
            old.rename(whole)
        raise
    finally:
        for folder in (partial, old):
            shutil.rmtree(folder, ignore_errors=True)
