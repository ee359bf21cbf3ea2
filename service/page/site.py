"""The map as a folder for a plain web host: the page, and a finished run as files beside it."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.areas.regions import boundary_files
from pipeline.engine.engine import Progress
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
from service.core.catalogue import Collection, name_of
from service.page import config as mapconfig
from service.page import vendor

PAGE = Path(__file__).parent / "map"
LEFT_OUT = ("licences", ".*", "*.woff2", "noto-*")  # a site has no base map with names
DATA, ADDRESSES = "data", "addresses"
SOURCES = ("method", "inputs", "program")  # of the report
BOUNDARIES = "{}; those of CBS are CC BY 4.0: their sources are CBS and Kadaster"
MADE_BY = "daklaag export"
MARKER = "site.json"  # tells a site of ours, and which files in it are
LICENCES = """\
What you see on this map

Results  {title}, computed with daklaag {version}, method {method}
Sources  {attribution}
Licence  {licence}
Places   {places}

All inputs by name, size and SHA-256, and all parameters: sources.json

What shows it

daklaag, this page                    EUPL-1.2, https://eupl.eu/1.2/en/
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
    directory: Place,
    to: Path,
    boundaries: Sequence[str],
    overwrite: bool,
    progress: Progress,
    stop: Callable[[], bool],
    page: Path | None = None,
    addresses: Sequence[str] = (),
) -> Exported:
    """Write a finished run as a folder that any web host with range requests shows as a map.

    boundaries: files of regions to find by name, by default those in the cache. overwrite: replace
    a site that stands there; files that others put into it stay. addresses: files of addresses to
    find a roof by. The folder appears whole or not at all. Raises InputError for a folder that
    holds anything else, a run of too many roofs, or a page without its libraries; and Stopped.
    """
    if is_remote(directory):
        raise InputError(
            Location(directory), "a site is made of a run on disk", "copy it there first"
        )
    place = Path(directory).absolute()
    open_finished(place)
    theirs, page = _theirs(to, overwrite), page or PAGE
    _check_page(page)
    rows.check(directory)
    with _published(to, theirs) as folder:
        shutil.copytree(page, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
        inputs = Found(boundary_files(boundaries), list(addresses))
        counts = _write_data(place, folder, inputs, progress, stop)
        _mark(folder)
        sizes = {file.name: _size(file) for file in sorted((folder / DATA).iterdir())}
        return Exported(sizes, counts)


def _size(path: Path) -> int:
    """Bytes of a file, or of all in a folder."""
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def _write_data(
    place: Path, folder: Path, found: Found, progress: Progress, stop: Callable[[], bool]
) -> site_addresses.WrittenAddresses | None:
    data, files = folder / DATA, found.boundaries
    data.mkdir()
    rows.write(place, data / "totals.json", progress, stop)
    tiles = _write_tiles(place, data, progress, stop)
    count = places.write(place, files, data / "places.geojson", stop) if files else 0
    described = mapconfig.described(Collection(name_of(place), place)) | {
        "totals": f"{DATA}/totals.json",
        "tiles": tiles,
        "ground": places.ground(place, files),
        "coverage": open_finished(place).report.get("coverage"),
    }
    regions = mapconfig.regions_line([str(file) for file in files]) if count else None
    configuration = _configuration(described, bool(count), regions)
    sources = {name: part for name, part in open_finished(place).report.items() if name in SOURCES}
    sources["boundaries"] = [identity(str(file)) for file in files]
    counts = None
    if found.addresses:
        counts = site_addresses.write(place, found.addresses, data / ADDRESSES, stop)
        configuration["addresses"] = f"{DATA}/{ADDRESSES}/{site_addresses.INDEX}"
        sources["addresses"] = [identity(file) for file in found.addresses]
        sources["address_counts"] = counts._asdict()
    _write_json(folder / "config.json", configuration)
    _write_json(folder / "sources.json", sources)
    (folder / "LICENCES.txt").write_text(_licences(described, sources), encoding="utf-8")
    return counts


def _write_tiles(
    place: Path, data: Path, progress: Progress, stop: Callable[[], bool]
) -> dict[str, str]:
    """The files of tiles by what the page calls them."""
    scratch = data / "counts"
    try:
        planned = archives.archives(place, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {
        one.key: f"{DATA}/{one.name}"
        for one in planned
        if archives.write(one, place, data, progress, stop)
    }


def _configuration(
    collection: dict[str, Any], with_places: bool, regions: str | None
) -> dict[str, Any]:
    """The config.json of a page without a service."""
    return {
        "static": True,
        "collections": [collection],
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


def _licences(collection: dict[str, Any], sources: dict[str, Any]) -> str:
    files = ", ".join(str(file["name"]) for file in sources["boundaries"])
    text = LICENCES.format(
        places=BOUNDARIES.format(files) if files else "none",
        title=collection["title"],
        version=sources["program"].get("version", ""),
        method=sources["method"]["name"],
        attribution=collection["attribution"],
        licence=collection["licence"] or "as its sources publish it",
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
