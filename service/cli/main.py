"""The command line: it parses, calls one function of the pipeline, and prints."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from pipeline.engine.garbage import collect_rarely
from pipeline.messages import Text
from pipeline.storage.places import Place, place_of
from service.cli.bench import bench
from service.cli.check import check
from service.cli.faults import CommandGroup
from service.cli.fetch import fetch
from service.cli.marks import marks
from service.cli.options import (
    OfMethods,
    job_options,
    language,
    language_of_messages,
    layers_of,
    layers_option,
    loudness,
    request_of,
)
from service.cli.progress import reporter, stoppable
from service.cli.report import report
from service.cli.say import say, sentence, tell
from service.cli.serve import keys, serve

EXAMPLE = """\b
Example, with a folder of AHN sheets and a BAG extract:
  daklaag run 84000,446500,85500,448000 --dsm sheets --dtm sheets \\
      --buildings bag-light.gpkg --out delft
"""


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="daklaag", prog_name="daklaag")
@language_of_messages
@loudness
def main() -> None:
    """What sun and wind can do on every roof, from AHN heights and BAG footprints.

    Coordinates are metres in RD (EPSG:28992), heights metres above NAP.
    """


@main.command(short_help="Judge the roofs of an area.", epilog=EXAMPLE)
@job_options
@click.option(
    "--update", metavar="DIR",
    help="Instead of --out: a finished run, of which only what a change of sheets or of added"
    " buildings can reach is computed anew.",
)  # fmt: skip
@click.option(
    "--by", multiple=True, metavar="FILE",
    help="Areas: a row each in DIR/by-FILE.csv. Repeatable.",
)  # fmt: skip
@click.option(
    "--log-json", metavar="FILE", help="A line of JSON a block and a shard; - is standard output.",
)  # fmt: skip
@click.pass_context
def run(ctx: click.Context, update: str | None, log_json: str | None, **options: Any) -> None:
    """Judge the roofs of AREA: xmin,ymin,xmax,ymax in RD metres, a file of polygons, or a region
    (NL, PV26, GM0363, Zeeland); without it, all.

    DIR gets buildings.parquet, rasters.zarr, report.json and map.png. Stopped with Ctrl-C, or
    killed, the same command goes on where it was. Exit status: 0 done, 1 a fault of the program,
    2 of what was asked, 130 stopped.
    """
    if (update is None) == (options["out"] is None):
        raise click.UsageError(Text("give either --out DIR, or --update DIR of a finished run"))
    options["out"], options["update"] = options["out"] or update, update is not None
    with stoppable() as stop:
        _judge(ctx, request_of(options), stop, log_json)


def _judge(
    ctx: click.Context, request: Any, stop: Callable[[], bool], log_json: str | None = None
) -> None:
    collect_rarely()
    from pipeline.results import coverage, report
    from pipeline.results.printed import warnings
    from pipeline.runs.compared import run_compared
    from pipeline.runs.printed_changes import changes_text
    from pipeline.runs.run import run as run_

    with reporter(ctx.obj["quiet"], log_json, ctx.obj["verbose"]) as progress:
        if ctx.obj["quiet"]:
            run_(request, progress, stop, progress.log)
            return
        result, changed = run_compared(request, progress, stop, progress.log)
    for warning in (*warnings(result.report), *result.warnings):
        tell("warning: {said}", said=warning)
    if result.was_finished:
        say("{directory}: this run is finished already", directory=result.directory)
    else:
        click.echo(report.to_text(result.report, request.outputs.lang), nl=False)
    if changed is not None:
        click.echo(f"\n{changes_text(changed, request.outputs.lang)}", nl=False)
    if not result.was_finished:
        click.echo(f"\n{result.directory}: {', '.join(FINAL)}")
    if (little := coverage.warning(result.report)) is not None:
        tell("warning: {said}", said=little)


FINAL = ("map.png", "report.json", "buildings.parquet", "rasters.zarr")


@main.command(short_help="What `run` would read, and how much memory it takes.")
@job_options
@click.pass_context
def plan(ctx: click.Context, **options: Any) -> None:
    """What `run` with these arguments would read, how many blocks, halos, memory and time.

    It computes nothing and writes nothing but what it keeps in the cache for the run: the
    footprints in an order in space, and the relief of sheets that were not read before.
    """
    from pipeline.runs import plan as plan_
    from pipeline.runs.plan_table import table

    with stoppable() as stop, reporter(ctx.obj["quiet"]) as progress:
        planned = plan_.plan(request_of(options), progress, stop)
    for warning in planned.warnings:
        tell("warning: {said}", said=warning)
    for name, value in table(planned):
        click.echo(f"{sentence(name):<38}{sentence(value)}")


@main.command(short_help="Judge a generated quarter: needs no data.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True,
    metavar="DIR", help="Folder of the result.",
)  # fmt: skip
@click.option(
    "--overwrite", is_flag=True,
    help="Replace what another run left in DIR, and files of those names in that of --inputs.",
)  # fmt: skip
@click.option(
    "--method", cls=OfMethods, metavar="NAME",
    help="Default: {default}. There is {methods}; of annual a scene of roofs is judged.",
)  # fmt: skip
@layers_option
@click.option("--workers", type=int, metavar="N", help="Default: one a core.")
@click.option(
    "--inputs", type=click.Path(path_type=Path), metavar="DIR",
    help="Keep the generated sheets, footprints and regions there.",
)  # fmt: skip
@language
@loudness
@click.pass_context
def demo(
    ctx: click.Context,
    out: Path,
    overwrite: bool,
    method: str | None,
    layers: str | None,
    workers: int | None,
    inputs: Path | None,
    lang: str,
) -> None:
    """Judge a generated quarter of 1 km2, or with `--method annual` a scene of roofs whose planes
    are known: needs no data and no network."""
    from pipeline.methods import DEFAULT, method_named
    from pipeline.quarter import HEIGHTS_YEAR, generate, standing
    from pipeline.quarter.roofscape import generate_roofs, standing_roofs
    from pipeline.runs.request import Request
    from pipeline.storage import written

    named = method_named(method or DEFAULT).name
    scenes = {"annual": (partial(generate_roofs, tall=True), standing_roofs)}
    make, standing_in = scenes.get(named, (generate, standing))
    with stoppable() as stop, TemporaryDirectory(prefix="daklaag-") as folder:
        into = inputs or Path(folder)
        for file in standing_in(into):
            written.check(file, overwrite)
        quarter = make(into)
        for file in standing_in(inputs) if inputs else ():
            written.note(file)
        request = Request.of(
            **quarter.inputs,
            out=out,
            method=named,
            layers=layers_of(layers),
            settings={"heights_year": HEIGHTS_YEAR},
            attribution="a generated quarter: no real place",
            overwrite=overwrite,
            workers=workers,
            lang=lang,
        )
        _judge(ctx, request, stop)


@main.command(short_help="A run as a file for other programs, or as a map for a web host.")
@click.argument("directories", type=place_of, metavar="DIR...", nargs=-1, required=True)
@click.option(
    "--to", "to", required=True, metavar="FILE|FOLDER",
    help=".tif (COG), .gpkg, .geojson, .fgb, .parquet, .csv, .xlsx, .png or .pdf (the map with its"
    " totals on one page) by its ending; a folder: the map.",
)  # fmt: skip
@click.option(
    "--layer", metavar="NAME",
    help="Raster layer of a .tif or .png; of others a table: buildings, or what their method adds,"
    " such as planes; without it a .gpkg holds all.",
)  # fmt: skip
@click.option(
    "--boundaries", multiple=True, metavar="FILE",
    help="Of the map: regions to find by name; else those that fetch brought. Repeatable.",
)  # fmt: skip
@click.option(
    "--addresses", multiple=True, metavar="FILE",
    help="Of the map: addresses to find a roof by, BAG's GeoPackage or a CSV. Repeatable.",
)  # fmt: skip
@click.option(
    "--basemap", metavar="FILE",
    help="Of a .pdf, or a .png of the map: names of places, waters and streets, from PMTiles.",
)  # fmt: skip
@click.option(
    "--overwrite", is_flag=True,
    help="Replace the map that FOLDER holds, or a FILE (of a .gpkg its layers) that is another's.",
)  # fmt: skip
@language
@loudness
@click.pass_context
def export(
    ctx: click.Context,
    directories: tuple[Place, ...],
    to: str,
    layer: str | None,
    boundaries: tuple[str, ...],
    addresses: tuple[str, ...],
    basemap: str | None,
    overwrite: bool,
    lang: str,
) -> None:
    """A run's buildings or their parts, a raster layer or the map as a file for other programs; or
    all of it as a folder that any web host with range requests shows as a map (docs/site.md).

    Several runs make one map, on which the first is shown first; what a run of powermapping says
    of a building stands in the card that another run has of it.
    """
    from pipeline.output.export import export as export_
    from service.page import site

    if not site.is_site(to):
        if boundaries or addresses:
            raise click.UsageError(Text("--boundaries and --addresses are for a folder, the map"))
        if len(directories) > 1:
            raise click.UsageError(Text("several runs are for a folder, the map"))
        written = export_(directories[0], Path(to), layer, lang, overwrite, basemap)
        return None if ctx.obj["quiet"] else say("{file}: {said}", file=to, said=written)
    if layer:
        raise click.UsageError(Text("--layer is for a .tif or .png; the map has all layers"))
    if basemap:
        raise click.UsageError(Text("--basemap is for a .png or .pdf of the map"))
    with stoppable() as stop, reporter(ctx.obj["quiet"]) as progress:
        exported = site.export(
            directories, Path(to), boundaries, overwrite, progress, stop, addresses=addresses
        )
    if not ctx.obj["quiet"]:
        for name, size in exported.sizes.items():
            click.echo(f"{name:<58}{size / 1e6:,.1f} MB")
        if exported.addresses:
            say("{n:,} addresses; {without:,} others here lead to no roof",
                n=exported.addresses.written,
                without=exported.addresses.without_building)  # fmt: skip
        say("{to}: put it on a web host that answers range requests", to=to)


@main.command(short_help="The parameters of the methods.")
@click.argument("name", required=False)
@click.option(
    "--format", "format_", type=click.Choice(["table", "markdown", "json"]), default="table",
    show_default=True,
)  # fmt: skip
@loudness
def methods(name: str | None, format_: str) -> None:
    """The parameters of the methods with units, defaults, ranges and reasons."""
    from pipeline.methods.listing import listing

    click.echo(listing(name, format_), nl=False)


main.add_command(loudness(bench))
main.add_command(loudness(check))
main.add_command(loudness(fetch))
main.add_command(marks)
main.add_command(report)
main.add_command(loudness(serve))
main.add_command(keys)
