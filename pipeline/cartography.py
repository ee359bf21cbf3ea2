"""The map: roofs in their classes over hillshade and shadow, for a council paper."""

import math
import textwrap
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
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon, Rectangle
from matplotlib.path import Path as Outline

from pipeline import texts
from pipeline.report import attributions, sun_times

Bounds = tuple[float, float, float, float]  # west, south, east, north [m]

# Told apart with each of the three kinds of colour blindness, and in grey by their lightness.
COLOURS = {"none": "#a2584f", "solar": "#fbb829", "wind_or_solar": "#0b4f94"}
PAPER, GROUND, WATER, SHADOW = "#ffffff", "#f1efe9", "#dfe7ea", "#4a5568"
INK, QUIET = "#2b2b2b", "#5a5a5a"
DARKEST = 0.5  # how much of SHADOW there is where every sun is shaded
_MIXED = DARKEST * np.array(to_rgb(SHADOW)) + (1 - DARKEST) * np.array(to_rgb(GROUND))
SHADED = to_hex(_MIXED.tolist())
STYLES: dict[str, dict[str, Any]] = {
    "unselected": {"facecolor": "#bdbab3", "edgecolor": "#8a8780", "linewidth": 0.3},
    "not_judged": {
        "facecolor": "#fbfaf7",
        "edgecolor": "#6b6b6b",
        "linewidth": 0.5,
        "hatch": "///////",
    },
    "none": {"facecolor": COLOURS["none"], "edgecolor": "#5a2c26", "linewidth": 0.4},
    "solar": {"facecolor": COLOURS["solar"], "edgecolor": "#8a5f00", "linewidth": 0.4},
    "wind_or_solar": {
        "facecolor": COLOURS["wind_or_solar"],
        "edgecolor": "#052c55",
        "linewidth": 0.5,
    },
    "set_aside": {"facecolor": "none", "edgecolor": "#000000", "linewidth": 1.4},
}
LEGEND = ("solar", "wind_or_solar", "none", "not_judged", "set_aside", "unselected")
PLATE: dict[str, Any] = {"fc": PAPER, "ec": "none", "alpha": 0.82, "zorder": 10}
SMALL: dict[str, Any] = {"size": 8, "color": INK, "zorder": 12}

SIZE = (11.69, 8.27)  # inches: A4, landscape
DPI = 200
METADATA: Any = {"Software": None}  # equal pictures, equal bytes
FRAME = (0.3, 0.3, 8.25, 7.67)  # inches: left, bottom, width, height
PANEL = (8.8, 0.3, 2.6, 7.67)
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
    frame = _axes(figure, FRAME, seen)
    frame.set_facecolor(GROUND)
    _ground(frame, scene)
    for name, rows in layers.items():
        _roofs(frame, name, geometry[rows], seen)
    if scene.around:
        x, y, radius = scene.around
        frame.add_patch(Circle((x, y), radius, fill=False, ec=INK, lw=1.2, ls=(0, (6, 3))))
    _scale_bar(frame, seen)
    _north_arrow(frame, seen, texts.words(lang)["north"])
    _panel(_axes(figure, PANEL, (0, 0, *PANEL[2:])), scene, layers, lang)
    figure.savefig(path, format="png", dpi=DPI, metadata=METADATA)


def view(scene: Scene) -> Bounds:
    """The ground that the map shows, in the proportions of its frame."""
    west, south, east, north = _extent(scene)
    x, y = (west + east) / 2, (south + north) / 2
    width = 1.06 * max(east - west, (north - south) * FRAME[2] / FRAME[3], 60.0)
    height = width * FRAME[3] / FRAME[2]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


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


# What explains it


def _axes(figure: Figure, inches: Bounds, view: Bounds) -> Axes:
    """Axes at a place of the page in inches, that show `view`."""
    left, bottom, width, height = inches
    place = (left / SIZE[0], bottom / SIZE[1], width / SIZE[0], height / SIZE[1])
    axes = figure.add_axes(place, xlim=view[::2], ylim=view[1::2], xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color=INK, linewidth=0.8)
    return axes


def _scale_bar(frame: Axes, view: Bounds) -> None:
    """A bar of a round length, about a fifth of the map, in four fields."""
    inch = (view[2] - view[0]) / FRAME[2]
    length = round_length(1.8 * inch)
    x, y, field, height = view[0] + 0.34 * inch, view[1] + 0.24 * inch, length / 4, 0.07 * inch
    corner, size = (x - 0.2 * inch, y - 0.12 * inch), (length + 0.68 * inch, 0.42 * inch)
    frame.add_patch(Rectangle(corner, *size, **PLATE))
    for part in range(4):
        place, colour = (x + part * field, y), PAPER if part % 2 else INK
        frame.add_patch(Rectangle(place, field, height, fc=colour, ec=INK, lw=0.7, zorder=11))
    unit, metres = ("km", 1000) if length >= 1000 else ("m", 1)
    for part in (0, 2, 4):
        label = f"{part * field / metres:g}"
        frame.text(x + part * field, y + 1.6 * height, label, ha="center", **SMALL)
    frame.text(x + length + 0.16 * inch, y + 1.6 * height, unit, ha="left", **SMALL)


def round_length(length: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is at most `length`."""
    power = 10.0 ** math.floor(math.log10(length))
    return max(step * power for step in (1, 2, 5) if step * power <= length)


def _north_arrow(frame: Axes, view: Bounds, letter: str) -> None:
    inch = (view[2] - view[0]) / FRAME[2]
    x, y = view[2] - 0.38 * inch, view[3] - 0.72 * inch
    frame.add_patch(
        Rectangle((x - 0.24 * inch, y - 0.12 * inch), 0.48 * inch, 0.72 * inch, **PLATE)
    )
    for side, colour in ((-1, INK), (1, PAPER)):
        corners = [(x, y + 0.34 * inch), (x + side * 0.12 * inch, y), (x, y + 0.08 * inch)]
        frame.add_patch(Polygon(corners, fc=colour, ec=INK, lw=0.7, zorder=11))
    frame.text(x, y + 0.38 * inch, letter, ha="center", **(SMALL | {"size": 10, "weight": "bold"}))


def _panel(panel: Axes, scene: Scene, layers: dict[str, np.ndarray], lang: str) -> None:
    """Title, legend with counts, remark and sources, from the top down [inches]."""
    panel.set_axis_off()
    words = texts.words(lang)
    suns = {"date": texts.day(scene.date, lang), "times": texts.listed(list(scene.times), lang)}
    y = _paragraph(panel, PANEL[3], words["map_title"], size=18, weight="bold")
    y = _paragraph(panel, y - 0.08, words["map_subtitle"], size=10.5)
    y = _paragraph(panel, y - 0.08, words["map_suns"].format(**suns), size=8.5, color=QUIET)
    y = _paragraph(panel, y - 0.3, words["map_roofs"], size=9.5, weight="bold")
    for name in LEGEND:
        count = int(layers[name].sum())
        if count or name in (*COLOURS, "not_judged"):
            y = _entry(panel, y, STYLES[name], words[name], texts.number(count, lang))
    _ground_legend(panel, y, scene, words)
    sources = f"{words['map_sources']}: {'; '.join(scene.attributions)}."
    below = [words["map_remark"], *([sources] if scene.attributions else []), words["grid"]]
    foot = "\n\n".join(_wrapped(part, 7.5) for part in below)
    panel.text(0, 0, foot, va="bottom", linespacing=1.35, size=7.5, color=QUIET)


def _ground_legend(panel: Axes, y: float, scene: Scene, words: Mapping[str, str]) -> None:
    if scene.hillshade is None and scene.shadow is None:
        return
    y = _paragraph(panel, y - 0.3, words["ground"], size=9.5, weight="bold")
    if scene.shadow is not None:
        y = _entry(panel, y, {"facecolor": SHADED, "edgecolor": QUIET}, words["shadow"])
    if scene.hillshade is not None:
        _entry(panel, y, {"facecolor": WATER, "edgecolor": QUIET}, words["no_height"])


def _paragraph(panel: Axes, y: float, text: str, **style: Any) -> float:
    """Wrapped text with its top at `y`; the y of its foot."""
    lines = _wrapped(text, style["size"], wide=style.get("weight") == "bold")
    panel.text(0, y, lines, va="top", linespacing=1.2, **({"color": INK} | style))
    return float(y - (lines.count("\n") + 1) * style["size"] * 1.4 / 72)


def _entry(panel: Axes, y: float, style: dict[str, Any], label: str, count: str = "") -> float:
    """A line of the legend below `y`; the y of its foot."""
    lines = _wrapped(label, 9, PANEL[2] - 0.5 - 0.08 * len(count))
    height = 0.3 + 0.15 * lines.count("\n")
    middle = y - height / 2 - 0.02
    text: dict[str, Any] = {"va": "center", "size": 9, "color": INK, "linespacing": 1.15}
    panel.add_patch(
        Rectangle((0, middle - 0.1), 0.34, 0.2, **(style | {"linewidth": 0.7, "clip_on": False}))
    )
    panel.text(0.44, middle, lines, **text)
    panel.text(PANEL[2], middle, count, ha="right", **text)
    return y - height


def _wrapped(text: str, size: float, width: float = PANEL[2], wide: bool = False) -> str:
    """Text broken to a width in inches; a letter of DejaVu Sans is some 0.57 of its size wide."""
    return textwrap.fill(text, int(width * 72 / (size * (0.62 if wide else 0.57))))
