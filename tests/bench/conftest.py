"""What the tests of the benchmarks share."""

import pytest

from bench import apart


@pytest.fixture
def compiled_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of a measurement take the kernels that other tests compiled: to compile them in a
    folder of its own takes longer than the test."""
    alone = apart._caches
    monkeypatch.setattr(
        apart, "_caches", lambda cache: {"DAKLAAG_CACHE": alone(cache)["DAKLAAG_CACHE"]}
    )
