"""The command that measures: kernels, runs and peers beside the machine's own limits."""

from pathlib import Path
from tempfile import TemporaryFile

import click

from pipeline.terms import Field
from service.cli.progress import stoppable


@click.command(short_help="How fast it is on this machine, beside the machine's limits.")
@click.argument("kind", required=False, type=click.Choice(["kernels", "sheet", "scaling", "peers"]))
@click.option("--json", "file", type=click.Path(path_type=Path), metavar="FILE",
              help="Keep the result, with machine, versions and date.")  # fmt: skip
@click.option("--size", type=int, metavar="N",
              help="Cells along a side of the rasters; 4000.")  # fmt: skip
@click.option("--compare", nargs=2, type=click.Path(path_type=Path), metavar="A B",
              help="Measure nothing: what B costs over what A costs, row by row.")  # fmt: skip
@click.pass_context
def bench(
    ctx: click.Context,
    kind: str | None,
    file: Path | None,
    size: int | None,
    compare: tuple[Path, Path] | None,
) -> None:
    """Measure the kernels, a whole run (sheet), its scaling by workers, or the peers.

    Every round is a pair: a numpy copy of a float32 array and what is measured. A figure in
    copies is the median of the rounds' ratios, with their quartiles; it says the same on a
    machine that was busy. docs/benchmarks.md says how to read it.
    """
    if compare:
        if kind or file or size is not None:
            raise click.UsageError("--compare takes two files and nothing else")
        click.echo(_compared(*compare), nl=False)
    else:
        _measure(kind or "kernels", file, size, ctx.obj["quiet"])


def _compared(a: Path, b: Path) -> str:
    from bench.compare import compare
    from bench.result import read

    return compare(read(a), read(b))


def _measure(kind: str, file: Path | None, size: int | None, quiet: bool) -> None:
    from bench.result import check_free, write
    from bench.runner import run
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
        result = run(kind, size, quiet, stop)
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
