"""Days, instants and intervals, as `datetime` has them (RFC 3339): of what these patterns take
there is each, so that the OpenAPI document says what is accepted."""

from datetime import UTC, datetime

LEAP = r"([12]\d(0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)"
LONG, SHORT = r"(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])", r"(0[469]|11)-(0[1-9]|[12]\d|30)"
DAY = rf"([12]\d{{3}}-({LONG}|{SHORT}|02-(0[1-9]|1\d|2[0-8]))|{LEAP}-02-29)"
CLOCK = r"[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-](0\d|1[0-4]):[0-5]\d)"
INSTANT = rf"{DAY}({CLOCK})?"
TIMES = rf"^({INSTANT}|(\.\.)?/{INSTANT}|{INSTANT}/(\.\.)?|{INSTANT}/{INSTANT}|(\.\.)?/(\.\.)?)$"


def moment(text: str) -> datetime:
    """A day's beginning, or an instant, of such a text; in UTC if nothing is said."""
    found = datetime.fromisoformat(text.upper())
    return found if found.tzinfo else found.replace(tzinfo=UTC)
