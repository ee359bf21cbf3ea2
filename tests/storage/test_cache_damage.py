"""A damaged cache changes no result: what is wrong is made anew, with a warning, and the run ends
as if nothing had been."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.footprints import prepared
from tests.support.commands import arguments, call, contents
from tests.support.damage import HOW, flip
from tests.support.runs import Files, undrawn

KINDS = {
    "sheets": "sheets/*.json",
    "relief": "relief/*.json",
    "tiles": "relief/*.zarr/4/c.*",
    "footprints": "footprints/*/footprints.parquet",
    "without polygon": "footprints/*/unusable.parquet",
    "card of footprints": "footprints/*/card.json",
}


@pytest.fixture
def kept(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, filled by a run."""
    monkeypatch.setenv("DAKLAAG_CACHE", str(tmp_path / "cache"))
    left(files, tmp_path / "first")
    return tmp_path / "cache"


def left(files: Files, out: Path) -> tuple[dict[str, Any], str]:
    """What a run leaves, and what it says for people, in the state of a new process."""
    prepared.forget()
    with undrawn():
        result = call(*arguments(files, out))
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = contents(out)
    found["report.json"] = json.loads(found["report.json"])
    del found["report.json"]["machine"]
    return found, result.stderr


def some(kept: Path, kind: str) -> Path:
    return sorted(path for path in kept.glob(KINDS[kind]) if path.stat().st_size)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit(files: Files, tmp_path: Path, kept: Path, kind: str) -> None:
    rng = np.random.default_rng(5)
    expected, said = left(files, tmp_path / "whole")
    assert f"warning: {kept}" not in said
    for number in range(3):
        path = some(kept, kind)
        flip(path, int(rng.integers(8 * path.stat().st_size)))
        found, said = left(files, tmp_path / f"{number}")
        assert found == expected
        assert f"warning: {kept}" in said
        assert "is damaged" in said
    assert f"warning: {kept}" not in left(files, tmp_path / "mended")[1]


@pytest.mark.parametrize("how", HOW)
def test_everything_at_once(files: Files, tmp_path: Path, kept: Path, how: str) -> None:
    expected, _ = left(files, tmp_path / "whole")
    for kind in KINDS:
        HOW[how](some(kept, kind))
    found, said = left(files, tmp_path / "out")
    assert found == expected
    assert f"warning: {kept}" in said or how == "removed"
