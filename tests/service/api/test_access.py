"""Who asks: this machine, a key, a visitor; and what each may."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from service.api.access import COOKIE, FORWARDED, ClientDep, needs_key, visitor
from service.api.service import Service
from tests.support.clients import PUBLIC, application, asks, public, visits


def with_probes(app: FastAPI) -> FastAPI:
    """Routes that say who asks, that only the trusted pass, and that make something."""

    @app.get("/who")
    def who(client: ClientDep) -> dict[str, str | bool]:
        return {"name": client.name, "kind": client.kind, "operator": client.operator}

    @app.get("/trusted")
    def trusted(client: ClientDep) -> dict[str, str]:
        if not client.trusted:
            raise needs_key("this")
        return {"name": client.name}

    @app.post("/marks/probe")
    def make(client: ClientDep) -> Response:
        return JSONResponse({"name": client.name}, 201)

    return app


@pytest.fixture
def here(tmp_path: Path) -> FastAPI:
    return with_probes(application(tmp_path))


@pytest.fixture
def there(tmp_path: Path) -> FastAPI:
    return with_probes(public(tmp_path))


def key_of(app: FastAPI, name: str = "zeeland", operator: bool = False) -> str:
    service: Service = app.state.service
    return service.keys.add(name, operator)


def test_this_machine_may_all_where_it_is_open(here: FastAPI, tmp_path: Path) -> None:
    told = {"name": "local", "kind": "local", "operator": True}
    assert asks(here).get("/who").json() == told
    closed = with_probes(application(tmp_path / "closed", open=False))
    assert asks(closed).get("/who").json()["kind"] == "visitor"
    assert asks(closed).get("/trusted").status_code == 401


@pytest.mark.parametrize("header", FORWARDED)
def test_a_proxy_before_an_open_service_brings_visitors(here: FastAPI, header: str) -> None:
    client = asks(here, **{header.replace("-", "_"): "203.0.113.9"})
    assert client.get("/who").json()["kind"] == "visitor"
    assert client.get("/trusted").status_code == 401


@pytest.mark.parametrize("header", ["authorization", "x_api_key"])
def test_a_key(there: FastAPI, header: str) -> None:
    key = key_of(there)
    sent = f"Bearer {key}" if header == "authorization" else key
    client = visits(there, **{header: sent})
    assert client.get("/who").json() == {"name": "zeeland", "kind": "key", "operator": False}
    assert client.get("/trusted").status_code == 200
    there.state.service.keys.remove("zeeland")
    assert client.get("/who").status_code == 401


@pytest.mark.parametrize("sent", ["Bearer", "Bearer x", "Basic eDp5", "Bearer dlk_" + "a" * 43, ""])
def test_a_wrong_key_is_no_visitor(here: FastAPI, there: FastAPI, sent: str) -> None:
    for client in (asks(here, authorization=sent), visits(there, authorization=sent)):
        answer = client.get("/who")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_visitor_gets_a_cookie_when_it_makes_something(there: FastAPI) -> None:
    client = visits(there)
    assert "Set-Cookie" not in client.get("/who").headers
    assert "Set-Cookie" not in client.get("/map/config.json").headers
    made = client.post("/marks/probe")
    name, *flags = made.headers["Set-Cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=7776000"} == set(flags)
    again = client.post("/marks/probe")
    assert "Set-Cookie" not in again.headers
    assert again.json()["name"] == made.json()["name"] == client.get("/who").json()["name"]


def test_a_cookie_is_not_its_name(there: FastAPI) -> None:
    client = visits(there)
    name = client.post("/marks/probe").json()["name"]
    cookie = client.cookies[COOKIE]
    assert cookie not in name and visitor(cookie).name == name
    other = visits(there)
    other.cookies.set(COOKIE, name)
    assert other.get("/who").json()["name"] != name


@pytest.mark.parametrize("cookie", ["", "x", "a" * 33, "'; DROP", "local", "zeeland"])
def test_cookies_that_are_none(there: FastAPI, cookie: str) -> None:
    client = visits(there, cookie=f"{COOKIE}={cookie}")
    names = {client.get("/who").json()["name"] for _ in range(2)}
    assert len(names) == 2 and all(name.startswith("visitor-") for name in names)


def test_the_cookie_goes_by_plain_http_on_loopback(tmp_path: Path) -> None:
    closed = with_probes(application(tmp_path, open=False))
    assert "Secure" not in asks(closed).post("/marks/probe").headers["Set-Cookie"]


def test_a_page_of_another_origin_is_neither_this_machine_nor_the_cookie(
    here: FastAPI, there: FastAPI
) -> None:
    foreign = asks(here, origin="https://evil.example")
    assert foreign.get("/who").json()["kind"] == "visitor"
    assert asks(here, sec_fetch_site="cross-site").get("/trusted").status_code == 401
    client = visits(there)
    mine = client.post("/marks/probe").json()["name"]
    assert client.get("/who", headers={"Origin": PUBLIC}).json()["name"] == mine
    assert client.get("/who", headers={"Origin": "https://evil.example"}).json()["name"] != mine


def test_metrics_need_an_operator(there: FastAPI) -> None:
    client, operator = key_of(there), key_of(there, "boss", operator=True)
    assert visits(there).get("/metrics").status_code == 401
    assert visits(there, x_api_key=client).get("/metrics").status_code == 403
    assert visits(there, x_api_key=operator).get("/metrics").status_code == 200
