"""The house rules that a machine can hold: who imports whom, how long, with what said of it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("kernels", "pipeline", "bench", "service")
FORBIDDEN = {
    "pipeline": {"service", "tests", "bench"},
    "bench": {"service", "tests"},
    "service": {"tests"},
}
KERNELS_MAY = {"kernels", "llvmlite", "numba", "numpy", *sys.stdlib_module_names}
# The rooms within, the lowest first: each imports from those before it, and from no other.
WITHIN = {
    "pipeline": (
        "wording", "terms", "messages", "errors", "grid", "storage", "engine", "vectors", "heights",
        "areas", "addresses", "footprints", "fetch", "methods", "results", "output", "runs",
    ),
    "service": ("core", "marks", "processes", "jobs", "page", "api", "cli"),
}  # fmt: skip
APART = {"quarter"}  # which the pipeline does not need; it depends on no room
MOST_LINES = 300
# Where somebody works, which is nobody else's business.
PLACE = re.compile(r"(?<![\w.-])/(?:work|root|home)/")


def modules(room: str) -> list[Path]:
    """The source files of a room."""
    return sorted((ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    """Dotted name of the module in `path`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST) -> set[str]:
    """Dotted names that a module imports, anywhere in it; `a.b` of `from a import b`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def strays(room: str, source: str) -> set[str]:
    """What a module of `room` imports and must not."""
    tops = {name.partition(".")[0] for name in imported(ast.parse(source))}
    return tops - KERNELS_MAY if room == "kernels" else tops & FORBIDDEN[room]


def risen(name: str, source: str) -> set[str]:
    """What a module imports from a room above its own, of the same package."""
    package, room, *_ = name.split(".")
    rooms = WITHIN[package]
    lower = () if room in APART else rooms[: rooms.index(room)]
    inner = {each for each in imported(ast.parse(source)) if each.startswith(f"{package}.")}
    return {each for each in inner if each.split(".")[1] not in (*lower, room)}


def check_no_cycle(sources: dict[str, str]) -> None:
    """Raise CycleError where modules, given by name, import each other in a ring."""
    ring: TopologicalSorter[str] = TopologicalSorter()
    for module, source in sources.items():
        names = imported(ast.parse(source))
        # Of `from a import b`, b may be a module or something in a.
        ring.add(module, *({n if n in sources else n.rpartition(".")[0] for n in names} - {module}))
    ring.prepare()


def undocumented(source: str) -> set[str]:
    """The public functions and classes of a module that say nothing of themselves."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [
        node
        for node in ast.parse(source).body
        if isinstance(node, definitions) and not node.name.startswith("_")
    ]
    return {node.name for node in public if ast.get_docstring(node) is None}


def pins(lock: str) -> set[tuple[str, str]]:
    """Name and version of every line `name==version ; marker`."""
    parts = [line.partition(";")[0].partition("==") for line in lock.splitlines()]
    return {(name, version.strip()) for name, _, version in parts}


def texts() -> Iterator[Path]:
    """Every file of ours: the rooms, tests, docs, and those at the root."""
    folders = (ROOT / folder for folder in (*ROOMS, "tests", "docs", ".ci"))
    for path in (*ROOT.iterdir(), *(path for folder in folders for path in folder.rglob("*"))):
        # Compiled code, coverage data and the .git of a worktree name where they were made.
        made = path.suffix == ".pyc" or path.name.startswith((".coverage", ".git"))
        if path.is_file() and not made:
            yield path


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_down_only(room: str) -> None:
    found = {name_of(path): strays(room, path.read_text("utf-8")) for path in modules(room)}
    assert found
    assert not {name: names for name, names in found.items() if names}


def test_contributing_lists_the_rooms_in_their_order() -> None:
    listed = re.findall(r"^      (\w+)/ ", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.M)
    rooms = [room for package, rooms in WITHIN.items() for room in rooms
             if (ROOT / package / room).is_dir()]  # fmt: skip
    assert [room for room in listed if room not in APART] == rooms


@pytest.mark.parametrize("package", WITHIN)
def test_rooms_import_from_lower_rooms_only(package: str) -> None:
    found = {name_of(p): risen(name_of(p), p.read_text("utf-8")) for p in modules(package)
             if name_of(p) != package}  # fmt: skip
    rooms = {name.split(".")[1] for name in found}
    assert rooms == {*WITHIN[package], *(APART if package == "pipeline" else ())}
    assert not {name: names for name, names in found.items() if names}


@pytest.mark.parametrize(
    "room", [r for r in WITHIN["pipeline"] if (ROOT / "pipeline" / r).is_dir()]
)
def test_a_room_offers_names_and_none_of_a_module(room: str) -> None:
    face = import_module(f"pipeline.{room}")
    assert face.__all__
    within = {path.stem for path in (ROOT / "pipeline" / room).iterdir()}
    for name in face.__all__:
        assert hasattr(face, name) and name not in within, name


def test_no_cyclic_imports() -> None:
    check_no_cycle({name_of(p): p.read_text("utf-8") for room in ROOMS for p in modules(room)})


def test_kernel_files_are_short() -> None:
    lengths = {p.name: len(p.read_text("utf-8").splitlines()) for p in modules("kernels")}
    assert not {name: lines for name, lines in lengths.items() if lines > MOST_LINES}


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "bench"])
def test_what_is_public_is_documented(room: str) -> None:
    silent = {name_of(p): undocumented(p.read_text("utf-8")) for p in modules(room)}
    assert not {name: functions for name, functions in silent.items() if functions}


def test_no_file_names_a_workplace() -> None:
    found = {
        str(p.relative_to(ROOT)): PLACE.search(p.read_bytes().decode("utf-8", "replace"))
        for p in texts()
    }
    assert "pyproject.toml" in found
    assert not {name: match[0] for name, match in found.items() if match}


def test_pip_gets_what_uv_locks() -> None:
    locked = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    ours = {(p["name"], p["version"]) for p in locked if "registry" in p["source"]}
    assert pins((ROOT / "requirements.lock").read_text("utf-8")) == ours, "make lock"


@pytest.mark.parametrize(
    ("room", "source", "expected"),
    [
        ("kernels", "import math\nimport numba as nb\nfrom numpy.typing import NDArray", set()),
        ("kernels", "from kernels.compile import kernel", set()),
        ("kernels", "import zarr.storage", {"zarr"}),
        ("kernels", "def f():\n    from pipeline import grid", {"pipeline"}),
        ("pipeline", "import kernels.shadow, zarr", set()),
        ("bench", "from kernels import wind\nimport pipeline, service.cli.main", {"service"}),
        ("service", "from bench.runner import run\nimport tests.support.runs", {"tests"}),
        ("pipeline", "if True:\n    from service.cli.main import main", {"service"}),
    ],
)
def test_strays_are_seen(room: str, source: str, expected: set[str]) -> None:
    assert strays(room, source) == expected


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("service.api.jobs", "from service.api import answers\nimport service.jobs.job", set()),
        ("service.cli.serve", "def f():\n    from service.api.app import create_app", set()),
        ("service.core.keys", "import service.jobs.table", {"service.jobs.table"}),
        ("service.page.site", "from service import api", {"service.api"}),
        ("pipeline.runs.run", "from pipeline.methods import METHODS\nimport kernels.sun", set()),
        ("pipeline.methods.x.y", "from pipeline.runs import run", {"pipeline.runs.run"}),
        ("pipeline.grid.crs", "from pipeline.errors import InputError", set()),
        ("pipeline.errors", "import pipeline.grid.crs", {"pipeline.grid.crs"}),
        ("pipeline.quarter.land", "import pipeline.grid.crs", {"pipeline.grid.crs"}),
        ("pipeline.runs.run", "from pipeline.quarter import land", {"pipeline.quarter.land"}),
        ("service.jobs.job", "from service.processes.job_request import JobRequest", set()),
        ("service.jobs.work", "from service.api import service", {"service.api.service"}),
        ("service.processes.areas", "import service.jobs.job", {"service.jobs.job"}),
        ("service.marks.table", "from service import api, core", {"service.api"}),
    ],
)
def test_what_rises_is_seen(name: str, source: str, expected: set[str]) -> None:
    assert risen(name, source) == expected


def test_relative_imports_are_seen() -> None:
    with pytest.raises(AssertionError, match="line 2"):
        imported(ast.parse("import math\nfrom .grid import Grid"))


def test_cycles_are_seen() -> None:
    check_no_cycle({"p": "from p import a", "p.a": "from p import b", "p.b": "import math"})
    with pytest.raises(CycleError):
        check_no_cycle({"p.a": "from p import b", "p.b": "def f():\n    from p.a import x"})
    with pytest.raises(CycleError):
        check_no_cycle({"p": "from p.a import x", "p.a": "from p import y"})


def test_silence_is_seen() -> None:
    source = "def f(): ...\nasync def g(): ...\nclass C: ...\ndef _h(): ...\ndef i():\n    'Said.'"
    assert undocumented(source) == {"f", "g", "C"}


def test_workplaces_are_seen() -> None:
    for place in ("work", "root", "home"):
        assert PLACE.search(f"cd '/{place}/me'")
        assert not PLACE.search(f"https://ahn.nl/{place}/flow, ../{place}/x, pipeline/{place}/")
