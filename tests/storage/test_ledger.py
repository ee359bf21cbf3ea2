"""The output folder: whose it is, what of it is finished, and what may be removed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.storage.ledger import FINAL, Ledger, first_difference, locked, open_ledger
from tests.support.commands import contents

ONE = {"method": {"name": "m", "p": [1, 2]}, "inputs": {"area": None}, "program": {"version": "1"}}
OTHER = ONE | {"method": {"name": "m", "p": [1, 3]}}


def opened(folder: Path, provenance: dict[str, Any] = ONE, overwrite: bool = False) -> Ledger:
    ledger = open_ledger(folder, provenance, overwrite)
    assert ledger is not None
    return ledger


def finish(ledger: Ledger, provenance: dict[str, Any] = ONE) -> None:
    """The four outputs, where they wait to be published."""
    told = json.dumps({"attributes": provenance}).encode()
    ledger.storage.write("work.partial/rasters.zarr/zarr.json", told)
    for name in FINAL[1:-1]:
        ledger.write(name, name.encode())
    ledger.write(FINAL[-1], json.dumps(provenance | {"counts": {}}).encode())


def refusal(folder: Path, provenance: dict[str, Any] = ONE, overwrite: bool = False) -> str:
    before = contents(folder)
    with pytest.raises(InputError) as fault:
        open_ledger(folder, provenance, overwrite)
    assert contents(folder) == before
    return str(fault.value)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_a_table_is_whole_or_not_there(out: Path) -> None:
    ledger = opened(out)
    table = {"row": np.arange(9), "x": np.linspace(0, 1, 9)}
    ledger.record("shade", "0_1", table)
    assert ledger.has("shade", "0_1")
    assert not ledger.has("shade", "1_0")
    assert all(np.array_equal(ledger.read("shade", "0_1")[name], table[name]) for name in table)
    path = out / "work.partial" / "records" / "shade" / "0_1.npz"
    whole = path.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert not ledger.has("shade", "0_1")
    path.rename(path.with_name("0_1.partial"))
    assert not ledger.has("shade", "0_1")
    ledger.record("shade", "0_1", table)
    assert ledger.has("shade", "0_1")


def test_unfinished_work_of_the_same_is_gone_on_with(out: Path) -> None:
    for overwrite in (False, True):
        opened(out, ONE, overwrite).record("shade", str(overwrite), {"row": np.arange(3)})
    assert opened(out).has("shade", "False")
    assert opened(out).has("shade", "True")


def test_unfinished_work_of_another_is_refused(out: Path) -> None:
    opened(out).record("shade", "0_0", {"row": np.arange(3)})
    said = refusal(out, OTHER)
    assert said == (
        f"{out}: holds a run with another method.p[1] (2 there, 3 here); give another out, or"
        " overwrite"
    )
    assert not opened(out, OTHER, overwrite=True).has("shade", "0_0")


def test_finished_is_finished(out: Path) -> None:
    ledger = opened(out)
    finish(ledger)
    ledger.publish()
    assert sorted(path.name for path in out.iterdir()) == sorted(FINAL)
    before = contents(out)
    assert open_ledger(out, ONE, overwrite=False) is None
    assert contents(out) == before
    assert "method.p[1] (2 there, 3 here)" in refusal(out, OTHER)


@pytest.mark.parametrize("kills", range(5))
def test_a_kill_between_two_renames(out: Path, monkeypatch: pytest.MonkeyPatch, kills: int) -> None:
    """After any number of them the next run gives the rest their names."""
    ledger = opened(out)
    ledger.record("shade", "0_0", {"row": np.arange(3)})
    finish(ledger)
    left = iter(range(kills))
    rename = Path.rename

    def killed(path: Path, target: Path) -> Path:
        if next(left, None) is None:
            raise SystemExit
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        if kills < 4:
            with pytest.raises(SystemExit):
                ledger.publish()
        else:
            ledger.publish()
    assert open_ledger(out, ONE, overwrite=False) is None
    assert sorted(path.name for path in out.iterdir()) == sorted(FINAL)
    assert (out / "map.png").read_text() == "map.png"


def test_partial_chunks_are_not_published(out: Path) -> None:
    ledger = opened(out)
    finish(ledger)
    ledger.write("rasters.zarr/0/shadow/c/0.f00d.partial", b"half")
    ledger.publish()
    assert not list(out.rglob("*.partial"))


@pytest.mark.parametrize("content", [b"", b'{"method": {}, "inp', b"[]", b'{"attributes": 3}'])
def test_work_that_does_not_say_whose_it_is(out: Path, content: bytes) -> None:
    """A kill may come before it is said, or while it is removed."""
    opened(out).record("shade", "0_0", {"row": np.arange(3)})
    (out / "work.partial" / "request.json").write_bytes(content)
    assert not opened(out, OTHER).has("shade", "0_0")


def test_work_is_removed_from_its_name_on(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it, with no one's name, is never taken for a whole."""
    ledger = opened(out)
    ledger.record("shade", "0_0", {"row": np.arange(3)})
    monkeypatch.setattr("shutil.rmtree", lambda path: None)
    ledger.discard()
    monkeypatch.undo()
    assert ledger.has("shade", "0_0")
    assert not opened(out).has("shade", "0_0")


def test_a_folder_of_others(out: Path) -> None:
    (out / "notes.txt").write_text("mine")
    said = refusal(out)
    assert said.startswith(f"{out}: not empty (it holds notes.txt) and not a run's; give another")
    ledger = opened(out, overwrite=True)
    finish(ledger)
    ledger.publish()
    assert (out / "notes.txt").read_text() == "mine"


def test_overwrite_removes_what_the_program_wrote(out: Path) -> None:
    ledger = opened(out)
    finish(ledger)
    ledger.publish()
    (out / "notes.txt").write_text("mine")
    opened(out, OTHER, overwrite=True)
    assert sorted(path.name for path in out.iterdir()) == ["notes.txt", "work.partial"]


@pytest.mark.parametrize("lost", ["report.json", "buildings.parquet", "map.png"])
def test_overwrite_knows_a_run_that_lost_a_file(out: Path, lost: str) -> None:
    ledger = opened(out)
    finish(ledger)
    ledger.publish()
    (out / lost).unlink()
    opened(out, OTHER, overwrite=True)
    assert [path.name for path in out.iterdir()] == ["work.partial"]


@pytest.mark.parametrize("name", FINAL)
def test_overwrite_leaves_a_file_of_others_that_bears_our_name(out: Path, name: str) -> None:
    (out / name).write_text('{"mine": true}')
    assert f"holds {name}, but of no run" in refusal(out)
    said = refusal(out, overwrite=True)
    assert said == (
        f"{out}: holds {name}, but of no run of this program; move that away, or give another out"
    )


@pytest.mark.parametrize(
    ("there", "here", "said"),
    [
        (ONE, ONE, None),
        ({"a": 1}, {"a": 1, "b": 2}, "b (null there, 2 here)"),
        ({"a": [1, 2]}, {"a": [1]}, "a ([1, 2] there, [1] here)"),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 2}]}}, "a.b[0].c (1 there, 2 here)"),
        ({"a": "x" * 99}, {"a": 1}, f'a ("{"x" * 56}... there, 1 here)'),
    ],
)
def test_the_first_difference_in_words(there: Any, here: Any, said: str | None) -> None:
    assert first_difference(there, here) == said


def test_one_run_at_a_time(out: Path) -> None:
    with (
        locked(out),
        pytest.raises(InputError, match=r"another run holds this folder; wait"),
        locked(out),
    ):
        raise AssertionError("both hold it")
    with locked(out):
        pass
