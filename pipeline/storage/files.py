"""Input files: found by path, folder or glob; their names and identities."""

import glob
import hashlib
import os
import re
import zipfile
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import InputError
from pipeline.storage.places import is_remote
from pipeline.storage.vsis3 import find_objects, is_vsis3, open_object
from pipeline.terms import Command, File, Location

POINT_CLOUDS = (".laz", ".las")


def find(sources: Iterable[str], endings: tuple[str, ...], subject: str) -> list[str]:
    """The files of some sources, folders and globs sorted, as paths GDAL opens.

    A source is a file, a folder, a glob, a zip or a member of one as GDAL names it, or any of the
    first three on object storage (`s3://`). subject: `DSM` or the like, for messages.
    Raises InputError for a source without a file, and where there is none.
    """
    paths: list[str] = []
    for source in map(os.fspath, sources):
        matches = _matches(source, endings, subject)
        if not matches:
            if not is_remote(source):
                _check_no_cloud(_matches(source, POINT_CLOUDS, subject))
            raise InputError(
                subject,
                "no {endings: or } file at {folder}",
                "check the path",
                endings=endings,
                folder=Location(source),
            )
        paths += matches
    if not paths:
        raise InputError(subject, "no files given")
    return paths


def check_file(path: str) -> None:
    """Raises InputError for a file that is not there, for a pipe or a device, whose content can be
    read once only, and for a point cloud."""
    file = on_disk(path)
    if not path or not file.exists():
        raise InputError(Location(path), "does not exist", "check the path")
    if not (file.is_file() or file.is_dir()):
        raise InputError(
            File(path),
            "{source} is a pipe or a device, which can be read once only",
            "write it to a file and give that",
        )
    _check_no_cloud([path])


def _check_no_cloud(paths: Iterable[str]) -> None:
    for path in paths:
        if path.lower().endswith(POINT_CLOUDS):
            raise InputError(
                File(path),
                "{source} is a point cloud, not a raster or a vector file",
                "give the DSM and DTM that AHN makes of it ({fetch} brings them), or grid it first"
                " (writers.gdal of PDAL)",
                fetch=Command("fetch"),
            )


def _matches(source: str, endings: tuple[str, ...], subject: str) -> list[str]:
    if is_remote(source):
        if ".tif" not in endings:
            raise InputError(
                subject,
                "{url}: only sheets are read from there",
                "copy it to a disk",
                url=Location(source),
            )
        return find_objects(source, endings)
    if source.startswith("/vsizip/"):
        return [source]
    path = Path(source)
    if source and path.is_dir():
        return _inside(path, endings)
    if glob.has_magic(source) and not path.exists():
        matches = sorted(Path(p) for p in glob.glob(source, recursive=True))
        return [q for p in matches if _fits(p, endings) for q in _expand(p, endings)]
    if not source or not path.exists():
        raise InputError(subject, "{path} does not exist", "check the path", path=Location(source))
    check_file(source)
    return _expand(path, endings)


def _inside(folder: Path, endings: tuple[str, ...]) -> list[str]:
    """The fitting files of a folder. It is resolved once: a nation has thousands of sheets."""
    with os.scandir(folder.resolve()) as entries:
        paths: list[str] = []
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = entry.name.lower()
            if name.endswith((*endings, ".zip")) and entry.is_file():
                resolved = not entry.is_symlink() and not name.endswith(".zip")
                paths += [entry.path] if resolved else _expand(Path(entry.path), endings)
    return paths


def _fits(path: Path, endings: tuple[str, ...]) -> bool:
    return path.is_file() and path.name.lower().endswith((*endings, ".zip"))


def _expand(path: Path, endings: tuple[str, ...]) -> list[str]:
    """A file as GDAL opens it; the fitting members of a zip."""
    if path.suffix.lower() != ".zip":
        return [str(path.resolve())]
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in sorted(archive.namelist()) if m.lower().endswith(endings)]
    except (OSError, zipfile.BadZipFile):
        raise InputError(File(path), "not a zip that can be opened", "fetch it again") from None
    return [f"/vsizip/{path.resolve()}/{member}" for member in members]


def on_disk(path: str) -> Path:
    """The file itself, of a path as GDAL opens it."""
    if path.startswith("/vsizip/"):
        inside = path.removeprefix("/vsizip/")
        ends = [match.end() for match in re.finditer(r"\.zip(?=/|$)", inside, re.IGNORECASE)]
        return next(file for end in ends if (file := Path(inside[:end])).is_file())
    return Path(path)


def identity(path: str, sidecars: Iterable[str] = ()) -> dict[str, str | int]:
    """Name, size [bytes] and SHA-256 of a file together with its sidecars and sources, as GDAL
    lists them; a shapefile with all its parts."""
    digest, size = hashlib.sha256(), 0
    for part in _parts(path, sidecars):
        with _opened(part) as stream:
            while piece := stream.read(1 << 20):
                digest.update(piece)
                size += len(piece)
    return {"name": on_disk(path).name, "size": size, "sha256": digest.hexdigest()}


def size_of(path: str, sidecars: Iterable[str] = ()) -> int:
    """Size of a file together with its sidecars [bytes], as in `identity`."""
    size = 0
    for part in _parts(path, sidecars):
        if is_vsis3(str(part)):
            with open_object(str(part)) as stream:
                size += stream.seek(0, os.SEEK_END)
        elif part.is_file():
            size += part.stat().st_size
    return size


def _parts(path: str, sidecars: Iterable[str]) -> list[Path]:
    """A file with its sidecars, each once."""
    file = on_disk(path)
    parts = [file, *map(on_disk, sidecars)]
    if file.suffix.lower() == ".shp":
        parts += sorted(p for p in file.parent.glob(f"{glob.escape(file.stem)}.*") if p != file)
    return list(dict.fromkeys(parts))


def _opened(file: Path) -> AbstractContextManager[BinaryIO]:
    """A file, or an object by GDAL's name of it; empty if it is none."""
    if is_vsis3(str(file)):
        return open_object(str(file))
    return file.open("rb") if file.is_file() else nullcontext(BytesIO())
