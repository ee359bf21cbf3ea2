"""The command that measures: kernels, runs and peers beside the machine's own limits."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import click

from pipeline.terms import Field
from service.cli.progress import stoppable

FOLDER = Path(".rehearsal")


@click.command(short_help="How fast it is on this machine, beside the machine's limits.")
@click.argument("kind", required=False, type=click.Choice(["kernels", "sheet", "scaling", "peers"]))
@click.option("--json", "file", type=click.Path(path_type=Path), metavar="FILE",
              help="Keep the result, with machine, versions and date.")  # fmt: skip
@click.option("--size", type=int, metavar="N",
              help="Cells along a side of the rasters, but of sheet; 4000.")  # fmt: skip
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Of sheet: where its generated sheets are kept (3 GB); .rehearsal.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(1), metavar="N",
              help="Of sheet: how often each run is measured; 1.")  # fmt: skip
@click.option("--compare", nargs=2, type=click.Path(path_type=Path), metavar="A B",
              help="Measure nothing: what B costs over what A costs, row by row.")  # fmt: skip
@click.pass_context
def bench(
    ctx: click.Context,
    kind: str | None,
    file: Path | None,
    size: int | None,
    folder: Path | None,
    rounds: int | None,
    compare: tuple[Path, Path] | None,
) -> None:
    """Measure the kernels, what a whole run costs a sheet, its scaling by workers, or the peers.

    Every round is a pair: a numpy copy of a float32 array and what is measured, or, of a sheet,
    its decoding and the runs. A figure in copies or decodings is the median of the rounds' ratios,
    with their spread; it says the same on a machine that was busy. docs/benchmarks.md says how to
    read it.
    """
    of_sheet = folder, rounds
    if compare:
        if kind or file or size is not None or any(of_sheet):
            raise click.UsageError("--compare takes two files and nothing else")
        click.echo(_compared(*compare), nl=False)
    elif kind == "sheet":
        if size is not None:
            raise click.UsageError("sheet takes no --size")
        _measure(partial(_run_sheets, folder or FOLDER, rounds or 1, ctx.obj["quiet"]), file)
    else:
        if any(of_sheet):
            raise click.UsageError("only sheet takes --folder and --rounds")
        _measure(partial(_run, kind or "kernels", size, ctx.obj["quiet"]), file)


def _compared(a: Path, b: Path) -> str:
    from bench.compare import compare
    from bench.result import read

    return compare(read(a), read(b))


def _run(kind: str, size: int | None, quiet: bool, stop: Callable[[], bool]) -> dict[str, Any]:
    from bench.runner import run

    return run(kind, size, quiet, stop)


def _run_sheets(folder: Path, rounds: int, quiet: bool, stop: Callable[[], bool]) -> dict[str, Any]:
    from bench.runner import run_sheets

    return run_sheets(folder, rounds, quiet, stop)


def _measure(call: Callable[..., dict[str, Any]], file: Path | None) -> None:
    """Measure, keep the result in a file if there is one, and print its table."""
    from bench.result import check_free, write
    from bench.table import table
    from pipeline.errors import InputError

    # minutes of measuring should not be lost to a folder that is not there
    if file and not _can_write(file):
        raise InputError(
            Field("json", file), remedy="give a file in a folder that exists and can be written"
        )
    if file:
        check_free(file)
    with stoppable() as stop:
        result = call(stop)
    if file:
        write(result, file)
    click.echo(table(result))


def _can_write(file: Path) -> bool:
    if file.exists() and not file.is_file():
        return False
    try:
        with TemporaryFile(dir=file.absolute().parent):
            return True
    except OSError:
        return False
