"""What a run can end in beside its result."""

from enum import StrEnum
from typing import Any

from pipeline.messages import Text
from pipeline.terms import Source


class Kind(StrEnum):
    """What went wrong."""

    INVALID = "invalid"  # what was given cannot be used
    EMPTY = "empty"  # nothing to judge lies in what was given
    DAMAGED = "damaged"  # a file that the program wrote is missing, or is not as it was written
    UNWRITABLE = "unwritable"  # an output could not be written


class InputError(ValueError):
    """A fault in what was given: in which source, at which place in it, and the remedy.

    source: a file, a field of the request, or a word; place: a row, a feature. It stands before the
    problem, unless the problem names the {source} itself: `InputError(File(path), "no layer
    {layer}", "choose one of {layers}", layer=layer, layers=layers)`. str() is the English sentence,
    `text` what the command line and the service word and translate.
    """

    kind = Kind.INVALID

    def __init__(
        self,
        source: Source,
        /,
        problem: str = "",
        remedy: str = "",
        place: str = "",
        **values: Any,
    ) -> None:
        self.source, self.place = source, place
        named = {"source": source} if "{source}" in problem else {}
        self.problem, self.remedy = Text(problem, **values, **named), Text(remedy, **values)
        super().__init__(source, self.problem, self.remedy, place)

    @property
    def text(self) -> Text:
        """The sentence: source, place, problem and remedy, as far as they are given."""
        named = "source" in self.problem.values
        parts = {
            "source": "" if named else self.source,
            "place": self.place,
            "problem": self.problem or self.remedy,
        }
        template = ": ".join(f"{{{name}}}" for name, part in parts.items() if part)
        remedy = self.remedy if self.problem else ""
        return Text(template + ("; {remedy}" if remedy else ""), **parts, remedy=remedy)

    def __str__(self) -> str:
        return str(self.text)


class DamagedError(InputError):
    """A file that the program wrote is missing, or is not as it was written."""

    kind = Kind.DAMAGED


class MendableError(DamagedError):
    """A damaged file in the cache or of unfinished work: it was removed, and the same work, done
    again, makes it anew."""


class EmptyAreaError(InputError):
    """An area or a circle in which there is nothing to judge."""

    kind = Kind.EMPTY


class OutputError(InputError):
    """An output that a library could not write, most likely for want of room on the disk."""

    kind = Kind.UNWRITABLE


class Stopped(Exception):
    """The run was asked to stop; what was finished is kept and resumed by the next run. It may
    have a Text that says what becomes of it."""
