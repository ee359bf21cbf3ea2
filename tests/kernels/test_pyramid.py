"""Coarser levels: laws, a reference in plain numpy, and the seam law."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.pyramid import halved

Array = NDArray[Any]
KINDS = {"bytes": (np.uint8, 0.0), "heights": (np.float32, np.nan)}


def raster(kind: str, rows: int, columns: int, seed: int = 1) -> Array:
    """Cells of which a third have no data, some of them four together."""
    dtype, fill = KINDS[kind]
    rng = np.random.default_rng(seed)
    cells = rng.integers(1, 256, (rows, columns)) if kind == "bytes" else rng.normal(
        3, 40, (rows, columns)
    )  # fmt: skip
    empty = (rng.random((rows, columns)) < 0.2) | np.kron(
        rng.random((rows // 2, columns // 2)) < 0.2, np.ones((2, 2), bool)
    )
    return np.where(empty, fill, cells).astype(dtype)


def reference(cells: Array, fill: float) -> Array:
    """By masked means over each four, in doubles."""
    rows, columns = cells.shape
    fours = cells.reshape(rows // 2, 2, columns // 2, 2).transpose(0, 2, 1, 3)
    fours = fours.reshape(rows // 2, columns // 2, 4).astype(np.float64)
    data = ~np.isnan(fours) if np.isnan(fill) else fours != fill
    count = data.sum(axis=2)
    total = np.where(data, fours, 0).cumsum(axis=2)[..., 3]
    mean = np.divide(total, count, out=np.full(count.shape, fill), where=count > 0)
    return (np.rint(mean) if cells.dtype == np.uint8 else mean).astype(cells.dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(2, 2), (6, 34), (64, 50)])
def test_it_is_the_mean_of_what_has_data(kind: str, shape: tuple[int, int]) -> None:
    cells, fill = raster(kind, *shape), KINDS[kind][1]
    found = halved(cells, fill)
    assert found.dtype == cells.dtype
    assert found.tobytes() == reference(cells, fill).tobytes()


def test_halves_are_rounded_to_even() -> None:
    cells = np.array([[1, 2, 2, 3, 1, 0], [1, 2, 2, 3, 0, 2]], np.uint8)
    assert halved(cells, 0).tolist() == [[2, 2, 2]]


@pytest.mark.parametrize("kind", KINDS)
def test_without_data_there_is_none(kind: str) -> None:
    dtype, fill = KINDS[kind]
    cells = np.full((4, 6), fill, dtype)
    assert np.array_equal(halved(cells, fill), cells[:2, :3], equal_nan=True)


@pytest.mark.parametrize("value", [1, 200, 255])
def test_a_flat_ground_stays_flat(value: int) -> None:
    cells = np.full((8, 6), value, np.uint8)
    assert (halved(cells, 0) == value).all()


def test_turned_ground_gives_turned_means() -> None:
    cells = raster("bytes", 32, 48)
    assert np.array_equal(halved(np.rot90(cells), 0), np.rot90(halved(cells, 0)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_gives_its_part(kind: str) -> None:
    """Cut at even cells, as shards are."""
    cells, fill = raster(kind, 64, 96), KINDS[kind][1]
    whole = halved(cells, fill)
    for top, bottom, left, right in ((0, 64, 10, 12), (22, 40, 0, 96), (62, 64, 94, 96)):
        part = halved(cells[top:bottom, left:right], fill)
        assert part.tobytes() == whole[top // 2 : bottom // 2, left // 2 : right // 2].tobytes()


def test_each_of_several_is_halved() -> None:
    several = np.stack([raster("bytes", 8, 6, seed) for seed in (1, 2, 3)])
    assert np.array_equal(halved(several, 0), [halved(each, 0) for each in several])


@pytest.mark.parametrize("shape", [(3, 4), (4, 3)])
def test_an_odd_number_of_cells_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"{shape[0]} x {shape[1]} cells cannot be halved"):
        halved(np.zeros(shape, np.uint8), 0)
