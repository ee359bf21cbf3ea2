"""Mosaics: the sheets of a source opened, and checked for overlaps and gaps."""

import filecmp
import itertools
import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.windows import Window
from pipeline.heights.ahn_index import sheets_touching, tiles_touching
from pipeline.heights.indexes import files_in_index
from pipeline.heights.rasters import PIECE, Mosaic, overlapping
from pipeline.heights.sheets import Sheet, open_sheet
from pipeline.messages import Text
from pipeline.storage.files import find
from pipeline.storage.places import is_remote
from pipeline.terms import Field, File, Location

ENDINGS = (".tif", ".tiff", ".vrt", ".asc", ".img")
# The last also of AHN2, whose ground is `n`, or `i` with its holes filled in.
_KIND = re.compile(r"(?:^|_)(?:([rm])5?(?=_)|([rmni])(?=\d\d[a-h][nz][12]))")
_TILE = re.compile(r"\d{6}_\d{6}")
AT_ONCE = 16  # files that a thread opens one after another: most are in the cache
OPENERS = 8  # threads that open files at once: mostly they wait for a disk or a network


def check_told_apart(dsm: Sequence[str], dtm: Sequence[str]) -> None:
    """Raises InputError for folders, globs and indexes that are given as DSM and as DTM, and whose
    files do not tell by their names which of them they are. A raster may be named as both."""
    both = {_resolved(source) for source in dsm} & {_resolved(source) for source in dtm}
    common = [source for source in dsm if _resolved(source) in both and not _is_raster(source)]
    shared = set(_files(common, "DSM")).intersection(_files(common, "DTM")) if common else ()
    if shared:
        raise InputError(
            Location(common[0]),
            "is given as DSM and as DTM, and names such as {name} do not tell them apart (R_ and"
            " M_, as of AHN)",
            "give each its own folder or files",
            name=File(min(shared)),
        )


def _is_raster(source: str) -> bool:
    return source.lower().endswith(ENDINGS) and (is_remote(source) or os.path.isfile(source))


def _resolved(source: str) -> str:
    return source if is_remote(source) else os.path.abspath(source)


def _of_kind(paths: list[str], kind: str) -> list[str]:
    """The paths of one kind, if the names tell DSM from DTM: by a word R_, R5_, M_ or M5_, or a
    letter before the sheet's name; the last such word counts. Else all paths."""
    kinds = [_kind(Path(path).name.lower()) for path in paths]
    mine = [path for path, found in zip(paths, kinds, strict=True) if found == kind]
    return mine if {"DSM", "DTM"} <= set(kinds) else paths


def _kind(name: str) -> str | None:
    words = [word or letter for word, letter in _KIND.findall(name)]
    return ("DSM" if words[-1] == "r" else "DTM") if words else None


def open_mosaic(
    sources: Iterable[str],
    kind: str,
    nodata: float | None,
    allow: frozenset[str] = frozenset(),
    area: shapely.Geometry | None = None,
) -> Mosaic:
    """The sheets of one kind from files, folders, globs or indexes, checked but not read.

    nodata: for files that declare none. allow: `gaps`, `versions`; area: the ground where gaps
    count [RD m], by default everywhere.
    Raises InputError for what cannot be used; see docs/inputs.md.
    """
    sheets = open_sheets(sources, kind, nodata)
    first = sheets[0]
    for sheet in sheets[1:]:
        if sheet.resolution != first.resolution:
            raise InputError(
                File(sheet.path),
                "cells of {resolution:g} m, but {other} has {theirs:g} m",
                "give sheets of one resolution",
                resolution=sheet.resolution,
                other=File(first.path),
                theirs=first.resolution,
            )
    if "versions" in allow:  # of two at one place the newer counts
        sheets = tuple(sorted(sheets, key=lambda sheet: sheet.version or "", reverse=True))
    mosaic = Mosaic(kind, sheets)
    _check_overlaps(mosaic, allow)
    if "gaps" not in allow:
        _check_gaps(mosaic, area)
    return mosaic


def open_sheets(
    sources: Iterable[str],
    kind: str,
    nodata: float | None,
    left_out: Callable[[str], bool] = lambda path: False,
) -> tuple[Sheet, ...]:
    """The sheets of the sources, not yet checked against each other. left_out: paths to skip."""
    paths = [path for path in _files(sources, kind) if not left_out(path)]
    parts = [paths[i : i + AT_ONCE] for i in range(0, len(paths), AT_ONCE)]
    with ThreadPoolExecutor(OPENERS) as pool:
        opened = pool.map(lambda part: [open_sheet(path, kind, nodata) for path in part], parts)
        return tuple(itertools.chain.from_iterable(opened))


def _files(sources: Iterable[str], kind: str) -> list[str]:
    """The files of a kind that the sources stand for, each once."""
    files = [
        file for source in sources for file in files_in_index(os.fspath(source), kind, ENDINGS)
    ]
    return list(dict.fromkeys(_of_kind(find(files, ENDINGS, kind), kind)))


def _same_file(a: Sheet, b: Sheet) -> bool:
    """Whether two sheets are copies, byte by byte, so that their heights need not be compared."""
    alone = len(a.files) <= 1 and len(b.files) <= 1
    one, other = Path(a.path), Path(b.path)  # no file if it is in a zip, or an object
    read_alike = (a.window, a.nodata, a.scale, a.offset) == (b.window, b.nodata, b.scale, b.offset)
    if not (alone and read_alike and one.is_file() and other.is_file()):
        return False
    return one.samefile(other) or filecmp.cmp(one, other, shallow=False)


def _check_overlaps(mosaic: Mosaic, allow: frozenset[str]) -> None:
    """Raises InputError for sheets with different heights in one cell."""
    with mosaic.reader() as reader:
        for a, b, common in overlapping(mosaic):
            accepted = "versions" in allow and a.version and b.version and a.version != b.version
            if accepted or _same_file(a, b):
                continue
            for part in common.pieces(PIECE):
                one, other = reader.sheet(a, part), reader.sheet(b, part)
                if (differ := (one != other) & ~np.isnan(one) & ~np.isnan(other)).any():
                    row, column = (int(n) for n in np.argwhere(differ)[0])
                    here = Window(part.top + row, part.left + column, 1, 1)
                    raise _disagreement(a, b, here, one[row, column], other[row, column])


def duplicates_warning(mosaic: Mosaic) -> list[str]:
    """Warnings for sheets with the same window."""
    return [
        Text(
            "{one} and {other} are of the same place; where both have data {one} counts",
            one=a.name,
            other=File(b.path),
        )
        for a, b, _ in overlapping(mosaic)
        if a.window == b.window
    ]


def _disagreement(
    a: Sheet, b: Sheet, here: Window, one: np.float32, other: np.float32
) -> InputError:
    x, _, _, y = here.bounds(a.resolution)
    heights = Text(
        "disagree at {x:g}, {y:g} ({one:g} and {other:g} m)", x=x, y=y, one=one, other=other
    )
    remedy = Text("give one of them")
    if a.version and b.version and a.version != b.version:
        remedy = Text(
            "give one of them, or accept it with {allow}: then the newer counts",
            allow=Field("allow", "versions"),
        )
    if a.window != b.window:
        return InputError(
            File(a.path),
            "{source} and {other} overlap and {heights}",
            remedy,
            other=File(b.path),
            heights=heights,
        )
    versions = [sheet.version or Text("of unknown version") for sheet in (a, b)]
    return InputError(
        File(a.path),
        "{source} and {other} are the same sheet twice ({versions: and }), and {heights}",
        remedy,
        other=File(b.path),
        versions=versions,
        heights=heights,
    )


def gaps(mosaic: Mosaic) -> list[tuple[Window, str, str]]:
    """Windows without a sheet between two sheets of a row or a column, and the names of the two."""
    rows, columns, owner = mosaic._partition
    along, down = _neighbours(owner), [side.T for side in _neighbours(owner.T)]
    holes = []
    for i, j in np.argwhere((owner < 0) & (_both(along) | _both(down))).tolist():
        before, after = along if _both(along)[i, j] else down
        hole = Window.between(*(int(n) for n in (rows[i], columns[j], rows[i + 1], columns[j + 1])))
        names = (mosaic.sheets[k].name for k in (before[i, j], after[i, j]))
        holes.append((hole, *names))
    return holes


def _neighbours(owner: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Index of the nearest sheet before and after each position of a row; -1 without one."""
    places = np.arange(owner.shape[1])
    sides = []
    for turn in (slice(None), slice(None, None, -1)):
        last = np.maximum.accumulate(np.where(owner[:, turn] >= 0, places, 0), axis=1)
        sides.append(np.take_along_axis(owner[:, turn], last, axis=1)[:, turn])
    return sides


def _both(sides: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
    both: NDArray[np.bool_] = (sides[0] >= 0) & (sides[1] >= 0)
    return both


def _check_gaps(mosaic: Mosaic, area: shapely.Geometry | None) -> None:
    shapely.prepare(area)
    holes = [hole for hole in gaps(mosaic) if _is_missed(hole[0], mosaic.resolution, area)]
    if holes:
        texts = [
            Text(
                "{called}between {one} and {other} at {bounds:,}",
                called=_called(w, a, mosaic.resolution),
                one=a,
                other=b,
                bounds=[f"{edge:g}" for edge in w.bounds(mosaic.resolution)],
            )
            for w, a, b in holes[:3]
        ]
        raise InputError(
            mosaic.kind,
            "{n} sheet(s) missing, {said:; }",
            "add them or accept it with {allow}",
            n=len(holes),
            said=texts,
            allow=Field("allow", "gaps"),
        )


def _is_missed(hole: Window, resolution: float, area: shapely.Geometry | None) -> bool:
    """Whether a gap meets the area and a sheet of AHN with land."""
    ground = shapely.box(*hole.bounds(resolution)).buffer(-resolution / 4, join_style="mitre")
    land = any(place.land for place in sheets_touching(ground))
    return land and (area is None or bool(shapely.intersects(area, ground)))


def _called(hole: Window, beside: str, resolution: float) -> str:
    """Names of the sheets that belong into a gap; of tiles if `beside` names one."""
    ground = shapely.box(*hole.bounds(resolution))
    inside = shapely.buffer(ground, -resolution / 4, join_style="mitre")
    names = (
        tiles_touching(inside)
        if _TILE.search(beside)
        else [p.name for p in sheets_touching(inside) if ground.covers(shapely.box(*p.bounds))]
    )
    return f"{', '.join(names)} " if names else ""
