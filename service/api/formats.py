"""Formats of a route's answers: other values of `f` and `Accept` are refused."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import APIRoute
from starlette.responses import Response

from service.core.links import JSON, KIN, plain, same
from service.core.problem import Problem

HTML = "text/html"
FORMAT = "the format of the answer"
NAMES = {"json": JSON, "html": HTML}  # of formats, as `f` takes them


async def acceptable(request: Request) -> None:  # async: it takes no thread of the pool
    """Raises Problem 400 for an `f`, and 406 for an `Accept`, that the route does not have."""
    route = request.scope["route"]
    there = offered(route) if isinstance(route, APIRoute) else []
    if not there:
        return
    name = request.query_params.get("f")
    if name is not None and not _has(NAMES.get(name, ""), there):
        names = [name for name, kind in NAMES.items() if _has(kind, there)]
        has = f"there is {', '.join(names)}" if names else "leave it out"
        raise Problem(400, f"parameter f: this address has no format {name[:50]!r}; {has}")
    ranges = _ranges(request.headers.get("accept", ""))
    if name is None and ranges and not any(_has(kind, there) for kind in ranges):
        raise Problem(406, f"this address answers with {', '.join(there)}, as `Accept` must say")


def offered(route: APIRoute) -> list[str]:
    """The media types of what a route answers where nothing is wrong, by what it declares; none
    where it does not say."""
    kinds = _declared(route.responses)
    if not kinds and route.status_code != 204:
        usual = _class_of(route).media_type
        kinds = [usual] if usual else []
    return list(dict.fromkeys(map(plain, kinds)))


def formats_of(responses: Mapping[int | str, Any]) -> list[str]:
    """Values of `f` for a route that declares these answers; none where it is of no use."""
    kinds = list(map(plain, _declared(responses)))
    if not all(kind in KIN or kind == HTML for kind in kinds):
        return []
    return [name for name, kind in NAMES.items() if _has(kind, kinds)]


def _declared(responses: Mapping[int | str, Any]) -> list[str]:
    """The media types of answers that are no faults."""
    good = [answer for status, answer in responses.items() if str(status)[0] in "23"]
    return [kind for answer in good for kind in answer.get("content", {})]


def _class_of(route: APIRoute) -> type[Response]:
    of = route.response_class
    return of.value if isinstance(of, DefaultPlaceholder) else of


def _ranges(accept: str) -> list[str]:
    """The media types and ranges of `Accept` (RFC 9110), without those of quality 0."""
    parts = [part.partition(";") for part in accept.lower().split(",") if part.strip()]
    refused = ("q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000")
    return [
        kind.strip() for kind, _, parameters in parts
        if not {word.strip() for word in parameters.split(";")} & {*refused}
    ]  # fmt: skip


def _has(media_type: str, there: list[str]) -> bool:
    """Whether a media type, or a range of them, is among those that are offered."""
    if media_type.endswith("/*"):
        return media_type == "*/*" or any(kind.startswith(media_type[:-1]) for kind in there)
    return any(same(media_type, kind) for kind in there)
