"""Stored values become heights: against plain numpy, whatever the predictor, part by part."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.decode import DIFFERENCES, NONE, PLANES, Meaning, metres

# Running sums wrap around, of which numpy's scalars warn and compiled code does not.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")

ROWS, COLUMNS = 7, 40
FLOAT32_MAX = float(np.finfo(np.float32).max)
AS_STORED = Meaning(1.0, -0.0, float("nan"))
MEANINGS = {
    "metres": AS_STORED,
    "nodata": AS_STORED._replace(nodata=-9999.0),
    "centimetres": Meaning(0.01, 0.0, -9999.0),
    "scale and offset": Meaning(0.001, -10.0, 5.0),
    "nodata that is never stored": AS_STORED._replace(nodata=-9999.5),
    "the highest float": AS_STORED._replace(nodata=FLOAT32_MAX),
}
KINDS = ["int16", "int32", "float32", "uint16", "uint32", "float64"]
PREDICTED = [
    *((kind, predictor) for kind in KINDS[:3] for predictor in (NONE, DIFFERENCES)),
    ("float32", PLANES),
    *((kind, NONE) for kind in KINDS[3:]),
]


def values_of(kind: str) -> NDArray[Any]:
    """Heights, holes, and the extremes of the type."""
    rng = np.random.default_rng(3)
    values = rng.integers(-9999, 32_000, (ROWS, COLUMNS)).astype(np.float64)
    if not kind.startswith("float"):
        values = np.abs(values) if kind.startswith("u") else values
        values[0, :2] = np.iinfo(kind).min, np.iinfo(kind).max
        return values.astype(kind)
    values[0, :6] = -0.0, np.nan, FLOAT32_MAX, -FLOAT32_MAX, 1e-42, -9999.5
    values[1, 3:9] = values[5, :4] = -9999
    return (values / 3).astype(kind) if kind == "float64" else values.astype(kind)


def prepared(values: NDArray[Any], predictor: int) -> NDArray[Any]:
    """As a file stores them, by the words of TIFF."""
    words = values.view(f"i{values.itemsize}")
    if predictor == DIFFERENCES:
        return np.diff(words, axis=1, prepend=words.dtype.type(0)).view(values.dtype)
    if predictor == PLANES:
        planes = values.astype(">f4").view(np.uint8).reshape(ROWS, COLUMNS, 4)
        line = planes.transpose(0, 2, 1).reshape(ROWS, -1)
        return np.diff(line, axis=1, prepend=np.uint8(0)).view(values.dtype)
    return values


def expected(values: NDArray[Any], meaning: Meaning) -> NDArray[np.float32]:
    stored = values.astype(np.float64)
    with np.errstate(over="ignore"):
        heights = (stored * meaning.scale + meaning.offset).astype(np.float32)
    heights[stored == meaning.nodata] = np.nan
    return heights


def bits(heights: NDArray[np.float32]) -> NDArray[np.uint32]:
    return np.where(np.isnan(heights), np.float32(np.nan), heights).view(np.uint32)


@pytest.mark.parametrize(("kind", "predictor"), PREDICTED)
@pytest.mark.parametrize("meaning", MEANINGS.values(), ids=list(MEANINGS))
def test_against_numpy(kind: str, predictor: int, meaning: Meaning) -> None:
    values, out = values_of(kind), np.empty((ROWS, COLUMNS), np.float32)
    finite = metres(prepared(values, predictor).copy(), meaning, out, predictor)
    reference = expected(values, meaning)
    assert np.array_equal(bits(out), bits(reference))
    assert finite == (not np.isinf(reference).any())


@pytest.mark.parametrize(("kind", "predictor"), PREDICTED)
def test_rows_one_by_one_and_fewer_columns_are_parts_of_the_whole(
    kind: str, predictor: int
) -> None:
    stored = prepared(values_of(kind), predictor).copy()
    whole, meaning = np.empty((ROWS, COLUMNS), np.float32), MEANINGS["centimetres"]
    metres(stored, meaning, whole, predictor)
    for columns in (1, 13, COLUMNS):
        part = np.empty((ROWS, columns), np.float32)
        for i in range(ROWS):
            metres(stored[i : i + 1], meaning, part[i : i + 1], predictor)
        assert np.array_equal(bits(part), bits(whole[:, :columns]))


@pytest.mark.parametrize("predictor", [NONE, DIFFERENCES, PLANES])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_an_infinite_value_is_told_unless_it_is_nodata(
    predictor: int, value: float, scale: float
) -> None:
    values, out = np.ones((ROWS, COLUMNS), np.float32), np.empty((ROWS, COLUMNS), np.float32)
    meaning = Meaning(scale, -0.0, float("nan"))
    assert metres(prepared(values, predictor).copy(), meaning, out, predictor)
    values[3, 39] = value
    stored = prepared(values, predictor).copy()
    assert not metres(stored, meaning, out, predictor)
    assert out[3, 39] == value and np.isinf(out).sum() == 1
    assert metres(stored, meaning._replace(nodata=value), out, predictor)
    assert np.isnan(out[3, 39]) and np.isnan(out).sum() == 1


def test_a_stored_minus_zero_stays() -> None:
    values, out = np.full((1, 1), -0.0), np.empty((1, 1), np.float32)
    metres(values, AS_STORED, out)
    assert np.signbit(out[0, 0])
