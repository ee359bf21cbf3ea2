"""The options that several commands have, how paths are taken, and the request of a run."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.messages import Text
from pipeline.terms import Field
from service.cli.say import LANGUAGES
from service.cli.say import language as spoken

F = TypeVar("F", bound=Callable[..., Any])
PATHS = re.compile(r"\b(PATH|FILE|DIR|FOLDER)\b")  # in what the help calls a value


def _loudness(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """`-q` and `-v` stand before the command or after it."""
    ctx.ensure_object(dict)
    for name in ("quiet", "verbose"):
        ctx.obj.setdefault(name, False)
    if value:
        ctx.obj[parameter.name] = True


def loudness(command: F) -> F:
    """The options -q and -v."""
    helps = (
        ("quiet", "Say nothing but errors."),
        ("verbose", "Show the traceback of a fault, and tell of each shard."),
    )
    for name, help_ in helps:
        option = click.option(
            f"-{name[0]}", f"--{name}", is_flag=True, expose_value=False, is_eager=True,
            callback=_loudness, help=help_,
        )  # fmt: skip
        command = option(command)
    return command


def of_service(command: F) -> F:
    """The options that tell which service is meant, as `serve` has them, and -q and -v."""
    folder = click.option("--state", metavar="DIR", help="The service's folder of state.")
    return folder(config_option(loudness(command)))


config_option = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="The service's settings as TOML; docs/service.md lists them.",
)  # fmt: skip
# It stands before the command or after it; of which, service.cli.say finds it.
_LANG: dict[str, Any] = {
    "type": click.Choice(LANGUAGES), "default": spoken, "show_default": LANGUAGES[0],
}  # fmt: skip
language = click.option("--lang", **_LANG, help="Language of messages, report and map.")
language_of_messages = click.option(
    "--lang", **_LANG, expose_value=False, help="Language of messages."
)


class OfMethods(click.Option):
    """An option whose help tells what the methods declare, read only where help is asked for."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """As click writes it, with the names of methods and their raster layers."""
        from pipeline.methods import DEFAULT, METHODS
        from pipeline.methods.method import names

        layers = "; ".join(
            f"{method.name}: {', '.join(names(method.layers))}; by default"
            f" {', '.join(layer.name for layer in method.layers if layer.default) or 'none'}"
            for method in METHODS.values()
        )
        values = {"default": DEFAULT, "methods": ", ".join(METHODS), "layers": layers}
        self.help = (self.help or "").format_map(values)
        return super().get_help_record(ctx)


layers_option = click.option(
    "--layers", cls=OfMethods, metavar="LIST|none", help="Raster layers. {layers}."
)


def job_options(command: F) -> F:
    """The arguments of `run`, which `plan` takes as well."""
    several: dict[str, Any] = {"multiple": True, "required": True, "metavar": "PATH"}
    options = [
        click.argument("area", required=False),
        click.option("--dsm", **several, help="Heights of the surface (AHN's DSM): file, folder,"
                     " quoted glob, zip, index, or s3://. Repeatable, as the next two."),
        click.option("--dtm", **several, help="Heights of the terrain (AHN's DTM), likewise."),
        click.option("--buildings", **several, help="Footprints: GeoPackage, GeoJSON, GeoParquet,"
                     " shapefile or CityJSON."),
        click.option("--layer", metavar="NAME", help="Layer of the footprints, if not `pand`."),
        click.option("--id", "id_", metavar="NAME", help="Column with the building's id, if not"
                     " identificatie, id or gml_id."),
        click.option("--group", metavar="COLUMN", help="Column that parts of a building share."),
        click.option("--out", metavar="DIR",
                     help="Place of the result: a folder, new, empty, or of the same run; or"
                     " s3://BUCKET/PREFIX."),
        click.option("--method", cls=OfMethods, metavar="NAME",
                     help="Default: {default}. There is {methods}."),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                     help="A parameter of the method; `daklaag methods` lists them. Repeatable."),
        layers_option,
        click.option("--restrictions", metavar="FILE", help="Roofs set aside or flagged."),
        click.option("--climate", metavar="FOLDER",
                     help="Of annual: stations.csv, sun.csv, months.csv and wind.csv of another"
                     " climate."),
        click.option("--turbines", metavar="FILE",
                     help="Of annual: other turbines than the program's; --set turbine=NAME."),
        click.option("--around", metavar="X,Y,RADIUS",
                     help="Total only what lies in this circle [RD m]; all rows stay."),
        click.option("--nodata", type=float, metavar="VALUE",
                     help="What stands for no data in rasters that declare nothing."),
        click.option("--attribution", metavar="TEXT",
                     help="Source line of map and report, if not AHN and BAG."),
        click.option("--block", type=int, default=2048, show_default=True, metavar="N",
                     help="Cells a side of what is computed at once."),
        click.option("--workers", type=int, metavar="N", help="Default: one a core."),
        click.option("--scheduler", default="auto", show_default=True,
                     metavar="auto|threads|processes|ADDRESS",
                     help="Where to compute: here, or a dask cluster."),
        click.option("--allow", default="", metavar="gaps,heights,versions",
                     help="Accept missing sheets, a DSM below the DTM, or mixed AHN versions."),
        click.option("--relief", type=click.Path(path_type=Path), metavar="DIR",
                     help="Where the relief of the sheets is kept, if not in the cache."),
        click.option("--boundaries", multiple=True, metavar="FILE",
                     help="Regions by code and name, for AREA; else those that fetch brought."
                     " Repeatable."),
        click.option("--add-building", multiple=True, metavar="FILE",
                     help="Buildings that are not in the heights, as if they stood there: polygons"
                     " with a column roof_m (NAP) or height_m (above ground). Repeatable."),
        click.option("--remove-building", multiple=True, metavar="ID",
                     help="A building that is taken to be demolished. Repeatable."),
        click.option("--overwrite", is_flag=True,
                     help="Replace what another run left in DIR; other files stay."),
        language,
        loudness,
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def request_of(options: dict[str, Any]) -> Any:
    """The request of those options. Raises InputError for a setting without a value or given twice,
    and for `none` among raster layers."""
    from pipeline.errors import InputError
    from pipeline.methods import DEFAULT
    from pipeline.runs.request import Request
    from pipeline.storage.places import place_of

    settings = {}
    for text in options.pop("settings"):
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(Field("set", text), remedy="give NAME=VALUE")
        if name.strip() in settings:
            raise InputError(Field("set", name.strip()), "{source} is given twice", "give it once")
        settings[name.strip()] = value.strip()
    if options["method"] is None:
        options["method"] = DEFAULT
    allow = [name.strip() for name in options.pop("allow").split(",") if name.strip()]
    return Request.of(
        out=place_of(options.pop("out") or "."),
        id=options.pop("id_"),
        settings=settings,
        layers=layers_of(options.pop("layers")),
        allow=frozenset(allow),
        **options,
    )


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


def layers_of(text: str | None) -> tuple[str, ...] | None:
    """The raster layers of a list; None where none was given: those that the method makes. Raises
    InputError for `none` and a layer."""
    if text is None:
        return None
    from pipeline.errors import InputError

    layers = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if layers == ("none",):
        return ()
    if "none" in layers:
        raise InputError(
            Field("layers", text),
            "no layers, and some",
            "give none alone, or layers without it",
        )
    return layers
