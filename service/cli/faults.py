"""Errors as one line and an exit status, in the language of `--lang`."""

import errno
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NoReturn

import click

from pipeline.messages import Text
from pipeline.storage.places import DISK_FULL
from service.cli.options import with_names
from service.cli.say import LANGUAGES, language, sentence, tell, wished

DONE, FAULT, CALLER, STOPPED = 0, 1, 2, 130
ERROR = "error: {said}"
AGAIN = Text("the same command takes it up again")
BARRED = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENAMETOOLONG, errno.ENOTDIR,
    errno.EISDIR, errno.ELOOP, errno.EMFILE, errno.ENFILE,
)  # fmt: skip
# What GDAL says of a file that it cannot write; those that it cannot read are InputErrors.
OF_GDAL = ("RasterioIOError", "CPLE_FileIOError", "DataSourceError", "DataLayerError")


class CommandGroup(click.Group):
    """A group of commands whose faults become one line and an exit status; only -v shows more."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, which refuses an empty text where it takes a path."""
        super().add_command(with_names(cmd), name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, with faults in the language that was asked for."""
        ctx.ensure_object(dict)
        ctx.obj["lang"] = wished(args)
        with ctx.scope(cleanup=False), reworded():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        from pipeline.errors import InputError, Stopped

        try:
            with reworded(), warned(lambda: bool(ctx.obj["quiet"])):
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except InputError as error:
            _leave(CALLER, ERROR, said=error.text)
        except (Stopped, KeyboardInterrupt) as stopped:
            text = stopped.args[0] if any(stopped.args) else AGAIN
            _leave(STOPPED, "stopped; {said}", said=text)
        except MemoryError:
            text = Text("out of memory; give a smaller --block or fewer --workers")
            _leave(CALLER, ERROR, said=text)
        except Exception as error:
            _check_machine(error)
            _fault(ctx, error)


def _check_machine(error: Exception) -> None:
    """Exit as a fault of the machine for errors of disk, memory and files that GDAL reports."""
    if type(error).__name__ in OF_GDAL:
        text = Text("the output: {error}; make room, or give another place", error=error)
        _leave(CALLER, ERROR, said=text)
    if not isinstance(error, OSError):
        return
    if error.errno == errno.EPIPE:  # the reader of our output is gone: click knows what to do
        raise error
    if error.errno in DISK_FULL + BARRED:
        where = error.filename or "the output"
        full = error.errno in DISK_FULL
        remedy = Text("make room" if full else "see that it can be read or written")
        text = Text(
            "{where}: {error}; {remedy}, and the same command takes it up again",
            where=where, error=error.strerror, remedy=remedy,
        )  # fmt: skip
        _leave(CALLER, ERROR, said=text)


def _fault(ctx: click.Context, error: Exception) -> None:
    if ctx.obj["verbose"]:
        raise error
    text = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    _leave(FAULT, "internal error: {said} (-v shows where); please report it", said=text)


def _leave(status: int, template: str, **values: Any) -> NoReturn:
    click.echo(" ".join(sentence(template, **values).splitlines()), err=True)
    sys.exit(status)


class Warnings(logging.Handler):
    """What the pipeline warns of while a command runs, for people: a line each on standard error.
    quiet: whether they want to hear none."""

    def __init__(self, quiet: Callable[[], bool]) -> None:
        super().__init__(logging.WARNING)
        self._quiet = quiet

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        if not self._quiet():
            tell("warning: {said}", said=record.getMessage() if record.args else record.msg)


@contextmanager
def warned(quiet: Callable[[], bool]) -> Iterator[None]:
    """Meanwhile the warnings of the pipeline and its kernels are printed."""
    logger, handler = logging.getLogger("daklaag"), Warnings(quiet)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


# What click says of a command line that it cannot read.


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
