"""Terms of a sentence that each interface words in its own way: files, fields, reasons.

The pipeline says which file and which field; the command line makes options of them, the service
inputs and settings. str() is the wording for Python, where a field is called as in the request.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Term:
    """What may stand in a sentence beside numbers and words."""


Source = Term | str  # of a fault; a word is the same at each interface


@dataclass(frozen=True)
class File(Term):
    """A file that is known by its name, wherever it lies. path: also within a zip, or a URL."""

    path: str | os.PathLike[str]

    @property
    def name(self) -> str:
        """Without its folder."""
        return Path(self.path).name.encode(errors="replace").decode()

    def __str__(self) -> str:
        return self.name


class Location(File):
    """A file, a folder or a URL that is known by its path, as it was given."""

    def __str__(self) -> str:
        return str(self.path) or "''"


@dataclass(frozen=True)
class Field(Term):
    """A field of a request, by its name there; a parameter of the method is one by the name
    `parameter`. value: what was given, or has to be; the service tells one that is a Text, which is
    no path."""

    name: str
    value: Any = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name} {self.value}"


@dataclass(frozen=True)
class Command(Term):
    """Something that the program does for a user: `run`, `methods`, `fetch boundaries`."""

    name: str

    def __str__(self) -> str:
        return f"`daklaag {self.name}`"


@dataclass(frozen=True)
class Reason(Term):
    """What a library or the system says, which may hold a path."""

    text: str

    def __str__(self) -> str:
        return self.text
