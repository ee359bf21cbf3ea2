"""Options and arguments that take paths: an empty text is none."""

import re
from typing import Any

import click

from pipeline.messages import Text

PATHS = re.compile(r"\b(PATH|FILE|DIR|FOLDER)\b")  # in what the help calls a value


class Named(click.ParamType):
    """A path of some type, which must have a name: "" would be the folder that one stands in."""

    def __init__(self, kind: click.ParamType) -> None:
        self.name, self._kind = kind.name, kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value as its type has it."""
        if value == "":
            self.fail(Text("'' is no path; name a file or a folder"), param, ctx)
        return self._kind.convert(value, param, ctx)


def with_names(command: click.Command) -> click.Command:
    """A command, or a group of them, whose paths must have names."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            with_names(each)
    for param in command.params:
        named(param)
    return command


def named(param: click.Parameter) -> click.Parameter:
    """A parameter that must have a name, if it is a path."""
    if PATHS.search(param.metavar or "") and not isinstance(param.type, Named):
        param.type = Named(param.type)
    return param
