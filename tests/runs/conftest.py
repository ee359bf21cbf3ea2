"""Small tiles, for ground that is small."""

from collections.abc import Iterator

import pytest

from tests.support.outcomes import small_tiles


@pytest.fixture(scope="module")
def tiles_of_16(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tiles of 16 cells, and a cache of their own."""
    with small_tiles(tmp_path_factory.mktemp("cache")):
        yield
