"""What a pass hands on, as the ledger keeps it and as later ones find it again."""

from pathlib import Path
from typing import Any

import numpy as np
import shapely
from hypothesis import given
from numpy.typing import NDArray

from pipeline.footprints.footprints import Footprints
from pipeline.footprints.outlines import windows_of
from pipeline.footprints.scope import shards_of
from pipeline.grid.windows import TILE, LatticeCell, Layout, Shard, Window
from pipeline.methods.buildings import COLUMNS, NOT_KNOWN, Measured
from pipeline.methods.house import REASONS
from pipeline.methods.method import names
from pipeline.methods.passes import Block, Handover, Handovers, ground_handover, joined
from pipeline.methods.powermapping.passes import tops_of
from pipeline.methods.powermapping.rules import stands
from pipeline.storage.ledger import Ledger
from tests.support.scenes import SEEDS, examples

STAGE = "measure"
LAYOUT = Layout.of(Window(-240_000, 60_000, 1000, 1000), 2.0)


def footprints(centre: NDArray[np.float64], half: NDArray[np.float64], place: Any) -> Footprints:
    """Squares, of which only the place and the ground matter."""
    n, nothing = len(centre), np.zeros(len(centre), object)
    bounds = np.hstack([centre - half[:, None], centre + half[:, None]])
    known: dict[str, Any] = dict.fromkeys(Footprints.__dataclass_fields__, nothing)
    known |= {"place": place, "wkb": shapely.to_wkb(shapely.box(*bounds.T)), "centre": centre,
              "bounds": bounds, "sources": (), "row": np.arange(n)}  # fmt: skip
    return Footprints(**known)


def measured(rng: np.random.Generator, f: Footprints) -> Measured:
    """Anything there can be, of these footprints."""
    n = len(f)
    values = {name: rng.integers(-900, 9000, n) for name in COLUMNS if name != "reason"}
    reasons = np.array([None, *names(REASONS)], object)[rng.integers(0, len(REASONS) + 1, n)]
    return Measured(f, LAYOUT.resolution, **values, reason=reasons)


def somewhere(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Centres on the layout's ground, some on the lines of shards [m]."""
    west, south, _, _ = LAYOUT.extent.bounds(2.0)
    centre = np.array([west, south]) + rng.uniform(0, 2000, (n, 2))
    return np.where(rng.random((n, 2)) < 0.2, np.round(centre / 256) * 256, centre)


def assert_same(one: Measured, other: Measured) -> None:
    assert one.footprints.place.tolist() == other.footprints.place.tolist()
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def table(m: Measured) -> dict[str, NDArray[Any]]:
    """What a block of these hands on."""
    f = m.footprints
    block = Block(LatticeCell(0, 0), LAYOUT.extent, f, np.ones(len(f), np.bool_))
    return Handover(m.columns(), tops_of(m)).table(block)


@given(SEEDS)
@examples(15)
def test_measurements_are_read_back(tmp_path_factory: Any, seed: int) -> None:
    """By whoever looks, among footprints of which some were not, and shards that had none; block
    by block in whatever order."""
    rng = np.random.default_rng(seed)
    ledger = Ledger(Path(tmp_path_factory.mktemp("run")))
    centre, place = somewhere(rng, 80), np.sort(rng.choice(900, 80, replace=False))
    f = footprints(centre, np.ones(80), place)
    whole, known = measured(rng, f), rng.random(80) < 0.7
    owners = shards_of(LAYOUT, centre)
    for owner in np.unique(owners[known], axis=0):
        here = np.flatnonzero(known & (owners == owner).all(axis=1))
        blocks = np.array_split(rng.permutation(here), 3)
        parts = [table(whole.take(np.sort(block))) for block in blocks]
        ledger.record(STAGE, Shard(*owner.tolist()).name, joined(parts))
    asked = np.sort(rng.choice(80, 50, replace=False))
    at, columns = Handovers(ledger, LAYOUT, STAGE).of(f.take(asked))
    assert at.tolist() == np.flatnonzero(known[asked]).tolist()
    found = Measured.of(f.take(asked[at]), LAYOUT.resolution, columns)
    assert_same(found, whole.take(asked[at]))


def test_where_nothing_was_measured_nothing_is_found(tmp_path: Path) -> None:
    f = footprints(somewhere(np.random.default_rng(0), 3), np.ones(3), np.arange(3))
    ledger = Ledger(tmp_path)
    ledger.record(STAGE, Shard(0, 0).name, joined([]))
    at, columns = Handovers(ledger, LAYOUT, STAGE).of(f)
    assert len(Measured.of(f.take(at), LAYOUT.resolution, columns)) == 0
    assert ground_handover(ledger, STAGE) == {}


@given(SEEDS)
@examples(30)
def test_the_tops_of_what_stands(tmp_path_factory: Any, seed: int) -> None:
    """Of each tile that it touches the lowest and the highest; of two shards, a tile may come
    twice."""
    rng = np.random.default_rng(seed)
    ledger = Ledger(Path(tmp_path_factory.mktemp("run")))
    f = footprints(somewhere(rng, 30), rng.gamma(1, 60, 30), np.arange(30))
    m = measured(rng, f)
    for i, half in enumerate(np.split(np.arange(30), [12])):
        ledger.record(STAGE, Shard(0, i).name, table(m.take(half)))
    found = ground_handover(ledger, STAGE)
    heights: dict[tuple[int, int], list[int]] = {}
    for name in ("lowest", "highest"):
        for tile, height in zip(found["tile"].tolist(), found[name].tolist(), strict=True):
            heights.setdefault(tuple(tile), []).append(height)
    tops = {tile: (min(each), max(each)) for tile, each in heights.items()}
    expected: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero(stands(m)):
        top, left, bottom, right = (windows_of(f.bounds[[i]], 2.0)[0]).tolist()
        for row in range(top // TILE, -(-bottom // TILE)):
            for column in range(left // TILE, -(-right // TILE)):
                expected.setdefault((row, column), []).append(int(m.roof[i]))
    assert tops == {tile: (min(roofs), max(roofs)) for tile, roofs in expected.items()}


def test_of_what_has_no_polygon_nothing_is_known() -> None:
    m = Measured.nothing(footprints(np.full((3, 2), np.nan), np.ones(3), np.full(3, -1)), 2.0)
    assert (m.roof == NOT_KNOWN).all()
    assert (m.ground == NOT_KNOWN).all()
    assert (m.height == NOT_KNOWN).all()
    assert not m.cells.any()
