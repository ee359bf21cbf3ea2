"""The legend of the map: scale bar, north arrow, and the panel with title, classes and sources."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from pipeline import wording
from pipeline.methods import method_of
from pipeline.methods.method import Layer, names
from pipeline.methods.phrases import Phrases
from pipeline.methods.shades import Palette
from pipeline.output.map.palette import (
    BARE,
    FRAME,
    INK,
    PANEL,
    PAPER,
    PART_LINE,
    QUIET,
    SHADED,
    SIZE,
    WATER,
    labels,
    shade_style,
    styles,
)
from pipeline.output.map.parts import ShadedParts
from pipeline.results import texts
from pipeline.results.printed import attributions, heights, phrase, place

Bounds = tuple[float, float, float, float]  # west, south, east, north [m]

PLATE: dict[str, Any] = {"fc": PAPER, "ec": "none", "alpha": 0.82, "zorder": 10}
CLOSER = 0.04  # inches: of a line in a long legend to the next
FOOT, LINE = 7.0, 1.3  # size of the remark [points]; height of a line, in its size
SMALL: dict[str, Any] = {"size": 8, "color": INK, "zorder": 12}


class Shown(NamedTuple):
    """The content of the panel. report: of the run; counts: roofs in each line of the legend;
    layers: the raster layers drawn; dot: size of a dot [m], None for a map of outlines; parts: of
    roofs that are drawn; sources: of what is drawn besides, "" where none is stated."""

    report: Mapping[str, Any]
    counts: Mapping[str, int]
    layers: Sequence[Layer]
    dot: float | None = None
    parts: Sequence[ShadedParts] = ()
    sources: Sequence[str] = ()


def axes_at(figure: Figure, inches: Bounds, view: Bounds) -> Axes:
    """Axes at a place of the page in inches, that show `view`."""
    left, bottom, width, height = inches
    place = (left / SIZE[0], bottom / SIZE[1], width / SIZE[0], height / SIZE[1])
    axes = figure.add_axes(place, xlim=view[::2], ylim=view[1::2], xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color=INK, linewidth=0.8)
    return axes


def scale_bar(frame: Axes, view: Bounds) -> None:
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


def north_arrow(frame: Axes, view: Bounds, letter: str) -> None:
    """An arrow to the north of the grid, in the upper right corner."""
    inch = (view[2] - view[0]) / FRAME[2]
    x, y = view[2] - 0.38 * inch, view[3] - 0.72 * inch
    frame.add_patch(
        Rectangle((x - 0.24 * inch, y - 0.12 * inch), 0.48 * inch, 0.72 * inch, **PLATE)
    )
    for side, colour in ((-1, INK), (1, PAPER)):
        corners = [(x, y + 0.34 * inch), (x + side * 0.12 * inch, y), (x, y + 0.08 * inch)]
        frame.add_patch(Polygon(corners, fc=colour, ec=INK, lw=0.7, zorder=11))
    frame.text(x, y + 0.38 * inch, letter, ha="center", **(SMALL | {"size": 10, "weight": "bold"}))


def panel(axes: Axes, shown: Shown, lang: str) -> float:
    """Title, legend with counts, remark and sources, from the top down; the room that is left
    between legend and remark [inches]."""
    axes.set_axis_off()
    words, method = texts.words(lang), method_of(shown.report)
    phrases = method.words(lang)
    y = _paragraph(axes, PANEL[3], phrases.title or method.name, size=15, weight="bold")
    y = _paragraph(axes, y - 0.04, phrases.subtitle, size=9.5)
    y = _origin(axes, y, shown.report, lang)
    if phrases.moments:
        moments = phrase(phrases.moments, shown.report, lang)
        y = _paragraph(axes, y - 0.02, moments, size=8.5, color=QUIET)
    for line in phrase(phrases.yields, shown.report, lang).splitlines():
        y = _paragraph(axes, y - 0.02, line, size=8.5)
    y = _paragraph(axes, y - 0.14, phrases.roofs, size=9.5, weight="bold")
    always = (*names(method.classes), "not_judged")
    titles, closer = labels(method, lang), CLOSER if shown.parts else 0.0
    for name, style in styles(method, bool(shown.parts)).items():
        count = shown.counts.get(name, 0)
        if count or name in always:
            y = _entry(axes, y, style, titles[name], wording.number(count, lang)) + closer
    if shown.dot is not None:
        dots = words["map_dots"].format(metres=wording.number(shown.dot, lang))
        y = _paragraph(axes, y - 0.06, dots, size=8, color=QUIET)
    for parts in shown.parts:
        y = _parts(axes, y, parts, phrases, lang)
    y = _ground(axes, y, shown.layers, phrases, lang)
    attributed = [*attributions(shown.report["inputs"]), *filter(None, shown.sources)]
    sources = f"{words['map_sources']}: {'; '.join(attributed)}."
    below = [phrases.remark, *([sources] if attributed else []), words["grid"]]
    foot = "\n".join(_wrapped(part, FOOT) for part in below if part)
    axes.text(0, 0, foot, va="bottom", linespacing=1.2, size=FOOT, color=QUIET)
    return y - (foot.count("\n") + 1) * FOOT * LINE / 72


def _origin(axes: Axes, y: float, report: Mapping[str, Any], lang: str) -> float:
    """The place, the day and the version of the heights, below `y`; the y of their foot."""
    words, inputs, made = texts.words(lang), report["inputs"], report["machine"].get("finished")
    versions = heights(inputs, lang)
    y = _paragraph(axes, y - 0.1, place(inputs, lang), size=9.5, weight="bold")
    text = words["map_heights"].format(heights=versions)
    if made:
        text = words["map_made"].format(date=wording.day(made, lang), heights=versions)
    return _paragraph(axes, y - 0.04, text, size=8.5, color=QUIET)


def _parts(axes: Axes, y: float, parts: ShadedParts, phrases: Phrases, lang: str) -> float:
    """The legend of the parts of roofs, with their number in each shade, and of what is in none,
    below `y`; the y of its foot."""
    title = phrases.parts or parts.column.words(lang).title
    y = _paragraph(axes, y - 0.12, title, size=9.5, weight="bold")
    for shade in parts.column.shades:
        count = wording.number(parts.counts[shade.name], lang)
        y = _entry(axes, y, shade_style(shade), shade.words(lang), count) + CLOSER
    return _entry(axes, y, PART_LINE | {"facecolor": BARE}, texts.words(lang)["bare"])


def _ground(axes: Axes, y: float, layers: Sequence[Layer], phrases: Phrases, lang: str) -> float:
    """The legend of the raster layers, below `y`; the y of its foot."""
    if not layers:
        return y
    y = _paragraph(axes, y - 0.12, phrases.ground, size=9.5, weight="bold")
    for kind, colour, text in (
        ("bits", SHADED, phrases.shade),
        ("grey", WATER, texts.words(lang)["no_height"]),
    ):
        if any(layer.drawn == kind for layer in layers):
            y = _entry(axes, y, {"facecolor": colour, "edgecolor": QUIET}, text)
    for layer in layers:
        if isinstance(layer.drawn, Palette):
            drawn = layer.drawn
            for colour, value in ((drawn.colours[0], drawn.low), (drawn.colours[-1], drawn.high)):
                style = {"facecolor": colour, "edgecolor": QUIET}
                y = _entry(axes, y, style, layer.words(lang), f"{value:g} {layer.unit}")
    return y


def _paragraph(axes: Axes, y: float, text: str, **style: Any) -> float:
    """Wrapped text with its top at `y`; the y of its foot."""
    lines = _wrapped(text, style["size"], wide=style.get("weight") == "bold")
    axes.text(0, y, lines, va="top", linespacing=1.2, **({"color": INK} | style))
    return float(y - (lines.count("\n") + 1) * style["size"] * LINE / 72)


def _entry(axes: Axes, y: float, style: dict[str, Any], label: str, count: str = "") -> float:
    """A line of the legend below `y`; the y of its foot."""
    lines = _wrapped(label, 9, PANEL[2] - 0.5 - 0.08 * len(count))
    height = 0.25 + 0.13 * lines.count("\n")
    middle = y - height / 2 - 0.02
    text: dict[str, Any] = {"va": "center", "size": 9, "color": INK, "linespacing": 1.15}
    axes.add_patch(
        Rectangle((0, middle - 0.1), 0.34, 0.2, **(style | {"linewidth": 0.7, "clip_on": False}))
    )
    axes.text(0.44, middle, lines, **text)
    axes.text(PANEL[2], middle, count, ha="right", **text)
    return y - height


def _wrapped(text: str, size: float, width: float = PANEL[2], wide: bool = False) -> str:
    """Text broken to a width in inches; a letter of DejaVu Sans is some 0.56 of its size wide."""
    return textwrap.fill(text, int(width * 72 / (size * (0.62 if wide else 0.56))))
