"""The words of a method in its languages: of what it declares, and on its results."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

W = TypeVar("W")


class Words(NamedTuple):
    """A title of a few words, and its meaning in one line."""

    title: str
    meaning: str


class Bilingual(Generic[W]):
    """A declaration with words in English and Dutch."""

    en: W
    nl: W

    def words(self, lang: str) -> W:
        """Its words in `nl`, else in English."""
        return self.nl if lang == "nl" else self.en


class Phrases(NamedTuple):
    """A method's words on its results in one language.

    report: template of the printed report (pipeline/results/printed.py), as are the others; table:
    below a table of sums; title, subtitle: of the map; moments: of its layers; roofs, parts,
    ground: over the classes, the parts of roofs and the layers in its legend, parts by default the
    title of their column; shade: of what is drawn as bits; remark: at its foot;
    yields: below its title, what the roofs give in a year; sums: below the map of a page for a
    council, `label | figure | rest` or sentences, each yield with its interval;
    changes: between two runs, labels of figures of the report by their place; more: what a roof
    gains in all columns of numbers that are compared.
    """

    report: str = ""
    table: str = ""
    title: str = ""
    subtitle: str = ""
    moments: str = ""
    roofs: str = ""
    parts: str = ""
    ground: str = ""
    shade: str = ""
    remark: str = ""
    yields: str = ""
    sums: str = ""
    changes: Mapping[str, str] = MappingProxyType({})
    more: str = ""
