"""The page for a council: the map and its legend, with the sums of its roofs below, as PDF."""

import textwrap
from collections.abc import Mapping
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.output.map import cartography
from pipeline.output.map.cartography import MapScene
from pipeline.output.map.legend import axes_at
from pipeline.output.map.palette import DPI, FRAME, INK, QUIET
from pipeline.results.printed import sums

BAND = (*FRAME[:3], 2.15)  # inches, below the map
MAP = (FRAME[0], FRAME[1] + BAND[3] + 0.1, FRAME[2], FRAME[3] - BAND[3] - 0.1)
FIGURES, REST = 3.35, 3.45  # inches: right edge of the figures, left edge of what follows them
SIZE, SMALL = 8.5, 7.5  # points: of lines, of sentences
LETTERS, WIDE = 70, 145  # that fit behind the figures, and in a sentence
LEADING = 1.35  # height of a line, in its size
WRITTEN = 5.0  # above all that is drawn of the ground, below all that is written on it
TEXT_AS_TEXT: dict[Any, Any] = {"pdf.fonttype": 42}  # which can be searched and copied
# Equal pages have equal bytes, so none has the time at which it was written.
METADATA: Mapping[str, None] = dict.fromkeys(("Creator", "Producer", "CreationDate"))


def draw(scene: MapScene, to: Any, lang: str = "en") -> None:
    """Write the page as PDF to a path or a binary stream: text as text, the ground as a picture of
    200 dots an inch. Equal scenes give equal bytes with the same matplotlib."""
    with rc_context(TEXT_AS_TEXT):
        page(scene, lang).savefig(to, format="pdf", dpi=DPI, metadata=dict(METADATA))


def page(scene: MapScene, lang: str) -> Figure:
    """One A4 page, landscape."""
    figure, frame = cartography.page(scene, lang, MAP)
    frame.set_rasterization_zorder(WRITTEN)
    band(axes_at(figure, BAND, (0, 0, *BAND[2:])), scene.report, lang)
    return figure


def band(axes: Axes, report: Mapping[str, Any], lang: str) -> float:
    """Write the sums below the map, and the assumptions below them; the room that is left
    [inches]."""
    axes.set_axis_off()
    y = BAND[3] - 0.05
    for line in sums(report, lang):
        y = _row(axes, y, *line) if len(line) > 1 else _sentence(axes, y, line[0])
    return y


def _row(axes: Axes, y: float, label: str, figure: str, rest: str) -> float:
    style: dict[str, Any] = {"va": "top", "color": INK, "size": SIZE, "linespacing": 1.2}
    lines = textwrap.wrap(rest, LETTERS)
    axes.text(0, y, label, **style)
    axes.text(FIGURES, y, figure, ha="right", weight="bold", **style)
    axes.text(REST, y, "\n".join(lines), **style)
    return y - 0.04 - len(lines) * SIZE * LEADING / 72


def _sentence(axes: Axes, y: float, text: str) -> float:
    lines = textwrap.wrap(text, WIDE)
    style: dict[str, Any] = {"va": "top", "color": QUIET, "size": SMALL, "linespacing": 1.2}
    axes.text(0, y - 0.03, "\n".join(lines), **style)
    return y - 0.05 - len(lines) * SMALL * LEADING / 72
