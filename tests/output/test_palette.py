"""Places of cells in 256 colours: by a palette over its range, or as they are."""

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from pipeline.methods.method import Layer
from pipeline.methods.shades import Palette
from pipeline.output.map.palette import indexed, nothing, palette_colours

PALETTE = Palette(("#000000", "#ff0000", "#ffffff"), -10.0, 10.0)


def layer(kind: str, fill: float, drawn: Any) -> Layer:
    return Layer("glow", kind, fill, "W", "glow", "Glow", "Gloed", drawn)


def test_a_palette_reaches_from_low_to_high_and_stays_there_beyond() -> None:
    cells = np.array([np.nan, -1e9, -10, 0, 10, np.inf], np.float32)
    places = indexed(layer("float32", np.nan, PALETTE), cells)
    assert places.tolist() == [0, 1, 1, 128, 255, 255]
    assert nothing(layer("float32", np.nan, PALETTE)) == 0
    colours = palette_colours(PALETTE)
    assert [colours[place].tolist() for place in (1, 128, 255)] == [
        pytest.approx(to_rgb(colour)) for colour in PALETTE.colours
    ]


@pytest.mark.parametrize(("fill", "drawn"), [(0, "grey"), (255, "bits")])
def test_whole_numbers_are_their_own_places(fill: int, drawn: Any) -> None:
    cells = np.arange(256, dtype=np.uint8)
    assert (indexed(layer("uint8", fill, drawn), cells) == cells).all()
    assert nothing(layer("uint8", fill, drawn)) == fill
