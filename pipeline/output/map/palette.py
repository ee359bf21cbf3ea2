"""Colours, styles and page of the map; the style for QGIS is made from them too."""

from typing import Any

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

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
    # Marks on roofs of any class, told apart by their lines.
    "reach_cut": {
        "facecolor": "none",
        "edgecolor": "#c2007a",
        "linewidth": 1.1,
        "linestyle": (0, (2.0, 1.2)),
    },
    "added": {"facecolor": "none", "edgecolor": "#00846b", "linewidth": 2.2},
}

SIZE = (11.69, 8.27)  # inches: A4, landscape
DPI = 200
FRAME = (0.3, 0.3, 8.25, 7.67)  # inches: left, bottom, width, height
PANEL = (8.8, 0.3, 2.6, 7.67)


def brightness(hillshade: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much of GROUND's colour is left, (..., 1), where the grey of a hillshade is so."""
    return np.minimum(0.55 + hillshade[..., None] / np.float32(510), 1)


def shadow_colours(suns: int) -> NDArray[np.uint8]:
    """RGB (256, 3) of each mask of shadows, darker for each of the suns at which it is shaded."""
    shaded = np.bitwise_count(np.arange(256, dtype=np.uint8)) / max(suns, 1)
    share = DARKEST * np.minimum(shaded, 1)[:, None]
    colours = share * np.array(to_rgb(SHADOW)) + (1 - share) * np.array(to_rgb(GROUND))
    return np.rint(255 * colours).astype(np.uint8)
