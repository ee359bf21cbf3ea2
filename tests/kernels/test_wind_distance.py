"""The rule on cells against the exact distance between polygons: the independent check.

A cell belongs to a footprint that holds its centre, so cells are never nearer than polygons, and
between shapes of some width at most three cells farther. A sliver or a sharp corner may reach
farther than its cells do; such pairs are counted apart.
"""

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from pipeline import quarter
from tests.support import reference
from tests.support.runs import Files, World, judge, table_of

CELLS = 3
LOW: dict[str, Any] = {"wind_min_height_m": 2.0}  # many candidates


def with_cells(out: Path) -> gpd.GeoDataFrame:
    """What stands and has cells of its own, of a finished run."""
    rows = table_of(out)
    stands = rows["rejected"].isna() | (rows["rejected"] == "no_ground")
    small = rows["flags"].map(lambda flags: "one_cell" in flags)
    kept = rows[stands & ~small]
    return gpd.GeoDataFrame(kept, geometry=gpd.GeoSeries.from_wkb(kept["geometry"]))


def verdicts(
    found: gpd.GeoDataFrame, radius: float, resolution: float
) -> tuple[NDArray[np.bool_], ...]:
    """Of the candidates: shadowed by cells, by polygons, by polygons three cells nearer."""
    heights = found["roof_m"].astype(float)
    candidate = found["wind_candidate"].eq(True).to_numpy()
    cells = found["wind_shadowed"].eq(True).to_numpy()
    radii = (radius, radius - CELLS * resolution)
    exact = [reference.polygon_neighbours(found, heights, r) for r in radii]
    return tuple(mask[candidate] for mask in (cells, *exact))


@pytest.mark.parametrize(
    ("resolution", "radius"), [(0.5, 10.0), (1.0, 10.0), (1.0, 30.0), (2.0, 12.5), (5.0, 30.0)]
)
def test_a_quarter(tmp_path: Path, resolution: float, radius: float) -> None:
    size = (300, 250) if resolution < 1 else (500, 400)
    q = quarter.generate(tmp_path / "in", size=size, resolution=resolution, seed=1)
    judge(
        Files(q.dsm, q.dtm, q.buildings), tmp_path / "out", settings=LOW | {"wind_radius_m": radius}
    )
    cells, near, nearer = verdicts(with_cells(tmp_path / "out"), radius, resolution)
    assert len(cells) > 70
    assert 20 < near.sum() < len(cells) - 10
    assert not (cells & ~near).any()
    assert not (nearer & ~cells).any()


def width(polygon: shapely.Polygon) -> float:
    """Of the smallest rectangle around it [m]."""
    return float(min(shapely.length(shapely.get_parts(_sides(polygon)))))


def _sides(polygon: shapely.Polygon) -> Any:
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(polygon))
    return shapely.multilinestrings([corners[i : i + 2] for i in range(2)])


def scattered(rng: np.random.Generator) -> World:
    """Rectangles, needles and slivers of ever other heights, strewn so that none overlap."""
    w = World(500, 500, 1.0)
    placed: list[shapely.Polygon] = []
    while len(placed) < 150:
        x, y = rng.uniform(50, 450, 2)
        a, b, turn = rng.uniform(4, 15), rng.uniform(4, 15), rng.uniform(0, math.pi)
        kind = rng.integers(6)
        shape = shapely.box(0, 0, a, b)
        if kind == 0:
            shape = shapely.box(0, 0, a, rng.uniform(0.3, 0.9))
        elif kind == 1:
            shape = shapely.Polygon([(0, 0), (3 * a, 0.8), (0, 1.6)])
        cos, sin = math.cos(turn), math.sin(turn)
        turned = np.array([[cos, sin], [-sin, cos]])
        shape = shapely.transform(shape, lambda xy, m=turned, at=(x, y): xy @ m + at)
        if not shapely.dwithin(placed, shape, 2).any():
            placed.append(shape)
    for shape in placed:
        row = w.footprint(shape)
        cells = reference.cells_inside(w.footprints.geometry[row], w.transform)
        w.dsm[cells] = rng.uniform(3, 40)
    return w


@pytest.mark.parametrize("seed", range(3))
def test_slivers_and_sharp_corners_are_counted_apart(tmp_path: Path, seed: int) -> None:
    radius = 14.0
    w = scattered(np.random.default_rng(seed))
    w.judge(tmp_path, settings=LOW | {"wind_radius_m": radius})
    found = with_cells(tmp_path / "out")
    thin = found.geometry.map(width) < 5  # slivers and needles
    cells, near, nearer = verdicts(found, radius, 1.0)
    assert not (cells & ~near).any()
    rows = found[found["wind_candidate"].eq(True)]
    differing = rows[nearer & ~cells]
    assert 0 < len(differing) < 0.1 * len(cells)
    for _, row in differing.iterrows():
        higher = found[found["roof_m"] > row["roof_m"]]
        close = higher[higher.distance(row["geometry"]) <= radius - CELLS]
        assert thin[row["row"]] or thin[close["row"]].all()
