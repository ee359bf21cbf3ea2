"""A generated quarter and a finished run of it, made once for the tests of the service."""

from collections.abc import Iterator

import pytest

from tests.support.quarters import World, generated
from tests.support.runs import undrawn


@pytest.fixture(scope="session")
def w(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Inputs as they are fetched, and a run of all of them."""
    return generated(tmp_path_factory.mktemp("asked"))


@pytest.fixture
def no_map(w: World) -> Iterator[None]:
    """Runs draw no map, which takes longer than all else."""
    with undrawn():
        yield
