"""Who asks: a key, a visitor, or this machine."""

from dataclasses import dataclass
from typing import Literal

from service.core.keys import LOCAL


@dataclass(frozen=True)
class Client:
    """Who asks. name: of the key, of the visitor, or `local`; it owns jobs and marks.

    local: this machine, where the service is open; key: one that holds a key; visitor: anybody
    else, whose name is the hash of a cookie. operator: may moderate marks, and see the metrics.
    """

    name: str
    kind: Literal["local", "key", "visitor"]
    operator: bool = False

    @property
    def trusted(self) -> bool:
        """Whether all processes and the wide limits are theirs."""
        return self.kind != "visitor"


LOCAL_CLIENT = Client(LOCAL, "local", operator=True)
