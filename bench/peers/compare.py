"""The agreement of a peer's output with ours, or with the reference, in a few words."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.peers.truth import Cells, Floats

# Five standard deviations of the ground's noise: what hangs on less is nobody's mistake.
SLACK = 0.25


def share(hits: NDArray[np.bool_]) -> str:
    """The share of hits as text; `all` and `none` only if it is so."""
    number = int(hits.sum())
    if number in (0, hits.size):
        return "none" if number == 0 else "all"
    if number > 0.9995 * hits.size:
        return f"all but {hits.size - number}"
    return f"{100 * number / hits.size:.1f} %" if number > 0.0005 * hits.size else f"{number}"


def as_greys(output: NDArray[Any]) -> NDArray[np.int64]:
    """Greys 1 to 255 of cosines of the incidence, or as bytes already; 0 where there is none."""
    if output.dtype == np.uint8:
        return output.astype(np.int64)
    grey = np.rint(1 + 254 * np.clip(np.nan_to_num(output), 0, 1)).astype(np.int64)
    return np.where(np.isfinite(output), grey, 0)


def greys(output: NDArray[Any], right: NDArray[Any], mirrored: NDArray[Any]) -> str:
    """The share of right greys, the edge left out; mirrored: greys of the sun mirrored north to
    south, named if they fit better."""
    known = (as_greys(output) > 0) & (right > 0)
    grey = as_greys(output)[known]
    apart = np.abs(grey - right[known])
    flipped = np.abs(grey - mirrored[known])
    text = f"greys right: {share(apart == 0)}, at most {apart.max()} apart"
    if np.mean(flipped) < np.mean(apart):
        text += f"; with the sun mirrored north to south: {share(flipped == 0)}, {flipped.max()}"
    return text


def wrong_side(shaded: NDArray[Any], above: Floats, cells: Cells) -> NDArray[np.bool_]:
    """Which cells are on the wrong side of the shadow's edge, of those that lie clear of it."""
    clear = np.abs(above) > SLACK
    return np.asarray(shaded[cells][clear] != (above[clear] > 0))


def shadows(output: NDArray[Any], ours: NDArray[np.bool_], above: Floats, cells: Cells) -> str:
    """output, ours: whether each cell is shaded; above: of `truth.shadow_above` at the cells."""
    theirs = output.astype(np.bool_)
    return (
        f"cells that differ from ours: {share(theirs != ours)}; "
        f"on the wrong side of the exact shadow: {share(wrong_side(theirs, above, cells))} "
        f"(ours {share(wrong_side(ours, above, cells))})"
    )


def errors(output: Floats, right: Floats, unit: str = "") -> str:
    """Root mean square and bias of what is known of the output."""
    error = (output - right)[np.isfinite(output + right)]
    rmse, bias = float(np.sqrt(np.mean(error**2))), float(np.mean(error))
    return f"rmse {rmse:.2g}{unit}, bias {bias:+.2g}{unit}"


def maxima(output: Floats, disc: Floats) -> str:
    """output: the maximum that each cell was given; disc: that within the radius."""
    return f"higher than the disc's maximum: {share(output > disc)}; lower: {share(output < disc)}"


def sums(output: Floats, ours: Floats) -> str:
    """output, ours: (2, buildings), the count of cells and the sum of heights [m] of each."""
    known = (ours[0] > 0) & (output[0] > 0)
    same = output[0] == ours[0]
    text = f"counts as ours: {share(same)}"
    if not same.all():
        apart = 100 * np.abs(output[0, known] / ours[0, known] - 1)
        text += f", {apart.mean():.2g} % apart on average"
    means = np.abs(output[1, known] / output[0, known] - ours[1, known] / ours[0, known])
    return f"{text}; mean heights at most {means.max():.2g} m apart"
