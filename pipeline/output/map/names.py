"""Names of places, waters and streets on the map, from a base map: the most important first, none
over another."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Stroke
from numpy.typing import NDArray

from pipeline.output.map.legend import PLATE, Bounds
from pipeline.output.map.palette import DPI, FRAME, INK, PAPER
from pipeline.vectors.basemap import NamedFeatures, named_features, zoom_of

WET = "#2f5d7c"
HALO = 1.8  # points
ABOVE = 6.0  # zorder of the halos, above the roofs; the letters lie above all halos
ROOM = 1.25, 1.6  # of a text: its box in its width and its size
STRAIGHT = 0.97  # chord of a line by its length along a text
WIDER = 3.0  # a text may be so many times as wide as the polygon that it names
FINE = 10  # dots a point in which widths of texts are measured
JOIN_M = 0.5  # lines of two tiles meet within this, in coarser tiles within about a dot:
JOIN = 0.01  # of the width of a text


class Kind(NamedTuple):
    """Names that are written alike. layer, kinds: of the base map, all kinds where none is named;
    zoom: from which they are written, as on the page; size [points]; style: of the letters."""

    layer: str
    kinds: tuple[str, ...]
    zoom: float
    size: float
    style: dict[str, Any]


KINDS = (  # the most important first
    Kind("places", ("locality",), 6, 9.5, {"color": INK, "weight": "bold"}),
    Kind("places", ("macrohood", "neighbourhood"), 12, 8.0, {"color": INK, "weight": "bold"}),
    Kind("water", (), 12, 7.0, {"color": WET, "style": "italic"}),
    Kind("roads", ("highway", "major_road"), 12, 6.5, {"color": INK}),
    Kind("roads", ("medium_road", "minor_road", "path", "other"), 14, 6.0, {"color": INK}),
)


class Spot(NamedTuple):
    """A place for a name: its middle in RD [m], and its turn [degrees]."""

    x: float
    y: float
    turn: float = 0.0


def draw_names(axes: Axes, file: str, view: Bounds, lang: str) -> None:
    """Write the names of a base map on the map of a view; scale bar and north arrow, if they are
    drawn, stay free. Raises InputError for a file that cannot be read."""
    zoom = zoom_of(view, FRAME[2] * DPI)
    drawn = (patch for patch in axes.patches if isinstance(patch, Rectangle))
    plates = (patch for patch in drawn if patch.get_zorder() == PLATE["zorder"])
    taken = [shapely.box(*plate.get_bbox().extents) for plate in plates]
    for kind in KINDS:
        if zoom >= kind.zoom:
            features = named_features(file, kind.layer, view, zoom, lang)
            for name, pieces in _ranked(features, kind):
                _place(axes, name, pieces, kind, view, taken)


def _ranked(features: NamedFeatures, kind: Kind) -> list[tuple[str, NDArray[np.object_]]]:
    """Each name of a kind with its pieces: those first that are meant to be seen from farthest
    away, then the longest."""
    names, kinds, min_zoom, geometry = features
    rows = np.isin(kinds, kind.kinds) if kind.kinds else np.ones(len(names), bool)
    every, of = np.unique(names[rows].astype(str), return_inverse=True)
    pieces = [geometry[rows][of == at] for at in range(len(every))]
    first = [min_zoom[rows][of == at].min() for at in range(len(every))]
    order = sorted(range(len(every)), key=lambda at: (first[at], -shapely.length(pieces[at]).sum()))
    return [(str(every[at]), pieces[at]) for at in order]


def _place(
    axes: Axes,
    name: str,
    pieces: NDArray[np.object_],
    kind: Kind,
    view: Bounds,
    taken: list[shapely.Polygon],
) -> None:
    """Write a name at its first spot that is free and in view, and take the room."""
    length = _length(name, kind)
    if length is None:
        return
    text = name.replace("$", r"\$")  # no formula
    point = (view[2] - view[0]) / FRAME[2] / 72
    wide, high = ROOM[0] * length * point, ROOM[1] * kind.size * point
    for spot in _spots(shapely.clip_by_rect(pieces, *view), wide):
        box = _box(spot, wide, high)
        if shapely.box(*view).contains(box) and not _overlaps(box, taken):
            taken.append(box)
            _write(axes, spot, text, kind)
            return


def _length(name: str, kind: Kind) -> float | None:
    """Width of a name [points]; None of one with letters that the font lacks."""
    style = {key: value for key, value in kind.style.items() if key != "color"}
    font = get_font(findfont(FontProperties(**style)))
    if not all(font.get_char_index(ord(letter)) for letter in name):
        return None
    font.set_size(kind.size, FINE * 72)
    font.set_text(name)
    return float(font.get_width_height()[0]) / 64 / FINE


def _write(axes: Axes, spot: Spot, text: str, kind: Kind) -> None:
    """Letters over their halo, apart: a PDF keeps text without effects as text."""
    style: dict[str, Any] = kind.style | {
        "size": kind.size, "rotation": spot.turn, "rotation_mode": "anchor",
        "ha": "center", "va": "center_baseline",
    }  # fmt: skip
    halo = Stroke(linewidth=2 * HALO, foreground=PAPER, joinstyle="round")
    axes.text(spot.x, spot.y, text, **style, zorder=ABOVE, path_effects=[halo])
    axes.text(spot.x, spot.y, text, **style, zorder=ABOVE + 1)


def _box(spot: Spot, wide: float, high: float) -> shapely.Polygon:
    """The rectangle of a text [m]."""
    turn = np.radians(spot.turn)
    along = np.array([np.cos(turn), np.sin(turn)]) * wide / 2
    up = np.array([-np.sin(turn), np.cos(turn)]) * high / 2
    corners = [-along - up, along - up, along + up, up - along]
    return shapely.Polygon([(spot.x + dx, spot.y + dy) for dx, dy in corners])


def _overlaps(box: shapely.Polygon, taken: list[shapely.Polygon]) -> bool:
    return bool(shapely.intersects(np.array(taken, np.object_), box).any())


def _spots(pieces: NDArray[np.object_], wide: float) -> Iterator[Spot]:
    """Spots for a text so wide [m]: along lines, the longest first; in the largest polygon, unless
    it is much smaller; at points."""
    parts = shapely.get_parts(pieces)
    kinds = shapely.get_type_id(parts)
    for line in _joined(parts[kinds == 1], max(JOIN_M, JOIN * wide)):
        yield from _along(line, wide)
    largest = max(parts[kinds == 3], key=shapely.area, default=shapely.Polygon())
    if wide <= WIDER * largest.area**0.5:
        yield _at(shapely.point_on_surface(largest))
    yield from (_at(point) for point in parts[kinds == 0])


def _at(point: shapely.Point) -> Spot:
    return Spot(point.x, point.y)


def _joined(lines: NDArray[np.object_], tolerance: float) -> list[shapely.LineString]:
    """Lines joined where their ends lie within so many metres of each other, the longest first."""
    points, line = shapely.get_coordinates(lines, return_index=True)
    ends = np.flatnonzero((np.diff(line, prepend=-1) != 0) | (np.diff(line, append=-1) != 0))
    nodes = shapely.points(points[ends])
    here, there = shapely.STRtree(nodes).query(nodes, predicate="dwithin", distance=tolerance)
    same = np.arange(len(ends))
    np.minimum.at(same, here, there)
    points[ends] = points[ends[same]]
    moved = shapely.linestrings(points, indices=line)
    moved = moved[shapely.length(moved) > 0]
    joined = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(moved)))
    return sorted(joined, key=shapely.length, reverse=True)


def _along(line: shapely.LineString, wide: float) -> Iterator[Spot]:
    """Spots on a line, from its middle outwards, where it is nearly straight."""
    spare = line.length - wide
    if spare < 0:
        return
    parts = np.linspace(0, 1, 2 * int(spare / wide) + 1)
    starts = spare * parts[np.argsort(np.abs(parts - 0.5), kind="stable")]
    first, last = (
        shapely.get_coordinates(shapely.line_interpolate_point(line, starts + beyond))
        for beyond in (0.0, wide)
    )
    for (x, y), (dx, dy) in zip((first + last) / 2, last - first, strict=True):
        if np.hypot(dx, dy) >= STRAIGHT * wide:
            yield Spot(x, y, (np.degrees(np.arctan2(dy, dx)) + 90) % 180 - 90)
