"""The application: its routes, middleware and background work."""

import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any

from fastapi import Depends, FastAPI

from pipeline.errors import InputError
from service.api import (
    addresses,
    collections,
    errors,
    health,
    jobs,
    landing,
    marks,
    page,
    places,
    processes,
    results,
    security,
    tiles,
)
from service.api.formats import acceptable
from service.api.metrics import Metrics
from service.api.opened import opened
from service.api.service import Service
from service.core.catalogue import Backend
from service.core.exports import index_of
from service.core.links import VERSION
from service.core.settings import Settings
from service.jobs.job import Job
from service.jobs.supervisor import Supervisor

log = logging.getLogger("daklaag.service")
ROUTES = (landing, processes, jobs, collections, tiles, places, addresses, marks, page, health)


def create_app(settings: Settings, work: bool = True) -> FastAPI:
    """The service as an ASGI application. work: whether jobs are computed (by processes beside it).

    Raises InputError for settings that name what is not usable.
    """
    service = Service.of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with working(app) if work else nullcontext():
            yield

    app = FastAPI(
        title="daklaag",
        version=VERSION,
        description="What sun and wind can do on every roof of the Netherlands.",
        license_info={"name": "EUPL-1.2", "url": "https://eupl.eu/1.2/en/"},
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        dependencies=[Depends(acceptable)],
    )
    app.state.service, app.state.supervisor = service, None
    app.state.metrics = Metrics(service.jobs)
    for module in ROUTES:
        app.include_router(module.router)
    errors.install(app)
    security.install(app, service)
    return app


@contextmanager
def working(app: FastAPI) -> Iterator[None]:
    """Processes that compute the jobs of an application, meanwhile; what is large is opened before
    the first who asks for it has to wait.

    Raises InputError if another service has them in hand.
    """
    service: Service = app.state.service

    def document(job: Job, base: str) -> dict[str, Any]:
        return results.results_of(job, base, service.jobs.folder(job))

    backend = Backend(service.settings, service.sources, service.public)
    with Supervisor(service.jobs, backend, document) as supervisor:
        app.state.supervisor = supervisor
        begin_warming(service)
        yield
    app.state.supervisor = None


def begin_warming(service: Service) -> threading.Thread:
    """Read the boundaries; open the tables of all public runs, count their roofs and index their
    rows: 8 s for a nation, once."""
    thread = threading.Thread(target=_warm, args=(service,), name="warm", daemon=True)
    thread.start()
    return thread


def _warm(service: Service) -> None:
    for task in (places.warm, _open_runs):
        try:
            task(service)
        except (InputError, OSError) as error:
            log.error("not all could be made ready", exc_info=error)


def _open_runs(service: Service) -> None:
    state = service.settings.state
    for collection in service.public.values():
        run = opened(collection, state)
        run.open_outlines()
        run.count()
        index_of(state, collection)
