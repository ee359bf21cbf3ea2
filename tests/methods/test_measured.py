"""What the first pass found, as the ledger keeps it and as others find it again."""

from pathlib import Path
from typing import Any

import numpy as np
import shapely
from hypothesis import given
from numpy.typing import NDArray

from pipeline.footprints.footprints import Footprints
from pipeline.footprints.outlines import windows_of
from pipeline.footprints.scope import shards_of
from pipeline.grid.windows import TILE, Layout, Shard, Window
from pipeline.methods.powermapping.measure import Measures
from pipeline.methods.powermapping.rules import NOT_KNOWN, REASONS, stands
from pipeline.runs.measured import Measured, Tables, joined_tops, tops_of, unmeasured
from pipeline.storage.ledger import MEASURE, Ledger
from tests.support.scenes import SEEDS, examples

LAYOUT = Layout.of(Window(-240_000, 60_000, 1000, 1000), 2.0)
NAMES = tuple(Measures.__dataclass_fields__)


def measured(rng: np.random.Generator, place: NDArray[np.int64]) -> Measured:
    """Anything there can be, of these places."""
    n = len(place)
    values = [rng.integers(-900, 9000, n) for _ in NAMES]
    reasons = np.array([None, *REASONS], object)[rng.integers(0, len(REASONS) + 1, n)]
    dark = rng.integers(0, 128, n).astype(np.uint8)
    lit = rng.integers(0, 900, n)
    return Measured(place, Measures(*values), reasons, rng.random(n) < 0.5, dark, lit)


def footprints(centre: NDArray[np.float64], half: NDArray[np.float64], place: Any) -> Footprints:
    """Squares, of which only the place and the ground matter."""
    n, nothing = len(centre), np.zeros(len(centre), object)
    bounds = np.hstack([centre - half[:, None], centre + half[:, None]])
    known: dict[str, Any] = dict.fromkeys(Footprints.__dataclass_fields__, nothing)
    known |= {"place": place, "geometry": shapely.box(*bounds.T), "centre": centre,
              "bounds": bounds, "sources": (), "row": np.arange(n)}  # fmt: skip
    return Footprints(**known)


def somewhere(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Centres on the layout's ground, some on the lines of shards [m]."""
    west, south, _, _ = LAYOUT.extent.bounds(2.0)
    centre = np.array([west, south]) + rng.uniform(0, 2000, (n, 2))
    return np.where(rng.random((n, 2)) < 0.2, np.round(centre / 256) * 256, centre)


def assert_same(one: Measured, other: Measured) -> None:
    a, b = one.columns(), other.columns()
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@given(SEEDS)
@examples(40)
def test_parts_join_in_the_order_of_their_places(seed: int) -> None:
    rng = np.random.default_rng(seed)
    place = np.sort(rng.choice(5000, 60, replace=False))
    whole, of = measured(rng, place), rng.integers(0, 4, 60)
    assert_same(Measured.joined([whole.take(of == i) for i in (2, 0, 3, 1)]), whole)
    assert_same(Measured.of(whole.columns()), whole)
    assert len(Measured.joined([])) == 0


@given(SEEDS)
@examples(15)
def test_what_was_measured_is_found_again(tmp_path_factory: Any, seed: int) -> None:
    """By whoever looks, among footprints of which some were not, and shards that had none."""
    rng = np.random.default_rng(seed)
    ledger = Ledger(Path(tmp_path_factory.mktemp("run")))
    centre, place = somewhere(rng, 80), np.sort(rng.choice(900, 80, replace=False))
    whole, known = measured(rng, place), rng.random(80) < 0.7
    owners = shards_of(LAYOUT, centre)
    for owner in np.unique(owners[known], axis=0):
        here = known & (owners == owner).all(axis=1)
        ledger.record(MEASURE, Shard(*owner.tolist()).name, whole.take(here).columns())
    asked = np.sort(rng.choice(80, 50, replace=False))
    half = np.ones(50)
    at, found = Tables(ledger, LAYOUT).known(footprints(centre[asked], half, place[asked]))
    assert at.tolist() == np.flatnonzero(known[asked]).tolist()
    assert_same(found, whole.take(asked[at]))


@given(SEEDS)
@examples(30)
def test_the_tops_of_what_stands(seed: int) -> None:
    """Of each tile that it touches the lowest and the highest; joined, a tile may come twice."""
    rng = np.random.default_rng(seed)
    centre = somewhere(rng, 30)
    f = footprints(centre, rng.gamma(1, 60, 30), np.arange(30))
    m = measured(rng, f.place)
    halves = np.split(np.arange(30), [12])
    found = joined_tops([tops_of(f.take(half), m.take(half), 2.0) for half in halves])
    told: dict[tuple[int, int], list[int]] = {}
    for name in ("top_lowest", "top_highest"):
        for tile, height in zip(found["top_tile"].tolist(), found[name].tolist(), strict=True):
            told.setdefault(tuple(tile), []).append(height)
    tops = {tile: (min(heights), max(heights)) for tile, heights in told.items()}
    expected: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero(stands(m.reason)):
        top, left, bottom, right = (windows_of(f.bounds[[i]], 2.0)[0]).tolist()
        for row in range(top // TILE, -(-bottom // TILE)):
            for column in range(left // TILE, -(-right // TILE)):
                expected.setdefault((row, column), []).append(int(m.measures.roof[i]))
    assert tops == {tile: (min(roofs), max(roofs)) for tile, roofs in expected.items()}


def test_of_what_has_no_polygon_nothing_is_known() -> None:
    f = footprints(np.full((3, 2), np.nan), np.ones(3), np.full(3, -1))
    m = unmeasured(f)
    assert m.asked.all()
    assert (m.measures.roof == NOT_KNOWN).all()
    assert (m.measures.ground == NOT_KNOWN).all()
    assert not m.measures.cells.any()
