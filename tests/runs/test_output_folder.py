"""What a run does with the folder it is given: its own, another's, one that is held or locked."""

import fcntl
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pipeline.engine.engine import Engine
from pipeline.errors import Stopped
from pipeline.runs.passes import run_pass
from pipeline.runs.prepare import Run
from pipeline.runs.provenance import PROGRAM
from tests.support.commands import arguments, call, contents, small_world
from tests.support.runs import Files, undrawn


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def run(files: Files, out: Path, *more: Any) -> Result:
    with undrawn():
        return call(*arguments(files, out, *more))


def test_two_runs_in_one_folder(files: Files, out: Path) -> None:
    handle = os.open(out, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        result = run(files, out)
    finally:
        os.close(handle)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {out}: another run holds this folder; wait for it")
    assert not list(out.iterdir())
    assert run(files, out).exit_code == 0


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_folder_that_cannot_be_made(files: Files, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("in the way")
    result = run(files, tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {tmp_path / name}: cannot be written (")
    assert "give another place" in result.stderr


def test_a_folder_that_cannot_be_written(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.R_OK)
    result = run(files, out)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {out}: cannot be written (Permission denied); give")


CHANGES: dict[str, tuple[list[str], str]] = {
    "a parameter": (["--set", "panel_share=0.2"], "method.parameters.panel_share (0.1 there, 0.2"),
    "the area": (["121000,487000,121120,487120"], "inputs.area (null there, [121000.0"),
    "the circle": (["--around", "121060,487060,90"], "inputs.around (null there"),
    "the layers": (["--layers", "hillshade"], 'inputs.options.layers[0] ("shadow" there, "hill'),
    "the language": (["--lang", "nl"], 'inputs.options.lang (daar "en", hier "nl")'),
    "the id": (["--id", "status"], 'inputs.options.id (null there, "status" here)'),
    "the source": (["--attribution", "x"], "inputs.dsm[0].attribution ("),
}


@pytest.fixture(scope="module")
def finished(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("done") / "out"
    assert run(files, out).exit_code == 0
    return out


@pytest.fixture(scope="module")
def unfinished(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("half") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.runs.passes.run_pass", measured_only)
        assert run(files, out).exit_code == 130
    return out


def measured_only(run: Run, engine: Engine, index: int, *given: Any) -> None:
    """The first pass; then the run is stopped."""
    if index:
        raise Stopped
    run_pass(run, engine, index, *given)


def assert_refused(files: Files, out: Path, expected: str, *words: str) -> None:
    """In one line, and nothing is touched."""
    before = contents(out)
    result = run(files, out, *words, "-q")
    assert (result.exit_code, result.stdout) == (2, "")
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert contents(out) == before


@pytest.mark.parametrize("kind", ["finished", "unfinished"])
@pytest.mark.parametrize("change", CHANGES)
def test_another_run_is_refused_by_its_difference(
    files: Files, request: pytest.FixtureRequest, kind: str, change: str
) -> None:
    words, expected = CHANGES[change]
    assert_refused(files, request.getfixturevalue(kind), expected, *words)


@pytest.mark.parametrize("kind", ["finished", "unfinished"])
def test_other_heights_are_another_run(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    world = small_world()
    world.dsm[0, 0] = 1
    other = world.write(tmp_path / "in")
    assert_refused(other, request.getfixturevalue(kind), "inputs.dsm[0].sha256 (")


@pytest.mark.parametrize("kind", ["finished", "unfinished"])
def test_another_version_is_another_run(
    files: Files, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    out = request.getfixturevalue(kind)
    monkeypatch.setitem(PROGRAM, "version", "9.9")
    assert_refused(files, out, f'program.version ("{version("daklaag")}" there, "9.9" here)')
