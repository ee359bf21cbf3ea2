"""Progress for people: bars on a terminal, plain lines in a log; and a log for programs."""

import datetime
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import click
from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.events import FAILED, KEPT, Event
from pipeline.printed import spoken

WINDOW = 600.0  # s; rates and what is left are told from this last time
PAUSE = 10.0  # s between the plain lines of a stage
BAR = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"

Show = Callable[[str, int, int, list[str]], None]  # stage, done, total, what else is known
Say = Callable[[str], None]  # a line


class Pace:
    """How fast a stage goes: of what was done while it was watched, lately."""

    def __init__(self, now: float, done: int) -> None:
        self.skipped = self.failed = 0
        self._began = now
        self._done = done
        self._kept = -done  # tasks found finished, which took no time, of those to come
        self._steps: deque[tuple[float, int, int, int]] = deque()  # when; tasks, cells, footprints

    def advance(self, now: float, done: int) -> None:
        """So many of the tasks are done."""
        tasks, self._done = done - self._done, done
        free = max(min(self._kept, tasks), 0)
        self._kept -= free
        self._steps.append((now, tasks - free, 0, 0))

    def count(self, now: float, event: Event) -> None:
        """A shard is done, was found done, or failed."""
        if event.get("outcome") == KEPT:
            self._kept += 1
            return
        self.skipped += event.get("skipped", 0)
        self.failed += event.get("outcome") == FAILED
        self._steps.append((now, 0, event.get("cells", 0), event.get("footprints", 0)))

    def told(self, now: float, total: int) -> list[str]:
        """Rates, what was skipped and failed, and the time left, as far as they are known."""
        _, cells, footprints = self._rates(now)
        said = [f"{cells / 1e6:.1f} Mcells/s"] if cells else []
        said += [f"{footprints:,.0f} buildings/s"] if footprints else []
        said += [f"{self.skipped:,} blocks skipped"] if self.skipped else []
        said += [f"{self.failed:,} failed"] if self.failed else []
        left = self.left(now, total)
        if left is not None and self._done < total:
            said.append(f"about {spoken(left)} left")
        return said

    def left(self, now: float, total: int) -> float | None:
        """Seconds until all tasks are done, as it goes; None as long as none was."""
        tasks, *_ = self._rates(now)
        return (total - self._done) / tasks if tasks else None

    def _rates(self, now: float) -> list[float]:
        """Tasks, cells and footprints a second; zeros as long as no time has passed."""
        while self._steps and self._steps[0][0] < now - WINDOW:
            self._steps.popleft()
        passed = min(now - self._began, WINDOW)
        sums = (sum(step[i] for step in self._steps) for i in (1, 2, 3))
        return [each / passed if passed > 0 else 0.0 for each in sums]


class Reporter:
    """The callbacks of a run: called itself it is told how far a stage is, and `log` of events."""

    def __init__(self, show: Show, say: Say, shards: bool, lines: IO[str] | None) -> None:
        self._show, self._say, self._shards, self._lines = show, say, shards, lines
        self._paces: dict[str, Pace] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """How many of the tasks of a stage are done."""
        now = time.monotonic()
        pace = self._paces.setdefault(stage, Pace(now, done))
        pace.advance(now, done)
        self._show(stage, done, total, pace.told(now, total))

    def log(self, event: Event) -> None:
        """An event of a run, as pipeline.events says."""
        if self._lines is not None:
            when = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
            self._lines.write(json.dumps({"time": when, **event}, default=str) + "\n")
            self._lines.flush()
        if event.get("dashboard"):
            self._say(f"dashboard: {event['dashboard']}")
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
    with ExitStack() as stack:
        lines = _opened(stack, log_json)
        if quiet:
            yield Reporter(lambda *told: None, lambda line: None, False, lines)
        elif sys.stderr.isatty():
            bars = stack.enter_context(_bars())
            yield Reporter(bars, lambda line: tqdm.write(line, sys.stderr), verbose, lines)
        else:
            yield Reporter(_plain(), lambda line: click.echo(line, err=True), verbose, lines)


def _opened(stack: ExitStack, log_json: Path | str | None) -> IO[str] | None:
    if log_json is None or str(log_json) == "-":
        return None if log_json is None else sys.stdout
    try:
        return stack.enter_context(Path(log_json).open("a", encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"--log-json {log_json}: {error.strerror}; give a file that can be written, or -"
        ) from None


@contextmanager
def _bars() -> Iterator[Show]:
    """A bar a stage."""
    bars: dict[str, Any] = {}

    def show(stage: str, done: int, total: int, told: list[str]) -> None:
        if stage not in bars:
            bars[stage] = tqdm(total=total, desc=f"{stage:<8}", initial=done, bar_format=BAR)
        bars[stage].set_postfix_str(", ".join(told), refresh=False)
        bars[stage].update(done - bars[stage].n)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()


def _plain() -> Show:
    """Lines of which the first and the last of a stage come always, others after a PAUSE."""
    said: dict[str, float] = {}

    def show(stage: str, done: int, total: int, told: list[str]) -> None:
        now = time.monotonic()
        if done >= total or now - said.get(stage, -PAUSE) >= PAUSE:
            said[stage] = now
            click.echo(", ".join([f"{stage}: {done} of {total}", *told]), err=True)

    return show


def shard_line(event: Event) -> str:
    """A shard in one line: its stage and name, outcome, and the figures that are given."""
    figures = {
        "seconds": "{:.1f} s", "footprints": "{:,} buildings", "blocks": "{:,} blocks",
        "skipped": "{:,} skipped",
    }  # fmt: skip
    said = [form.format(event[name]) for name, form in figures.items() if name in event]
    if "cells" in event:
        said.insert(1, f"{event['cells'] / 1e6:.1f} Mcells")
    return f"{event['stage']} {event['shard']}: {', '.join([event.get('outcome', ''), *said])}"
