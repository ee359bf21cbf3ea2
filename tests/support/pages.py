"""The examples of a page of the docs, run as they are typed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.commands import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What stands on the path beside the system's own: a program of the pages, and what it does here.
PROGRAMS = {
    "daklaag": "from service.cli.main import main; main(prog_name='daklaag')",
    "qgis": "import sys, pyogrio; assert pyogrio.read_info(sys.argv[1])['features'] > 10",
}


class Example(NamedTuple):
    """A block of a page, and the line it begins at."""

    language: str
    text: str
    line: int


def examples(page: str) -> list[Example]:
    """All of a page, in order."""
    return [
        Example(found[1], found[2], page.count("\n", 0, found.start()) + 2)
        for found in BLOCK.finditer(page)
    ]


def add_programs(folder: Path) -> None:
    """Put the programs of the pages into a folder where somebody works."""
    (folder / "bin").mkdir()
    for name, code in PROGRAMS.items():
        program = folder / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
        program.chmod(0o755)


def run_examples(every: list[Example], page: Path, folder: Path) -> dict[str, Any]:
    """Run examples one after the other in a folder, which is the current one; what those in Python
    are left with by name. Raises AssertionError where a command fails."""
    names: dict[str, Any] = {}
    for each in every:
        if each.language == "bash":
            print(bash(each, page, folder))
        else:
            # at its line, so that a traceback says where
            code = compile("\n" * (each.line - 1) + each.text, str(page), "exec")
            exec(code, names)
    return names


def bash(example: Example, page: Path, folder: Path) -> str:
    """Run as it is typed."""
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.text],
        cwd=folder, capture_output=True, text=True,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, f"{page.name}, line {example.line}: {done.stderr}"
    return done.stdout
