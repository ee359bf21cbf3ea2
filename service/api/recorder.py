"""An outer layer: an id for each request, a line in the log, a figure in the metrics, and a net for
what nobody caught."""

import logging
import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.errors import answer, as_problem, log_fault
from service.api.metrics import Metrics

log = logging.getLogger("daklaag.requests")
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
NO_ROUTE = "none"


class Recorder:
    """Sees each request come and go."""

    def __init__(self, app: ASGIApp, metrics: Metrics, logs: bool) -> None:
        self._app, self._metrics, self._logs = app, metrics, logs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on; tell what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            log_fault(scope, error)
            if status:  # half of an answer is out: let the server cut the connection
                raise ConnectionError("the answer broke off") from None
            await answer(as_problem(error), request_id)(scope, receive, watched)
        finally:
            self._tell(scope, status, time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        """Record an answer in metrics and log: the template of the path and the kind of client,
        nothing of the request."""
        route = getattr(scope.get("route"), "path", None) or NO_ROUTE
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.request(route, method, status, seconds, scope.get("path_params", {}))
        if self._logs:
            client = scope["state"].get("client")
            values = {
                "request": scope["state"]["request_id"],
                "method": method,
                "route": route,
                "status": status,
                "ms": round(1000 * seconds, 1),
                "client": client.kind if client else None,
            }
            log.info("request", extra={"fields": values})
