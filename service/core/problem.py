"""Problems as problem+json (RFC 9457)."""

from typing import Any

OGC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
MEDIA_TYPE = "application/problem+json"
LONGEST = 400  # characters of what a client named
TITLES = {
    400: "Bad request",
    401: "A key is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not in this format",
    408: "Too slow",
    409: "In conflict",
    410: "Gone",
    413: "Too large",
    415: "Unknown media type",
    416: "Range not in it",
    421: "Not this service",
    429: "Too many",
    500: "A fault of the service",
    503: "Not ready",
    507: "No room",
}


class Problem(Exception):
    """An answer that is not what was asked for: a status and a sentence with the remedy."""

    def __init__(
        self,
        status: int,
        detail: str,
        kind: str = "about:blank",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind, self.headers = status, detail, kind, headers or {}

    def body(self, instance: str | None = None) -> dict[str, Any]:
        """The problem as JSON; instance: id of the request, which the log has too."""
        values = {
            "type": self.kind,
            "title": TITLES.get(self.status, "Error"),
            "status": self.status,
            "detail": self.detail,
        }
        return values | ({"instance": instance} if instance else {})


def no_such(what: str, kind: str = "about:blank") -> Problem:
    """For what is not there, or not this client's: they look the same."""
    return Problem(404, f"there is no {what[:LONGEST]}", kind)
