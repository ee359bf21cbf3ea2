"""What goes wrong, as one line and an exit status."""

import errno
import sys
from typing import Any, NoReturn

import click

DONE, FAULT, CALLER, STOPPED = 0, 1, 2, 130
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
BARRED = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENAMETOOLONG, errno.ENOTDIR,
    errno.EISDIR, errno.ELOOP, errno.EMFILE, errno.ENFILE,
)  # fmt: skip
# What GDAL says of a file that it cannot write; those that it cannot read are InputErrors.
OF_GDAL = ("RasterioIOError", "CPLE_FileIOError", "DataSourceError", "DataLayerError")


class Door(click.Group):
    """A group of commands whose faults become one line and an exit status; only -v shows more."""

    def invoke(self, ctx: click.Context) -> Any:
        from pipeline.errors import InputError, Stopped

        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except InputError as error:
            _leave(CALLER, f"error: {error}")
        except (Stopped, KeyboardInterrupt) as stopped:
            _leave(STOPPED, f"stopped; {str(stopped) or 'the same command takes it up again'}")
        except MemoryError:
            _leave(CALLER, "error: out of memory; give a smaller --block or fewer --workers")
        except Exception as error:
            _check_machine(error)
            _fault(ctx, error)


def _check_machine(error: Exception) -> None:
    """A disk or a file that does not play along is no fault of the program."""
    if type(error).__name__ in OF_GDAL:
        _leave(CALLER, f"error: the output: {error}; make room, or give another place")
    if not isinstance(error, OSError):
        return
    if error.errno == errno.EPIPE:  # the reader of our output is gone: click knows what to do
        raise error
    if error.errno in FULL + BARRED:
        where = error.filename or "the output"
        remedy = "make room" if error.errno in FULL else "see that it can be read or written"
        again = "and the same command takes it up again"
        _leave(CALLER, f"error: {where}: {error.strerror}; {remedy}, {again}")


def _fault(ctx: click.Context, error: Exception) -> None:
    if ctx.obj["verbose"]:
        raise error
    said = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    _leave(FAULT, f"internal error: {said} (-v shows where); please report it")


def _leave(status: int, message: str) -> NoReturn:
    click.echo(" ".join(message.splitlines()), err=True)
    sys.exit(status)
