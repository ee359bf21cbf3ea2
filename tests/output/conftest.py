"""A finished run, made once for the tests of a file."""

from pathlib import Path

import pytest

from tests.support.finished import finished


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of twelve buildings."""
    return finished(tmp_path_factory.mktemp("run"))
