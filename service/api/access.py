"""Who asks, and what they may: a key, a visitor with a cookie, or this machine."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

from service.api.problem import Problem

COOKIE = "daklaag_visitor"


@dataclass(frozen=True)
class Client:
    """Who asks. name: of the key, of the visitor's cookie, or `local`; it owns jobs and marks.

    local: this machine, where the service is open; key: one that holds a key; visitor: anybody
    else. operator: may moderate marks, and see the metrics.
    """

    name: str
    kind: Literal["local", "key", "visitor"]
    operator: bool = False

    @property
    def trusted(self) -> bool:
        """Whether all processes and the wide limits are theirs."""
        return self.kind != "visitor"


def client_of(request: Request) -> Client:
    """Who sends a request; the middleware has found it out."""
    client: Client = request.state.client
    return client


def trusted_client(client: "Asking") -> Client:
    """The same; raises Problem 401 for a visitor."""
    if not client.trusted:
        raise Problem(
            401,
            "this needs a key: Authorization: Bearer KEY; the operator makes one by"
            " `daklaag keys add NAME`",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return client


Asking = Annotated[Client, Depends(client_of)]
Trusted = Annotated[Client, Depends(trusted_client)]
