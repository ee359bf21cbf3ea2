"""What the page's configuration says of a result."""

from service.page.config import heights

SHEETS = [{"ahn_version": "AHN5"}, {"ahn_version": None}, {"ahn_version": "AHN4"}]


def test_heights_are_named_once() -> None:
    assert heights({"dsm": SHEETS}) == "AHN4, AHN5"
    assert heights({"dsm": [{}]}) == ""
