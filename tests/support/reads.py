"""What is read of GeoParquet files, noted while the reading goes on as it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from pipeline.storage.geoparquet import GeoParquet


@dataclass
class Reads:
    """groups: all row groups in the order of reading; columns: those of each call."""

    groups: list[int] = field(default_factory=list)
    columns: list[list[str] | None] = field(default_factory=list)

    def clear(self) -> None:
        """Note from here on."""
        self.groups.clear()
        self.columns.clear()


@contextmanager
def noted() -> Iterator[Reads]:
    """The reads of this process meanwhile."""
    reads, usual = Reads(), GeoParquet.read

    def reading(self: GeoParquet, groups: Any, columns: Any = None) -> pa.Table:
        groups = [*groups]
        reads.groups.extend(groups)
        reads.columns.append(columns)
        return usual(self, groups, columns)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GeoParquet, "read", reading)
        yield reads
