"""A `daklaag serve` in a process of its own, as long as a test asks it."""

import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.clusters import PATIENCE_S
from tests.support.commands import ROOT, RUNNABLE

GREETING = re.compile(r"http://\S+(?=/ )")


@contextmanager
def serving(
    folder: Path, *words: object, program: Sequence[str] = tuple(RUNNABLE)
) -> Iterator[str]:
    """Its address, once its workers are there; it runs in a folder, and leaves its log there."""
    command = [*program, "serve", "--port", "0", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=folder
        )
    try:
        assert process.stdout is not None
        greeting = GREETING.search(process.stdout.readline())
        assert greeting, (folder / "serve.log").read_text()
        until_ready(greeting[0])
        yield greeting[0]
    finally:
        process.terminate()
        process.communicate()


def until_ready(url: str) -> None:
    """Wait until the workers of a service are there."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/ready"):
                return
        except urllib.error.HTTPError as error:
            assert error.code == 503 and time.monotonic() < end
            time.sleep(0.05)
