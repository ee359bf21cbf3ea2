"""The parts of buildings on the map, such as the planes of roofs, in the shades of their column."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from pipeline.methods.method import Column, Method
from pipeline.methods.shades import Shade, numbers_of
from pipeline.output.map.outlines import outlines
from pipeline.output.map.palette import PART_LINE
from pipeline.results.parts import parts_of
from pipeline.storage.slices import Buildings, column_names, slices

LARGEST_DOT = 2.0  # m; half of a usual roof is then three dots wide


class ShadedParts(NamedTuple):
    """The parts of a column that are drawn. geometry: (n,) polygons [RD m]; colours: (n, 3) RGB of
    0 to 255; counts: parts by the name of their shade."""

    column: Column
    geometry: NDArray[np.object_]
    colours: NDArray[np.uint8]
    counts: dict[str, int]


def shaded_parts(buildings: Buildings, method: Method) -> list[ShadedParts]:
    """The parts of selected buildings, of each column that has shades and of whose parts an outline
    is known."""
    there = column_names(buildings)
    columns = [each for each in method.parts if each.shades and each.name in there]
    every = (_shaded(buildings, column) for column in columns)
    return [parts for parts in every if len(parts.geometry)]


def draw_parts(frame: Axes, every: list[ShadedParts], fine: float) -> None:
    """Draw parts, those of one colour together, with lines so much finer than usual."""
    line = PART_LINE | {"linewidth": fine * PART_LINE["linewidth"]}
    for parts in every:
        colours, of = np.unique(parts.colours, axis=0, return_inverse=True)
        for place, colour in enumerate(colours / 255):
            paths = list(outlines(parts.geometry[of.ravel() == place]))
            frame.add_collection(PathCollection(paths, **line, facecolor=colour), autolim=False)


def _shaded(buildings: Buildings, column: Column) -> ShadedParts:
    geometry, colours = [np.empty(0, np.object_)], [np.empty((0, 3), np.uint8)]
    counts = dict.fromkeys((shade.name for shade in column.shades), 0)
    for parts in _slices(buildings, column):
        shapes = np.asarray(shapely.from_wkb(parts[column.geometry].to_numpy()))
        for shade, rows in _by_shade(column.shades, parts):
            counts[shade.name] += int(rows.sum())
            geometry.append(shapes[rows])
            colours.append(part_colours(shade, parts.filter(rows)))
    return ShadedParts(column, np.concatenate(geometry), np.concatenate(colours), counts)


def _slices(buildings: Buildings, column: Column) -> Iterator[pa.Table]:
    """The parts of selected buildings that have an outline, with the fields that colour them."""
    tints = [shade.tint.field for shade in column.shades if shade.tint]
    fields = dict.fromkeys([*(shade.field for shade in column.shades), *tints, column.geometry])
    paths = [f"{column.name}.list.element.{field}" for field in fields]
    for rows in slices(buildings, ["selected", *paths]):
        parts = parts_of(rows.filter(rows["selected"]), column.name)
        yield parts.filter(pc.is_valid(parts[column.geometry]))


def _by_shade(
    shades: tuple[Shade, ...], parts: pa.Table
) -> Iterator[tuple[Shade, NDArray[np.bool_]]]:
    """Each shade with a mask of the parts of which it is the first that holds."""
    left = np.ones(len(parts), np.bool_)
    for shade in shades:
        rows = left & shade.holds(parts)
        left &= ~rows
        yield shade, rows


def part_colours(shade: Shade, parts: pa.Table) -> NDArray[np.uint8]:
    """(n, 3) RGB of 0 to 255 of parts of one shade; without a value of the tint's field the
    palest."""
    colours = np.tile(to_rgb(shade.colour), (len(parts), 1))
    if tint := shade.tint:
        steep = (numbers_of(parts[tint.field]) - tint.low) / (tint.high - tint.low)
        paler = tint.share * (1 - np.nan_to_num(steep).clip(0, 1))
        colours += paler[:, None] * (to_rgb(tint.pale) - colours)
    return np.rint(255 * colours).astype(np.uint8)
