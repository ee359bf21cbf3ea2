"""Numbers with several a row, as lists of Arrow."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def as_lists(
    values: NDArray[Any], kind: pa.DataType | None = None, null: NDArray[np.bool_] | None = None
) -> pa.ListArray:
    """The rows of numbers (n, k) as n lists. kind: type of their items, by default that of the
    numbers; null: which lists are null, (n,)."""
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    mask = None if null is None else pa.array(null)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(values.reshape(-1), kind), mask=mask
    )
