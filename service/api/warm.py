"""What is made ready in the background as the service starts, so that nobody waits for it."""

import logging
import threading

from pipeline.errors import InputError
from service.api import places
from service.api.opened import opened
from service.api.service import Service
from service.core.exports import index_of

log = logging.getLogger("daklaag.service")


def begin(service: Service) -> threading.Thread:
    """Read the boundaries; count the roofs of all public runs and index their rows: 8 s for a
    nation, once."""
    thread = threading.Thread(target=_warm, args=(service,), name="warm", daemon=True)
    thread.start()
    return thread


def _warm(service: Service) -> None:
    for what in (places.warm, _count):
        try:
            what(service)
        except (InputError, OSError) as error:
            log.error("not all could be made ready", exc_info=error)


def _count(service: Service) -> None:
    state = service.settings.state
    for collection in service.public.values():
        opened(collection, state).count()
        index_of(state, collection)
