"""What a run can end in beside its result."""

from typing import Any

from pipeline.messages import Text


class Told(Exception):
    """What went wrong, as a sentence that can be said in Dutch.

    It is made of a template in English and its values: `InputError("{name}: no such file; check the
    path", name=name)`. str() is the English sentence, `text` what can be translated.
    """

    def __init__(self, template: str = "", /, **values: Any) -> None:
        self.text = Text(template, **values)
        super().__init__(self.text)

    @property
    def template(self) -> str:
        """The English sentence with the names of `values` where they stand."""
        return self.text.template

    @property
    def values(self) -> dict[str, Any]:
        """What stands in the template."""
        return self.text.values


class InputError(Told, ValueError):
    """A fault of the caller: one line that names the file, the place and the remedy."""


class DamagedError(InputError):
    """A file that the program wrote is missing, or is not as it was written."""


class MendableError(DamagedError):
    """The same of a file in the cache or of unfinished work: it was removed, and the same work,
    done again, makes it anew."""


class EmptyAreaError(InputError):
    """An area or a circle in which there is nothing to judge."""


class OutputError(InputError):
    """An output that a library could not write, most likely for want of room on the disk."""


class Stopped(Told):
    """The run was asked to stop; what was finished is kept and taken up by the next run."""
