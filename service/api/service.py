"""The service: settings, database, and the data that it serves."""

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Request

from pipeline.addresses.index import AddressIndex, open_index
from pipeline.errors import InputError
from pipeline.results.features import Features
from pipeline.storage.ledger import REPORT
from pipeline.vectors.basemap import read_header
from service.core.catalogue import Backend, Collection, Sources, public_collections, sources_of
from service.core.database import Database, open_database
from service.core.faults import Faults
from service.core.keys import Client, Keys
from service.core.problem import no_such
from service.core.settings import Settings
from service.jobs.job import Status
from service.jobs.table import Jobs
from service.jobs.watch import Watch
from service.marks.table import Marks

log = logging.getLogger("daklaag.service")


@dataclass(frozen=True)
class Service:
    """One service: made once, handed to each route."""

    settings: Settings
    database: Database
    public: dict[str, Collection]
    sources: Sources
    addresses: AddressIndex | None
    keys: Keys
    jobs: Jobs
    marks: Marks
    watch: Watch

    @classmethod
    def of(cls, settings: Settings) -> "Service":
        """Open all that the settings name. Raises InputError for what is not usable."""
        if settings.basemap:
            read_header(settings.basemap)
        database = open_database(settings)
        jobs, sources = Jobs(database, settings), sources_of(settings)
        return cls(
            settings,
            database,
            public_collections(settings),
            sources,
            open_index(sources.addresses) if sources.addresses else None,
            Keys(database),
            jobs,
            Marks(database, settings),
            Watch(jobs.many),
        )

    @property
    def faults(self) -> Faults:
        """Words and owners of faults for clients."""
        return Faults(self.settings.work)

    @property
    def shown(self) -> dict[str, Collection]:
        """The public collections that are there now: one that is gone, is being made anew, or is
        damaged, takes none of the others with it."""
        return {name: each for name, each in self.public.items() if _is_sound(each)}

    @property
    def backend(self) -> Backend:
        """Settings and data that processes read now."""
        return Backend(self.settings, self.sources, self.shown)

    def collection(self, name: str, client: Client) -> Collection:
        """A public collection, or the result of one of the client's own jobs.

        Raises Problem 404 for any other.
        """
        if name in self.public:
            if not (self.public[name].place / REPORT).is_file():
                raise no_such(f"collection {name} (its folder is gone, or is being made anew)")
            return self.public[name]
        job = self.jobs.find_without_inputs(name, client.name)
        if job is None or job.status is not Status.SUCCESSFUL:
            raise no_such(f"collection {name}")
        place = self.jobs.folder(job)
        if not (place / REPORT).is_file():
            raise no_such(f"collection {name} (its results have expired)")
        return Collection(name, place, client.name)

    def features(self, name: str, client: Client) -> Collection:
        """A collection, or that of the parts of its buildings: its name, a dot, and theirs.

        Raises Problem 404 for any other.
        """
        run, dot, _ = name.partition(".")
        collection = self.collection(run, client)
        if not dot:
            return collection
        found = {each.name: each for each in collection.parts}
        if name not in found:
            raise no_such(f"collection {name} (there are {', '.join([run, *found])})")
        return found[name]


async def service_of(request: Request) -> Service:  # async: it takes no thread of the pool
    """The service of a request."""
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(service_of)]


def _is_sound(collection: Collection) -> bool:
    """Whether a run can be opened; one that is there and cannot is told to the operator once."""
    if not (collection.place / REPORT).is_file():
        return False
    try:
        Features.of(collection.place)
    except InputError as error:
        _tell(collection.name, str(error))
        return False
    return True


@lru_cache(maxsize=64)
def _tell(name: str, text: str) -> None:
    log.error("damaged", extra={"fields": {"collection": name, "said": text}})
