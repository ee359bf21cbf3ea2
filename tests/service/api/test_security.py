"""What attackers try: names, origins, bombs, floods, paths; and what answers and logs tell."""

import http.client
import io
import json
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from fastapi import Body, FastAPI
from fastapi.responses import JSONResponse, Response, StreamingResponse

from service.api import page, security
from service.api.access import COOKIE, ClientDep
from service.api.answers import Router
from service.api.limits import MOST_ADDRESSES, Buckets
from service.api.origins import host_of
from service.core.database import Database
from service.core.logs import logged
from tests.support.clients import FAR, LOCAL, PUBLIC, application, asks, public, visits
from tests.support.clocks import using_at_most
from tests.support.clusters import PATIENCE_S
from tests.support.services import listening

SECRET = "where-i-live"
JSON_TYPE = {"Content-Type": "application/json"}


def with_probes(app: FastAPI) -> FastAPI:
    """Routes that echo, fail and break off."""
    probes = Router()

    @probes.get("/probe/{name}")
    def get(name: str) -> dict[str, str]:
        return {"name": name}

    @app.post("/probe/{name}")
    def post(name: str, sent: Any = Body(None)) -> Response:  # noqa: B008
        return JSONResponse({"sent": sent}, 201)

    @app.get("/fault")
    def fault() -> None:
        raise RuntimeError(f"a fault with {SECRET} in /srv/secret/place.txt, {COOKIE}=abc")

    @app.get("/broken")
    def broken() -> Response:
        def parts() -> Iterator[bytes]:
            yield b"half"
            raise RuntimeError("broke off")

        return StreamingResponse(parts())

    app.include_router(probes)
    return app


@pytest.fixture
def here(tmp_path: Path) -> FastAPI:
    return with_probes(application(tmp_path))


@pytest.fixture
def there(tmp_path: Path) -> FastAPI:
    return with_probes(public(tmp_path))


def test_names_by_which_it_is_not_known(here: FastAPI, there: FastAPI) -> None:
    for name in (
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "8.8.8.8",
        "a@localhost",
    ):
        answer = asks(here, host=name).get("/health")
        assert answer.status_code == (400 if "@" in name else 421), name
    for name in (
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1:8000",
        "127.1.2.3",
        "[::1]:8000",
        "localhost.",
    ):
        assert asks(here, host=name).get("/health").status_code == 200, name
    for name in ("roofs.example.nl", "Roofs.Example.NL:443", "localhost"):
        assert visits(there, host=name).get("/health").status_code == 200, name
    assert visits(there, host="evil.example").get("/health").status_code == 421


def test_names_that_the_operator_adds(tmp_path: Path) -> None:
    app = application(tmp_path, host="0.0.0.0", hosts=("roofs.lan",))
    for name, status in (
        ("roofs.lan:8000", 200),
        ("192.168.1.5", 200),
        ("0.0.0.0", 200),
        ("other.lan", 421),
    ):
        assert asks(app, host=name).get("/health").status_code == status, name


@pytest.mark.parametrize("text", ["", "a/b", "a?b", "a#b", "a b@c", "[::1", "a:b", "a:99999"])
def test_hosts_that_are_none(text: str) -> None:
    assert host_of(text) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:8001"},
        {"Origin": "http://roofs.example.nl"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_pages_change_nothing(here: FastAPI, there: FastAPI, headers: dict[str, str]) -> None:
    for client in (asks(here), visits(there)):
        assert client.post("/probe/x", json=1, headers=headers).status_code == 403
        assert client.delete("/probe/x", headers=headers).status_code == 403
        assert "Access-Control-Allow-Origin" not in client.get("/probe/x", headers=headers).headers


def test_the_own_page_may(here: FastAPI, there: FastAPI) -> None:
    for client, own in ((asks(here), LOCAL), (visits(there), PUBLIC)):
        headers = {"Origin": own, "Sec-Fetch-Site": "same-origin"}
        assert client.post("/probe/x", json=1, headers=headers).status_code == 201


def test_pages_of_origins_that_the_operator_allows(tmp_path: Path) -> None:
    app = with_probes(public(tmp_path, origins=("https://zeeland.example/",)))
    client, headers = visits(app), {"Origin": "https://zeeland.example"}
    asked = headers | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key",
    }
    before = client.options("/probe/x", headers=asked)
    assert (
        before.status_code == 200 and "X-API-Key" in before.headers["Access-Control-Allow-Headers"]
    )
    answer = client.post("/probe/x", json=1, headers=headers)
    assert answer.status_code == 201
    assert answer.headers["Access-Control-Allow-Origin"] == "https://zeeland.example"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    other = asked | {"Origin": "https://evil.example"}
    assert client.options("/probe/x", headers=other).status_code == 400


def test_all_origins_without_credentials(tmp_path: Path) -> None:
    client = visits(with_probes(public(tmp_path, origins=("*",))))
    headers = {"Origin": "https://any.example", "Cookie": f"{COOKIE}={'a' * 32}"}
    answer = client.get("/probe/x", headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    # A refusal can be read too.
    refused = client.get("/metrics", headers=headers)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, "*")


def test_headers_of_every_answer(here: FastAPI) -> None:
    client = asks(here)
    for path in ("/health", "/nothing", "/fault", "/map/", "/map/nothing", "/map/config.json"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "same-origin"
        assert re.fullmatch("[0-9a-f]{16}", headers["X-Request-ID"])
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy and re.match("default-src '(self|none)'", policy)
        assert "frame-ancestors" in policy and "Server" not in headers


def test_the_page_loads_a_base_map_and_nothing_else(tmp_path: Path) -> None:
    url = "https://service.pdok.nl/brt/{z}/{x}/{y}.png"
    policy = (
        asks(application(tmp_path, basemap_url=url)).get("/map/").headers["Content-Security-Policy"]
    )
    assert re.findall(r"https?://[^ ;]+", policy) == ["https://service.pdok.nl"] * 2
    assert (
        "https" not in asks(application(tmp_path)).get("/map/").headers["Content-Security-Policy"]
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abcdef01-2345", True),
        ("short", False),
        ("a" * 65, False),
        ("a b c d e f", False),
        ('"}, {"x": "y', False),
    ],
)
def test_the_id_of_a_request(here: FastAPI, given: str, kept: bool) -> None:
    answer = asks(here, x_request_id=given).get("/nothing")
    assert (answer.headers["X-Request-ID"] == given) is kept
    assert answer.json()["instance"] == f"urn:request:{answer.headers['X-Request-ID']}"


def test_requests_that_are_too_large(tmp_path: Path) -> None:
    app = with_probes(public(tmp_path, visitor_body_mb=0.001))
    client = visits(app)
    assert (
        client.post("/probe/x", content=b"[" + b" " * 900 + b"]", headers=JSON_TYPE).status_code
        == 201
    )
    assert (
        client.post("/probe/x", content=b"[" + b" " * 1000 + b"]", headers=JSON_TYPE).status_code
        == 413
    )
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        for part in range(1000):
            read.append(part)
            yield b" " * 500

    assert client.post("/probe/x", content=endless(), headers=JSON_TYPE).status_code == 413
    huge = JSON_TYPE | {"Content-Length": "9" * 30}
    assert client.post("/probe/x", content=b"[]", headers=huge).status_code == 413
    key = app.state.service.keys.add("zeeland")
    assert visits(app, x_api_key=key).post("/probe/x", json=" " * 2000).status_code == 201


@pytest.mark.parametrize("announced", [True, False])
def test_who_sends_too_much_is_told_so(tmp_path: Path, announced: bool) -> None:
    """Also a client that looks for the answer only when it has sent all, on a connection that ends
    with it, as Python's own does."""
    app = with_probes(application(tmp_path, open=False, visitor_body_mb=0.1))
    headers = JSON_TYPE | ({"Content-Length": "30000000"} if announced else {})
    asked = ("POST", "/probe/x", iter([b" " * 1_000_000] * 30), headers | {"Connection": "close"})
    with listening(app) as address:
        host = urlsplit(address).netloc
        with closing(http.client.HTTPConnection(host, timeout=PATIENCE_S)) as connection:
            connection.request(*asked, encode_chunked=not announced)
            answer = connection.getresponse()
            assert answer.status == 413 and b"larger than 0.1 MB" in answer.read()


def test_who_waits_to_be_told_to_send_is_told_not_to(tmp_path: Path) -> None:
    """As curl does of a megabyte and more."""
    app = with_probes(application(tmp_path, open=False, visitor_body_mb=0.1))
    asked = b"POST /probe/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    asked += b"Content-Length: 30000000\r\nExpect: 100-continue\r\n\r\n"
    with listening(app) as address:
        place = urlsplit(address)
        where = place.hostname, place.port
        with socket.create_connection(where, timeout=PATIENCE_S) as connection:
            connection.sendall(asked)
            assert connection.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 65 + "]" * 65,
        '{"a":' * 5000 + "1" + "}" * 5000,
        '[{"a":' * 40 + "1" + "}]" * 40,
        "NaN",
        '{"a": [Infinity]}',
        "-Infinity",
        "1e400",
        "[-1e999]",
        "9" * 5000,
        "[9223372036854775808]",
        r'"\ud800"',
        r'["\udfff x"]',
        r'"a\u0000b"',
        "{'a': 1}",
        "[1,]",
        '{"a"',
        b"\xff\xfe\x00",
        b'"\xed\xa0\x80"',
    ],
)
def test_json_that_is_none_or_a_bomb(here: FastAPI, text: str | bytes) -> None:
    with using_at_most(5):
        answer = asks(here).post("/probe/x", content=text, headers=JSON_TYPE)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(answer.text) < 400


@pytest.mark.parametrize(
    "sent",
    [
        None,
        0,
        "",
        "é \U0001f600",
        [[[[[[[[1.5]]]]]]]],
        9223372036854775807,
        -1e308,
        {"1e999": "9" * 40},
        "\\u0000 in words",
        5.1234567890123456789,
    ],
)
def test_json_that_is_some(here: FastAPI, sent: object) -> None:
    assert asks(here).post("/probe/x", json=sent).json() == {"sent": sent}


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
    ],
)
def test_only_json_is_read(here: FastAPI, kind: str) -> None:
    answer = asks(here).post("/probe/x", content=b"[1]", headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert asks(here).post(
        "/probe/x", content=b"[1]", headers={"Content-Type": "application/geo+json; charset=utf-8"}
    ).json() == {"sent": [1]}


def test_a_flood_is_slowed(tmp_path: Path) -> None:
    app = with_probes(public(tmp_path, requests_a_minute=20))
    client = visits(app)
    codes = [client.get("/probe/x").status_code for _ in range(21)]
    assert codes == [200] * 20 + [429]
    refused = client.get("/probe/x", headers={"X-Forwarded-For": "1.2.3.4"})  # nobody's word for it
    assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= 4
    assert visits(app, "203.0.113.10").get("/probe/x").status_code == 200
    assert visits(app, x_api_key=app.state.service.keys.add("z")).get("/probe/x").status_code == 200
    wrong = visits(app, "203.0.113.11", x_api_key="wrong")
    assert [wrong.get("/probe/x").status_code for _ in range(21)] == [401] * 20 + [429]


def test_submissions_of_visitors_are_counted_by_address(tmp_path: Path) -> None:
    app = public(tmp_path, visitor_makes_an_hour=2)

    @app.post("/marks/probe")
    def make(client: ClientDep) -> Response:
        return JSONResponse({}, 201)

    codes = [visits(app).post("/marks/probe").status_code for _ in range(3)]  # a cookie each
    assert codes == [201, 201, 429]
    assert visits(app, "203.0.113.10").post("/marks/probe").status_code == 201


def test_refused_submissions_do_not_count_unless_large(tmp_path: Path) -> None:
    app = public(tmp_path, visitor_makes_an_hour=2)
    small, large = {"kind": "none"}, {"kind": "n" * security.LARGE}
    codes = [visits(app).post("/marks", json=small).status_code for _ in range(4)]
    assert codes == [400] * 4
    codes = [visits(app).post("/marks", json=large).status_code for _ in range(3)]
    assert codes == [400, 400, 429]


def test_a_watch_is_not_counted(tmp_path: Path) -> None:
    client = visits(public(tmp_path, requests_a_minute=2))
    assert [client.get("/health").status_code for _ in range(5)] == [200] * 5
    assert [client.get("/conformance").status_code for _ in range(3)] == [200, 200, 429]


def test_buckets_fill_and_are_few() -> None:
    now = [0.0]
    buckets = Buckets(10, 60.0, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(10)] == [0.0] * 10
    assert buckets.take("a") == pytest.approx(6.0)
    now[0] = 6.0
    assert buckets.take("a") == 0.0 and buckets.take("a") > 0
    assert [buckets.take(f"2001:db8::{i:x}") for i in range(11)][-1] > 0  # one network
    assert buckets.take("2001:db8:0:1::1") == 0.0
    assert [buckets.take("::ffff:9.9.9.9") for _ in range(5)] + [
        buckets.take("9.9.9.9") for _ in range(6)
    ] == [0.0] * 10 + [pytest.approx(6.0)]
    for i in range(MOST_ADDRESSES + 100):
        buckets.take(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}")
    assert len(buckets._full) == MOST_ADDRESSES


def test_head_and_options(here: FastAPI) -> None:
    client, plain = asks(here), {"Accept-Encoding": "identity"}
    for path in ("/health", "/probe/x", "/map/config.json", "/api"):
        got, head = (ask(path, headers=plain) for ask in (client.get, client.head))
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(got.content))
    assert client.head("/nothing").status_code == 404
    told = client.options("/marks")
    assert told.status_code == 204 and {"GET", "HEAD", "POST"} <= set(
        told.headers["Allow"].split(", ")
    )
    refused = client.patch("/marks", json={})
    assert refused.status_code == 405 and refused.headers["Allow"] == told.headers["Allow"]
    assert client.options("/nothing").status_code == 404
    assert client.request("TRACE", "/health").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/map/../settings.py",
        "/map/%2e%2e/settings.py",
        "/map/..%2fsettings.py",
        "/map/%2e%2e%2f%2e%2e%2fpyproject.toml",
        "/map//etc/passwd",
        "/map/%2fetc/passwd",
        "/map/..%5csettings.py",
        "/map/vendor",
        "/map/vendor/",
        "/map/texts/",
        "/map/.git/config",
        "/map/.hidden",
        "/map/" + "a" * 5000,
        "/map/con%0d%0aX-Evil:1",
    ],
)
def test_only_the_page_s_own_files(here: FastAPI, path: str) -> None:
    answer = asks(here).get(path)
    assert answer.status_code in (404, 400)
    assert "X-Evil" not in answer.headers and "passwd" not in answer.text


def test_the_page_s_files(here: FastAPI) -> None:
    client = asks(here)
    plain = client.get("/map/main.js", headers={"Accept-Encoding": "identity"})
    assert plain.headers["Content-Type"].startswith("text/javascript")
    lengths = [len(plain.content)]
    for taken, coding, codec in (("gzip, x", "gzip", "gzip"), ("gzip, br", "br", "brotli")):
        asked = client.stream("GET", "/map/main.js", headers={"Accept-Encoding": taken})
        with asked as answer:
            packed = b"".join(answer.iter_raw())
        assert answer.headers["Content-Encoding"] == coding
        assert pa.decompress(packed, len(plain.content), codec, asbytes=True) == plain.content
        lengths.append(len(packed))
    assert lengths == sorted(lengths, reverse=True)
    tag = {"If-None-Match": plain.headers["ETag"]}
    assert client.get("/map/main.js", headers=tag).status_code == 304
    assert client.get("/map").headers["Location"].endswith("/map/")


def test_a_page_without_its_libraries(here: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "LIBRARIES", page.FOLDER / "none.json")
    answer = asks(here).get("/map/")
    assert answer.status_code == 503 and "make map" in answer.text


def test_links_bear_the_public_address(tmp_path: Path) -> None:
    app = public(tmp_path, public_url=f"{PUBLIC}/daken/")
    for path in ("/", "/daken/"):
        links = visits(app, host="localhost:8000").get(path).json()["links"]
        assert all(each["href"].startswith(f"{PUBLIC}/daken/") for each in links), path
    assert visits(app).get("/api").json()["servers"] == [{"url": "/daken"}]


def test_nothing_leaks(tmp_path: Path) -> None:
    log = io.StringIO()
    app = with_probes(public(tmp_path))
    key = app.state.service.keys.add("zeeland")
    with logged(stream=log):
        client = visits(app, x_api_key=key, cookie=f"{COOKIE}={'a' * 32}")
        fault = client.get(f"/fault?q={SECRET}")
        client.get(f"/probe/{SECRET}?q={SECRET}")
        client.get(f"/{SECRET}")
        client.get("/places", params={"q": SECRET})
        visits(app, x_api_key="dlk_" + "a" * 43).get("/health")
        logging.getLogger("daklaag.service").warning("%s with %s=%s", key, COOKIE, "a" * 32)
    assert fault.status_code == 500
    assert fault.json()["detail"] == "the service has a fault; tell its operator the request's id"
    assert SECRET not in fault.text and "Traceback" not in fault.text and "/srv" not in fault.text
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (
        key not in log.getvalue() and "a" * 32 not in log.getvalue() and FAR not in log.getvalue()
    )
    requests = [line for line in lines if line["logger"] == "daklaag.requests"]
    assert SECRET not in json.dumps(requests)
    assert [line["route"] for line in requests[:3]] == ["/fault", "/probe/{name}", "none"]
    assert {line["client"] for line in requests} == {"key", None}
    (told,) = [line for line in lines if "traceback" in line]
    assert told["request"] == fault.headers["X-Request-ID"] and "RuntimeError" in told["traceback"]


def test_a_memory_that_others_write_to_takes_a_line_of_the_log(tmp_path: Path) -> None:
    log, app = io.StringIO(), public(tmp_path)
    memory: Database = app.state.service.database
    memory.busy_s = 0.05  # of the connections that are made from here on

    @app.get("/write")
    def write() -> None:
        with memory.transaction():
            raise AssertionError("the other has ended")

    with logged(stream=log), Database(memory.file).transaction():
        answer = visits(app).get("/write")
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    told = [line for line in lines if line["logger"] == "daklaag.service"]
    assert [line["message"] for line in told] == ["memory busy"]
    assert told[0]["request"] == answer.headers["X-Request-ID"] and "traceback" not in told[0]


def test_an_answer_that_breaks_off_is_told_to_the_server(here: FastAPI) -> None:
    with pytest.raises(ConnectionError, match="broke off"):
        from fastapi.testclient import TestClient

        TestClient(here, LOCAL).get("/broken")
