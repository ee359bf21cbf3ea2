"""`daklaag check`: whether the files of a finished run are as they were written."""

import os

import click

from pipeline.storage.places import Place, place_of
from service.cli.options import language
from service.cli.progress import reporter, stoppable
from service.cli.say import say, tell

THREADS = max(4, 2 * (os.cpu_count() or 1))  # object storage answers slowly, but many at once


@click.command(short_help="Whether the files of a run are as they were written.")
@click.argument("directory", type=place_of, metavar="DIR")
@language
@click.pass_context
def check(ctx: click.Context, directory: Place, lang: str) -> None:
    """Read all files of the finished run in DIR, a folder or s3://BUCKET/PREFIX, and compare them
    with the checksums in its report. What is missing or damaged is named; the exit status is then
    2, else 0."""
    from pipeline.storage import integrity

    with stoppable() as stop, reporter(ctx.obj["quiet"]) as progress:
        damage = integrity.check(directory, progress, stop, THREADS)
    for name, what in damage.items():
        tell("{name}: {what}", name=name, what=what)
    integrity.refuse(directory, damage)
    if not ctx.obj["quiet"]:
        say(
            "{directory}: all {files:,} files are as they were written",
            directory=directory,
            files=len(integrity.files_of(directory).sums),
        )
