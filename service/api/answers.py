"""Shared parts of routes: addresses, declarations of answers and faults, caching."""

import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel

from pipeline.errors import InputError, OutputError
from pipeline.storage.ledger import REPORT
from service.api.access import ClientDep
from service.api.service import ServiceDep
from service.core.catalogue import Collection
from service.core.problem import MEDIA_TYPE, Problem, no_such
from service.core.settings import Settings

log = logging.getLogger("daklaag.service")
KEPT_S = 3600  # what may change when a run is updated is asked for anew after an hour
Schema = dict[str, Any]
Responses = dict[int | str, dict[str, Any]]  # as a route declares them, by status
TEXT: Schema = {"type": "string"}


def object_schema(required: str, **properties: Schema) -> Schema:
    """JSON Schema of an object; required: the names of the properties that it always has."""
    return {"type": "object", "required": required.split(), "properties": properties}


def array_schema(items: Schema) -> Schema:
    """JSON Schema of an array."""
    return {"type": "array", "items": items}


PROBLEM = object_schema(
    "type title status detail",
    type=TEXT, title=TEXT, status={"type": "integer"}, detail=TEXT, instance=TEXT,
)  # fmt: skip
LINKS = array_schema(object_schema("href rel", href=TEXT, rel=TEXT, type=TEXT, title=TEXT))
MEANINGS = {
    304: "Not modified: what the client has is still good",
    400: "A parameter that is unknown, or a value that is not accepted",
    404: "There is none, or it is somebody else's",
    413: "Larger than is made on demand",
    416: "The range lies beyond the end",
    429: "Too many requests from this address",
    503: "Too much is being made already",
    507: "No room for what has to be made first",
}
NAME = Annotated[str, Path(alias="collectionId", description="of a run, or a job's id")]
FEATURES = Annotated[
    str,
    Path(
        alias="collectionId",
        description="of a run, or a job's id; with a dot and the name of parts of its buildings,"
        " such as planes, of those",
    ),
]


class Router(APIRouter):
    """Routes; each that answers GET answers HEAD too, with the headers alone."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route, and one for HEAD outside the OpenAPI document, which has it by HTTP."""
        super().add_api_route(path, endpoint, **options)
        if "GET" in (options.get("methods") or ["GET"]):
            head = {"methods": ["HEAD"], "include_in_schema": False}
            super().add_api_route(path, endpoint, **options | head)


class Link(BaseModel):
    """A link as OGC API writes it."""

    href: str
    rel: str
    type: str
    title: str | None = None


def collection_of(name: NAME, service: ServiceDep, client: ClientDep) -> Collection:
    """The collection of an address. Raises Problem 404 where the client has none of that name."""
    return service.collection(name, client)


def features_of(name: FEATURES, service: ServiceDep, client: ClientDep) -> Collection:
    """The features of an address. Raises Problem 404 where the client has none of that name."""
    return service.features(name, client)


async def still_there(
    collection: Annotated[Collection, Depends(collection_of)],
) -> AsyncIterator[Collection]:
    """The collection of an address, for as long as it is used: see `_watched`."""
    with _watched(collection):
        yield collection


async def features_still_there(
    collection: Annotated[Collection, Depends(features_of)],
) -> AsyncIterator[Collection]:
    """The features of an address, for as long as they are used: see `_watched`."""
    with _watched(collection):
        yield collection


@contextmanager
def _watched(collection: Collection) -> Iterator[None]:
    """Raises Problem 404 for a fault when the folder of a collection is removed meanwhile, 500 for
    a damaged run, which the log tells the operator."""
    try:
        yield
    except Problem:
        raise
    except Exception as error:
        if not (collection.place / REPORT).is_file():
            raise no_such(f"collection {collection.name} (it was removed meanwhile)") from None
        if isinstance(error, OutputError) or not isinstance(error, InputError):
            raise
        log.error("damaged", exc_info=error, extra={"fields": {"collection": collection.name}})
        sentence = f"collection {collection.name} is damaged; its operator must run it anew"
        raise Problem(500, sentence) from None


CollectionDep = Annotated[Collection, Depends(still_there)]
FeaturesDep = Annotated[Collection, Depends(features_still_there)]


def faults(*statuses: int, meanings: Mapping[int, str] = MEANINGS) -> Responses:
    """Declaration of an endpoint's faults, as problem+json. meanings: of the statuses there."""
    return {
        status: {"description": meanings[status], "content": {MEDIA_TYPE: {"schema": PROBLEM}}}
        for status in (*statuses, 429)
    }


def answers(media_type: str, schema: Any, description: str) -> Responses:
    """Declaration of an endpoint's successful answer."""
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


def address(request: Request, settings: Settings, path: str) -> str:
    """The whole address of a path below the service, as clients know it."""
    root = (settings.public_url or str(request.base_url)).rstrip("/")
    return f"{root}/{path}"


def keeping(collection: Collection) -> dict[str, str]:
    """Cache headers of an answer about a collection: for everybody, or for its client alone."""
    audience = "public" if collection.client is None else "private"
    headers = {"Cache-Control": f"{audience}, max-age={KEPT_S}"}
    return headers | ({} if collection.client is None else {"Vary": "Authorization, Cookie"})


def etag_of(*parts: object) -> str:
    """A strong ETag of what an answer is made from."""
    text = "\x00".join(map(str, parts)).encode()
    return f'"{hashlib.sha256(text).hexdigest()[:32]}"'


def known(request: Request, etag: str) -> bool:
    """Whether the client has the answer of this ETag already."""
    given = request.headers.get("if-none-match", "")
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return "*" in tags or etag in tags


def not_modified(etag: str, headers: Mapping[str, str]) -> Response:
    """304, with what a cache wants to hear again."""
    return Response(status_code=304, headers={"ETag": etag, **headers})


def check_parameters(request: Request, *known: str) -> None:
    """Raises Problem 400 for any other than these and `f`, as OGC API asks."""
    for name in request.query_params:
        if name not in (*known, "f"):
            raise Problem(400, f"parameter {name[:50]}: not known here")


async def nothing_else(request: Request) -> None:  # async: it takes no thread of the pool
    """Raises Problem 400 for any parameter, where none is declared."""
    check_parameters(request)
