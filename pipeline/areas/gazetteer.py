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

from pipeline.areas.other_names import other_names
from pipeline.areas.regions import COUNTRY, LONGEST_NAME, Region, codes_of, folded, regions_of
from pipeline.storage.cache import fingerprints
from pipeline.storage.slices import Rectangle
from pipeline.vectors.files import read_vector

ORDER = ("PV", "GM", "", "WK", "BU")  # of equal matches; postcodes have no letters
CODE, NAME, START, WORD, WITHIN = range(5)  # kinds of match, the best first
MIN_RATIO = 0.6  # of similarity, for a misspelt name
CANDIDATES = 60  # names of which the ratio is computed
TRIGRAM = 3  # letters


class Matches(NamedTuple):
    """Regions that a text may mean, best first. exact: how many have that very code or name;
    similar: whether none has the text, so that these are only similar."""

    regions: list["KnownRegion"]
    exact: int
    similar: bool


class KnownRegion(NamedTuple):
    """A region and the rectangle around it [RD m]; None where it has no ground."""

    region: Region
    bounds: Rectangle | None


@dataclass(frozen=True)
class Gazetteer:
    """All regions of some files of boundaries, each code once. names: their folded names; others:
    folded other names; trigrams: positions of the regions whose name has them."""

    regions: tuple[KnownRegion, ...]
    names: tuple[str, ...]
    others: tuple[tuple[str, ...], ...]
    trigrams: dict[str, list[int]] = field(repr=False)

    @classmethod
    def of(cls, regions: Sequence[KnownRegion]) -> "Gazetteer":
        """A gazetteer of regions; of those that share a code the first counts."""
        unique = tuple({known.region.code: known for known in reversed(regions)}.values())
        names = tuple(folded(known.region.name) for known in unique)
        others = tuple(tuple(map(folded, other_names().get(name, ()))) for name in names)
        trigrams: dict[str, list[int]] = defaultdict(list)
        for i, name in enumerate(names):
            for trigram in _trigrams(name):
                trigrams[trigram].append(i)
        return cls(unique, names, others, dict(trigrams))

    def search(self, text: str, limit: int) -> Matches:
        """Regions that match a text, best first: by code, by name, by the start of either, by a
        word of the name; without any, by similarity of the name. Another name that people use for
        a region is as good as its own."""
        key = folded(text[:LONGEST_NAME])
        if not key:
            return Matches([], 0, False)
        kinds = enumerate(self._match(i, key) for i in range(len(self.names)))
        matches = sorted((kind, *self._rank(i), i) for i, kind in kinds if kind is not None)
        exact = sum(kind in (CODE, NAME) for kind, *_ in matches[:limit])
        best = matches[:limit] or self._similar(key)[:limit]
        return Matches([self.regions[i] for *_, i in best], exact, bool(best) and not matches)

    def _match(self, i: int, key: str) -> int | None:
        """The kind of match of a region with a key; None if it does not match."""
        code, name = self.regions[i].region.code.casefold(), self.names[i]
        if code == key:
            return CODE
        if key in self.others[i]:
            return NAME
        if any(other.startswith(key) for other in self.others[i]):
            return START
        if key not in name:
            if code.startswith(key):
                return START
            return WORD if len(key) >= TRIGRAM and code.endswith(key) else None
        if name == key:
            return NAME
        if name.startswith(key):
            return START
        words = self.regions[i].region.name.split()
        return WORD if any(folded(word).startswith(key) for word in words) else WITHIN

    def _rank(self, i: int) -> tuple[int, str]:
        """Larger regions first, then by name."""
        kind = self.regions[i].region.code[:2]
        return ORDER.index(kind if kind in ORDER else ""), self.names[i]

    def _similar(self, key: str) -> list[tuple[float, int, str, int]]:
        """Regions of similar names: candidates by shared trigrams, ranked by difflib's ratio."""
        shared = Counter(i for trigram in _trigrams(key) for i in self.trigrams.get(trigram, ()))
        candidates = [i for i, _ in shared.most_common(CANDIDATES)]
        ratios = [difflib.SequenceMatcher(None, key, self.names[i]).ratio() for i in candidates]
        similar = zip(ratios, candidates, strict=True)
        return sorted((-ratio, *self._rank(i), i) for ratio, i in similar if ratio >= MIN_RATIO)


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
    known = [KnownRegion(r, bounds.get((r.file, r.layer, r.code))) for r in regions]
    provinces = [k.bounds for k in known if k.region.code.startswith("PV") and k.bounds]
    if provinces:
        country = Region(COUNTRY, "Nederland", known[0].region.file, known[0].region.layer)
        known.insert(0, KnownRegion(country, _around(np.array(provinces))))
    return Gazetteer.of(known)


def _bounds(file: Path, layer: str) -> dict[str, Rectangle]:
    """The rectangle around each region of a layer, of all its rows."""
    frame = read_vector(file, layer)
    by_code: dict[str, list[Any]] = defaultdict(list)
    boxes = shapely.bounds(frame.geometry.to_numpy())
    for code, box in zip(codes_of(frame, file), boxes, strict=True):
        if np.isfinite(box).all():
            by_code[code].append(box)
    return {code: _around(np.array(rectangles)) for code, rectangles in by_code.items()}


def _around(boxes: Any) -> Rectangle:
    west, south = boxes[:, :2].min(axis=0).tolist()
    east, north = boxes[:, 2:].max(axis=0).tolist()
    return west, south, east, north


def _trigrams(name: str) -> set[str]:
    """Trigrams of a name, its ends marked by blanks."""
    whole = f" {name} "
    return {whole[i : i + TRIGRAM] for i in range(len(whole) - TRIGRAM + 1)}
