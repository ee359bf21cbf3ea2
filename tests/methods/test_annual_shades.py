"""Each plane has one shade, of eight directions or flat, and everyone can tell them apart."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from pipeline.methods.annual.columns import PLANES
from pipeline.methods.shades import Quantity, Scale, Shade
from tests.support.commands import ROOT

# Linear RGB as it looks to those who lack one kind of cones: G. M. Machado, M. M. Oliveira and
# L. A. F. Fernandes, "A physiologically-based model for simulation of color vision deficiency",
# IEEE Transactions on Visualization and Computer Graphics 15 (2009).
EYES = {
    "all": np.eye(3),
    "no red": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]),
    "no green": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]),
    "no blue": np.array([
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
TOLD_APART = 30.0  # in CIELAB; 2.3 is just noticeable side by side
STEP = 10.0  # of lightness from one colour of a scale to the next
PALER = 0.5  # of the way to white: what the page makes of a colour where the interval is wide
PALER_APART = 9.0  # from each colour of the same scale


def lab(colours: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """CIELAB (1976) of sRGB colours, (n, 3) from 0 to 1, as an eye sees them."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    share = np.clip(linear @ eye.T, 0, 1) @ XYZ.T / XYZ.sum(axis=1)
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116).T
    return np.column_stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", EYES)
def test_everyone_tells_the_shades_apart(eye: str) -> None:
    seen = lab(np.array([to_rgb(shade.colour) for shade in PLANES.shades]), EYES[eye])
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert apart[np.triu_indices(len(seen), 1)].min() > TOLD_APART


def holds(shade: Shade, azimuth: float) -> bool:
    low, high = azimuth >= shade.low, azimuth < shade.high
    return (low or high) if shade.low > shade.high else (low and high)


def test_every_direction_has_one_shade() -> None:
    flat, *directions = PLANES.shades
    assert (flat.field, flat.value) == ("kind", "flat")
    assert {shade.field for shade in directions} == {"azimuth_deg"}
    degrees = np.arange(0, 360, 0.5)
    held = [[shade.name for shade in directions if holds(shade, each)] for each in degrees]
    assert all(len(names) == 1 for names in held)
    of = dict(zip(degrees, (name for (name,) in held), strict=True))
    assert [of[d] for d in (0, 22, 22.5, 90, 180, 247, 247.5, 337, 337.5)] == [
        "north", "north", "north_east", "east", "south", "south_west", "west", "north_west",
        "north",
    ]  # fmt: skip
    assert len({shade.colour for shade in PLANES.shades}) == 9
    assert all(one.high == two.low for one, two in pairwise(directions))


def test_the_docs_have_these_colours() -> None:
    text = (ROOT / "docs/methods/annual.md").read_text("utf-8")
    flat, *directions = PLANES.shades
    rows = [f"| {flat.en} | | | `{flat.colour}` |"]
    rows += [f"| {one.en} | {one.low:g} | {one.high:g} | `{one.colour}` |" for one in directions]
    assert "\n".join(rows) in text


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("scale", PLANES.scales, ids=lambda scale: scale.name)
def test_everyone_reads_the_scales_by_their_lightness(scale: Scale, eye: str) -> None:
    light = lab(np.array([to_rgb(colour) for colour in scale.steps.colours]), EYES[eye])[:, 0]
    steps = np.diff(light) * np.sign(light[-1] - light[0])
    assert steps.min() > STEP and len(light) == 5


@pytest.mark.parametrize("eye", EYES)
def test_everyone_tells_what_is_uncertain_from_other_steps(eye: str) -> None:
    for scale in (each for each in PLANES.scales if each.spread_of_part):
        colours = np.array([to_rgb(colour) for colour in scale.steps.colours])
        full, paler = (lab(each, EYES[eye]) for each in (colours, colours + PALER * (1 - colours)))
        assert np.linalg.norm(paler[:, None] - full, axis=-1).min() > PALER_APART


def test_a_scale_has_a_colour_more_than_edges() -> None:
    scale = PLANES.scales[0]
    with pytest.raises(ValueError, match="one more than its edges"):
        replace(scale, steps=scale.steps._replace(edges=(1.0,)))


def test_a_scale_by_an_unknown_field_is_refused() -> None:
    odd = replace(PLANES.scales[0], of_part=Quantity("glare"))
    with pytest.raises(ValueError, match=r"unknown fields .'glare'"):
        replace(PLANES, scales=(odd,))
