"""The command line: it parses, calls one function of the pipeline, and prints."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import click

from service.bench import bench
from service.faults import Door
from service.progress import reporter
from service.stop import stoppable

F = TypeVar("F", bound=Callable[..., Any])
EXAMPLE = """\b
Example, with a folder of AHN sheets and a BAG extract:
  daklaag run 84000,446500,85500,448000 --dsm sheets --dtm sheets \\
      --buildings bag-light.gpkg --out delft
"""


def _loudness(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """`-q` and `-v` stand before the command or after it."""
    ctx.ensure_object(dict)
    for name in ("quiet", "verbose"):
        ctx.obj.setdefault(name, False)
    if value:
        ctx.obj[parameter.name] = True


def loudness(command: F) -> F:
    """The options -q and -v."""
    helps = ("quiet", "Say nothing but errors."), ("verbose", "Say where a fault arose.")
    for name, help_ in helps:
        option = click.option(
            f"-{name[0]}", f"--{name}", is_flag=True, expose_value=False, is_eager=True,
            callback=_loudness, help=help_,
        )  # fmt: skip
        command = option(command)
    return command


language = click.option(
    "--lang", type=click.Choice(["en", "nl"]), default="en", show_default=True,
    help="Language of report and map.",
)  # fmt: skip


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="daklaag", prog_name="daklaag")
@loudness
def main() -> None:
    """What sun and wind can do on every roof, from AHN heights and BAG footprints.

    Coordinates are metres in RD (EPSG:28992), heights metres above NAP.
    """


def job_options(command: F) -> F:
    """The arguments of `run`, which `plan` takes as well."""
    several: dict[str, Any] = {"multiple": True, "required": True, "metavar": "PATH"}
    options = [
        click.argument("area", required=False),
        click.option("--dsm", **several, help="Heights of the surface (AHN's DSM): file, folder,"
                     " quoted glob, zip or tile index. Repeatable, as the next two."),
        click.option("--dtm", **several, help="Heights of the terrain (AHN's DTM), likewise."),
        click.option("--buildings", **several, help="Footprints: GeoPackage, GeoJSON, GeoParquet,"
                     " shapefile or CityJSON."),
        click.option("--layer", metavar="NAME", help="Layer of the footprints, if not `pand`."),
        click.option("--id", "id_", metavar="NAME", help="Column with the building's id, if not"
                     " identificatie, id or gml_id."),
        click.option("--group", metavar="COLUMN", help="Column that parts of a building share."),
        click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR",
                     help="Folder of the result: new, empty, or of the same run."),
        click.option("--method", default="powermapping", show_default=True, metavar="NAME"),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                     help="A parameter of the method; `daklaag methods` lists them. Repeatable."),
        click.option("--layers", default="hillshade,shadow", show_default=True,
                     metavar="LIST|none", help="Of hillshade, shadow, sun_hillshade, surface."),
        click.option("--restrictions", metavar="FILE", help="Roofs set aside or flagged."),
        click.option("--around", metavar="X,Y,RADIUS",
                     help="Total only what lies in this circle [RD m]; all rows stay."),
        click.option("--nodata", type=float, metavar="VALUE",
                     help="What stands for no data in rasters that declare nothing."),
        click.option("--attribution", metavar="TEXT",
                     help="Source line of map and report, if not AHN and BAG."),
        click.option("--block", type=int, default=2048, show_default=True, metavar="N",
                     help="Cells a side of what is computed at once."),
        click.option("--workers", type=int, metavar="N", help="Default: one a core."),
        click.option("--scheduler", default="threads", show_default=True,
                     metavar="threads|ADDRESS", help="Where to compute: here, or a dask cluster."),
        click.option("--allow", default="", metavar="gaps,versions",
                     help="Accept missing sheets, or mixed AHN versions."),
        click.option("--overwrite", is_flag=True,
                     help="Replace what another run left in DIR; other files stay."),
        language,
        loudness,
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _request(options: dict[str, Any]) -> Any:
    from pipeline.errors import InputError
    from pipeline.request import Request

    settings = {}
    for text in options.pop("settings"):
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set {text}: give NAME=VALUE")
        settings[name.strip()] = value.strip()
    layers = [name.strip() for name in options.pop("layers").split(",") if name.strip()]
    allow = [name.strip() for name in options.pop("allow").split(",") if name.strip()]
    return Request(
        id=options.pop("id_"),
        settings=settings,
        layers=() if layers == ["none"] else tuple(dict.fromkeys(layers)),
        allow=frozenset(allow),
        **options,
    )


@main.command(short_help="Judge the roofs of an area.", epilog=EXAMPLE)
@job_options
@click.pass_context
def run(ctx: click.Context, **options: Any) -> None:
    """Judge the roofs of AREA: xmin,ymin,xmax,ymax in RD metres, or a file of polygons; without
    it, all.

    DIR gets buildings.parquet, rasters.zarr, report.json and map.png. Stopped with Ctrl-C, or
    killed, the same command goes on where it was. Exit status: 0 done, 1 a fault of the program,
    2 of what was asked, 130 stopped.
    """
    with stoppable() as stop:
        _judge(ctx, _request(options), stop)


def _judge(ctx: click.Context, request: Any, stop: Callable[[], bool]) -> None:
    from pipeline import report
    from pipeline.run import run as run_

    with reporter(ctx.obj["quiet"]) as progress:
        result = run_(request, progress, stop)
    if ctx.obj["quiet"]:
        return
    for warning in result.report["accounting"]["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    if result.was_finished:
        click.echo(f"{result.directory}: this run is finished already")
    else:
        click.echo(report.to_text(result.report, request.lang), nl=False)
        click.echo(f"\n{result.directory}: {', '.join(FINAL)}")


FINAL = ("map.png", "report.json", "buildings.parquet", "rasters.zarr")


@main.command(short_help="What `run` would read, and how much memory it takes.")
@job_options
def plan(**options: Any) -> None:
    """What `run` with these arguments would read, how many blocks, halos, memory.

    It reads the sheets once for their relief, computes nothing and writes nothing.
    """
    from pipeline import plan as plan_

    with stoppable() as stop:
        found = plan_.plan(_request(options), stop)
    for name, value in plan_.table(found):
        click.echo(f"{name:<38}{value}")


@main.command(short_help="Judge a generated quarter: needs no data.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True,
    metavar="DIR", help="Folder of the result.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace what another run left in DIR.")
@click.option("--workers", type=int, metavar="N", help="Default: one a core.")
@language
@loudness
@click.pass_context
def demo(ctx: click.Context, out: Path, overwrite: bool, workers: int | None, lang: str) -> None:
    """Judge a generated quarter of 1 km2: needs no data and no network."""
    from pipeline.quarter import HEIGHTS_YEAR, generate
    from pipeline.request import Request

    with stoppable() as stop, TemporaryDirectory(prefix="daklaag-") as folder:
        quarter = generate(Path(folder))
        request = Request(
            dsm=tuple(str(path) for path in quarter.dsm),
            dtm=tuple(str(path) for path in quarter.dtm),
            buildings=(str(quarter.buildings),),
            out=out,
            settings={"heights_year": HEIGHTS_YEAR},
            attribution="a generated quarter: no real place",
            overwrite=overwrite,
            workers=workers,
            lang=lang,
        )
        _judge(ctx, request, stop)


@main.command(short_help="The totals of a run, or a row an area.")
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--by", "file", metavar="FILE", help="Areas: a row each, with their own columns.")
@click.option(
    "--format", "format_", type=click.Choice(["table", "json", "csv"]), default="table",
    show_default=True,
)  # fmt: skip
@language
@loudness
def report(directory: Path, file: str | None, format_: str, lang: str) -> None:
    """The totals of a run, or a row an area."""
    from pipeline import report as report_

    if file is None:
        text = report_.format_totals(report_.read(directory), format_, lang)
    else:
        text = report_.format_rows(report_.by_area(directory, file, lang), format_, lang)
    click.echo(text, nl=False)


@main.command(short_help="A run as a file for other programs.")
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--to", "to", required=True, type=click.Path(path_type=Path), metavar="FILE",
    help=".tif (COG), .gpkg, .geojson, .parquet, .csv or .png by its ending.",
)  # fmt: skip
@click.option("--layer", metavar="NAME", help="Raster layer of a .tif or .png.")
@language
@loudness
def export(directory: Path, to: Path, layer: str | None, lang: str) -> None:
    """A run's buildings, a raster layer or the map as a file for other programs."""
    from pipeline.export import export as export_

    export_(directory, to, layer, lang)


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
