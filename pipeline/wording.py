"""How numbers, days and lists are written for people, in English and Dutch."""

import datetime
from collections.abc import Sequence

AND = {"en": "and", "nl": "en"}
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}


def number(value: float, lang: str, digits: int = 0) -> str:
    """`value` with grouped thousands, as `lang` writes them."""
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if lang == "nl" else text


def amount(value: float, lang: str) -> str:
    """A number with as many decimals as its size bears."""
    return number(value, lang, sum(0 < value < limit for limit in (100, 10, 1)))


def about(value: float, lang: str) -> str:
    """A sum in three digits: more would say more than is known of it."""
    digits = 10.0 ** max(len(f"{abs(value):.0f}") - 3, 0)
    return number(round(value / digits) * digits, lang)


def percent(share: float, lang: str) -> str:
    """A share of one in per cent, with one decimal where it is not whole."""
    return number(100 * share, lang, 0 if round(1000 * share) % 10 == 0 else 1) + " %"


def day(date: str, lang: str) -> str:
    """An ISO date in full: 2025-12-21 is 21 December 2025."""
    when = datetime.date.fromisoformat(date[:10])
    return f"{when.day} {MONTHS[lang].split()[when.month - 1]} {when.year}"


def listed(items: Sequence[str], lang: str) -> str:
    """`items` as a phrase: a, b and c."""
    *head, last = [*items] or [""]
    return f"{', '.join(head)} {AND[lang]} {last}" if head else last
