"""Object storage, played by a server on loopback."""

from collections.abc import Iterator

import pytest

from tests.support.s3 import Server, serving


@pytest.fixture
def s3() -> Iterator[Server]:
    """One that is empty."""
    with serving() as server:
        yield server
