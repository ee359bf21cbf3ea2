"""Progress of a command for people and programs, and its stop flag."""

import datetime
import functools
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import click
from tqdm import tqdm

from pipeline.engine.events import Event
from pipeline.engine.pace import Pace
from pipeline.engine.tasks import stop_flag
from pipeline.errors import InputError
from pipeline.messages import Text, translated
from pipeline.terms import Field
from service.cli.say import language

LONGEST_LINE = 100_000  # bytes of a log
PAUSE = 10.0  # s between the plain lines of a stage
BAR = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"

Show = Callable[[str, int, int, list[Text]], None]  # stage, done, total, what else is known
Say = Callable[[Text], None]  # a line


class Reporter:
    """The callbacks of a run: called itself it is told how far a stage is, and `log` of events."""

    def __init__(self, show: Show, say: Say, shards: bool, lines: IO[str] | None) -> None:
        self._show, self._say, self._shards, self._lines = show, say, shards, lines
        self._paces: dict[str, Pace] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show the number of a stage's tasks that are done."""
        now = time.monotonic()
        pace = self._paces.setdefault(stage, Pace(now, done))
        pace.advance(now, done)
        self._show(stage, done, total, pace.told(now, total))

    def log(self, event: Event) -> None:
        """An event of a run, as pipeline.engine.events says."""
        if self._lines is not None:
            when = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
            self._lines.write(json.dumps({"time": when, **event}, default=str) + "\n")
            self._lines.flush()
        if event.get("dashboard"):
            self._say(Text("dashboard: {address}", address=event["dashboard"]))
        if "shard" in event:
            now = time.monotonic()
            self._paces.setdefault(event["stage"], Pace(now, 0)).count(now, event)
            if self._shards:
                self._say(shard_line(event))


@contextmanager
def reporter(
    quiet: bool, log_json: Path | str | None = None, verbose: bool = False
) -> Iterator[Reporter]:
    """The callbacks for the time of a run: for people on standard error, unless `quiet`.

    log_json: a file to which a line of JSON an event is added; "-" is standard output. verbose: a
    line a shard for people too.
    """
    lang = language()
    with ExitStack() as stack:
        lines = _opened(stack, log_json)
        if quiet:
            yield Reporter(lambda *_: None, lambda line: None, False, lines)
        elif sys.stderr.isatty():
            bars = stack.enter_context(_bars(lang))
            yield Reporter(
                bars, _to(lambda line: tqdm.write(line, sys.stderr), lang), verbose, lines
            )
        else:
            say = _to(functools.partial(click.echo, err=True), lang)
            yield Reporter(_plain(say), say, verbose, lines)


def _to(write: Callable[[str], Any], lang: str) -> Say:
    """A function that writes lines in a language."""
    return lambda line: write(translated(line, lang))


def _opened(stack: ExitStack, log_json: Path | str | None) -> IO[str] | None:
    if log_json is None or str(log_json) == "-":
        return None if log_json is None else sys.stdout
    try:
        _check_log(Path(log_json))
        return stack.enter_context(Path(log_json).open("a", encoding="utf-8"))
    except OSError as error:
        raise InputError(
            Field("log_json", log_json),
            "{error}",
            "give a file that can be written, or -",
            error=error.strerror,
        ) from None  # fmt: skip


def _check_log(file: Path) -> None:
    """Raises InputError for a file that is no log of ours, by its first line; others than files,
    and empty ones, are as good as new."""
    if not file.is_file():
        return
    with file.open("rb") as stream:
        first = stream.readline(LONGEST_LINE)
    try:
        is_log = not first or {"time", "stage"} <= json.loads(first).keys()
    except (ValueError, AttributeError):
        is_log = False
    if not is_log:
        raise InputError(
            Field("log_json", file),
            "exists, and is no log of this program",
            "give another name, or -",
        )


@contextmanager
def _bars(lang: str) -> Iterator[Show]:
    """A bar a stage."""
    bars: dict[str, Any] = {}

    def show(stage: str, done: int, total: int, parts: list[Text]) -> None:
        if stage not in bars:
            name = f"{translated(Text(stage), lang):<9}"
            bars[stage] = tqdm(total=total, desc=name, initial=done, bar_format=BAR)
        bars[stage].set_postfix_str(", ".join(translated(t, lang) for t in parts), refresh=False)
        bars[stage].update(done - bars[stage].n)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()


def _plain(say: Say) -> Show:
    """Lines of which the first and the last of a stage come always, others after a PAUSE."""
    printed: dict[str, float] = {}

    def show(stage: str, done: int, total: int, parts: list[Text]) -> None:
        now = time.monotonic()
        if done >= total or now - printed.get(stage, -PAUSE) >= PAUSE:
            printed[stage] = now
            say(Text("{parts}", parts=[progress_line(stage, done, total), *parts]))

    return show


def progress_line(stage: str, done: int, total: int) -> Text:
    """Progress of a stage in words."""
    return Text("{stage}: {done} of {total}", stage=Text(stage), done=done, total=total)


def shard_line(event: Event) -> Text:
    """A shard in one line: its stage and name, outcome, and the figures that are given."""
    figures = {
        "seconds": "{n:.1f} s", "mcells": "{n:.1f} Mcells", "footprints": "{n:,} buildings",
        "blocks": "{n:,} blocks", "skipped": "{n:,} skipped",
    }  # fmt: skip
    known = {**event, **({"mcells": event["cells"] / 1e6} if "cells" in event else {})}
    texts = [Text(form, n=known[name]) for name, form in figures.items() if name in known]
    return Text(
        "{stage} {shard}: {figures}",
        stage=Text(event["stage"]), shard=event["shard"],
        figures=[Text(event.get("outcome", "")), *texts],
    )  # fmt: skip


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """A flag that Ctrl-C or SIGTERM raises; a second Ctrl-C ends the program at once."""
    requested = threading.Event()

    def ask(number: int, frame: Any) -> None:
        requested.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with stop_flag(requested.is_set):
            yield requested.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
