"""Middleware: checks of a request's host, origin, client, rate and size; every answer's headers."""

import functools
from urllib.parse import urlsplit

import anyio.to_thread
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.access import COOKIE, identify
from service.api.errors import answer, as_problem, log_fault, request_id_of
from service.api.limits import (
    Buckets,
    Incoming,
    address_of,
    body_of,
    check_json,
    replayed,
    too_many,
)
from service.api.origins import SAFE, Names, Origins
from service.api.recorder import Recorder
from service.api.service import Service
from service.core.keys import Client
from service.core.links import GEOJSON, JSON
from service.core.problem import Problem
from service.core.settings import Settings

LIGHT = ("/tiles/", "/map/", "/files/rasters.zarr/")  # many small requests: a tenth each
PROBES = ("/health", "/ready")  # which a watch asks, by a proxy that others ask through
MAKERS = ("/marks", "/processes/")
AT_ONCE = "/processes/summary/"  # which leaves nothing behind
LARGE = 1 << 16  # bytes; more is looked at beside the loop, one at a time
LARGE_ONES = anyio.CapacityLimiter(1)
JSON_TYPES = (JSON, GEOJSON)
SENT = ("Authorization", "If-None-Match", "Last-Event-ID", "Prefer", "Range", "X-API-Key",
        "X-Request-ID")  # fmt: skip
TOLD = ("Accept-Ranges", "Content-Crs", "Content-Range", "ETag", "Link", "Location",
        "Preference-Applied", "Retry-After", "X-Request-ID")  # fmt: skip


def install(app: FastAPI, service: Service) -> None:
    """Put the layers around the routes; the last that is added is the outermost."""
    settings = service.settings
    app.add_middleware(Guard, service=service)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[origin.rstrip("/") for origin in settings.origins],
            allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
            allow_headers=SENT,
            expose_headers=TOLD,
        )
    app.add_middleware(Recorder, metrics=app.state.metrics, logs=settings.log_requests)
    app.add_middleware(Bearing, settings=settings)


class Bearing:
    """The headers that every answer bears, and a stricter browser for them."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        common = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(self), microphone=(), payment=()",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "cross-origin" if settings.origins else "same-origin",
        }
        data = "default-src 'none'; frame-ancestors 'none'"
        self._page = common | {"Content-Security-Policy": page_policy(settings.basemap_url)}
        self._data = common | {"Content-Security-Policy": data, "X-Frame-Options": "DENY"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add them to what is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def bearing(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                of_page = get_route_path(scope).startswith("/map")  # the guard knows the prefix
                for name, value in (self._page if of_page else self._data).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, bearing)


def page_policy(basemap_url: str | None) -> str:
    """Content-Security-Policy of the page: its own files, and the tiles of a base map. MapLibre
    paints with pictures that it has in memory (blob:) and draws its symbols as data:."""
    parts = urlsplit(basemap_url or "")
    tiles = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return (
        f"default-src 'self'; img-src 'self' data: blob:{tiles}; connect-src 'self'{tiles};"
        " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )


class Guard:
    """The checks before a route, cheapest first; it tells the route who asks."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service
        settings = self._settings = service.settings
        self._names, self._origins = Names(settings), Origins(settings)
        self._requests = Buckets(settings.requests_a_minute, 60.0)
        self._made = Buckets(settings.visitor_makes_an_hour, 3600.0)
        self._public = urlsplit(settings.public_url) if settings.public_url else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what may not pass; let the rest pass."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        incoming = Incoming(receive)
        try:
            client, cookie = self._check(scope)
            scope.setdefault("state", {})["client"] = client
            receive = await self._checked_body(scope, incoming, client)
        except Exception as error:
            problem = as_problem(error)
            if problem.status >= 500 and not isinstance(error, Problem):
                log_fault(scope, error)
            refusal = answer(problem, request_id_of(scope))
            slow = problem.status == 408
            await refusal(scope, receive, send if slow else _last(scope, incoming, send))
            return
        await self._app(scope, receive, self._settling(scope, send, client, cookie))

    def _check(self, scope: Scope) -> tuple[Client, str | None]:
        """Name, path, origin, who, how often."""
        headers = Headers(scope=scope)
        self._names.check(headers)
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise Problem(400, "an address holds no character 0")
        if self._public:
            self._as_public(scope)
        own = f"{scope['scheme']}://{Headers(scope=scope)['host']}".lower()
        foreign = self._origins.is_foreign(scope["method"], headers, own)
        try:
            client, cookie = identify(headers, self._service.keys, self._settings, foreign)
        except Problem:
            self._charge(scope)  # keys that are tried out
            raise
        if not client.trusted:
            self._charge(scope)
        return client, cookie

    def _as_public(self, scope: Scope) -> None:
        """By the address that clients know, so that all links bear it."""
        assert self._public is not None
        scope["scheme"] = self._public.scheme
        scope["root_path"] = self._public.path.rstrip("/")
        others = [pair for pair in scope["headers"] if pair[0] != b"host"]
        scope["headers"] = [(b"host", self._public.netloc.encode()), *others]

    def _charge(self, scope: Scope) -> None:
        path, address = scope["path"], address_of(scope)
        if get_route_path(scope) in PROBES:
            return
        wait = self._requests.take(address, 0.1 if any(part in path for part in LIGHT) else 1.0)
        if wait:
            raise too_many(wait)
        if _makes(scope):
            wait = self._made.take(address)
            if wait:
                raise too_many(wait, "jobs and marks")

    async def _checked_body(self, scope: Scope, receive: Receive, client: Client) -> Receive:
        """The body, read and checked before a route sees it."""
        if scope["method"] in SAFE:
            return receive
        headers, settings = Headers(scope=scope), self._settings
        most = 1e6 * (settings.body_mb if client.trusted else settings.visitor_body_mb)
        body = await body_of(receive, headers.get("content-length"), most)
        if body:
            media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
            if media_type not in JSON_TYPES:
                raise Problem(415, "send JSON, with Content-Type: application/json")
            check = functools.partial(check_json, body)
            if len(body) > LARGE:
                await anyio.to_thread.run_sync(check, limiter=LARGE_ONES)
            else:
                check()
        scope["state"]["large"] = len(body) > LARGE
        return replayed(body, receive)

    def _settling(self, scope: Scope, send: Send, client: Client, cookie: str | None) -> Send:
        """A visitor who made a job or a mark (201) gets a cookie; who made none, the try back,
        unless what was sent took long to look at."""
        if client.trusted or not _makes(scope):
            return send

        async def settling(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] != 201:
                    if not scope["state"]["large"]:
                        self._made.give(address_of(scope))
                elif cookie:
                    MutableHeaders(scope=message).append("Set-Cookie", self._set(scope, cookie))
            await send(message)

        return settling

    def _set(self, scope: Scope, cookie: str) -> str:
        """A cookie that no script reads and no other site sends; kept as long as what it owns."""
        settings = self._settings
        days = max(settings.visitor_result_days, settings.marks_pending_days)
        path = f"{scope.get('root_path', '')}/"
        secure = "; Secure" if scope["scheme"] == "https" else ""
        return (
            f"{COOKIE}={cookie}; Path={path}; Max-Age={round(86400 * days)}; HttpOnly;"
            f" SameSite=Strict{secure}"
        )


def _last(scope: Scope, incoming: Incoming, send: Send) -> Send:
    """Ends an answer when all that is sent with the request has come; who waits to be told to send
    it is told by the answer not to."""
    if scope["method"] in SAFE or "expect" in Headers(scope=scope):
        return send

    async def last(message: Message) -> None:
        if message["type"] == "http.response.body":
            await send({**message, "more_body": True})
            await incoming.drop()
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return last


def _makes(scope: Scope) -> bool:
    """Whether a job or a mark is asked for."""
    path = get_route_path(scope)
    asked = scope["method"] == "POST" and path.startswith(MAKERS)
    return asked and not path.startswith(AT_ONCE)
