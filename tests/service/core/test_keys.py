"""Keys: told once, kept as hashes, let go at once."""

from pathlib import Path

import pytest

from pipeline.errors import InputError
from service.core.database import Database
from service.core.keys import FORM, Keys
from tests.support.commands import call


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(Database(tmp_path / "service.sqlite"))


def test_a_key_is_found_by_itself_alone(keys: Keys) -> None:
    one, other = keys.add("zeeland"), keys.add("utrecht", operator=True)
    assert FORM.fullmatch(one) and one != other
    found = keys.find(one)
    assert found is not None and (found.name, found.operator) == ("zeeland", False)
    assert [(key.name, key.operator) for key in keys.list()] == [
        ("utrecht", True), ("zeeland", False),
    ]  # fmt: skip
    keys.remove("zeeland")
    assert keys.find(one) is None and keys.find(other) is not None


@pytest.mark.parametrize(
    "text", ["", "x", "' OR 1=1 --", "dlk_" + "a" * 43, "é", "\udc80", "dlk_" * 999]
)
def test_what_is_no_key(keys: Keys, text: str) -> None:
    keys.add("zeeland")
    assert keys.find(text) is None


def test_the_file_holds_no_key(keys: Keys, tmp_path: Path) -> None:
    key = keys.add("zeeland")
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"zeeland" in kept
    assert key.encode() not in kept and key.removeprefix("dlk_").encode() not in kept


@pytest.mark.parametrize("name", ["", "local", "visitor-1", "a b", "../x", "x" * 65, "é", "-x"])
def test_names_that_are_none(keys: Keys, name: str) -> None:
    with pytest.raises(InputError, match="a name has up to 64"):
        keys.add(name)


def test_a_name_is_taken_once(keys: Keys) -> None:
    keys.add("zeeland")
    with pytest.raises(InputError, match="there is one already"):
        keys.add("zeeland")
    with pytest.raises(InputError, match="there is none"):
        keys.remove("utrecht")


def test_the_commands(tmp_path: Path) -> None:
    made = call("keys", "add", "zeeland", "--operator", "--state", tmp_path, "-q")
    assert made.exit_code == 0 and FORM.fullmatch(made.output.strip())
    listed = call("keys", "list", "--state", tmp_path)
    assert listed.output.startswith("zeeland\t20") and listed.output.endswith("\toperator\n")
    assert (tmp_path / "service.sqlite").stat().st_mode & 0o077 == 0
    assert call("keys", "remove", "zeeland", "--state", tmp_path).exit_code == 0
    again = call("keys", "remove", "zeeland", "--state", tmp_path)
    assert again.exit_code == 2 and again.output.startswith("error: key 'zeeland': there is none")


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = call("keys", "add", "zeeland", "--state", tmp_path / "file" / "state")
    assert found.exit_code == 2 and found.output.startswith("error: --state ")
    (tmp_path / "service.sqlite").write_text(
        "no database at all, but long enough to be read as one" * 40
    )
    found = call("keys", "list", "--state", tmp_path)
    assert found.exit_code == 2 and "not a database" in found.output


def test_a_folder_in_which_no_service_has_run(tmp_path: Path) -> None:
    found = call("keys", "list", "--state", tmp_path)
    assert found.exit_code == 2 and "no service has run" in found.output
    assert not list(tmp_path.iterdir())
