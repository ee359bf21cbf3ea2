"""Progress for people: a bar on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from tqdm import tqdm

Progress = Callable[[str, int, int], None]


@contextmanager
def reporter(quiet: bool) -> Iterator[Progress]:
    """A progress callback for the time of a run, on standard error."""
    if quiet:
        yield lambda stage, done, total: None
    elif sys.stderr.isatty():
        bars: dict[str, Any] = {}
        try:
            yield lambda stage, done, total: _bar(bars, stage, done, total)
        finally:
            for bar in bars.values():
                bar.close()
    else:
        began: dict[str, float] = {}
        yield lambda stage, done, total: _line(began, stage, done, total)


def _bar(bars: dict[str, Any], stage: str, done: int, total: int) -> None:
    if stage not in bars:
        bars[stage] = tqdm(total=total, desc=f"{stage:<8}", unit="task")
    bars[stage].update(done - bars[stage].n)


def _line(began: dict[str, float], stage: str, done: int, total: int) -> None:
    now = time.monotonic()
    start = began.setdefault(stage, now)
    left = (now - start) / done * (total - done) if done else None
    said = f", about {left:.0f} s left" if left else ""
    click.echo(f"{stage}: {done} of {total}{said}", err=True)
