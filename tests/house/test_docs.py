"""What the pages say of the program is what the program says of itself."""

import re
from pathlib import Path

import pytest

from pipeline.footprints.restrictions import WORDS
from pipeline.methods import METHODS
from pipeline.methods.listing import listing
from pipeline.methods.method import Method, names
from pipeline.results import columns

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=METHODS.values(), ids=list(METHODS))
def method(request: pytest.FixtureRequest) -> Method:
    return request.param


def terms(method: Method) -> tuple[str, ...]:
    """The flags and reasons of a method, by name."""
    return names((*method.flags, *method.reasons))


def page_of(method: Method) -> str:
    return (ROOT / f"docs/methods/{method.name}.md").read_text("utf-8")


PAGES = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))]


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Path:
    return ROOT / request.param


def test_the_methods_page_has_the_parameters_as_they_are_declared(method: Method) -> None:
    assert listing(method.name, "markdown") in page_of(method)


def test_the_outputs_page_has_the_columns_as_they_are_declared(method: Method) -> None:
    assert columns.listing("en", method.columns) in (ROOT / "docs/outputs.md").read_text()


def test_every_column_has_a_title_and_a_meaning_in_both_languages(method: Method) -> None:
    for column in method.columns:
        for words in (column.words("en"), column.words("nl")):
            assert 0 < len(words.title) <= 30 and len(words.meaning) > 10, column.name
            assert "\n" not in words.meaning
        assert column.en.meaning != column.nl.meaning


def test_a_column_in_metres_square_metres_or_kwh_says_so(method: Method) -> None:
    for column in method.columns:
        kwh = "kWh" if "_month_" in column.name else "kWh/year"
        ending = {"m": "m", "m2": "m2", "kwh": kwh}.get(column.name.rsplit("_", 1)[-1])
        assert ending is None or column.unit == ending, column.name


def test_every_column_flag_reason_and_layer_is_explained(method: Method) -> None:
    text = (ROOT / "docs/outputs.md").read_text()
    for name in (*method.schema.names, *terms(method), *names(method.layers)):
        assert f"`{name}`" in text, name


def test_the_methods_page_names_every_flag_and_reason(method: Method) -> None:
    text = page_of(method)
    for name in terms(method):
        assert f"`{name}`" in text, name


def test_every_word_of_a_restriction_is_explained() -> None:
    text = (ROOT / "docs/inputs.md").read_text()
    for name, words in WORDS.items():
        assert all(f"`{word}`" in text for word in (name, *words))


def anchors(page: str) -> set[str]:
    """The headings of a page as GitHub names them in links."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_links_lead_somewhere(page: Path) -> None:
    for target, _, anchor in re.findall(r"\]\(([^)#]*)(#([^)]+))?\)", page.read_text("utf-8")):
        if "://" in target:
            continue
        path = page.parent / target if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text("utf-8")), f"{target}#{anchor}"
