"""Errors of routes as problem+json, by one table."""

import logging
import sqlite3
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, compile_path, get_route_path
from starlette.types import Scope

from pipeline.errors import InputError, Kind, Stopped
from pipeline.storage.places import DISK_FULL
from service.api.openapi import describe
from service.core.database import DamagedDatabaseError
from service.core.faults import Faults
from service.core.problem import LONGEST, MEDIA_TYPE, TITLES, Problem

NO_ROOM = "the service has no room; its operator must make some"
DAMAGED = "a finished run of the service is damaged; its operator must run it anew"
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
OF_KIND = {Kind.UNWRITABLE: (507, NO_ROOM), Kind.DAMAGED: (500, DAMAGED)}
NO_INPUTS = Faults()  # where no inputs of clients are files
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
log = logging.getLogger("daklaag.service")


def as_problem(error: Exception, faults: Faults = NO_INPUTS) -> Problem:
    """The problem that a client gets for an exception: the table of errors."""
    match error:
        case Problem():
            return error
        case Stopped():
            return Problem(503, "the service is stopping; ask again in a moment")
        case DamagedDatabaseError():
            return Problem(503, "the service's memory is damaged; its operator must mend it")
        case InputError():
            status, detail = OF_KIND.get(error.kind, (400, None))
            return Problem(status, detail or faults.sentence(error))
        case RequestValidationError():
            return Problem(400, "; ".join(_lines(error)))
        case HTTPException():
            return _of_http(error)
        case sqlite3.OperationalError():
            detail = "the service's memory is busy or full; ask again in a moment"
            return Problem(503, detail, headers={"Retry-After": "5"})
        case OSError() if error.errno in DISK_FULL:
            return Problem(507, NO_ROOM)
        case _:
            return Problem(500, "the service has a fault; tell its operator the request's id")


def _lines(error: RequestValidationError) -> list[str]:
    """Messages of the first faults, each with its place; values that were sent are left out."""
    texts = [
        f"{'.'.join(str(part) for part in each['loc'])[:100]}: {each['msg'][:200]}"
        for each in error.errors()[:3]
    ]
    return [*texts, "..."] if len(error.errors()) > 3 else texts


def _of_http(error: HTTPException) -> Problem:
    text = str(error.detail)
    usual = HTTPStatus(error.status_code).phrase
    detail = TITLES.get(error.status_code, usual) if text == usual else text[:LONGEST]
    return Problem(error.status_code, detail, headers=dict(error.headers or {}))


def answer(problem: Problem, request_id: str | None) -> JSONResponse:
    """A problem as the answer to a request of that id."""
    return JSONResponse(
        problem.body(f"urn:request:{request_id}" if request_id else None),
        problem.status,
        {"Cache-Control": "no-store", **problem.headers},
        MEDIA_TYPE,
    )


async def _handle(request: Request, error: Exception) -> Response:
    problem = as_problem(error, request.app.state.service.faults)
    if problem.status >= 500 and not isinstance(error, Problem | Stopped):  # that are meant so
        log_fault(request.scope, error)
    response = answer(problem, request_id_of(request.scope))
    if problem.status == 405:
        allowed = {"Allow": allowed_methods(request)}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allowed)
        response.headers.update(allowed)
    return response


def allowed_methods(request: Request) -> str:
    """The methods that a path takes, with those that every path takes: by the document those of the
    template that it fits (`/marks/restrictions` is no `/marks/{id}`), else by the routes."""
    routes, scope, paths = request.app.routes, request.scope, describe(request.app)["paths"]
    fits = [t for t in paths if compile_path(t)[0].fullmatch(get_route_path(scope))]
    methods = {
        method
        for method in METHODS
        if any(each.matches({**scope, "method": method})[0] is Match.FULL for each in routes)
        and (not fits or method.lower() in paths[min(fits, key=lambda t: t.count("{"))])
    }
    return ", ".join(sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))


def request_id_of(scope: Scope) -> str | None:
    """By which the log knows a request."""
    request_id: str | None = scope.get("state", {}).get("request_id")
    return request_id


def log_fault(scope: Scope, error: Exception) -> None:
    """For the operator, with its traceback; none of what was sent. That others write, or that the
    memory is damaged, is no fault of the program, and comes to all who ask meanwhile: a line."""
    fields = {"request": request_id_of(scope)}
    if getattr(error, "sqlite_errorcode", None) in BUSY:
        log.warning("memory busy", extra={"fields": fields})
    elif isinstance(error, DamagedDatabaseError):
        log.error("memory damaged", extra={"fields": fields | {"said": str(error)}})
    else:
        log.error("fault", exc_info=error, extra={"fields": fields})


def install(app: FastAPI) -> None:
    """Answer each kind of fault as the table says; others reach the outermost layer."""
    kinds = (Problem, InputError, Stopped, RequestValidationError, HTTPException)
    for kind in (*kinds, sqlite3.OperationalError, OSError):
        app.add_exception_handler(kind, _handle)
