"""What a run can end in beside its result."""


class InputError(ValueError):
    """A fault of the caller: one line that names the file, the place and the remedy."""


class EmptyAreaError(InputError):
    """An area or a circle in which there is nothing to judge."""


class OutputError(InputError):
    """An output that a library could not write, most likely for want of room on the disk."""


class Stopped(Exception):
    """The run was asked to stop; what was finished is kept and taken up by the next run."""
