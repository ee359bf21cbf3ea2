"""The libraries of the page, from the npm registry into the page's folder: pinned, checked, offline
once they are there."""

import base64
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pipeline.errors import InputError
from pipeline.fetch.web import FetchError, HttpClient, NotFoundError
from pipeline.storage.cache import write_atomic
from pipeline.terms import Location

HERE = Path(__file__).parent
LICENCES = HERE / "map" / "licences"
REGISTRY = "https://registry.npmjs.org"
STAMP = "vendored.json"
LARGEST_FILE = 1 << 23

Read = Callable[[str], bytes]


class Library(NamedTuple):
    """A package of npm: its pin, and of its tarball the files that are wanted.

    sha512: of the tarball, in base 64, as the registry's `integrity` has it. files: the name in the
    tarball's folder `package/` and the name that it gets. licence: such a file too, or one of ours
    where the tarball has none. imports: bare module names, which a browser finds only with an
    import map, that is an inline script, and the files that they become.
    """

    name: str
    version: str
    sha512: str
    files: dict[str, str]
    licence: str
    imports: Mapping[str, str] = MappingProxyType({})

    @property
    def short(self) -> str:
        """The name without the scope of its publisher."""
        return self.name.rpartition("/")[2]

    @property
    def url(self) -> str:
        """Address of the tarball."""
        return f"{REGISTRY}/{self.name}/-/{self.short}-{self.version}.tgz"


PAGE = (
    Library(
        "maplibre-gl",
        "6.17.0",
        "2chIZwpLGenoUQOcnm9Pk4SLbA8ppNFq8jlpXiq9vcYm3Y1wJ3fc82FL0GLwBaPYJCLzPv/mC46KEupVov75rQ==",
        {
            "dist/maplibre-gl.mjs": "maplibre-gl.js",
            "dist/maplibre-gl-worker.mjs": "maplibre-gl-worker.js",
            "dist/maplibre-gl.css": "maplibre-gl.css",
        },
        "LICENSE.txt",
    ),
    Library(
        "pmtiles",
        "4.5.0",
        "CBeD4SoUluFziGdy/8k7FOjQxQy486n+929W/tWophauvMICpkZ26vGBWhDt/6b1FZQWNaf4jFdT/5+q0Wii5w==",
        {"dist/esm/index.js": "pmtiles.js"},
        "pmtiles.txt",
        {"fflate": "./fflate.js"},
    ),
    Library(
        "fflate",
        "0.8.2",
        "cPJU47OaAoCbg0pBvzsgpTPhmhqI5eJjh/JIu8tPj5q+T7iLvW/JAYUqmE7KOB4R1ZyEhzBaIQpQpardBF5z8A==",
        {"esm/browser.js": "fflate.js"},
        "LICENSE",
    ),
)

# Of the names on a base map, which the browser draws.
FONTS = (
    Library(
        "@fontsource/noto-sans",
        "5.3.0",
        "fBCog2PY7DiVVTEEqtI/Qdinx/knobHYfoGpjFXdfBX5RoJaBp1Prw2G75p0OIsdlMZg3cLo0c+YbIUYOxnQJw==",
        {
            "files/noto-sans-latin-500-normal.woff2": "names.woff2",
            "files/noto-sans-latin-ext-500-normal.woff2": "names-ext.woff2",
        },
        "LICENSE",
    ),
)

# What only the tests of the page need.
TESTS = (
    Library(
        "axe-core",
        "4.14.1",
        "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        {"axe.min.js": "axe.min.js"},
        "LICENSE",
    ),
)

PLACES = {
    "page": ((*PAGE, *FONTS), HERE / "map" / "vendor"),
    "tests": (TESTS, HERE.parents[1] / "tests/vendor"),
}


def vendor(libraries: Iterable[Library], folder: Path, read: Read | None = None) -> list[str]:
    """Bring the libraries into `folder`, and say which were fetched: none if all are there.

    read: gives the bytes at a URL, by default by HTTP. Raises InputError where the registry cannot
    be had, or gives something else than what was pinned.
    """
    fetched = []
    folder.mkdir(parents=True, exist_ok=True)
    known = _stamp(folder)
    for library in libraries:
        if not _there(folder, known.get(library.name), library):
            files = unpacked((read or _download)(library.url), library)
            for name, content in files.items():
                write_atomic(folder / name, content)
            known[library.name] = {"pin": _pin(library), "files": _hashes(files)}
            fetched.append(f"{library.name} {library.version}")
            write_atomic(folder / STAMP, json.dumps(known, indent=1).encode())
    return fetched


def unpacked(tarball: bytes, library: Library) -> dict[str, bytes]:
    """The wanted files by the names that they get, the licence among them.

    Nothing is extracted to disk, so a member's path decides nothing. Raises InputError if the
    tarball is not the pinned one, or lacks a file.
    """
    digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if digest != library.sha512:
        raise InputError(
            Location(library.url),
            "its sha512 is {found}..., pinned is {sha512}...",
            "the package changed, or something stands between",
            found=digest[:12],
            sha512=library.sha512[:12],
        )
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as packed:
        out = {to: _member(packed, name, library) for name, to in library.files.items()}
        ours = LICENCES / library.licence
        theirs = not ours.is_file()
        licence = _member(packed, library.licence, library) if theirs else ours.read_bytes()
    for name in library.files.values():
        out[name] = _rewritten(out[name], library)
    return out | {f"{library.short}.LICENCE.txt": licence}


def _member(packed: tarfile.TarFile, name: str, library: Library) -> bytes:
    try:
        member = packed.getmember(f"package/{name}")
    except KeyError:
        raise InputError(Location(library.url), "has no file {name}", name=name) from None
    content = packed.extractfile(member) if member.isfile() else None
    if content is None or member.size > LARGEST_FILE:
        raise InputError(
            Location(library.url),
            "{name} is no file, or one of {size} bytes",
            name=name,
            size=member.size,
        )
    return content.read()


def _rewritten(content: bytes, library: Library) -> bytes:
    """With bare imports turned into files beside it; without the name of a source map, which is not
    brought and which a browser's tools would ask for."""
    for bare, file in library.imports.items():
        wanted = f'from"{bare}"'.encode()
        if content.count(wanted) != 1:
            raise InputError(
                Location(library.url), "does not import {bare} once, as it did", bare=bare
            )
        content = content.replace(wanted, f'from"{file}"'.encode())
    head, mark, _ = content.rpartition(b"//# sourceMappingURL=")
    return head if mark else content


def _there(folder: Path, known: dict | None, library: Library) -> bool:
    """Whether the files are those that this pin gave."""
    if known is None or known["pin"] != _pin(library):
        return False
    files = {n: (folder / n).read_bytes() for n in known["files"] if (folder / n).is_file()}
    return _hashes(files) == known["files"]


def _stamp(folder: Path) -> dict:
    try:
        values = json.loads((folder / STAMP).read_text("utf-8"))
        return {name: values[name] for name in values if {"pin", "files"} <= set(values[name])}
    except (OSError, ValueError, TypeError):
        return {}


def _pin(library: Library) -> str:
    """Hash of a table entry: when it changes, the files are fetched again."""
    return hashlib.sha256(repr(library).encode()).hexdigest()


def _hashes(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _download(url: str) -> bytes:
    client = HttpClient()
    try:
        return client.read(url)[0]
    except (FetchError, NotFoundError) as error:
        raise InputError(Location(url), "{error}", "is there a network?", error=error) from None
    finally:
        client.close()


def main(arguments: list[str]) -> None:
    """`python -m service.page.vendor [page] [tests]`: by default the page's."""
    for name in arguments or ["page"]:
        libraries, folder = PLACES[name]
        for fetched in vendor(libraries, folder):
            print(f"fetched {fetched}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        sys.exit(str(error))
