"""The printed map: roofs in their classes over hillshade and shadow."""

import math
from collections.abc import Mapping, Sequence
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
from numpy.typing import NDArray

from pipeline.areas.selection import Circle
from pipeline.methods import method_of
from pipeline.methods.method import Layer, Method, names
from pipeline.methods.shades import Palette
from pipeline.output.map.dots import SHAPE, dots, layers
from pipeline.output.map.legend import Bounds, Shown, axes_at, north_arrow, panel, scale_bar
from pipeline.output.map.marked import COLUMNS as MARKING
from pipeline.output.map.marked import count_marks, marked
from pipeline.output.map.names import draw_names
from pipeline.output.map.outlines import outlines
from pipeline.output.map.palette import (
    DARKEST,
    DPI,
    FRAME,
    GROUND,
    INK,
    NO_FACE,
    PANEL,
    PAPER,
    SHADOW,
    SIZE,
    WATER,
    Style,
    brightness,
    has_data,
    indexed,
    palette_colours,
    styles,
)
from pipeline.output.map.parts import LARGEST_DOT as LARGEST_PART_DOT
from pipeline.output.map.parts import draw_parts, shaded_parts
from pipeline.results import texts
from pipeline.results.georeference import transform_of
from pipeline.results.store import open_store
from pipeline.results.totals import legend, legend_columns
from pipeline.storage.geoparquet import rectangles
from pipeline.storage.places import Place
from pipeline.storage.slices import BBOX, Buildings, column_names, row_count, slices, where, whole
from pipeline.vectors.basemap import read_header

METADATA: Any = {"Software": None}  # equal pictures, equal bytes
MOST = 200_000  # roofs that are drawn as outlines
LARGEST_DOT = 10.0  # m; a usual roof is as large as that
OUTLINED = 4  # dots that a roof must be larger than to have its outline beside the dots
LARGEST = 2000  # cells a side that the page can show


class MapScene(NamedTuple):
    """The content of a map. buildings: a table, or its file, of which only what is drawn is read;
    report: of their run; pictures: of its raster layers, (rows, columns), the northern row first;
    bounds: of the pictures; basemap: a file of PMTiles whose names are written, if there is one."""

    buildings: Buildings
    report: Mapping[str, Any]
    pictures: Mapping[str, np.ndarray] = MappingProxyType({})
    bounds: Bounds | None = None
    basemap: str | None = None

    @property
    def method(self) -> Method:
        """The method of the run."""
        return method_of(self.report)

    @property
    def layers(self) -> list[Layer]:
        """The raster layers that are drawn, from the lowest."""
        return [layer for layer in self.method.layers if layer.name in self.pictures]

    @property
    def around(self) -> Circle | None:
        """The circle of the run's area, if it has one."""
        circle = self.report["inputs"].get("around")
        return tuple(circle) if circle else None

    @property
    def added(self) -> Sequence[Mapping[str, Any]]:
        """The report's entries on files of added buildings."""
        files: Sequence[Mapping[str, Any]] = self.report["inputs"].get("added", ())
        return files


def scene(buildings: Buildings, report: Mapping[str, Any], store: Place | None) -> MapScene:
    """The scene of a run, with pictures of its method's default layers, if its store has them."""
    drawn = (layer for layer in method_of(report).layers if layer.drawn is not None)
    defaults = [layer.name for layer in drawn if layer.default]
    images = {name: image for name in defaults if (image := layer_image(store, name))}
    bounds = next((image.bounds for image in images.values()), None)
    pictures = {name: image.cells for name, image in images.items()}
    return MapScene(buildings, report, pictures, bounds)


class LayerImage(NamedTuple):
    """Cells of a raster layer, and the bounds of their ground."""

    cells: np.ndarray
    bounds: Bounds


def layer_image(store: Place | None, name: str, largest: int = LARGEST) -> LayerImage | None:
    """The finest level of a layer with at most `largest` cells a side, else a sample of the
    coarsest; None without the layer."""
    root = None if store is None else open_store(store)
    if root is None:
        return None
    levels = [root[key] for key in sorted(root.group_keys(), key=int) if f"{key}/{name}" in root]
    if not levels:
        return None
    fitting = (level for level in levels if max(level[name].shape[-2:]) <= largest)
    level = next(fitting, levels[-1])
    step = math.ceil(max(level[name].shape[-2:]) / largest)
    cells = np.asarray(level[name][..., ::step, ::step])
    rows, columns = cells.shape[-2:]
    transform = transform_of(level)
    west, north = transform.c, transform.f
    east, south = west + transform.a * step * columns, north + transform.e * step * rows
    return LayerImage(cells, (west, south, east, north))


def draw(scene: MapScene, to: Any, lang: str = "en") -> None:
    """Write the map as PNG to a path or a binary stream; equal scenes give equal bytes with the
    same matplotlib."""
    page(scene, lang)[0].savefig(to, format="png", dpi=DPI, metadata=METADATA)


def page(scene: MapScene, lang: str, place: Bounds = FRAME) -> tuple[Figure, Axes]:
    """A page with the map at a place in inches, as wide as FRAME, and the panel beside it; and the
    axes of the map."""
    figure = Figure(figsize=SIZE, dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    bounds = view(scene, place)
    frame = axes_at(figure, place, bounds)
    frame.set_facecolor(GROUND)
    _ground(frame, scene)
    shown = _buildings(frame, scene, bounds)
    if scene.around:
        x, y, radius = scene.around
        frame.add_patch(patches.Circle((x, y), radius, fill=False, ec=INK, lw=1.2, ls=(0, (6, 3))))
    scale_bar(frame, bounds)
    north_arrow(frame, bounds, texts.words(lang)["north"])
    if scene.basemap:
        draw_names(frame, scene.basemap, bounds, lang)
        shown = shown._replace(sources=[read_header(scene.basemap).attribution])
    panel(axes_at(figure, PANEL, (0, 0, *PANEL[2:])), shown, lang)
    return figure, frame


def view(scene: MapScene, place: Bounds = FRAME) -> Bounds:
    """The ground that the map shows, in the proportions of its place on the page."""
    west, south, east, north = _extent(scene)
    x, y = (west + east) / 2, (south + north) / 2
    width = 1.06 * max(east - west, (north - south) * place[2] / place[3], 60.0)
    height = width * place[3] / place[2]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _buildings(frame: Axes, scene: MapScene, view: Bounds) -> Shown:
    """Draw roofs as outlines, or where they are too many or too small as dots and the largest still
    as outlines. Returns what the legend explains of them."""
    method, available = scene.method, column_names(scene.buildings)
    needed = dict.fromkeys([*legend_columns(method), *MARKING, "geometry"])
    columns = [name for name in needed if name in available]
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
    parts = shaded_parts(scene.buildings, method) if few and dot <= LARGEST_PART_DOT else []
    fine = min(1.0, 1500 / (view[2] - view[0]))
    style, rows = _thinned(styles(method, bool(parts)), method, fine), layers(outlined, method)
    geometry = np.asarray(shapely.from_wkb(outlined["geometry"].to_numpy()))
    _roofs(frame, style, rows, geometry)
    draw_parts(frame, parts, fine)
    if marks := count_marks(scene.buildings, method, scene.added):
        _roofs(frame, style, marked(outlined, method, scene.added), geometry)
    if parts:
        over = (*names(method.classes), "set_aside")
        _roofs(frame, {name: style[name] | NO_FACE for name in over}, rows, geometry)
    return Shown(scene.report, {**counts, **marks}, scene.layers, None if few else dot, parts)


def _extent(scene: MapScene) -> Bounds:
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
    for hulls in (on_rasters, every):
        hull = _hull(np.array(hulls))
        if np.isfinite(hull).all():
            west, south, east, north = hull.tolist()
            return west, south, east, north
    return scene.bounds or (0.0, 0.0, 1.0, 1.0)


def _rectangles(column: pa.ChunkedArray) -> np.ndarray:
    """(rows, 4) west, south, east, north of polygons, from their WKB or their bbox; NaN of none."""
    if pa.types.is_struct(column.type):
        return rectangles(column)
    return np.asarray(shapely.bounds(shapely.from_wkb(column.to_numpy())))


def _hull(bounds: np.ndarray) -> np.ndarray:
    """(4,) the rectangle around rectangles, NaN around none."""
    low = np.fmin.reduce(bounds[:, :2], axis=0, initial=np.nan)
    return np.concatenate([low, np.fmax.reduce(bounds[:, 2:], axis=0, initial=np.nan)])


def _ground(frame: Axes, scene: MapScene) -> None:
    """Draw the raster layers over each other."""
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
    valid = has_data(layer, cells)
    if layer.drawn == "grey":
        picture *= brightness(cells)
        picture[~valid] = to_rgb(WATER)
    elif layer.drawn == "bits":
        bits = np.where(valid, np.bitwise_count(cells), 0)
        share = np.float32(DARKEST / max(moments, 1)) * bits[..., None]
        picture += (np.array(to_rgb(SHADOW), np.float32) - picture) * share
    elif isinstance(layer.drawn, Palette):
        colours = palette_colours(layer.drawn).astype(np.float32)
        picture[valid] = colours[indexed(layer, cells)][valid]


def _thinned(every: dict[str, Style], method: Method, fine: float) -> dict[str, Style]:
    """Styles with lines that thin with the scale: they would hide roofs as small as dots."""
    thin = {name: style | {"linewidth": style["linewidth"] * fine} for name, style in every.items()}
    for name in names(method.classes) if fine < 0.3 else ():
        thin[name]["edgecolor"] = thin[name]["facecolor"]
    return thin


def _roofs(
    frame: Axes,
    every: Mapping[str, Style],
    rows: Mapping[str, NDArray[np.bool_]],
    geometry: NDArray[np.object_],
) -> None:
    """Draw the roofs of each style, those of the first lowest."""
    for name, mask in rows.items():
        if name in every:
            paths = list(outlines(geometry[mask]))
            frame.add_collection(PathCollection(paths, **every[name]), autolim=False)
