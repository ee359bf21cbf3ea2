"""The cache of compiled kernels: one a state of the sources, anywhere or nowhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

from kernels import compile as compiler
from kernels import gradient, shadow, wind, zonal
from tests.support.damage import HOW
from tests.support.scenes import COMPILED, NUMBA

KERNELS = Path(compiler.__file__).parent
OURS = "from kernels.compile import kernel"
NUMBAS = "import numba\nkernel = numba.njit(cache=True)"
CALLEE = "\n@kernel\ndef inner(x):\n    return x + {}\n"
CALLER = "\nfrom kernels.callee import inner\n@kernel\ndef outer(x):\n    return 10 * inner(x)\n"
PROBE = "from kernels.caller import outer\nprint(outer(1), len(outer.stats.cache_hits))"
LISTEN = """import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(message)s")
"""
HEAVY = {"dask", "geopandas", "pandas", "pipeline", "rasterio", "service", "shapely", "zarr"}


def python(code: str, folder: Path, **environment: str) -> str:
    """What another Python says that finds the packages in a folder first and compiles."""
    usual = {name: value for name, value in os.environ.items() if "CACHE" not in name}
    usual |= {"NUMBA_DISABLE_JIT": "0", "PYTHONPATH": str(folder)}
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(
        command, env=usual | environment, text=True, capture_output=True, cwd=folder
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def write(folder: Path, imports: str, plus: int) -> Path:
    """A package of kernels in which one calls another of another file."""
    package = folder / "kernels"
    shutil.copytree(KERNELS, package, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__*__"))
    (package / "callee.py").write_text(imports + CALLEE.format(plus))
    (package / "caller.py").write_text(imports + CALLER)
    return folder


def test_an_edit_in_a_callee_gives_the_new_answer(tmp_path: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    folder = write(tmp_path, OURS, plus=1)
    assert python(PROBE, folder, **cache) == "20 0"
    assert python(PROBE, folder, **cache) == "20 1"  # from the cache
    write(tmp_path, OURS, plus=2)
    assert python(PROBE, folder, **cache) == "30 0"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of kernels with its cache."""
    folder = write(tmp_path_factory.mktemp("compiled"), OURS, plus=1)
    assert python(PROBE, folder, XDG_CACHE_HOME=str(folder / "cache")) == "20 0"
    return folder


@pytest.mark.parametrize(
    ("ending", "how"), [*((".nbi", how) for how in HOW), (".nbc", "a bit flipped")]
)
def test_a_damaged_cache_is_compiled_again(
    tmp_path: Path, compiled: Path, ending: str, how: str
) -> None:
    shutil.copytree(compiled / "cache", tmp_path / "cache")
    (file,) = (tmp_path / "cache").rglob(f"*.outer-*{ending}")
    HOW[how](file)
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    said = {f"{file} is damaged; the kernel is compiled again"} if how != "removed" else set()
    assert {*python(LISTEN + PROBE, compiled, **cache).splitlines()} == {"20 0"} | said
    assert python(PROBE, compiled, **cache) == "20 1"


def test_numba_by_itself_gives_the_old_answer(tmp_path: Path) -> None:
    """If this fails, numba looks after callees, and compile.py is no longer needed for that."""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert python(PROBE, write(tmp_path, NUMBAS, plus=1), **cache) == "20 0"
    assert python(PROBE, write(tmp_path, NUMBAS, plus=2), **cache) == "20 1"


def test_works_where_no_cache_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert python(PROBE, write(tmp_path, OURS, plus=1), XDG_CACHE_HOME=str(file)) == "20 0"


def test_kernels_need_numba_only(tmp_path: Path) -> None:
    names = ", ".join(f"kernels.{path.stem}" for path in KERNELS.glob("[!_]*.py"))
    code = f"import sys, {names}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    loaded = set(python(code, KERNELS.parent, XDG_CACHE_HOME=str(tmp_path)).split())
    assert {"kernels", "numba"} <= loaded
    assert loaded & HEAVY == set()


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the kernels that the key is made of, and a cache."""
    folder = tmp_path / "kernels"
    shutil.copytree(KERNELS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(compiler, "__file__", str(folder / "compile.py"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def test_any_change_of_any_source_changes_the_key(sources: Path) -> None:
    seen = {compiler._cache_folder()}
    assert {compiler._cache_folder()} == seen
    paths = sorted(sources.glob("*.py"))
    for path in paths:
        path.write_bytes(path.read_bytes() + b"\n")
        seen.add(compiler._cache_folder())
    (sources / "another.py").write_text("'''One more.'''")
    seen.add(compiler._cache_folder())
    assert len(seen) == len(paths) + 2
    assert all(folder and folder.is_dir() for folder in seen)


def test_cache_stands_where_the_environment_says(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NUMBA_CACHE_DIR, else XDG_CACHE_HOME, else ~/.cache."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    for variable, base in ("NUMBA_CACHE_DIR", "numba"), ("XDG_CACHE_HOME", "cache"), ("", ".cache"):
        folder = compiler._cache_folder()
        assert folder
        assert folder.parts[-3:-1] == (base, "daklaag")
        monkeypatch.delenv(variable, raising=False)


def test_no_cache_where_none_can_be_written(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert compiler._cache_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(sources / "compile.py"))
    assert compiler._cache_folder() is None


@pytest.mark.parametrize("cache", [None, Path("somewhere")])
def test_kernel_leaves_numba_as_it_was(
    cache: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "_CACHE", cache and tmp_path / cache)
    usual = NUMBA.CACHE_DIR
    assert compiler.kernel(abs_of)(-3) == 3
    assert usual == NUMBA.CACHE_DIR
    assert (tmp_path / "somewhere").exists() == (COMPILED and cache is not None)


def abs_of(x: int) -> int:
    return x if x > 0 else -x


@pytest.mark.skipif(not COMPILED, reason="not compiled")
def test_kernels_hold_no_lock_and_reorder_nothing() -> None:
    found = [
        getattr(module, name)
        for module in (gradient, shadow, wind, zonal)
        for name in vars(module)
        if isinstance(getattr(module, name), Dispatcher)
    ]
    assert len(found) > 10
    for kernel in found:
        assert kernel.targetoptions["nogil"]
        assert kernel.targetoptions["error_model"] == "numpy"
        assert not kernel.targetoptions.get("fastmath", False)
        assert not kernel.targetoptions.get("parallel", False)
