"""Where settings come from, what is refused, and that the document lists them all."""

from pathlib import Path

import pytest

from pipeline.errors import InputError
from service.core.settings import PREFIX, Settings, read_settings, table
from tests.support.commands import ROOT


def test_an_option_goes_before_the_environment_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "service.toml"
    file.write_text('port = 1\njobs_at_once = 2\nhosts = ["a.nl", "b.nl"]\nmarks = false\n')
    monkeypatch.setenv(f"{PREFIX}PORT", "3")
    monkeypatch.setenv(f"{PREFIX}JOBS_AT_ONCE", "4")
    found = read_settings(file, port="5", workers=None, data=())
    assert (found.port, found.jobs_at_once, found.hosts) == (5, 4, ("a.nl", "b.nl"))
    assert found.marks is False and found.data == ()


@pytest.mark.parametrize("text", ["runs/one, runs/two", '["runs/one", "runs/two"]'])
def test_several_in_the_environment(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}DATA", text)
    assert read_settings(None).data == ("runs/one", "runs/two")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"port": "http"}, "--port: Input should be a valid integer"),
        ({"port": "65536"}, "--port: .*65535"),
        ({"jobs_at_once": "0"}, "--jobs-at-once"),
        ({"public_url": "roofs.nl"}, "--public-url: give an address such as https"),
        ({"public_url": "https://me:secret@roofs.nl"}, "--public-url: give an address"),
        ({"origins": ("https://a.nl/page",)}, "--origins: https://a.nl/page: give an origin"),
        ({"basemap_url": "ftp://tiles"}, "--basemap-url: give an address"),
        ({"basemap_url": "https://a.nl;script-src *"}, "--basemap-url: its host is none"),
        ({"wrong": "1"}, "--wrong: no such setting"),
        (
            {"allow": ("versions", "all")},
            "--allow: Input should be 'gaps', 'heights' or 'versions'",
        ),
        ({"state": ""}, "--state: '' is no path; name a file or a folder"),
        ({"dsm": ("sheets", "")}, "--dsm: '' is no path; name a file or a folder"),
        ({"nodata": "none"}, "--nodata: Input should be a valid number"),
    ],
)
def test_what_is_not_accepted(options: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=f"^{said}.*; docs/service.md lists the settings$"):
        read_settings(None, **options)


def test_it_says_where_the_fault_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "service.toml"
    for text, said in (
        ("prot = 1", f"--config {file}: prot: no such setting"),
        ("port = 'x'", f"--config {file}: port: "),
        ("port = ", "not TOML"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=said):
            read_settings(file)
    with pytest.raises(InputError, match="No such file"):
        read_settings(tmp_path / "none.toml")
    monkeypatch.setenv(f"{PREFIX}AREA_KM", "1")
    with pytest.raises(InputError, match=f"^{PREFIX}AREA_KM: no such setting"):
        read_settings(None)
    monkeypatch.delenv(f"{PREFIX}AREA_KM")
    monkeypatch.setenv(f"{PREFIX}PORT", "x")
    with pytest.raises(InputError, match=f"^{PREFIX}PORT: "):
        read_settings(None)


@pytest.mark.parametrize(
    ("given", "exposed", "is_open"),
    [
        ({}, False, True),
        ({"open": False}, False, False),
        ({"host": "::1"}, False, True),
        ({"host": "0.0.0.0"}, True, False),
        ({"host": "roofs.nl"}, True, False),
        ({"public_url": "https://roofs.nl/map"}, True, False),
        ({"public_url": "http://localhost:8000"}, False, True),
    ],
)
def test_who_can_ask(given: dict[str, str], exposed: bool, is_open: bool) -> None:
    found = Settings(**given)
    assert (found.exposed, found.is_open) == (exposed, is_open)


def test_the_document_lists_every_setting() -> None:
    assert table() in (ROOT / "docs" / "service.md").read_text("utf-8")
