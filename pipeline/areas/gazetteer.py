"""Search of regions by part of a name or by a misspelt name."""

import difflib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely

from pipeline.areas.regions import COUNTRY, LONGEST_NAME, Region, codes_of, folded, regions_of
from pipeline.storage.cache import fingerprints
from pipeline.storage.slices import Rectangle
from pipeline.vectors.files import read_vector

ORDER = ("PV", "GM", "", "WK", "BU")  # of what fits equally well; postcodes have no letters
CODE, NAME, START, WORD, WITHIN = range(5)  # how well a text fits, the best first
LEAST_ALIKE = 0.6  # of a name that is written wrong
MOST_ALIKE = 60  # names that are looked at more closely
PIECE = 3  # letters


class KnownRegion(NamedTuple):
    """A region and the rectangle around it [RD m]; None where it has no ground."""

    region: Region
    bounds: Rectangle | None


@dataclass(frozen=True)
class Gazetteer:
    """All regions of some files of boundaries, each code once."""

    known: tuple[KnownRegion, ...]
    names: tuple[str, ...]  # folded, of each
    pieces: dict[str, list[int]] = field(repr=False)  # which have three letters in a row

    @classmethod
    def of(cls, known: Sequence[KnownRegion]) -> "Gazetteer":
        """A gazetteer of regions; of those that share a code the first counts."""
        once = tuple({one.region.code: one for one in reversed(known)}.values())
        names = tuple(folded(one.region.name) for one in once)
        pieces: dict[str, list[int]] = defaultdict(list)
        for i, name in enumerate(names):
            for piece in _pieces(name):
                pieces[piece].append(i)
        return cls(once, names, dict(pieces))

    def search(self, text: str, limit: int) -> list[KnownRegion]:
        """Regions that match a text, best first: by code, by name, by the start of either, by a
        word of the name; without any, by similarity of the name."""
        key = folded(text[:LONGEST_NAME])
        if not key:
            return []
        fits = [
            (fit, i)
            for i, fit in enumerate(map(self._fit(key), range(len(self.names))))
            if fit is not None
        ]
        best = sorted(fits, key=lambda each: (each[0], *self._rank(each[1])))
        matches = [i for _, i in best[:limit]] or self._alike(key, limit)
        return [self.known[i] for i in matches]

    def _fit(self, key: str) -> Any:
        def fit(i: int) -> int | None:
            code, name = self.known[i].region.code.casefold(), self.names[i]
            if code == key:
                return CODE
            if key not in name:
                if code.startswith(key):
                    return START
                return WORD if len(key) >= PIECE and code.endswith(key) else None
            if name == key:
                return NAME
            if name.startswith(key):
                return START
            words = self.known[i].region.name.split()
            return WORD if any(folded(word).startswith(key) for word in words) else WITHIN

        return fit

    def _rank(self, i: int) -> tuple[int, str]:
        """Larger regions first, then by name."""
        kind = self.known[i].region.code[:2]
        return ORDER.index(kind if kind in ORDER else ""), self.names[i]

    def _alike(self, key: str, limit: int) -> list[int]:
        """Regions of similar names: candidates by shared trigrams, ranked by difflib's ratio."""
        shared = Counter(i for piece in _pieces(key) for i in self.pieces.get(piece, ()))
        similar = []
        for i, _ in shared.most_common(MOST_ALIKE):
            ratio = difflib.SequenceMatcher(None, key, self.names[i]).ratio()
            if ratio >= LEAST_ALIKE:
                similar.append((-ratio, *self._rank(i), i))
        return [each[-1] for each in sorted(similar)[:limit]]


def gazetteer(files: Sequence[Path]) -> Gazetteer:
    """The gazetteer of files of boundaries, read again when one was replaced. Raises InputError for
    a file that cannot be read."""
    return _gazetteer(tuple(files), fingerprints(files))


@lru_cache(maxsize=2)
def _gazetteer(files: tuple[Path, ...], mark: str) -> Gazetteer:
    """As `gazetteer`, cached. mark: fingerprints of the files."""
    regions = [region for file in files for region in regions_of(file)]
    bounds: dict[tuple[Path, str, str], Rectangle] = {}
    for file, layer in dict.fromkeys((region.file, region.layer) for region in regions):
        bounds |= {(file, layer, code): box for code, box in _bounds(file, layer).items()}
    known = [
        KnownRegion(region, bounds.get((region.file, region.layer, region.code)))
        for region in regions
    ]
    provinces = [one.bounds for one in known if one.region.code.startswith("PV") and one.bounds]
    if provinces:
        country = Region(COUNTRY, "Nederland", known[0].region.file, known[0].region.layer)
        known.insert(0, KnownRegion(country, _around(np.array(provinces))))
    return Gazetteer.of(known)


def _bounds(file: Path, layer: str) -> dict[str, Rectangle]:
    """The rectangle around each region of a layer, of all its rows."""
    frame = read_vector(file, layer)
    boxes: dict[str, list[Any]] = defaultdict(list)
    for code, box in zip(
        codes_of(frame, file), shapely.bounds(frame.geometry.to_numpy()), strict=True
    ):
        if np.isfinite(box).all():
            boxes[code].append(box)
    return {code: _around(np.array(of)) for code, of in boxes.items()}


def _around(boxes: Any) -> Rectangle:
    west, south = boxes[:, :2].min(axis=0).tolist()
    east, north = boxes[:, 2:].max(axis=0).tolist()
    return west, south, east, north


def _pieces(name: str) -> set[str]:
    """Trigrams of a name, its ends marked by blanks."""
    whole = f" {name} "
    return {whole[i : i + PIECE] for i in range(len(whole) - PIECE + 1)}
