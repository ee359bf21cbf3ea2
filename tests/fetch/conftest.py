"""The national services, played by a server on loopback."""

from collections.abc import Iterator

import pytest

from tests.support.national import Server, served


@pytest.fixture
def server() -> Iterator[Server]:
    """One that has nothing yet."""
    with served() as server:
        yield server
