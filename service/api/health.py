"""Monitoring: liveness, readiness, and metrics."""

import sqlite3

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from service.api.access import ClientDep, needs_key
from service.api.answers import MEANINGS, TEXT, Responses, Router, answers, faults, object_schema
from service.api.metrics import Metrics
from service.api.service import Service, ServiceDep
from service.core.database import DamagedDatabaseError
from service.core.links import JSON, VERSION
from service.core.problem import Problem

router = Router(tags=["operation"])

METRICS = "text/plain; version=0.0.4; charset=utf-8"
STATE = object_schema("status", status=TEXT)
NOT_READY: Responses = {
    503: {"description": "Something is missing", "content": {JSON: {"schema": STATE}}}
}


@router.get("/health", responses=answers(JSON, STATE, "It lives"))
async def health() -> Response:
    """It lives: it answers."""
    values = {"status": "alive", "version": VERSION}
    return JSONResponse(values, headers={"Cache-Control": "no-store"})


@router.get("/ready", responses=answers(JSON, STATE, "It can work") | NOT_READY)
def ready(request: Request, service: ServiceDep) -> Response:
    """Whether it can work: its memory is sound and can be written, its workers live, its disk has
    room."""
    supervisor, wanted = request.app.state.supervisor, service.settings.jobs_at_once
    checks = {
        "database": _is_writable(service),
        "workers": supervisor is None or len(supervisor.processes) == wanted,
        "room": service.jobs.has_room(),
    }
    good = all(checks.values())
    values = {"status": "ready" if good else "not ready", "checks": checks}
    return JSONResponse(values, 200 if good else 503, {"Cache-Control": "no-store"})


def _is_writable(service: Service) -> bool:
    try:
        with service.database.transaction():
            service.database.execute("PRAGMA user_version = 1")
    except (sqlite3.Error, DamagedDatabaseError):
        return False
    return service.database.is_there and service.database.is_sound


@router.get(
    "/metrics",
    responses=answers(METRICS.partition(";")[0], {"type": "string"}, "Figures")
    | faults(403, meanings={403: "The key is not an operator's"} | MEANINGS),
)
def metrics(request: Request, client: ClientDep) -> Response:
    """Figures for Prometheus: requests, tiles, faults, queue, blocks. For an operator only."""
    if not client.operator:
        text = "the figures need an operator's key (`daklaag keys add NAME --operator`)"
        raise Problem(403, text) if client.trusted else needs_key(text)
    figures: Metrics = request.app.state.metrics
    return Response(figures.text(), headers={"Content-Type": METRICS, "Cache-Control": "no-store"})
