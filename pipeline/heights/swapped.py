"""Check that DSM and DTM were not swapped, on a sample of tiles, before anything is computed."""

import numpy as np

from pipeline.errors import InputError
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import TILE, Window
from pipeline.heights.pair import HeightPair
from pipeline.terms import Field, File

MOST = 64  # tiles that are read: a million cells of each raster, whatever the area
MARGIN_M = 0.5
SHARE = 0.02  # in the right order at most 0.003 of real cells, swapped 0.14 to 0.44


def check_order(terrain: HeightPair, tiles: TileMask) -> None:
    """Raises InputError where the DSM lies more than MARGIN_M below the DTM in over SHARE of a
    sample of cells, and in more of them than above it.

    tiles: those with footprints, where the two differ most; the sample is spread evenly over them,
    and is the same in every run of the same area and inputs.
    """
    below = above = known = 0
    with terrain.heights() as heights:
        for window in sample(tiles):
            part = window.intersect(terrain.window)
            difference = heights.dsm(part) - heights.dtm(part)
            below += int(np.count_nonzero(difference < -MARGIN_M))
            above += int(np.count_nonzero(difference > MARGIN_M))
            known += int(np.count_nonzero(~np.isnan(difference)))
    if below > SHARE * known and below > above:
        raise InputError(
            File(terrain.dsm.sheets[0].path),
            "lies as DSM below {other} as DTM in {share:.0%} of the cells of a sample",
            "are they swapped? Give the surface as {dsm} and the terrain as {dtm}, or accept the"
            " heights with {allow}",
            other=File(terrain.dtm.sheets[0].path),
            share=below / known,
            dsm=Field("dsm"),
            dtm=Field("dtm"),
            allow=Field("allow", "heights"),
        )


def sample(tiles: TileMask) -> list[Window]:
    """At most MOST of the marked tiles, evenly spread in their order, as windows of cells."""
    places = np.argwhere(tiles.marked) + np.array([tiles.frame.top, tiles.frame.left])
    chosen = np.linspace(0, len(places) - 1, min(MOST, len(places))).round().astype(np.int64)
    return [
        Window(row * TILE, column * TILE, TILE, TILE) for row, column in places[chosen].tolist()
    ]
