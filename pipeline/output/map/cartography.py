"""The map: roofs in their classes over hillshade and shadow, for a council paper."""

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from matplotlib import patches
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline

from pipeline.areas.selection import Circle
from pipeline.methods import method_of
from pipeline.methods.method import Layer, Method, Palette, names
from pipeline.output.map.dots import SHAPE, dots, layers
from pipeline.output.map.legend import Bounds, Shown, axes_at, north_arrow, panel, scale_bar
from pipeline.output.map.marked import COLUMNS as MARKING
from pipeline.output.map.marked import count_marks, marked
from pipeline.output.map.palette import (
    DARKEST,
    DPI,
    FRAME,
    GROUND,
    INK,
    PANEL,
    PAPER,
    SHADOW,
    SIZE,
    WATER,
    brightness,
    has_data,
    indexed,
    palette_colours,
    styles,
)
from pipeline.results import texts
from pipeline.results.store import open_store
from pipeline.results.totals import legend, legend_columns
from pipeline.storage.places import Place
from pipeline.storage.slices import BBOX, Buildings, column_names, row_count, slices, where, whole

METADATA: Any = {"Software": None}  # equal pictures, equal bytes
MOST = 200_000  # roofs that are drawn as outlines
LARGEST_DOT = 10.0  # m; a usual roof is as large as that
OUTLINED = 4  # dots that a roof must be larger than to have its outline beside the dots
LARGEST = 2000  # cells a side that the page can show
TOGETHER = 500  # roofs in one path: many are slow to draw one by one, all at once overrun Agg


class Scene(NamedTuple):
    """What a map shows. The buildings are a table, or the file of one, of which no more is read
    than is drawn; report: of their run; pictures: of its raster layers, (rows, columns), the
    northern row first; bounds: of the pictures."""

    buildings: Buildings
    report: Mapping[str, Any]
    pictures: Mapping[str, np.ndarray] = MappingProxyType({})
    bounds: Bounds | None = None

    @property
    def method(self) -> Method:
        """By which the roofs were judged."""
        return method_of(self.report)

    @property
    def layers(self) -> list[Layer]:
        """The raster layers that are drawn, from the lowest."""
        return [layer for layer in self.method.layers if layer.name in self.pictures]

    @property
    def around(self) -> Circle | None:
        """The circle that was asked for."""
        found = self.report["inputs"].get("around")
        return tuple(found) if found else None

    @property
    def added(self) -> Sequence[Mapping[str, Any]]:
        """The files of buildings that were added, as the report has them."""
        found: Sequence[Mapping[str, Any]] = self.report["inputs"].get("added", ())
        return found


def scene(buildings: Buildings, report: Mapping[str, Any], store: Place | None) -> Scene:
    """The scene of a run, with pictures of the layers that a run makes by default, as far as its
    store has them."""
    drawn = [
        each.name for each in method_of(report).layers if each.default and each.drawn is not None
    ]
    found = {name: seen for name in drawn if (seen := picture(store, name))}
    bounds = next((seen.bounds for seen in found.values()), None)
    return Scene(buildings, report, {name: seen.cells for name, seen in found.items()}, bounds)


class Picture(NamedTuple):
    """Cells of a raster layer, and the ground that they cover."""

    cells: np.ndarray
    bounds: Bounds


def picture(store: Place | None, name: str, largest: int = LARGEST) -> Picture | None:
    """The finest level of a layer with at most `largest` cells a side, else every so many cells."""
    root = None if store is None else open_store(store)
    if root is None:
        return None
    levels = sorted((int(key) for key in root.group_keys()), reverse=True)
    found = [level for level in levels if f"{level}/{name}" in root]
    if not found:
        return None
    fitting = [level for level in found if max(root[f"{level}/{name}"].shape[-2:]) <= largest]
    level = fitting[-1] if fitting else found[0]
    array = root[f"{level}/{name}"]
    step = math.ceil(max(array.shape[-2:]) / largest)
    cells = np.asarray(array[..., ::step, ::step])
    return Picture(
        cells, _bounds(root[f"{level}/spatial_ref"].attrs["GeoTransform"], cells.shape, step)
    )


def _bounds(transform: str, shape: Sequence[int], step: int) -> Bounds:
    west, dx, _, north, _, dy = (float(value) for value in transform.split())
    return west, north + dy * step * shape[-2], west + dx * step * shape[-1], north


def draw(scene: Scene, to: Any, lang: str = "en") -> None:
    """Write the map as PNG to a path or a binary stream; equal scenes give equal bytes with the
    same matplotlib."""
    figure = Figure(figsize=SIZE, dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    seen = view(scene)
    frame = axes_at(figure, FRAME, seen)
    frame.set_facecolor(GROUND)
    _ground(frame, scene)
    shown = _buildings(frame, scene, seen)
    if scene.around:
        x, y, radius = scene.around
        frame.add_patch(patches.Circle((x, y), radius, fill=False, ec=INK, lw=1.2, ls=(0, (6, 3))))
    scale_bar(frame, seen)
    north_arrow(frame, seen, texts.words(lang)["north"])
    panel(axes_at(figure, PANEL, (0, 0, *PANEL[2:])), shown, lang)
    figure.savefig(to, format="png", dpi=DPI, metadata=METADATA)


def view(scene: Scene) -> Bounds:
    """The ground that the map shows, in the proportions of its frame."""
    west, south, east, north = _extent(scene)
    x, y = (west + east) / 2, (south + north) / 2
    width = 1.06 * max(east - west, (north - south) * FRAME[2] / FRAME[3], 60.0)
    height = width * FRAME[3] / FRAME[2]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


# What is seen


def _buildings(frame: Axes, scene: Scene, view: Bounds) -> Shown:
    """Roofs as outlines, or where they are too many or too small as dots and the largest still as
    outlines; what the legend explains of them."""
    method, there = scene.method, column_names(scene.buildings)
    needed = dict.fromkeys([*legend_columns(method), *MARKING, "geometry"])
    columns = [name for name in needed if name in there]
    dot = (view[2] - view[0]) / SHAPE[1]
    few = row_count(scene.buildings) <= MOST and dot <= LARGEST_DOT
    if few:
        outlined = whole(scene.buildings, columns)
        counts = {name: int(rows.sum()) for name, rows in legend(outlined, method).items()}
    else:
        picture, counts = dots(scene.buildings, view, method)
        place: Any = {"extent": (view[0], view[2], view[1], view[3]), "aspect": "auto"}
        frame.imshow(picture, **place, interpolation="nearest", zorder=0.5)
        outlined = where(scene.buildings, columns, pc.field("area_m2") > OUTLINED * dot**2)
    geometry = np.asarray(shapely.from_wkb(outlined["geometry"].to_numpy()))
    for name, rows in layers(outlined, method).items():
        _roofs(frame, method, name, geometry[rows], view)
    if marks := count_marks(scene.buildings, method, scene.added):
        for name, rows in marked(outlined, method, scene.added).items():
            _roofs(frame, method, name, geometry[rows], view)
    return Shown(scene.report, {**counts, **marks}, scene.layers, None if few else dot)


def _extent(scene: Scene) -> Bounds:
    """The circle, else the roofs on the rasters (one stray footprint shrinks no map), else all."""
    if scene.around:
        x, y, radius = scene.around
        return x - radius, y - radius, x + radius, y + radius
    place = BBOX if BBOX in column_names(scene.buildings) else "geometry"
    on_rasters, every = [], []
    for part in slices(scene.buildings, ["rejected", place]):
        bounds = _rectangles(part[place])
        astray = pc.fill_null(pc.equal(part["rejected"], "off_rasters"), False).to_numpy()
        on_rasters.append(_hull(bounds[~astray]))
        every.append(_hull(bounds))
    for found in (on_rasters, every):
        hull = _hull(np.array(found))
        if np.isfinite(hull).all():
            west, south, east, north = hull.tolist()
            return west, south, east, north
    return scene.bounds or (0.0, 0.0, 1.0, 1.0)


def _rectangles(column: pa.ChunkedArray) -> np.ndarray:
    """(rows, 4) west, south, east, north of polygons, from their WKB or their bbox; NaN of none."""
    if pa.types.is_struct(column.type):
        sides = (pc.struct_field(column, side) for side in ("xmin", "ymin", "xmax", "ymax"))
        return np.column_stack([side.to_numpy().astype(float) for side in sides])
    return np.asarray(shapely.bounds(shapely.from_wkb(column.to_numpy())))


def _hull(bounds: np.ndarray) -> np.ndarray:
    """(4,) the rectangle around rectangles, NaN around none."""
    low = np.fmin.reduce(bounds[:, :2], axis=0, initial=np.nan)
    return np.concatenate([low, np.fmax.reduce(bounds[:, 2:], axis=0, initial=np.nan)])


def _ground(frame: Axes, scene: Scene) -> None:
    """The raster layers over each other."""
    if not scene.pictures or scene.bounds is None:
        return
    shape = next(iter(scene.pictures.values())).shape
    picture = np.full((*shape, 3), to_rgb(GROUND), np.float32)
    moments = len(scene.method.moments(scene.report))
    for layer in scene.layers:
        _draw_layer(picture, layer, scene.pictures[layer.name], moments)
    west, south, east, north = scene.bounds
    frame.imshow(picture, extent=(west, east, south, north), aspect="auto", zorder=0)


def _draw_layer(picture: np.ndarray, layer: Layer, cells: np.ndarray, moments: int) -> None:
    """Draw a layer over a picture: its brightness, or a shade for each bit, or its colours."""
    seen = has_data(layer, cells)
    if layer.drawn == "grey":
        picture *= brightness(cells)
        picture[~seen] = to_rgb(WATER)
    elif layer.drawn == "bits":
        bits = np.where(seen, np.bitwise_count(cells), 0)
        share = np.float32(DARKEST / max(moments, 1)) * bits[..., None]
        picture += (np.array(to_rgb(SHADOW), np.float32) - picture) * share
    elif isinstance(layer.drawn, Palette):
        colours = palette_colours(layer.drawn).astype(np.float32)
        picture[seen] = colours[indexed(layer, cells)][seen]


def _roofs(frame: Axes, method: Method, name: str, geometry: np.ndarray, view: Bounds) -> None:
    """Roofs with lines that thin with the scale; where roofs are dots, lines would hide them."""
    style = dict(styles(method)[name])
    fine = min(1.0, 1500 / (view[2] - view[0]))
    style["linewidth"] *= fine
    if fine < 0.3 and name in names(method.classes):
        style["edgecolor"] = style["facecolor"]
    frame.add_collection(PathCollection(list(_outlines(geometry)), **style), autolim=False)


def _outlines(geometry: np.ndarray) -> Iterator[Outline]:
    """Compound paths of many polygons; holes run the other way round, so that they stay open."""
    polygons = shapely.get_parts(geometry)
    polygons = shapely.normalize(polygons[shapely.get_type_id(polygons) == 3])
    for start in range(0, len(polygons), TOGETHER):
        rings = shapely.get_rings(polygons[start : start + TOGETHER])
        points, ring = shapely.get_coordinates(rings, return_index=True)
        codes = np.full(len(points), Outline.LINETO, Outline.code_type)
        codes[np.flatnonzero(np.diff(ring, prepend=-1))] = Outline.MOVETO
        codes[np.flatnonzero(np.diff(ring, append=-1))] = Outline.CLOSEPOLY
        yield Outline(points, codes)
