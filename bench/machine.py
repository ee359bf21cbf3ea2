"""The machine of a measurement, without its name."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llvmlite.binding
import rasterio
from dask.system import CPU_COUNT
from distributed.system import MEMORY_LIMIT

ROOT = Path(__file__).parents[1]
PACKAGES = ("daklaag", "numpy", "numba", "llvmlite", "dask", "distributed", "rasterio", "zarr")


def workers() -> list[int]:
    """1, 2, 4 ... and the number of cores that this process may use."""
    return [*(1 << i for i in range(16) if 1 << i < CPU_COUNT), CPU_COUNT]


def machine() -> dict[str, Any]:
    """Processor, cores, memory and system; how many processes are at work."""
    return {
        "cpu": _processor(),
        "llvm_cpu": llvmlite.binding.get_host_cpu_name(),
        "cores": CPU_COUNT,
        "load": round(os.getloadavg()[0], 1),
        "memory_gib": round(MEMORY_LIMIT / 2**30, 1),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that the speed depends on."""
    llvm = ".".join(map(str, llvmlite.binding.llvm_version_info))
    found = {"python": platform.python_version(), "llvm": llvm, "gdal": rasterio.__gdal_version__}
    return found | {name: version(name) for name in PACKAGES}


def commit() -> str | None:
    """The checkout's commit, `-dirty` if it was edited since; None outside a checkout."""
    command = ["git", "-C", os.fspath(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    if not (ROOT / ".git").exists():
        return None
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
