"""Which footprints are asked for: each in one shard, counted as loops over them count."""

from collections import Counter
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline.areas.selection import parse_area, parse_around
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.prepared import Prepared
from pipeline.footprints.prepared_make import prepare_footprints
from pipeline.footprints.prepared_sort import Sizes
from pipeline.footprints.scope import (
    Scope,
    boxes_of_area,
    scope_at_most,
    scope_of,
    shards_of,
    tally,
)
from pipeline.grid.windows import TILE, LatticeCell, Layout, Shard, Window

CORNER = np.array([122_880.0, 481_280.0])  # where four squares of the suns' lattice meet
EXTENT = Window.around((*CORNER - 900, *CORNER + 900), 2.0)
AREAS: dict[str, str | None] = {
    "all": None,
    "a box": "122500,481000,123350.5,481700",
    "borders on centres": "122480,480880,123280,481280",
}
CIRCLES = [None, "122880,481280,300", "122480,480880,400"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """700 footprints of 1 to 260 m, in row groups of 64; some on lines of cells, shards, squares,
    some without a polygon."""
    rng, folder = np.random.default_rng(5), tmp_path_factory.mktemp("pand")
    centre = CORNER + rng.uniform(-850, 850, (700, 2))
    centre[:200] = CORNER + rng.integers(-4, 5, (200, 2)) * 200.0
    size = rng.gamma(1, 16, (700, 2)) + 1
    shapes = list(shapely.box(*(centre - size / 2).T, *(centre + size / 2).T)) + [None] * 5
    table = gpd.GeoDataFrame({"identificatie": range(705)}, geometry=shapes, crs=28992)
    table.to_parquet(folder / "pand.parquet")
    files, sizes = [str(folder / "pand.parquet")], Sizes(group=64)
    return prepare_footprints(files, cache=folder / "cache", sizes=sizes)


@pytest.fixture(scope="module")
def every(prepared: Prepared) -> Footprints:
    return prepared.read()


@pytest.fixture(params=AREAS)
def area(request: pytest.FixtureRequest) -> Any:
    text = AREAS[request.param]
    return text and parse_area(text)


EVERYWHERE = Window(-(10**7), -(10**7), 2 * 10**7, 2 * 10**7)


def scope(prepared: Prepared, area: Any, around: Any = None, block: int = 64) -> Scope:
    return scope_of(prepared, area, around, Layout.of(EXTENT, 2.0), block, EVERYWHERE)


def inside(every: Footprints, area: Any) -> np.ndarray:
    if area is None:
        return np.ones(len(every), bool)
    return shapely.intersects_xy(area.geometry, *every.centre.T)


def cell_of(centre: np.ndarray) -> tuple[int, int]:
    """The cell of a point; on a line the one north-east of it."""
    x, y = centre
    return int(-np.floor(y / 2.0)) - 1, int(np.floor(x / 2.0))


def test_each_is_in_the_one_shard_that_holds_its_centre(
    prepared: Prepared, every: Footprints, area: Any
) -> None:
    layout = Layout.of(EXTENT, 2.0)
    owners = [layout.shard_of(*cell_of(centre)) for centre in every.centre]
    wanted = inside(every, area)
    found = scope(prepared, area)
    assert found.own == Counter(o for o, is_ in zip(owners, wanted, strict=True) if is_)
    assert found.asked == sum(found.own.values()) == wanted.sum()
    assert shards_of(layout, every.centre).tolist() == [list(owner) for owner in owners]
    for owner, centre in zip(owners, every.centre, strict=True):
        row, column = cell_of(centre)
        assert layout.window(owner).intersect(Window(row, column, 1, 1)).size == 1


@pytest.mark.parametrize("circle", CIRCLES)
def test_selected_are_those_of_the_area_in_the_circle(
    prepared: Prepared, every: Footprints, area: Any, circle: str | None
) -> None:
    around = circle and parse_around(circle)
    wanted = inside(every, area)
    if around:
        x, y, radius = around
        wanted &= np.hypot(*(every.centre - (x, y)).T) <= radius
    assert scope(prepared, area, around).selected == wanted.sum() > 0


def test_the_densest_block(prepared: Prepared, every: Footprints, area: Any) -> None:
    layout = Layout.of(EXTENT, 2.0)
    corner = np.array([layout.extent.top, layout.extent.left])
    cells = np.array([cell_of(centre) for centre in every.centre[inside(every, area)]]) - corner
    for block in (16, 50, 10**6):
        side = min(block, layout.shard)
        expected = max(Counter(map(tuple, (cells // side).tolist())).values())
        assert scope(prepared, area, block=block).densest == expected


def test_the_tiles_that_they_touch_and_their_squares(
    prepared: Prepared, every: Footprints, area: Any
) -> None:
    found = scope(prepared, area)
    tiles = set()
    for bounds in every.bounds[inside(every, area)]:
        frame = Window.around(tuple(bounds), 2.0).coarse(TILE)
        tiles |= {
            (i, j) for i in range(frame.top, frame.bottom) for j in range(frame.left, frame.right)
        }
    rows, columns = np.nonzero(found.tiles.marked)
    marked = {(found.tiles.frame.top + i, found.tiles.frame.left + j)
              for i, j in zip(rows.tolist(), columns.tolist(), strict=True)}  # fmt: skip
    assert tiles <= marked
    near = {(i + di, j + dj) for i, j in tiles for di in (-1, 0, 1) for dj in (-1, 0, 1)}
    assert marked <= near  # a cell more, that of the centre, may lie over a tile's line
    squares = {
        square
        for i, j in marked
        for square in LatticeCell.touched(Window(i * TILE, j * TILE, TILE, TILE), 2.0)
    }
    assert found.squares(2.0) == sorted(squares)
    assert len(squares) == 4


def test_the_most_that_they_can_touch_takes_no_reading(
    prepared: Prepared, area: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, found = Layout.of(EXTENT, 2.0), scope(prepared, area)
    monkeypatch.setattr(Prepared, "boxes", None)
    most = scope_at_most(prepared, area, layout, EVERYWHERE)
    both = most.tiles.union(found.tiles)
    assert both.marked.sum() == most.tiles.marked.sum()
    assert {*found.squares(2.0)} <= {*most.squares(2.0)}
    within = Window(EXTENT.top, EXTENT.left, 300, 450)
    assert within.coarse(TILE).covers(scope_at_most(prepared, area, layout, within).tiles.frame)
    nowhere = parse_area("10000,10000,10100,10100")
    assert not scope_at_most(prepared, nowhere, layout, EVERYWHERE).tiles.window.size


def test_row_groups_that_cannot_matter_are_not_read(
    prepared: Prepared, every: Footprints, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    usual = Prepared.boxes
    monkeypatch.setattr(
        Prepared, "boxes", lambda self, group: read.append(group) or usual(self, group)
    )
    box = parse_area("123400,481900,123700,482100")
    places = [boxes.place[mask] for boxes, mask in boxes_of_area(prepared, box)]
    assert 0 < len(read) < len(prepared.group_bounds) / 2
    assert np.sort(np.concatenate(places)).tolist() == np.flatnonzero(inside(every, box)).tolist()


def test_a_tally_of_nothing_and_of_some() -> None:
    assert tally(np.zeros((0, 2), np.int64)) == {}
    assert tally(np.array([[1, 2], [-1, 0], [1, 2]])) == {Shard(-1, 0): 1, Shard(1, 2): 2}
