"""Heights of buildings, why some are rejected, and their flags: the same for all methods."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.footprints.footprints import Footprints
from pipeline.footprints.outlines import Outlines, touches
from pipeline.grid.tile_masks import enclosing
from pipeline.grid.windows import Window
from pipeline.heights.pair import HeightPair
from pipeline.methods.parameters import parameter

STANDING = (
    "Pand in gebruik",
    "Pand in gebruik (niet ingemeten)",
    "Verbouwing pand",
    "Pand buiten gebruik",
    "Sloopvergunning verleend",
)
NOT_STANDING = (
    "Bouw gestart",
    "Bouwvergunning verleend",
    "Niet gerealiseerd pand",
    "Pand gesloopt",
    "Pand ten onrechte opgevoerd",
)
BAG_STATUSES = STANDING + NOT_STANDING
NOT_KNOWN = np.iinfo(np.int64).min  # a height in cm that is not known


# fmt: off
@dataclass(frozen=True)
class BuildingParameters:
    """The parameters by which heights are measured and buildings rejected, of every method."""

    roof_percentile: float = parameter(
        "number", 70.0,
        "one height for a roof; 70 is 3DBAG's h_70p: the ridge counts less, the gutter not at all",
        unit="%", minimum=1, maximum=100,
    )
    ground_percentile: float = parameter(
        "number", 50.0, "the median of the terrain around does not mind a ditch or a bank",
        unit="%", minimum=1, maximum=100,
    )
    ground_ring_m: float = parameter(
        "number", 10.0,
        "the terrain model has holes under buildings; a street's width around has none", unit="m",
        minimum=0, maximum=200,
    )
    min_height_m: float = parameter(
        "number", 1.5,
        "what is lower was smoothed away, lies underground, is gone or newer than the heights",
        unit="m", minimum=0, maximum=100,
    )
    statuses: tuple[str, ...] = parameter(
        "texts", STANDING, "a building that does not stand neither has a roof nor casts a shadow",
    )
    heights_year: int | None = parameter(
        "integer", None,
        "year of the survey: what was built later is not in the heights; never guessed",
        minimum=1995, maximum=2100, optional=True,
    )


@dataclass(frozen=True)
class CentreParameter:
    """The parameter by which a building has a centre, of every method."""

    centre: str = parameter(
        "choice", "centroid", "where it does not intersect the polygon: GEOS's point on surface",
        choices=("centroid", "point_on_surface"),
    )


@dataclass(frozen=True)
class CandidateParameter:
    """The parameter by which a building is high enough for a turbine, of methods with wind."""

    wind_min_height_m: float = parameter(
        "number", 20.0, "the study's candidates: 20 m or higher, more than six floors", unit="m",
        minimum=0, maximum=400,
    )
# fmt: on


@dataclass(frozen=True)
class Measured:
    """The measurements of footprints, by position, on a grid of some resolution [m].

    roof, median, top, lowest: percentiles of the DSM on the own cells, by the method's parameter,
    and 50, 95, 0 [cm]; ground: of the DTM around [cm]; NOT_KNOWN where there is none; cells: own
    cells with DSM data; own: own cells on the rasters; row, column: the own cell with data that is
    nearest to the centre, where cells > 0; reason: why it is rejected, or None.
    """

    footprints: Footprints
    resolution: float
    roof: NDArray[np.int64]
    median: NDArray[np.int64]
    top: NDArray[np.int64]
    lowest: NDArray[np.int64]
    ground: NDArray[np.int64]
    cells: NDArray[np.int64]
    own: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    reason: NDArray[Any]

    def __len__(self) -> int:
        return len(self.footprints)

    @property
    def height(self) -> NDArray[np.int64]:
        """Height of the roof above the ground [cm], NOT_KNOWN where either is."""
        known = (self.roof != NOT_KNOWN) & (self.ground != NOT_KNOWN)
        return np.where(known, self.roof - np.where(known, self.ground, 0), NOT_KNOWN)

    def take(self, chosen: NDArray[Any]) -> "Measured":
        """Some of these, by position or mask."""
        columns = {name: getattr(self, name)[chosen] for name in COLUMNS}
        return Measured(self.footprints.take(chosen), self.resolution, **columns)

    @cached_property
    def outlines(self) -> Outlines:
        """Their outlines on the grid, known by position."""
        return outlines_of(self.footprints, self.resolution)

    @cached_property
    def windows(self) -> NDArray[np.int64]:
        """(n, 4) top, left, bottom, right, half open: cells that can be theirs."""
        return self.outlines.windows()

    def within(self, window: Window) -> "Measured":
        """The buildings that can have a cell in a window."""
        return self.take(np.flatnonzero(touches(self.windows, window)))

    def columns(self) -> dict[str, NDArray[Any]]:
        """The measurements as a table that a pass hands over."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return columns | {"reason": np.array([why or "" for why in self.reason], np.bytes_)}

    @classmethod
    def of(
        cls, footprints: Footprints, resolution: float, columns: Mapping[str, NDArray[Any]]
    ) -> "Measured":
        """Footprints with such a table; without any footprint it may be empty."""
        if not len(footprints):
            return cls.nothing(footprints, resolution)
        reason = np.array([why.decode() or None for why in columns["reason"]], object)
        known = {name: columns[name] for name in COLUMNS if name != "reason"}
        return cls(footprints, resolution, **known, reason=reason)

    @classmethod
    def nothing(cls, footprints: Footprints, resolution: float) -> "Measured":
        """The measurements of footprints without a polygon: none."""
        none, unknown = np.zeros(len(footprints), np.int64), np.full(len(footprints), NOT_KNOWN)
        heights = dict.fromkeys(("roof", "median", "top", "lowest", "ground"), unknown)
        counts = dict.fromkeys(("cells", "own", "row", "column"), none)
        return cls(footprints, resolution, **heights, **counts, reason=footprints.reason)

    def rejecting(self, reason: str, mask: NDArray[np.bool_]) -> "Measured":
        """The same, but those in the mask that have no reason yet are rejected for this one."""
        return replace(self, reason=np.where(mask & pd.isna(self.reason), reason, self.reason))


COLUMNS = tuple(field.name for field in fields(Measured)[2:])


@dataclass(frozen=True)
class Judged:
    """The verdicts on footprints, by position.

    classes: of each; columns: the method's own, as arrays of numpy ((n, k) for a list) or of Arrow,
    null where the footprint is rejected; flags: the method's own, a mask a name.
    """

    measured: Measured
    classes: NDArray[Any]
    columns: Mapping[str, Any]
    flags: Mapping[str, NDArray[np.bool_]]

    @classmethod
    def nothing(cls, measured: Measured) -> "Judged":
        """The verdicts of footprints that are all rejected, or of none."""
        return cls(measured, np.full(len(measured), None, object), {}, {})


def to_cm(metres: float) -> int:
    """rint(100 x value), computed in double."""
    return int(np.rint(100.0 * metres))


def is_candidate(measured: Measured, p: CandidateParameter) -> NDArray[np.bool_]:
    """Which buildings are judged and high enough for a turbine."""
    return pd.isna(measured.reason) & (measured.height >= to_cm(p.wind_min_height_m))


def outlines_of(footprints: Footprints, resolution: float) -> Outlines:
    """The outlines of footprints on a grid, known by position."""
    f, rows = footprints, np.arange(len(footprints))
    return Outlines(rows, f.wkb, f.centre, f.bounds, resolution)


def reject(
    measured: Measured, terrain: HeightPair, p: BuildingParameters, demolished: NDArray[np.bool_]
) -> Measured:
    """The same with the first reason that holds for each footprint. demolished: a mask."""
    f = measured.footprints
    not_standing = _is_one_of(f.status, {*BAG_STATUSES} - {*p.statuses}) & f.has_status
    holds = {
        "empty": f.reason == "empty",
        "invalid": f.reason == "invalid",
        "not_standing": not_standing | demolished,
        "newer_than_heights": f.built > (p.heights_year or np.inf),  # never so of an unknown year
        "off_rasters": ~terrain.contains(f.centre),
        "no_data": measured.roof == NOT_KNOWN,
        "no_ground": measured.ground == NOT_KNOWN,
        "not_in_heights": measured.height < to_cm(p.min_height_m),
    }
    for reason, mask in holds.items():
        measured = measured.rejecting(reason, np.asarray(mask, np.bool_))
    return measured


def _is_one_of(status: NDArray[Any], words: set[str]) -> NDArray[np.bool_]:
    return np.asarray(pd.Series(status, dtype=object).isin(words))


def flags_of(
    measured: Measured, terrain: HeightPair, p: BuildingParameters
) -> dict[str, NDArray[np.bool_]]:
    """A mask for each flag that every method has, but `restricted`."""
    f, usable = measured.footprints, np.flatnonzero(measured.footprints.usable)
    outlines = measured.outlines.take(usable)
    one_cell, outside = np.zeros((2, len(f)), np.bool_)
    few = usable[measured.own[usable] <= 1]
    one_cell[few] = measured.outlines.take(few).one_cell
    outside[usable] = _part_outside(outlines, measured.own[usable], terrain)
    return {
        "repeated_id": f.repeated,
        "one_cell": one_cell,
        "part_outside": outside,
        "repaired": f.repaired,
        "unknown_status": ~_is_one_of(f.status, {*BAG_STATUSES, *p.statuses}) & f.has_status,
    }


def _part_outside(
    outlines: Outlines, own: NDArray[np.int64], terrain: HeightPair
) -> NDArray[np.bool_]:
    """Whether some of the cells that a footprint has by its outline lie off the rasters."""
    outside, windows = np.zeros(len(outlines), np.bool_), outlines.windows()
    whole = shapely.box(*enclosing(windows).bounds(outlines.resolution))
    if shapely.covers(terrain.ground, whole):  # so it is in most blocks
        return outside
    top, left, bottom, right = windows.T * outlines.resolution
    ground = shapely.box(left, -bottom, right, -top)
    edge = np.flatnonzero(~shapely.covers(terrain.ground, ground))
    outside[edge] = outlines.take(edge).have_more_cells(own[edge])
    return outside
