"""Files that come whole or not at all, from servers as they are and on a bad day."""

import email.utils
import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import Stopped
from pipeline.fetch import web
from pipeline.fetch.web import FetchError, HttpClient, NotFoundError
from tests.support.clocks import lasting_at_most
from tests.support.national import HTML, Server

BODY = np.random.default_rng(4).bytes(3_000_000)
PATH = "/sheet.tif"


@pytest.fixture
def client() -> Iterator[HttpClient]:
    client = HttpClient(pause=0.001)
    yield client
    client.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sheet.tif"


def test_a_file_comes_with_a_name_on_the_request(
    server: Server, client: HttpClient, file: Path
) -> None:
    server.put(PATH, BODY)
    client.save(server.address + PATH, file)
    assert file.read_bytes() == BODY
    assert [p.name for p in file.parent.iterdir()] == [file.name]
    assert re.match(r"daklaag/\d", server.asked[0].headers["user-agent"])
    assert server.asked[0].headers["accept-encoding"] == "identity"


def date(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


PASSING: dict[str, list[dict[str, Any]]] = {
    "503": [{"status": 503}] * 3,
    "503 with Retry-After": [{"status": 503, "headers": {"Retry-After": "0"}}],
    "503 with a date": [{"status": 503, "headers": {"Retry-After": date(0)}}],
    "429": [{"status": 429}],
    "500": [{"status": 500}],
    "cut": [{"cut": 1000}],
    "cut at once": [{"cut": 0}] * 3,
    "too short": [{"length": len(BODY) + 5}],
    "moved": [{"status": 302, "headers": {"Location": PATH}}],
    "moved for good": [{"status": 308, "headers": {"Location": PATH}}] * 2,
}


@pytest.mark.parametrize("day", PASSING)
def test_passing_faults_are_retried(
    server: Server, client: HttpClient, file: Path, day: str
) -> None:
    server.put(PATH, BODY, mischief=list(PASSING[day]))
    client.save(server.address + PATH, file)
    assert file.read_bytes() == BODY
    # Of a length that was wrong there is no rest: the file is begun anew.
    assert len(server.asked) == len(PASSING[day]) + 1 + (day == "too short")


def test_a_file_whose_length_is_not_told(server: Server, client: HttpClient, file: Path) -> None:
    """It is whole when the server says so; else the rest is asked for."""
    server.put(PATH, BODY, mischief=[{"chunked": len(BODY)}])
    client.save(server.address + PATH, file)
    assert file.read_bytes() == BODY
    server.put(PATH, BODY, mischief=[{"chunked": 1000}])
    client.save(server.address + PATH, file)
    assert file.read_bytes() == BODY
    assert [asked.range for asked in server.asked] == [None, None, "bytes=1000-"]


@pytest.mark.parametrize(
    ("status", "fault"), [(404, NotFoundError), (410, NotFoundError), (403, FetchError)]
)
def test_lasting_faults_are_not_retried(
    server: Server, client: HttpClient, file: Path, status: int, fault: type[Exception]
) -> None:
    server.put(PATH, BODY, mischief=[{"status": status}])
    with pytest.raises(fault, match=f"^{status}"):
        client.save(server.address + PATH, file)
    assert len(server.asked) == 1
    assert not file.exists()


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "image/tiff"])
def test_a_page_for_people_is_no_file(
    server: Server, client: HttpClient, file: Path, kind: str
) -> None:
    server.put(PATH, BODY, mischief=[{"page": kind}] * 2)
    for bring in (lambda: client.save(server.address + PATH, file),
                  lambda: client.read(server.address + PATH)):  # fmt: skip
        with pytest.raises(FetchError, match="a web page instead of the file"):
            bring()
    assert not file.exists()
    client.save(server.address + PATH, file)
    assert file.read_bytes() == BODY
    assert HTML[:15] not in file.read_bytes()


def test_a_server_that_stays_down_is_left_alone(
    server: Server, client: HttpClient, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ATTEMPTS, each about twice as long after the last."""
    waits: list[float] = []
    monkeypatch.setattr(HttpClient, "_rest", lambda self, seconds: waits.append(seconds))
    server.put(PATH, BODY, mischief=[{"status": 503}] * 100)
    with pytest.raises(FetchError, match=f"^503 Service Unavailable, {web.ATTEMPTS} times"):
        client.save(server.address + PATH, file)
    assert len(server.asked) == web.ATTEMPTS
    for n, wait in enumerate(waits, 1):
        assert 0.25 <= wait / (client.pause * 2**n) <= 0.5


@pytest.mark.parametrize("said", ["7", "date"])
def test_the_server_says_when_to_come_back(
    server: Server, client: HttpClient, file: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(HttpClient, "_rest", lambda self, seconds: waits.append(seconds))
    later = {"Retry-After": date(8) if said == "date" else said}
    server.put(PATH, BODY, mischief=[{"status": 503, "headers": later}])
    client.save(server.address + PATH, file)
    assert 6 < waits[0] < 9
    server.put(PATH, BODY, mischief=[{"status": 503, "headers": {"Retry-After": "3600"}}])
    with pytest.raises(FetchError, match="it asks to come back in 3600 s"):
        client.save(server.address + PATH, file)


def test_nobody_there(client: HttpClient, file: Path) -> None:
    with pytest.raises(FetchError, match=r"refused.*, \d times"):
        client.save("http://127.0.0.1:1/sheet.tif", file)
    with pytest.raises(FetchError, match="no address of the web"):
        client.save("file:///etc/hostname", file)


def test_a_ring_of_redirects(server: Server, client: HttpClient, file: Path) -> None:
    server.put(PATH, BODY, mischief=[{"status": 302, "headers": {"Location": PATH}}] * 999)
    with pytest.raises(FetchError, match="redirect"):
        client.save(server.address + PATH, file)


def test_a_cut_file_is_gone_on_with(server: Server, client: HttpClient, file: Path) -> None:
    server.put(PATH, BODY, mischief=[{"cut": 1_000_000}, {"cut": 1_000_000}])
    client.save(server.address + PATH, file)
    assert file.read_bytes() == BODY
    first, *rest = server.asked
    assert first.range is None
    assert [asked.range for asked in rest] == ["bytes=1000000-", "bytes=2000000-"]
    assert all(asked.headers["if-range"] == '"1"' for asked in rest)


def half(server: Server, client: HttpClient, file: Path, **more: Any) -> None:
    """What a stopped call leaves."""
    thing = server.put(PATH, BODY, mischief=[{"cut": 1_000_000}, *[{"status": 403}]], **more)
    with pytest.raises(FetchError):
        client.save(server.address + PATH, file)
    assert not thing.mischief
    server.asked.clear()


OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "the same": ({}, {}, 1),
    "by its date": ({"etag": None, "headers": {"Last-Modified": "Mon"}},
                    {"etag": None, "headers": {"Last-Modified": "Mon"}, "ranges": False}, 1),
    "without ranges": ({"ranges": False}, {"ranges": False}, 1),
    "without a mark": ({"etag": None}, {"etag": None}, 1),
    "with a weak mark": ({"etag": 'W/"1"'}, {"etag": 'W/"1"'}, 1),
    "changed": ({}, {"etag": '"2"', "body": BODY[::-1]}, 1),
    "shorter": ({}, {"etag": '"2"', "body": BODY[:9000]}, 1),
}  # fmt: skip


@pytest.mark.parametrize("other", OTHERS)
def test_a_later_call_goes_on_if_the_file_is_the_same(
    server: Server, client: HttpClient, file: Path, other: str
) -> None:
    before, after, requests = OTHERS[other]
    half(server, client, file, **before)
    body = after.get("body", BODY)
    server.put(PATH, **{"body": BODY, **after})
    client.save(server.address + PATH, file)
    assert file.read_bytes() == body
    assert len(server.asked) == requests
    asks_for_rest = other not in ("without a mark", "with a weak mark")
    assert (server.asked[0].range is not None) == asks_for_rest


def test_a_server_that_forgets_if_range(server: Server, client: HttpClient, file: Path) -> None:
    """And gives the rest of another file."""
    half(server, client, file)
    thing = server.put(PATH, BODY[::-1])
    thing.etag = '"1"'  # accepts the condition
    thing.headers["ETag"] = '"2"'
    client.save(server.address + PATH, file)
    assert len(server.asked) == 1  # the mark is what it was asked for; nothing more can be known
    server.put(PATH, BODY + b"more")
    half(server, client, file)
    server.put(PATH, BODY + b"more")  # the mark is the same, the length is not
    client.save(server.address + PATH, file)
    assert file.read_bytes() == BODY + b"more"
    assert [asked.range is None for asked in server.asked] == [False, True]


def test_a_kill_after_the_last_byte(server: Server, client: HttpClient, file: Path) -> None:
    half(server, client, file)
    file.with_name("sheet.tif.partial").write_bytes(BODY)
    client.save(server.address + PATH, file)
    assert not server.asked
    assert file.read_bytes() == BODY


def test_half_of_something_else(server: Server, client: HttpClient, file: Path) -> None:
    half(server, client, file)
    file.with_name("sheet.tif.partial").write_bytes(BODY + b"too much")
    client.save(server.address + PATH, file)
    assert file.read_bytes() == BODY
    half(server, client, file)
    note = file.with_name("sheet.tif.partial.json")
    for text in ("{", "[]", json.dumps({"url": "http://elsewhere", "total": 1, "mark": "x"})):
        note.write_text(text)
        server.asked.clear()
        server.put(PATH, BODY)
        client.save(server.address + PATH, file)
        assert server.asked[0].range is None
        assert file.read_bytes() == BODY


def test_a_stop_is_seen_between_two_pieces_and_in_a_pause(server: Server, file: Path) -> None:
    server.put(PATH, BODY, mischief=[{"status": 503, "headers": {"Retry-After": "60"}}])
    with lasting_at_most(2), closing(HttpClient(stop=lambda: bool(server.asked))) as client:
        with pytest.raises(Stopped):
            client.save(server.address + PATH, file)
        with pytest.raises(Stopped):
            client.read(server.address + PATH)


def test_proxies_are_those_of_the_system(
    server: Server, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("/index.json", "{}")
    monkeypatch.setenv("http_proxy", server.address)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert client.read(f"{server.address}/index.json")[0] == b"{}"
    monkeypatch.setenv("no_proxy", "")
    client.read("http://kaart.invalid/index.json")
    assert server.asked[-1].path == "http://kaart.invalid/index.json"
