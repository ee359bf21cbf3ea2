"""What the page's configuration says of a result."""

from pipeline.results.printed import flights
from service.page.config import heights

SHEETS = [{"ahn_version": "AHN5"}, {"ahn_version": None}, {"ahn_version": "AHN4"}]


def test_heights_are_named_once() -> None:
    assert heights({"dsm": SHEETS}) == "AHN4, AHN5"
    assert heights({"dsm": [{}]}) == ""


def test_each_version_has_the_years_of_its_flights_where_they_are_known() -> None:
    assert flights({"dsm": SHEETS}) == {"AHN4": ["2020-2022"], "AHN5": []}
