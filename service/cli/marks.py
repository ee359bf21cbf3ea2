"""The marks of citizens on the command line: the operator looks at them, decides, exports."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import InputError
from pipeline.messages import Text
from service.cli.options import loudness, of_service
from service.cli.say import say, tell

if TYPE_CHECKING:
    from service.marks.table import Mark, MarkQuery, Marks

STATES = ("pending", "approved", "rejected")
SHOWN = 48  # characters of a reason in the table


def _marks(state: str | None, config: Path | None) -> "Marks":
    """The marks of a service, whether it runs or not. Raises InputError where there is none."""
    from service.core.database import open_database
    from service.core.settings import read_settings
    from service.marks.table import Marks

    settings = read_settings(config, state=state)
    return Marks(open_database(settings, new=False), settings, expire=False)


@click.group(short_help="What citizens marked: look, publish, delete, export.")
@loudness
def marks() -> None:
    """What citizens marked on the map. It works while the service runs.

    A mark is shown to all once it is approved, its text only if that is approved too.
    """


@marks.command("list", short_help="The marks, oldest first.")
@click.option("--status", type=click.Choice(STATES), help="Only those.")
@click.option(
    "--format", "format_", type=click.Choice(["table", "json"]), default="table",
    show_default=True,
)  # fmt: skip
@of_service
def list_(status: str | None, format_: str, **service: Any) -> None:
    """The marks, oldest first, with their texts."""
    listed = _marks(**service).list(_all(status))
    if format_ == "json":
        click.echo(_dumps(_collection(listed)))
        return
    for mark in listed:
        text = mark.reason if len(mark.reason) <= SHOWN else f"{mark.reason[: SHOWN - 3]}..."
        click.echo(f"{mark.id}  {mark.created[:10]}  {mark.status:<8}  {_words(mark)}  {text}")
    tell("{n} marks", n=len(listed))


@marks.command(short_help="A mark, as GeoJSON.")
@click.argument("id_", metavar="ID")
@of_service
def show(id_: str, **service: Any) -> None:
    """All that is known of a mark but who made it, as GeoJSON."""
    mark = _marks(**service).find(id_, _all())
    if mark is None:
        raise _no_such(id_)
    click.echo(_dumps(_feature(mark)))


@marks.command(short_help="Show marks to all.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--with-text", is_flag=True, help="Their texts as well.")
@of_service
def approve(ids: tuple[str, ...], with_text: bool, **service: Any) -> None:
    """Show marks to all; their texts stay hidden but for --with-text."""
    _moderate(_marks(**service), ids, "approved", with_text)


@marks.command(short_help="Show marks to nobody but who made them.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@of_service
def reject(ids: tuple[str, ...], **service: Any) -> None:
    """Show marks to nobody but who made them, published ones too."""
    _moderate(_marks(**service), ids, "rejected")


@marks.command(short_help="Delete marks for good.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--all-of-maker", is_flag=True, help="All marks of those who made these.")
@of_service
def delete(ids: tuple[str, ...], all_of_maker: bool, **service: Any) -> None:
    """Delete marks for good: nothing of them is kept."""
    kept = _marks(**service)
    owners = _check(kept, ids)
    if all_of_maker:
        n = sum(kept.forget(owner) for owner in set(owners))
    else:
        n = sum(kept.delete(id_) for id_ in dict.fromkeys(ids))
    say("{n} marks deleted", n=n)


@marks.command(short_help="Marks as a file for QGIS, or for --restrictions.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.option("--restrictions", is_flag=True, help="As `daklaag run --restrictions` reads them.")
@click.option(
    "--whole", is_flag=True,
    help="Those that are not published too (not as restrictions), and all texts: not for others.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace a FILE that this program did not write.")
@of_service
def export(
    file: Path,
    restrictions: bool,
    whole: bool,
    overwrite: bool,
    **service: Any,
) -> None:
    """The published marks as GeoJSON, as everybody may see them."""
    from pipeline.storage.written import replacing
    from service.marks import geojson as marks_geojson

    wanted = _all(None if whole and not restrictions else "approved")
    listed = _marks(**service).list(wanted)
    content = _collection(listed, whole)
    if restrictions:
        content = marks_geojson.restrictions(listed, whole)
    with replacing(file, overwrite) as partial:
        partial.write_text(_dumps(content), encoding="utf-8")
    say("{file}: {n} marks", file=file, n=len(content["features"]))


def _moderate(kept: "Marks", ids: tuple[str, ...], status: str, with_text: bool = False) -> None:
    from service.marks.table import MarkStatus

    _check(kept, ids)
    for id_ in dict.fromkeys(ids):
        kept.moderate(id_, MarkStatus(status), with_text)
    say("{n} marks {status}", n=len(set(ids)), status=Text(status))


def _check(kept: "Marks", ids: tuple[str, ...]) -> list[str]:
    """Owners of marks. Raises InputError, before anything is done, for a mark that does not
    exist."""
    owners = {id_: kept.owner(id_) for id_ in ids}
    for id_, owner in owners.items():
        if owner is None:
            raise _no_such(id_)
    return [owner for owner in owners.values() if owner is not None]


def _no_such(id_: str) -> InputError:
    return InputError(Text("mark {id}", id=id_), "there is none", "`daklaag marks list` names them")


def _all(status: str | None = None) -> "MarkQuery":
    from service.marks.table import MarkQuery

    return MarkQuery(all=True, status=status)


def _words(mark: "Mark") -> str:
    return f"{mark.kind:<10}  {mark.what:<15}  {_place(mark)}"


def _place(mark: "Mark") -> str:
    """Target of a mark, in 24 characters or more."""
    target = mark.target
    if target.collection is not None:
        return f"{target.collection}/{target.row}".ljust(24)
    x, y = target.shape.centroid.coords[0]
    return f"{x:.0f},{y:.0f} {'roof' if target.on_roof else target.shape.geom_type}".ljust(24)


def _feature(mark: "Mark", whole: bool = True) -> dict[str, Any]:
    from service.marks import geojson as marks_geojson

    return marks_geojson.feature(mark, operator=whole)


def _collection(marks_: "list[Mark]", whole: bool = True) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": [_feature(mark, whole) for mark in marks_]}


def _dumps(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1)
