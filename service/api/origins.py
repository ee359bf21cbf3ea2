"""Host names of the service, and origins of pages that may send requests."""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from service.core.problem import Problem
from service.core.settings import LOOPBACK, Settings

SAFE = ("GET", "HEAD", "OPTIONS")
ANY_ADDRESS = ("0.0.0.0", "::")  # listened at, never asked by


class Names:
    """The names of the service. A page of another site that had its own name resolved to this
    machine (DNS rebinding) is not served: its requests bear that name."""

    def __init__(self, settings: Settings) -> None:
        named = {*LOOPBACK, *(name.lower() for name in settings.hosts), settings.host.lower()}
        if settings.public_url:
            named.add((urlsplit(settings.public_url).hostname or "").lower())
        self._names = named - set(ANY_ADDRESS) - {""}
        self._any_address = not settings.on_loopback

    def check(self, headers: Headers) -> None:
        """Raise Problem 421 for a request by another name, 400 for one without."""
        given = headers.getlist("host")
        name = host_of(given[0]) if len(given) == 1 else None
        if name is None:
            raise Problem(400, "a request names the service in one header Host")
        if name not in self._names and not self._is_own_address(name):
            raise Problem(
                421, f"not known by the name {name[:100]!r}; its operator can add it to `hosts`"
            )

    def _is_own_address(self, name: str) -> bool:
        """An address is resolved by nobody; on loopback only that of this machine will do."""
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._any_address


def host_of(authority: str) -> str | None:
    """The host's name of `host[:port]`, in small letters; None if it is not such."""
    try:
        parts = urlsplit(f"//{authority}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return None
    plain = parts.netloc == authority and "@" not in authority
    return name.rstrip(".") if name and plain else None


class Origins:
    """Other origins whose pages may send requests."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in settings.origins)

    def is_foreign(self, method: str, headers: Headers, own: str) -> bool:
        """Whether a page of another origin than `own` sends a request.

        Raises Problem 403 if it would change something and that origin is not allowed: a browser
        asks for leave (CORS) not for all such requests.
        """
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        cross_site = site in ("cross-site", "same-site")
        foreign = cross_site if origin is None else origin.lower() != own
        allowed = "*" in self._allowed or (origin or "").lower() in self._allowed
        if foreign and not allowed and method not in SAFE:
            raise Problem(403, "a page of another origin may not ask for this; see `origins`")
        return foreign
