"""Errors of the pipeline in the service's words, and their owners.

Of a file clients learn the name, never where it lies; of what a library says about it, nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.errors import InputError, Kind
from pipeline.messages import Text, translated
from pipeline.terms import Command, Field, File, Reason, Term

MOST = 400  # characters of a sentence that came from below
# The fields of a run that clients give, by the inputs that they are; all others are settings.
INPUTS = {
    "add_building": "add",
    "area": "area",
    "around": "around",
    "layers": "layers",
    "method": "method",
    "parameter": "parameters",
    "remove_building": "remove",
    "restrictions": "restrictions",
}


class Owner(StrEnum):
    """Owners of faults, who can mend them."""

    CLIENT = "client"
    OPERATOR = "operator"  # the files and settings of the service
    SERVICE = "service"  # the program, its machine, or what it wrote


@dataclass(frozen=True)
class Faults:
    """Of a service. work: the folder in which the inputs of clients are files."""

    work: Path | None = None

    def sentence(self, error: InputError) -> str:
        """The message for clients, on one line."""
        return " ".join(translated(error.text, "en", self.words).split())[:MOST]

    def owner(self, error: InputError) -> Owner:
        """The owner of a fault, by its kind and its source."""
        if error.kind in (Kind.DAMAGED, Kind.UNWRITABLE):
            return Owner.SERVICE
        given = isinstance(error.source, Field) and error.source.name in INPUTS
        if given or error.kind is Kind.EMPTY or self._is_upload(error.source):
            return Owner.CLIENT
        return Owner.OPERATOR

    def words(self, term: Term) -> str:
        """A term in the service's words."""
        match term:
            case Field("parameter", value):
                return f"parameter {value}"
            case Field(name, value) if name in INPUTS:
                return f"input {INPUTS[name]}" + (f": {value}" if isinstance(value, Text) else "")
            case Field(name):
                return f"the setting {name}"
            case File():
                return f"input {Path(term.name).stem}" if self._is_upload(term) else term.name
            case Reason():
                return "the log of the service says why"
            case Command("methods"):
                return "the description of the process"
        return str(term)

    def _is_upload(self, source: Term | str) -> bool:
        if not isinstance(source, File) or self.work is None:
            return False
        return Path(source.path).resolve().is_relative_to(self.work.resolve())
