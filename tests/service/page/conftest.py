"""A browser and a window of it, for the stories of a module that has a `host`."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import browsers
from tests.support.browsers import Window


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for all stories."""
    with browsers.started() as one:
        yield one


@pytest.fixture(scope="module")
def opened(browser: Any, host: str) -> Iterator[Window]:
    """One window for all stories."""
    with browsers.window(browser, host) as one:
        yield one


@pytest.fixture
def window(opened: Window) -> Iterator[Window]:
    """The map, of somebody who was never there; nothing may go wrong in it."""
    opened.fresh()
    yield opened
    opened.fine()
