"""Colours, styles and page of the map; the style for QGIS is made from them too."""

from typing import Any

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

from pipeline.methods.method import Class, Highlight, Layer, Method
from pipeline.methods.shades import Palette, Shade
from pipeline.results import texts

PAPER, GROUND, WATER, SHADOW = "#ffffff", "#f1efe9", "#dfe7ea", "#4a5568"
INK, QUIET = "#2b2b2b", "#5a5a5a"
DARKEST = 0.5  # share of SHADOW where every bit is set
_MIXED = DARKEST * np.array(to_rgb(SHADOW)) + (1 - DARKEST) * np.array(to_rgb(GROUND))
SHADED = to_hex(_MIXED.tolist())
Style = dict[str, Any]
UNSELECTED: Style = {"facecolor": "#bdbab3", "edgecolor": "#8a8780", "linewidth": 0.3}
NOT_JUDGED: Style = {
    "facecolor": "#fbfaf7",
    "edgecolor": "#6b6b6b",
    "linewidth": 0.5,
    "hatch": "///////",
}
SET_ASIDE: Style = {"facecolor": "none", "edgecolor": "#000000", "linewidth": 1.4}
PART_LINE: Style = {"edgecolor": "#4a4a4a", "linewidth": 0.3}
NO_FACE: Style = {"facecolor": "none"}
BARE = "#ffffff"  # of roofs below their parts: what is in none
BESIDE = 1.8  # points: of a mark that are seen beside the line of a class over it
ADDED: Style = {"facecolor": "none", "edgecolor": "#00846b", "linewidth": 2.2}

SIZE = (11.69, 8.27)  # inches: A4, landscape
DPI = 200
FRAME = (0.3, 0.3, 8.25, 7.67)  # inches: left, bottom, width, height
PANEL = (8.8, 0.3, 2.6, 7.67)


def styles(method: Method, below: bool = False) -> dict[str, Style]:
    """The style of each line of the map's legend, in its order: classes, roofs of none, and the
    marks on roofs of any class, which differ by their lines.

    below: whether the roofs lie below their parts; then a line has the colour of their class, and
    the marks, which lie under it, are seen on both sides."""
    wider = BESIDE if below else 0.0
    marks = {flag.name: flag.highlight for flag in method.flags if flag.highlight}
    return {
        **{each.name: _of_line(each) if below else _of_class(each) for each in method.classes},
        "not_judged": NOT_JUDGED,
        "set_aside": SET_ASIDE,
        "unselected": UNSELECTED,
        **{name: _of_highlight(mark, wider) for name, mark in marks.items()},
        "added": ADDED,
    }


def labels(method: Method, lang: str) -> dict[str, str]:
    """The label in the legend of each of `styles`."""
    words = texts.words(lang)
    ours = {name: words[name] for name in ("not_judged", "set_aside", "unselected", "added")}
    theirs = {each.name: each.words(lang) for each in method.classes}
    marks = {flag.name: flag.highlight.words(lang) for flag in method.flags if flag.highlight}
    return ours | theirs | marks


def _of_class(of: Class) -> Style:
    return {"facecolor": of.colour, "edgecolor": of.edge, "linewidth": of.line_width}


def _of_line(of: Class) -> Style:
    return {"facecolor": BARE, "edgecolor": of.colour, "linewidth": 0.9}


def shade_style(of: Shade) -> Style:
    """The style of the parts of a shade."""
    return {"facecolor": of.colour} | PART_LINE


def _of_highlight(of: Highlight, wider: float) -> Style:
    width = of.line_width + wider
    line = {"edgecolor": of.colour, "linewidth": width, "linestyle": (0, of.dashes)}
    return NO_FACE | line


def brightness(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The share of GROUND's colour, (..., 1), for the grey of a layer."""
    return np.minimum(0.55 + grey[..., None] / np.float32(510), 1)


def bit_colours(bits: int) -> NDArray[np.uint8]:
    """RGB (256, 3) of each mask of so many bits, darker for each that is set."""
    shaded = np.bitwise_count(np.arange(256, dtype=np.uint8)) / max(bits, 1)
    share = DARKEST * np.minimum(shaded, 1)[:, None]
    colours = share * np.array(to_rgb(SHADOW)) + (1 - share) * np.array(to_rgb(GROUND))
    return np.rint(255 * colours).astype(np.uint8)


def palette_colours(palette: Palette) -> NDArray[np.float64]:
    """RGB (256, 3) of 0 to 1: of each `indexed` value; 0 is no data."""
    stops = np.array([to_rgb(colour) for colour in palette.colours])
    place = np.linspace(0, len(stops) - 1, 255)
    bands = [np.interp(place, np.arange(len(stops)), band) for band in stops.T]
    return np.vstack([to_rgb(GROUND), np.column_stack(bands)])


def has_data(layer: Layer, cells: NDArray[Any]) -> NDArray[np.bool_]:
    """A mask of the cells of a layer that hold a value."""
    return ~np.isnan(cells) if np.isnan(layer.fill) else np.asarray(cells != layer.fill)


def indexed(layer: Layer, cells: NDArray[Any]) -> NDArray[np.uint8]:
    """The cells of a layer as places in 256 colours: as they are, or by its palette from 1 (low) to
    255 (high), 0 for no data."""
    if not isinstance(layer.drawn, Palette):
        return np.asarray(cells, np.uint8)
    low, high = layer.drawn.low, layer.drawn.high
    seen = has_data(layer, cells)
    place = (np.where(seen, cells, low) - low) / (high - low) * 254
    return np.where(seen, 1 + np.rint(np.clip(place, 0, 254)), 0).astype(np.uint8)


def nothing(layer: Layer) -> int:
    """The index among the 256 colours of no data."""
    return 0 if isinstance(layer.drawn, Palette) else int(layer.fill)


def number_of_bits(layer: Layer, attributes: Any) -> int:
    """The number of bits of a layer, by the attributes of its array; 0 if it has none."""
    return len(attributes["flag_masks"]) if layer.drawn == "bits" else 0
