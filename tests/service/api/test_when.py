"""Days, instants and intervals: a pattern takes what the calendar has, and nothing else."""

import calendar
import re
from datetime import UTC, date, datetime

import pytest

from service.api.query import DAY, TIMES, moment

YEARS = [1000, 1200, 1700, 1899, 1900, 1904, 1999, 2000, 2023, 2024, 2100, 2400, 2800, 2999]


def exists(year: int, month: int, day: int) -> bool:
    """Whether the calendar has a day."""
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


@pytest.mark.parametrize("year", YEARS)
def test_a_day_is_one_of_the_calendar(year: int) -> None:
    for month in range(14):
        for day in range(33):
            text = f"{year:04d}-{month:02d}-{day:02d}"
            assert bool(re.fullmatch(DAY, text)) == exists(year, month, day), text
            if exists(year, month, day):
                assert moment(text).date() == date(year, month, day)


@pytest.mark.parametrize(
    "text",
    ["0000-00-00", "2021-02-29", "1900-02-29", "2020-01-01T24:00:00Z", "2020-01-01T12:00:00",
     "2020-01-01T12:00:60Z", "2020-01-01T12:00:00+15:00", "20200101", "2020-01-01/2020-13-01",
     "99999999999999999999-01-01", "", "2020-01-01/2020-01-02/2020-01-03"],
)  # fmt: skip
def test_faulty_times_are_refused(text: str) -> None:
    assert not re.fullmatch(TIMES, text)


@pytest.mark.parametrize(
    "text",
    ["2020-02-29", "../2020-01-01", "2020-01-01/", "2020-01-01t12:00:00.12345678z", "../.."],
)
def test_times_are_parsed(text: str) -> None:
    assert re.fullmatch(TIMES, text)
    for part in text.split("/"):
        assert part in ("", "..") or moment(part).year == 2020


def test_an_instant_without_an_offset_is_utc() -> None:
    assert moment("2020-01-01") == datetime(2020, 1, 1, tzinfo=UTC)
    assert moment("2020-01-01T01:00:00+01:00") == datetime(2020, 1, 1, tzinfo=UTC)
