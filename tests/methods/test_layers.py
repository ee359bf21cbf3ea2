"""The raster layers of a whole run against the reference, which knows no blocks."""

import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from numpy.typing import NDArray

from pipeline import quarter
from tests.support import reference
from tests.support.outcomes import Outcome, common, run_without_map
from tests.support.reference import DEFAULTS, LATTICE
from tests.support.runs import Files, around, generated, read
from tests.support.worlds import write_world

Array = NDArray[Any]
DAY = DEFAULTS["date"], DEFAULTS["times"], DEFAULTS["elevation"]


class Ground:
    """The rasters on all the ground that either covers, NaN where not both do."""

    def __init__(self, files: Files) -> None:
        boxes = []
        for path in (*files.dsm, *files.dtm):
            with rasterio.open(path) as sheet:
                boxes.append(tuple(sheet.bounds))
        dsm, self.transform, on_dsm = read(files.dsm, bounds=around(boxes))
        dtm, _, on_dtm = read(files.dtm, bounds=around(boxes))
        self.on_raster = on_dsm & on_dtm
        self.dsm, self.dtm = (np.where(self.on_raster, h, np.float32(np.nan)) for h in (dsm, dtm))
        self.resolution: float = self.transform.a
        self.place = (
            round(-self.transform.f / self.resolution),
            round(self.transform.c / self.resolution),
        )

    def extruded(self, rows: dict[int, dict[str, Any]]) -> Array:
        """The surface that the rows stand for."""
        standing = [r for r in rows.values() if r["rejected"] in (None, "no_ground")]
        own = [self._cells(row) for row in standing]
        return reference.extruded_surface(self.dtm, own, [row["roof_m"] for row in standing])

    def _cells(self, row: dict[str, Any]) -> reference.Cells:
        polygon = shapely.from_wkb(row["geometry"])
        if "one_cell" in row["flags"]:
            centre = shapely.Point(row["centre_x"], row["centre_y"])
            cells = reference.cell_of(centre, self.transform)
        else:
            cells = reference.cells_inside(polygon, self.transform)
        return cells.where(reference.covered(cells, self.on_raster))

    def sun_hillshades(self, surface: Array, shadow: Array) -> Array:
        """(sun, y, x), each lattice square under its own suns; 0 in shadow or without data."""
        out = np.zeros((len(DAY[1]), *surface.shape), np.uint8)
        per = LATTICE / self.resolution
        down = np.arange(surface.shape[0]) + self.place[0]
        across = np.arange(surface.shape[1]) + self.place[1]
        rows, columns = np.floor((-down - 1) / per), np.floor(across / per)
        for row, column in product(np.unique(rows), np.unique(columns)):
            there = np.ix_(rows == row, columns == column)
            suns = reference.suns(DAY[0], tuple(DAY[1]), DAY[2], int(column), int(row))
            for i, sun in enumerate(suns):
                angles = math.radians(sun.azimuth), math.radians(sun.elevation)
                grey = reference.hillshade(surface, self.resolution, *angles)
                out[i][there] = np.where(shadow >> i & 1, 0, grey)[there]
        return out


def assert_layers(found: Outcome, ground: Ground, surface: str) -> None:
    """All four layers equal the reference's; a grey may be off by one where it was a half."""
    expected = {"surface": ground.extruded(found.rows) if surface == "extruded" else ground.dsm}
    expected["shadow"] = reference.cast_shadow(expected["surface"], ground.transform, *DAY)
    picture = math.radians(315), math.radians(45)
    expected["hillshade"] = reference.hillshade(ground.dsm, ground.resolution, *picture)
    expected["sun_hillshade"] = ground.sun_hillshades(expected["surface"], expected["shadow"])
    for name, array in expected.items():
        mine, theirs = common(found.arrays[0, name], (ground.place, array))
        assert mine.size > 5000
        if "hillshade" in name:
            off = np.abs(mine.astype(int) - theirs)
            assert off.max() <= 1, name
            assert (off > 0).mean() < 1e-4, name
            assert (mine > 0).mean() > 0.2, name
        else:
            np.testing.assert_array_equal(mine, theirs, err_msg=name)


@pytest.mark.parametrize("surface", ["extruded", "dsm"])
@pytest.mark.parametrize("resolution", [1.0, 2.0])
def test_a_quarter(tmp_path: Path, resolution: float, surface: str) -> None:
    files = generated(tmp_path / "in", size=(260, 220), resolution=resolution, seed=5)
    found = run_without_map(files, tmp_path / "out", settings={"surface": surface}, block=90)
    assert_layers(found, Ground(files), surface)


@pytest.mark.parametrize("seed", range(60, 66))
def test_a_messy_world(tmp_path: Path, seed: int) -> None:
    surface = ("extruded", "dsm")[seed % 2]
    files = write_world(tmp_path / "in", seed)
    found = run_without_map(
        files, tmp_path / "out", settings={"surface": surface}, block=60, allow=frozenset({"gaps"})
    )
    assert_layers(found, Ground(files), surface)


def coarser(array: Array, void: float, by: int) -> Array:
    """The mean of what has data in squares of two by two, so many times; else `void`."""
    if by == 0:
        return array
    squares = np.stack([array[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]).astype(float)
    data = ~np.isnan(squares) if np.isnan(void) else squares != void
    filled = np.where(data, squares, np.nan)
    mean = np.full(data.shape[1:], float(void))
    mean[data.any(axis=0)] = np.nanmean(filled[:, data.any(axis=0)], axis=0)
    return coarser((mean if np.isnan(void) else np.rint(mean)).astype(array.dtype), void, by - 1)


def test_coarser_levels_are_made_of_finer_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.grid.windows.CHUNK", 64)
    monkeypatch.setattr("pipeline.results.store.CHUNK", 64)
    q = quarter.generate(tmp_path / "in", size=(300, 270), resolution=1)
    found = run_without_map(Files(q.dsm, q.dtm, q.buildings), tmp_path / "out").arrays
    assert {level for level, _ in found} == {0, 1, 2}
    for (level, name), (place, array) in found.items():
        (top, left), finest = found[0, name]
        assert place == (top >> level, left >> level)
        if name == "shadow":  # a mask has no mean: the north-western cell stands for four
            expected = finest[:: 1 << level, :: 1 << level]
        else:
            expected = coarser(finest, np.nan if name == "surface" else 0, level)
        np.testing.assert_array_equal(array, expected, err_msg=f"{level} {name}")
