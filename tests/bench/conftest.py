"""What the tests of the benchmarks share."""

import os
from pathlib import Path

import pytest

from bench import apart

OWN = {"NUMBA_CACHE_DIR", "PYTHONPYCACHEPREFIX"}


@pytest.fixture
def compiled_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of a measurement take what other tests compiled: to compile it in folders of its
    own takes longer than the test."""
    alone = apart._environment

    def shared(cache: Path) -> dict[str, str]:
        rest = {name: value for name, value in alone(cache).items() if name not in OWN}
        return rest | {name: os.environ[name] for name in OWN & os.environ.keys()}

    monkeypatch.setattr(apart, "_environment", shared)
