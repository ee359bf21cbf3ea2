"""The command that brings sheets, footprints, addresses and boundaries from the national
services."""

import shlex
from pathlib import Path
from typing import Any

import click

from pipeline.messages import Text
from service.cli.options import language_of_messages
from service.cli.progress import reporter, stoppable
from service.cli.say import say, sentence, tell


@click.command(short_help="Bring the sheets and footprints of an area.")
@click.argument("area")
@click.option(
    "--into",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of what is brought; the same folder again brings only what is missing.",
)
@click.option(
    "--resolution",
    type=float,
    default=0.5,
    show_default=True,
    metavar="0.5|5",
    help="Cells of the sheets [m].",
)
@click.option(
    "--ahn",
    type=int,
    metavar="VERSION",
    help="2 to 6; default: what PDOK has as current, at 5 m AHN4.",
)
@click.option(
    "--what",
    default="sheets,footprints",
    show_default=True,
    metavar="LIST",
    help="Of sheets, footprints, addresses, boundaries.",
)
@click.option(
    "--boundaries",
    multiple=True,
    metavar="FILE",
    help="Where AREA is a name: whose it is; default: brought from CBS, and kept in the"
    " cache. Repeatable.",
)
@click.option(
    "--margin",
    type=float,
    default=500.0,
    show_default=True,
    metavar="M",
    help="How far around AREA sheets and footprints may matter [m].",
)
@click.option(
    "--connections",
    type=int,
    default=2,
    show_default=True,
    metavar="N",
    help="Files brought at once, 4 at most.",
)
@click.option(
    "--relief",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the relief of each sheet is kept; default: in the cache.",
)
@click.option("--no-relief", is_flag=True, help="Leave the relief to the first run.")
@click.option(
    "--base-url",
    multiple=True,
    envvar="DAKLAAG_BASE_URLS",
    metavar="NAME=URL",
    help="A service that lies elsewhere: pdok, api, ahn or ahn6. Repeatable.",
)
@language_of_messages
@click.option(
    "--overwrite", is_flag=True, help="Bring anew what is not as it was brought, over what stands."
)
@click.pass_context
def fetch(ctx: click.Context, **options: Any) -> None:
    """Bring DSM and DTM sheets and footprints for AREA: xmin,ymin,xmax,ymax in RD metres, a file
    of polygons, or a region by code or name (NL, GM0363, Zeeland).

    Stopped or cut off, the same command goes on where it was. Exit status 0: all that exists is
    there; 2: something is not.
    """  # fmt: skip
    from pipeline.fetch.download import FetchRequest
    from pipeline.fetch.download import fetch as fetch_

    order = FetchRequest(relief=_relief(options), base_urls=options.pop("base_url"),
                  what=_listed(options.pop("what")), **options)  # fmt: skip
    with stoppable() as stop, reporter(ctx.obj["quiet"]) as progress:
        result = fetch_(order, progress, stop)
    for warning in result.warnings:
        tell("warning: {said}", said=warning)
    if not ctx.obj["quiet"]:
        _say(result, order)
    _end(result.failed)


def _listed(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _relief(options: dict[str, Any]) -> Path | None:
    from pipeline.storage.cache import cache_dir

    given, none = options.pop("relief"), options.pop("no_relief")
    return None if none else given or cache_dir() / "relief"


def _say(result: Any, order: Any) -> None:
    for folder, names in result.without_data.items():
        if names:
            shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
            say("{folder}: {n} sheets without data (sea, abroad): {shown}",
                folder=folder, n=len(names), shown=shown)  # fmt: skip
    say("{into}: {new} files brought, {old} were there already",
        into=order.into, new=len(result.downloaded), old=len(result.present))  # fmt: skip
    _say_next([*result.downloaded, *result.present], order)


def _say_next(files: list[str], order: Any) -> None:
    """The run of what is there, if nothing is missing for one."""
    parts = {
        "--dsm": next((f.partition("/")[0] for f in files if "dsm_" in f), None),
        "--dtm": next((f.partition("/")[0] for f in files if "dtm_" in f), None),
        "--buildings": next((f for f in files if f.startswith("bag")), None),
    }
    if all(parts.values()):
        inputs = [text for name, file in parts.items() for text in (name, f"{order.into}/{file}")]
        named = [text for file in order.boundaries for text in ("--boundaries", file)]
        words = ["daklaag", "run", order.area, *named, *inputs, "--out", "DIR"]
        say("next: {command}", command=shlex.join(words))
    if "addresses" in order.what:
        say("{into}: its addresses are found by `daklaag serve --data {into}`", into=order.into)


def _end(failed: dict[str, str]) -> None:
    from pipeline.errors import InputError

    for name, why in sorted(failed.items()):
        click.echo(f"{name}: {sentence(why)}", err=True)
    if failed:
        raise InputError(
            Text("{n} files", n=len(failed)),
            "{source} could not be had",
            "the same command tries them again",
        )
