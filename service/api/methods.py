"""HEAD and OPTIONS, for every door that answers GET."""

import asyncio
import contextlib

from starlette.requests import ClientDisconnect
from starlette.routing import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.errors import allowed_methods

# A file is then named instead of read.
UNREAD: dict[str, dict[str, str]] = {"http.response.pathsend": {}}
MOST_UNREAD = 3  # parts of a stream


class Methods:
    """HEAD is GET of which the headers are sent; OPTIONS tells what else may be asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer these two; the rest passes."""
        method = scope.get("method")
        if method == "OPTIONS" and await self._options(scope, send):
            return
        if method == "HEAD":
            await self._head(scope, send)
            return
        await self._app(scope, receive, send)

    async def _options(self, scope: Scope, send: Send) -> bool:
        methods = allowed_methods(scope["app"], get_route_path(scope))
        if not methods:
            return False
        allow = (b"allow", ", ".join(sorted(methods)).encode())
        await send({"type": "http.response.start", "status": 204, "headers": [allow]})
        await send({"type": "http.response.body", "body": b""})
        return True

    async def _head(self, scope: Scope, send: Send) -> None:
        """The answer ends with its headers: a stream is told that nobody listens any more."""
        told, unread = False, 0

        async def receive() -> Message:
            return {"type": "http.disconnect"} if told else {"type": "http.request", "body": b""}

        async def headers_only(message: Message) -> None:
            nonlocal told, unread
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                told = True
            elif message.get("more_body"):
                await asyncio.sleep(0)  # in which a stream may hear that nobody listens
                unread += 1
                if unread > MOST_UNREAD:
                    raise OSError("nobody listens")

        asked = {
            **scope,
            "method": "GET",
            "asgi": {**scope.get("asgi", {}), "spec_version": "2.4"},  # which knows that OSError
            "extensions": {**scope.get("extensions", {}), **UNREAD},
        }
        with contextlib.suppress(ClientDisconnect):
            await self._app(asked, receive, headers_only)
        scope["route"] = asked.get("route")
