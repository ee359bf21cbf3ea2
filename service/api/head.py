"""HEAD, for every route that answers GET: the framework knows it of files only."""

import asyncio
import contextlib

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A file is then named instead of read.
UNREAD: dict[str, dict[str, str]] = {"http.response.pathsend": {}}
MOST_UNREAD = 3  # parts of a stream


class Head:
    """Answers HEAD as GET, of which the headers are sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer ends with its headers: a stream is told that nobody listens any more."""
        if scope.get("method") != "HEAD":
            await self._app(scope, receive, send)
            return
        has_answered, parts = False, 0

        async def nothing() -> Message:
            if has_answered:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": b""}

        async def headers_only(message: Message) -> None:
            nonlocal has_answered, parts
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                has_answered = True
            elif message.get("more_body"):
                await asyncio.sleep(0)  # in which a stream may hear that nobody listens
                parts += 1
                if parts > MOST_UNREAD:
                    raise OSError("nobody listens")

        get = {
            **scope,
            "method": "GET",
            "asgi": {**scope.get("asgi", {}), "spec_version": "2.4"},  # which knows that OSError
            "extensions": {**scope.get("extensions", {}), **UNREAD},
        }
        with contextlib.suppress(ClientDisconnect):
            await self._app(get, nothing, headers_only)
        scope["route"] = get.get("route")
