"""The command `report`: the totals of a run, or a row for each area."""

import sys
from pathlib import Path
from typing import Any

import click

from pipeline.messages import Text
from pipeline.storage.places import Place, place_of
from service.cli.options import language, loudness
from service.cli.say import tell


@click.command(short_help="The totals of a run, or a row an area.")
@click.argument("directory", type=place_of, metavar="DIR")
@click.option("--by", metavar="FILE", help="Areas: a row each, with their own columns.")
@click.option("--name", metavar="COLUMN", help="The column of FILE that names the areas.")
@click.option("--all", "every", is_flag=True, help="Areas without roofs too.")
@click.option(
    "--format", "format_", type=click.Choice(["table", "json", "csv", "xlsx"]), default="table",
    show_default=True,
)  # fmt: skip
@click.option(
    "--decimal", type=click.Choice(["point", "comma"]), default="point", show_default=True,
    help="Of a CSV; comma: with semicolons, as Excel opens it in Dutch.",
)  # fmt: skip
@click.option("--to", metavar="FILE", help="Write there instead of printing.")
@click.option("--overwrite", is_flag=True, help="Replace FILE, whoever wrote it.")
@language
@loudness
def report(directory: Place, to: str | None, overwrite: bool, **options: Any) -> None:
    """The totals of a run, or with --by a row for each area that has roofs."""
    from pipeline.storage.written import check, replacing

    if options["by"] is None and (options["name"] or options["every"]):
        raise click.UsageError(Text("--name and --all are for rows by area; give --by FILE"))
    if options["decimal"] == "comma" and options["format_"] != "csv":
        raise click.UsageError(Text("--decimal is for --format csv"))
    if options["format_"] == "xlsx" and to is None and sys.stdout.isatty():
        raise click.UsageError(Text("--format xlsx is no text to print; give --to FILE.xlsx"))
    if to is None:
        return click.echo(_content(directory, **options), nl=False)
    check(Path(to), overwrite)
    content = _content(directory, **options)
    with replacing(Path(to), overwrite) as partial:
        partial.write_bytes(content if isinstance(content, bytes) else content.encode())


def _content(directory: Place, format_: str, lang: str, decimal: str, **areas: Any) -> str | bytes:
    """Content to print or write."""
    from pipeline.methods import method_of
    from pipeline.results import area_rows
    from pipeline.results import report as report_

    if areas["by"] is None and format_ in ("table", "json"):
        return report_.format_totals(report_.read(directory), format_, lang)
    rows = _rows(directory, lang, **areas)
    if format_ == "xlsx":
        return area_rows.xlsx(rows, Path(areas["by"] or directory).stem)
    return report_.format_rows(rows, format_, method_of(report_.read(directory)), lang, decimal)


def _rows(
    directory: Place, lang: str, by: str | None, name: str | None, every: bool
) -> list[dict[str, Any]]:
    """A row of the totals, or one an area."""
    from pipeline.methods import method_of
    from pipeline.results import area_rows
    from pipeline.results import report as report_

    if by is None:
        run_report = report_.read(directory)
        method = method_of(run_report)
        return [area_rows.rounded(report_.totals_row(run_report, method), method)]
    rows = report_.by_area(directory, by, lang, name=name)
    for warning in report_.outside_all(rows, by):
        tell("warning: {said}", said=warning)
    return area_rows.readable(rows, method_of(report_.read(directory)), every)
