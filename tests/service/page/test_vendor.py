"""The page's libraries: pinned, checked, and read out of a tarball without trusting its paths."""

import base64
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import InputError
from service.page import vendor
from service.page.vendor import Library, unpacked

CODE = b'import{inflate as i}from"tiny";export{i};\n//# sourceMappingURL=code.js.map'
FILES = {"package/dist/code.js": CODE, "package/LICENSE": b"Do as you like."}
SERVICE = Path(vendor.__file__).parent


def tarball(files: dict[str, bytes], link: str | None = None) -> bytes:
    """A package as the registry packs it; link: a member that is a symbolic link."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as out:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            out.addfile(member)
    return packed.getvalue()


def library(packed: bytes, version: str = "1.0.0", licence: str = "LICENSE") -> Library:
    """The pin of a tarball."""
    sha512 = base64.b64encode(hashlib.sha512(packed).digest()).decode()
    names = {"dist/code.js": "code.js"}
    return Library("sample", version, sha512, names, licence, {"tiny": "./tiny.js"})


def never(url: str) -> bytes:
    """A network that is not to be asked."""
    raise AssertionError(f"asked for {url}")


def gives(packed: bytes) -> Callable[[str], bytes]:
    """A registry that has this tarball only."""
    return lambda url: packed


def test_files_come_with_their_licence_and_found_imports(tmp_path: Path) -> None:
    packed = tarball(FILES)
    assert vendor.vendor([library(packed)], tmp_path, gives(packed)) == ["sample 1.0.0"]
    assert (
        tmp_path / "code.js"
    ).read_bytes() == b'import{inflate as i}from"./tiny.js";export{i};\n'
    assert (tmp_path / "sample.LICENCE.txt").read_bytes() == b"Do as you like."


def test_present_libraries_need_no_network(tmp_path: Path) -> None:
    packed = tarball(FILES)
    vendor.vendor([library(packed)], tmp_path, gives(packed))
    assert vendor.vendor([library(packed)], tmp_path, never) == []


@pytest.mark.parametrize("harm", ["changed", "gone", "stamp", "stamp of something else"])
def test_a_changed_library_is_fetched_again(tmp_path: Path, harm: str) -> None:
    packed = tarball(FILES)
    vendor.vendor([library(packed)], tmp_path, gives(packed))
    if harm == "changed":
        (tmp_path / "code.js").write_bytes(b"alert(1)")
    elif harm == "gone":
        (tmp_path / "code.js").unlink()
    else:
        (tmp_path / vendor.STAMP).write_text("{" if harm == "stamp" else '{"sample": 3}')
    assert vendor.vendor([library(packed)], tmp_path, gives(packed)) == ["sample 1.0.0"]
    assert b"./tiny.js" in (tmp_path / "code.js").read_bytes()


def test_another_pin_is_fetched(tmp_path: Path) -> None:
    packed = tarball(FILES)
    vendor.vendor([library(packed)], tmp_path, gives(packed))
    newer = [library(packed, "1.0.1")]
    assert vendor.vendor(newer, tmp_path, gives(packed)) == ["sample 1.0.1"]


def test_another_tarball_than_the_pinned_is_refused(tmp_path: Path) -> None:
    wanted, other = tarball(FILES), tarball(FILES | {"package/more": b""})
    with pytest.raises(InputError, match="sha512"):
        vendor.vendor([library(wanted)], tmp_path, gives(other))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_missing_or_a_link_is_refused() -> None:
    without = tarball({"package/LICENSE": b""})
    with pytest.raises(InputError, match=r"no file dist/code\.js"):
        unpacked(without, library(without))
    linked = tarball({"package/LICENSE": b""}, link="package/dist/code.js")
    with pytest.raises(InputError, match="is no file"):
        unpacked(linked, library(linked))


def test_only_named_files_leave_the_tarball() -> None:
    packed = tarball(FILES | {"package/../../evil.js": b"x", "/etc/evil": b"x"})
    assert set(unpacked(packed, library(packed))) == {"code.js", "sample.LICENCE.txt"}


def test_an_import_that_is_not_there_is_told() -> None:
    packed = tarball(FILES | {"package/dist/code.js": b"export{};"})
    with pytest.raises(InputError, match="does not import tiny"):
        unpacked(packed, library(packed))


def test_a_licence_that_the_tarball_lacks_is_ours() -> None:
    packed = tarball({"package/dist/code.js": CODE})
    files = unpacked(packed, library(packed, licence="pmtiles.txt"))
    assert b"Protomaps" in files["sample.LICENCE.txt"]


def test_the_pins_are_whole() -> None:
    every = (*vendor.PAGE, *vendor.FONTS, *vendor.TESTS)
    names = [name for one in every for name in one.files.values()]
    assert len(names) == len(set(names))
    ending = re.compile(r"[a-z-]+(\.min)?\.(js|css|woff2)")
    for one in every:
        assert len(base64.b64decode(one.sha512)) == 64
        assert re.fullmatch(r"\d+\.\d+\.\d+", one.version)
        assert all(ending.fullmatch(name) for name in one.files.values())


def test_a_package_of_a_publisher_is_known_by_its_own_name() -> None:
    (font,) = vendor.FONTS
    assert font.url == "https://registry.npmjs.org/@fontsource/noto-sans/-/noto-sans-5.3.0.tgz"
    assert font.short == "noto-sans"


def test_the_page_asks_only_for_what_is_there() -> None:
    """Every file that page and modules name is ours or vendored; and no inline script or style."""
    page = (SERVICE / "map" / "index.html").read_text("utf-8")
    ours = {p.name for p in (SERVICE / "map").iterdir()}
    libraries = {f"vendor/{name}" for one in vendor.PAGE for name in one.files.values()}
    modules = "".join(p.read_text("utf-8") for p in (SERVICE / "map").glob("*.js"))
    named = set(re.findall(r'(?:href|src)="([^"#]+)"', page))
    named |= {name.removeprefix("./") for name in re.findall(r'from "([^"]+)"', modules)}
    assert len(named) > 20
    assert named <= ours | libraries | {"config.json"}  # which the service or the export makes
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|https?://", page)


def test_all_modules_are_asked_for_at_once() -> None:
    """Or a slow line would wait for each module before it knows the next."""
    folder = SERVICE / "map"
    page = (folder / "index.html").read_text("utf-8")
    asked = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page)
    needed, more = set[Path](), {folder / "main.js", *(folder / "methods").glob("*.js")}
    while more:
        needed |= more
        names = ((file, name) for file in more
                 for name in re.findall(r'from "(\.[^"]+)"', file.read_text("utf-8")))  # fmt: skip
        more = {(file.parent / name).resolve() for file, name in names} - needed
    library = {folder / "vendor" / "maplibre-gl.js"}
    every = {file for file in needed if file.parent == folder} - {folder / "main.js"} | library
    assert sorted(asked) == sorted(file.relative_to(folder).as_posix() for file in every)


def test_the_texts_of_both_languages_say_the_same() -> None:
    folder = SERVICE / "map" / "texts"
    english, dutch = (
        json.loads((folder / f"{lang}.json").read_text("utf-8")) for lang in ("en", "nl")
    )
    assert list(english) == list(dutch)
    places = re.compile(r"\{\w+\}")
    for key, text in english.items():
        assert sorted(places.findall(text)) == sorted(places.findall(dutch[key])), key
        assert text and dutch[key], key
