"""An empty text is no path: it would be the folder that one stands in."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from service.cli.main import main
from service.cli.options import PATHS, Named
from tests.support.commands import ROOT, call


def commands(group: click.Group, *before: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands, with the words that call them."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        yield (*before, name), command


# Click keeps a command's help option as the first context names it.
PARENT = main.make_context("daklaag", ["--help"], resilient_parsing=True)
EVERY = dict(commands(main))
CASES = [
    (words, param)
    for words, command in EVERY.items()
    for param in command.get_params(click.Context(command, parent=PARENT))
    if PATHS.search(param.metavar or "") and param.nargs == 1
]


def test_the_options_that_take_paths_are_found() -> None:
    found = {(words[-1], param.opts[0]) for words, param in CASES}
    run = {("run", f"--{n}") for n in ("dsm", "dtm", "buildings", "out", "update", "by", "relief")}
    others = {
        ("report", "directory"),
        ("export", "--to"),
        ("serve", "--state"),
        ("fetch", "--into"),
    }
    assert run | others | {("demo", "--inputs"), ("run", "--restrictions")} <= found


@pytest.mark.parametrize(
    ("words", "param"), CASES, ids=[f"{' '.join(w)} {p.opts[0]}" for w, p in CASES]
)
def test_an_empty_path_is_refused(words: tuple[str, ...], param: click.Parameter) -> None:
    assert isinstance(param.type, Named)
    given = ["", *["x"] * 3] if isinstance(param, click.Argument) else [param.opts[0], ""]
    result = call(*words, *given)
    assert result.exit_code == 2
    assert "'' is no path; name a file or a folder" in result.stderr


def test_the_command_line_starts_without_the_libraries_of_a_run() -> None:
    """They take seconds, in which Ctrl-C would meet their imports."""
    code = "import sys, service.cli.main; print(*{'numpy', 'pandas', 'pyarrow'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (found.returncode, found.stdout.strip()) == (0, "")
