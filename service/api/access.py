"""The client of a request: the holder of a key, a visitor with a cookie, or this machine."""

import hashlib
import re
import secrets
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from service.core.keys import LOCAL_CLIENT, VISITOR, Client, Keys
from service.core.problem import Problem
from service.core.settings import Settings

COOKIE = "daklaag_visitor"
COOKIE_FORM = re.compile(r"[A-Za-z0-9_-]{32}")
# A request that has one of these came by a proxy, so it is not this machine that asks.
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


async def client_of(request: Request) -> Client:  # async: it takes no thread of the pool
    """The client that sends a request, as the middleware identified it."""
    client: Client = request.state.client
    return client


ClientDep = Annotated[Client, Depends(client_of)]


def needs_key(detail: str) -> Problem:
    """Problem 401: a key is missing or not valid."""
    return Problem(
        401,
        f"{detail}: Authorization: Bearer KEY; the operator makes one by `daklaag keys add NAME`",
        headers={"WWW-Authenticate": "Bearer"},
    )


def identify(
    headers: Headers, keys: Keys, settings: Settings, foreign: bool
) -> tuple[Client, str | None]:
    """The client that sends these headers, and the cookie that it needs if it makes something.

    A key goes before all. foreign: whether a page of another origin sends them, which is never
    this machine nor somebody's cookie. Raises Problem 401 for a key that is none.
    """
    key = _key_of(headers)
    if key is not None:
        row = keys.find(key)
        if row is None:
            raise needs_key("this key is not known")
        return Client(row.name, "key", row.operator), None
    by_proxy = any(name in headers for name in FORWARDED)
    if settings.is_open and not foreign and not by_proxy:
        return LOCAL_CLIENT, None
    cookie = "" if foreign else cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    if COOKIE_FORM.fullmatch(cookie):
        return visitor(cookie), None
    cookie = secrets.token_urlsafe(24)
    return visitor(cookie), cookie


def visitor(cookie: str) -> Client:
    """The visitor with a cookie, of which a hash is kept: the database opens nobody's jobs."""
    return Client(VISITOR + hashlib.sha256(cookie.encode()).hexdigest()[:32], "visitor")


def _key_of(headers: Headers) -> str | None:
    """The key that is sent; a scheme that is not ours is a key that is none."""
    given = headers.get("authorization")
    if given is None:
        return headers.get("x-api-key")
    scheme, _, key = given.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
