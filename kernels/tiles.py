"""Gather and scatter: the chosen cells of a raster by tiles of SIDE x SIDE, anchored on the
grid."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.simd import SIDE

ZERO = np.float32(0)


class Tile(NamedTuple):
    """The rows of a tile that hold a chosen cell, one after another. at: index of the tile among
    all; south, east: position of its middle from the anchor [cells]; places: (rows,) int64, where
    each row starts in the flat frame; own, tangent: (rows x SIDE,) float32, heights [m], infinite
    where a cell is not chosen, and tangents of the horizon so far; lowest: of own; word: (1,)
    int32, scratch."""

    at: int
    south: int
    east: int
    places: NDArray[np.int64]
    own: NDArray[np.float32]
    tangent: NDArray[np.float32]
    lowest: np.float32
    word: NDArray[np.int32]


class Frame(NamedTuple):
    """A tile in the array: its first row and column there; the columns of it that lie in the block,
    first and half-open last; the block's first row and column in the array."""

    top: int
    left: int
    begin: int
    end: int
    block_top: int
    block_left: int


@kernel
def gather(heights, chosen, counts, frame, columns, own, places, rows):  # type: ignore[no-untyped-def]
    """Copy the heights of a tile's chosen cells into `own`, infinity for others, for each row with
    any; `places` gets where those rows start in an array of so many columns, `rows` their numbers.
    Returns the number of rows. heights: of the block; counts: chosen cells in each row of it."""
    n = 0
    for r in range(SIDE):
        y = frame.top + r - frame.block_top
        if 0 <= y < len(counts) and counts[y] > 0:
            row, mask, left = heights[y], chosen[y], frame.left - frame.block_left
            own[n * SIDE : (n + 1) * SIDE] = np.inf
            for c in range(frame.begin, frame.end):
                if mask[left + c] and row[left + c] == row[left + c]:
                    own[n * SIDE + c] = row[left + c]
            rows[n], places[n] = r, (frame.top + r) * columns + frame.left
            n += 1
    return n


@kernel
def gather_gradients(gradient, own, frame, rows, rise):  # type: ignore[no-untyped-def]
    """Copy the gradients of a tile's cells with a height into `rise`, 0 for others: east of all,
    then north of all. gradient: (rows, columns, 2), of the block."""
    for r in range(len(rows)):
        y = frame.top + rows[r] - frame.block_top
        for c in range(SIDE):
            at, x = r * SIDE + c, frame.left + c - frame.block_left
            known = own[at] < np.inf
            rise[at] = gradient[y, x, 0] if known else ZERO
            rise[len(rows) * SIDE + at] = gradient[y, x, 1] if known else ZERO


@kernel
def scatter(chosen, start, frame, rows, own, sky, sums, out, out_sums):  # type: ignore[no-untyped-def]
    """Write the results of a tile's chosen cells into `out`, from start[row of the block] on."""
    for r in range(len(rows)):
        y = frame.top + rows[r] - frame.block_top
        n, mask = start[y], chosen[y]
        for c in range(frame.begin, frame.end):
            if mask[frame.left + c - frame.block_left]:
                at = r * SIDE + c
                known = own[at] < np.inf
                out[n] = sky[at] if known else np.nan
                for channel in range(len(sums)):
                    out_sums[n, channel] = sums[channel, at] if known else np.nan
                n += 1


@kernel
def scatter_bins(chosen, start, frame, rows, bins, out):  # type: ignore[no-untyped-def]
    """Write the bins of a tile's chosen cells, (directions, cells of a tile), into `out`, (chosen
    cells, directions)."""
    for r in range(len(rows)):
        y = frame.top + rows[r] - frame.block_top
        n, mask = start[y], chosen[y]
        for c in range(frame.begin, frame.end):
            if mask[frame.left + c - frame.block_left]:
                for k in range(len(bins)):
                    out[n, k] = bins[k, r * SIDE + c]
                n += 1


@kernel
def tile_frame(near, i, j):  # type: ignore[no-untyped-def]
    """Frame of tile (i, j), counted from the anchor."""
    top, left, block = i * SIDE - near.top, j * SIDE - near.left, near.block
    begin, end = max(block.left - left, 0), min(block.left + block.width - left, SIDE)
    return Frame(top, left, begin, end, block.top, block.left)


@kernel
def count_chosen(chosen, edge, counts, starts):  # type: ignore[no-untyped-def]
    """Fill `counts` and `starts`, (tiles across, rows) int64: the chosen cells of each tile and
    row, and their position in row-major order. edge: the mask's first column, from a tile's
    border."""
    n = 0
    for y in range(chosen.shape[0]):
        for t in range(len(counts)):
            starts[t, y] = n
            for x in range(max(t * SIDE - edge, 0), min((t + 1) * SIDE - edge, chosen.shape[1])):
                n += chosen[y, x]
            counts[t, y] = n - starts[t, y]
