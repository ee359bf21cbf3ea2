"""The map: roofs in their classes over hillshade and shadow, for a council paper."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
import zarr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.path import Path as Outline

from pipeline import texts
from pipeline.legend import Bounds, Told, axes_at, north_arrow, panel, scale_bar
from pipeline.palette import (
    COLOURS,
    DARKEST,
    DPI,
    FRAME,
    GROUND,
    INK,
    PANEL,
    PAPER,
    SHADOW,
    SIZE,
    STYLES,
    WATER,
)
from pipeline.printed import attributions, sun_times

METADATA: Any = {"Software": None}  # equal pictures, equal bytes
LARGEST = 2000  # cells a side that the page can show
TOGETHER = 500  # roofs in one path: many are slow to draw one by one, all at once overrun Agg


class Scene(NamedTuple):
    """What a map shows. Rasters are uint8 (rows, columns), the northern row first, or None."""

    buildings: pa.Table
    date: str
    times: Sequence[str]
    hillshade: np.ndarray | None = None
    shadow: np.ndarray | None = None
    bounds: Bounds | None = None
    around: tuple[float, float, float] | None = None
    attributions: Sequence[str] = ()


def scene(buildings: pa.Table, report: Mapping[str, Any], store: Path | None) -> Scene:
    """The scene of a run, with the pictures of its store where there are any."""
    hillshade, shadow = (picture(store, name) for name in ("hillshade", "shadow"))
    either, around = hillshade or shadow, report["inputs"].get("around")
    return Scene(
        buildings,
        str(report["method"]["parameters"]["date"]),
        sun_times(report),
        hillshade.cells if hillshade else None,
        shadow.cells if shadow else None,
        either.bounds if either else None,
        tuple(around) if around else None,
        attributions(report["inputs"]),
    )


class Picture(NamedTuple):
    """Cells of a raster layer, and the ground that they cover."""

    cells: np.ndarray
    bounds: Bounds


def picture(store: Path | None, name: str, largest: int = LARGEST) -> Picture | None:
    """The finest level of a layer with at most `largest` cells a side, else every so many cells."""
    if store is None or not store.exists():
        return None
    root: Any = zarr.open_group(store, mode="r")
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


def draw(scene: Scene, path: Path, lang: str = "en") -> None:
    """Write the map as PNG; equal scenes give equal bytes with the same matplotlib."""
    figure = Figure(figsize=SIZE, dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    geometry, seen = _geometry(scene), view(scene)
    layers = _layers(scene.buildings)
    frame = axes_at(figure, FRAME, seen)
    frame.set_facecolor(GROUND)
    _ground(frame, scene)
    for name, rows in layers.items():
        _roofs(frame, name, geometry[rows], seen)
    if scene.around:
        x, y, radius = scene.around
        frame.add_patch(Circle((x, y), radius, fill=False, ec=INK, lw=1.2, ls=(0, (6, 3))))
    scale_bar(frame, seen)
    north_arrow(frame, seen, texts.words(lang)["north"])
    panel(axes_at(figure, PANEL, (0, 0, *PANEL[2:])), _told(scene, layers), lang)
    figure.savefig(path, format="png", dpi=DPI, metadata=METADATA)


def view(scene: Scene) -> Bounds:
    """The ground that the map shows, in the proportions of its frame."""
    west, south, east, north = _extent(scene)
    x, y = (west + east) / 2, (south + north) / 2
    width = 1.06 * max(east - west, (north - south) * FRAME[2] / FRAME[3], 60.0)
    height = width * FRAME[3] / FRAME[2]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _told(scene: Scene, layers: dict[str, np.ndarray]) -> Told:
    counts = {name: int(rows.sum()) for name, rows in layers.items()}
    relief, shadow = scene.hillshade is not None, scene.shadow is not None
    return Told(scene.date, scene.times, counts, relief, shadow, scene.attributions)


# What is seen


def _layers(buildings: pa.Table) -> dict[str, np.ndarray]:
    """Which rows each layer of the map shows, from the lowest layer to the highest."""
    judged = buildings["rejected"].is_null().to_numpy()
    selected = pc.fill_null(buildings["selected"], False).to_numpy()
    of_class = {
        name: pc.fill_null(pc.equal(buildings["class"], name), False).to_numpy() for name in COLOURS
    }
    return {
        "unselected": ~selected,
        "not_judged": selected & ~judged,
        **{name: selected & judged & rows for name, rows in of_class.items()},
        "set_aside": selected & judged & buildings["excluded"].is_valid().to_numpy(),
    }


def _geometry(scene: Scene) -> np.ndarray:
    return np.asarray(shapely.from_wkb(scene.buildings["geometry"].to_numpy()))


def _extent(scene: Scene) -> Bounds:
    """The circle, else the roofs on the rasters (one stray footprint shrinks no map), else all."""
    if scene.around:
        x, y, radius = scene.around
        return x - radius, y - radius, x + radius, y + radius
    geometry = _geometry(scene)
    drawn = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    astray = pc.fill_null(pc.equal(scene.buildings["rejected"], "off_rasters"), False).to_numpy()
    for rows in (drawn & ~astray, drawn):
        if rows.any():
            west, south, east, north = shapely.total_bounds(geometry[rows]).tolist()
            return west, south, east, north
    return scene.bounds or (0.0, 0.0, 1.0, 1.0)


def _ground(frame: Axes, scene: Scene) -> None:
    """Hillshade, darker for each sun whose shadow lies there."""
    base = scene.hillshade if scene.hillshade is not None else scene.shadow
    if base is None or scene.bounds is None:
        return
    picture = np.full((*base.shape, 3), to_rgb(GROUND), np.float32)
    if scene.hillshade is not None:
        picture *= np.minimum(0.55 + scene.hillshade[..., None] / 510, 1)
        picture[scene.hillshade == 0] = to_rgb(WATER)
    if scene.shadow is not None:
        suns = np.where(scene.shadow == 255, 0, np.bitwise_count(scene.shadow))
        share = (DARKEST * suns / max(len(scene.times), 1))[..., None]
        picture += (np.array(to_rgb(SHADOW)) - picture) * share
    west, south, east, north = scene.bounds
    frame.imshow(picture, extent=(west, east, south, north), aspect="auto", zorder=0)


def _roofs(frame: Axes, name: str, geometry: np.ndarray, view: Bounds) -> None:
    """Roofs with lines that thin with the scale; where roofs are dots, lines would hide them."""
    fine = min(1.0, 1500 / (view[2] - view[0]))
    style = STYLES[name] | {"linewidth": STYLES[name]["linewidth"] * fine}
    if fine < 0.3 and name in COLOURS:
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
