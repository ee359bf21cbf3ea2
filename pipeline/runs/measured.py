"""What the first pass found of the footprints that a shard owns, as the ledger keeps it."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.footprints.footprints import Footprints
from pipeline.footprints.outlines import windows_of
from pipeline.footprints.scope import shards_of, tally
from pipeline.grid.tile_masks import NO_HEIGHT, enclosing, lowered, raise_tiles
from pipeline.grid.windows import TILE, Layout, Shard
from pipeline.methods.powermapping import rules as powermapping
from pipeline.methods.powermapping.measure import Measures
from pipeline.methods.powermapping.rules import NOT_KNOWN, REASONS
from pipeline.storage.ledger import MEASURE, Ledger

_MEASURES = tuple(field.name for field in dataclasses.fields(Measures))
_CODES = {reason: code for code, reason in enumerate((None, *REASONS))}
_REASONS = np.array([None, *REASONS], object)


@dataclass(frozen=True)
class Measured:
    """Footprints in the order of their places. reason: why rejected, or None; asked: whether they
    are of the area; shadow: bit i set where the deciding cell is shaded at sun i, and lit_cells:
    how many of the own cells with data are lit at all suns, if that is known already."""

    place: NDArray[np.int64]
    measures: Measures
    reason: NDArray[Any]
    asked: NDArray[np.bool_]
    shadow: NDArray[np.uint8]
    lit_cells: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.place)

    def take(self, chosen: NDArray[Any]) -> "Measured":
        """Some of these, by position or mask."""
        measures = Measures(*(getattr(self.measures, name)[chosen] for name in _MEASURES))
        return Measured(
            self.place[chosen],
            measures,
            self.reason[chosen],
            self.asked[chosen],
            self.shadow[chosen],
            self.lit_cells[chosen],
        )

    def columns(self) -> dict[str, NDArray[Any]]:
        """As a table of the ledger."""
        return {name: getattr(self.measures, name) for name in _MEASURES} | {
            "place": self.place,
            "reason": np.array([_CODES[reason] for reason in self.reason], np.int8),
            "asked": self.asked,
            "shadow": self.shadow,
            "lit_cells": self.lit_cells,
        }

    @classmethod
    def of(cls, columns: dict[str, NDArray[Any]]) -> "Measured":
        """From a table of the ledger."""
        return cls(
            columns["place"],
            Measures(*(columns[name] for name in _MEASURES)),
            _REASONS[columns["reason"]],
            columns["asked"],
            columns["shadow"],
            columns["lit_cells"],
        )

    @classmethod
    def joined(cls, parts: Sequence["Measured"]) -> "Measured":
        """All of some, which may be none, in the order of their places."""
        whole = [_nothing(), *parts]
        tables = [part.columns() for part in whole]
        columns = {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}
        order = np.argsort(columns["place"], kind="stable")
        return cls.of({name: values[order] for name, values in columns.items()})


def _nothing() -> Measured:
    empty = np.zeros(0, np.int64)
    measures = Measures(*(empty for _ in _MEASURES))
    return Measured(empty, measures, np.zeros(0, object), empty > 0, empty.astype(np.uint8), empty)


def unmeasured(footprints: Footprints) -> Measured:
    """Of footprints without a polygon: nothing is known but that."""
    n = len(footprints)
    nothing, unknown = np.zeros(n, np.int64), np.full(n, NOT_KNOWN)
    known = dict.fromkeys(_MEASURES, nothing)
    known |= dict.fromkeys(("roof", "median", "top", "lowest", "ground"), unknown)
    asked, dark = np.ones(n, np.bool_), np.zeros(n, np.uint8)
    return Measured(footprints.place, Measures(**known), footprints.reason, asked, dark, nothing)


class Tables:
    """The tables of the shards around a task, each read once."""

    def __init__(self, ledger: Ledger, layout: Layout) -> None:
        self._ledger, self._layout = ledger, layout
        self._read: dict[Shard, Measured] = {}

    def of(self, shard: Shard) -> Measured:
        """What was found of a shard's footprints; nothing of a shard that had none to measure."""
        if shard not in self._read:
            name = shard.name
            there = self._ledger.has(MEASURE, name)
            self._read[shard] = (
                Measured.of(self._ledger.read(MEASURE, name)) if there else _nothing()
            )
        return self._read[shard]

    def known(self, footprints: Footprints) -> tuple[NDArray[np.int64], Measured]:
        """Of footprints in the order of their places, those that were measured, by position, and
        what was found of them."""
        owners = shards_of(self._layout, footprints.centre)
        found, at = [], [np.zeros(0, np.int64)]
        for shard in tally(owners):
            here = np.flatnonzero((owners == shard).all(axis=1))
            measured = self.of(shard)
            there, where = _find(measured.place, footprints.place[here])
            found.append(measured.take(where))
            at.append(here[there])
        return np.sort(np.concatenate(at)), Measured.joined(found)


def _find(
    places: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of the wanted are among ascending places, and where."""
    if not len(places):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    where = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
    there = np.flatnonzero(places[where] == wanted)
    return there, where[there]


def tops_of(
    footprints: Footprints, measured: Measured, resolution: float
) -> dict[str, NDArray[Any]]:
    """The tiles that what stands touches, and the lowest and highest of its roofs there [cm]."""
    stand = powermapping.stands(measured.reason)
    windows = windows_of(footprints.bounds[stand], resolution)
    roof = measured.measures.roof[stand].astype(np.int32)
    frame = enclosing(windows).coarse(TILE)
    highest = np.full((frame.height, frame.width), NO_HEIGHT)
    lowest = lowered(highest, frame, windows, roof)
    raise_tiles(highest, frame, windows, roof)
    row, column = np.nonzero(highest != NO_HEIGHT)
    return {
        "top_tile": np.column_stack([frame.top + row, frame.left + column]),
        "top_lowest": lowest[row, column],
        "top_highest": highest[row, column],
    }


def tops_in(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Those that a table of the ledger holds, without the rest of it."""
    return {name: columns[name] for name in ("top_tile", "top_lowest", "top_highest")}


def joined_tops(parts: Sequence[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Those of all blocks; a tile may come more than once."""
    none: dict[str, NDArray[Any]] = {"top_tile": np.zeros((0, 2), np.int64)}
    none |= {name: np.zeros(0, np.int32) for name in ("top_lowest", "top_highest")}
    return {
        name: np.concatenate([empty, *(part[name] for part in parts)])
        for name, empty in none.items()
    }
