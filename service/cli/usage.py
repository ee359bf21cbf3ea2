"""What click says of a command line that it cannot read, in the language of `--lang`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from pipeline.messages import Text
from service.cli.say import LANGUAGES, language, sentence


class Reworded(click.UsageError):
    """A fault of a command line that is said in another language than click's."""

    def __init__(self, error: click.UsageError) -> None:
        super().__init__(sentence(_text(error)), error.ctx)
        self._lines = [sentence("error: {said}", said=self.message)]
        if error.ctx is not None:
            pieces = " ".join(error.ctx.command.collect_usage_pieces(error.ctx))
            command = error.ctx.command_path
            usage = Text("usage: {command} {pieces}", command=command, pieces=pieces)
            help_ = Text("`{command} --help` explains them", command=command)
            self._lines[:0] = [sentence(usage), sentence(help_), ""]

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it on standard error, with how the command is used."""
        click.echo("\n".join(self._lines), file=file, err=file is None)


@contextmanager
def reworded() -> Iterator[None]:
    """Faults of the command line are raised in the language of the command."""
    try:
        yield
    except click.UsageError as error:
        if language() == LANGUAGES[0] or isinstance(error, Reworded):
            raise
        raise Reworded(error) from None


def _text(error: click.UsageError) -> str:
    """A fault by its kind; click's own sentence where the kind does not tell all."""
    param, command = getattr(error, "param", None), getattr(error, "command_name", None)
    name = param.get_error_hint(error.ctx) if param else command
    match error:
        case click.MissingParameter():
            return Text("{name} is missing", name=name)
        case click.NoSuchOption():
            return Text("there is no option {name}", name=error.option_name)
        case click.BadOptionUsage():
            name = error.option_name
            return Text("option {name}: a value is missing, or one too many", name=name)
        case click.BadParameter():
            return Text("{name}: {remedy}", name=name, remedy=_remedy(error))
    return Text("there is no command {name}", name=command) if command else error.message


def _remedy(error: click.BadParameter) -> str:
    match error.param and error.param.type:
        case click.Choice() as choice:
            return Text("choose one of {choices}", choices=list(choice.choices))
        case kind if kind in (click.INT, click.FLOAT):
            return Text("give a whole number" if kind is click.INT else "give a number")
    return error.message
