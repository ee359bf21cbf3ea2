"""UMEP's SEBE, from a checkout of github.com/UMEP-dev/UMEP-processing: it is no package."""

import importlib
import os
import sys
import types
from pathlib import Path

import numpy as np

from bench.peers.program import RESOLUTION, Call, PeerCall, Scene, play

CHECKOUT = "UMEP_PROCESSING"
COLUMNS, GLOBAL, DIFFUSE, BEAM = 24, 14, 21, 22
ALBEDO = 0.2


class Feedback:
    """What the plugin tells of its progress, to nobody."""

    def setProgress(self, _: int) -> None:
        pass

    def isCanceled(self) -> bool:
        return False


def module(name: str) -> types.ModuleType:
    """A module of the checkout, without the plugin around it, which wants QGIS."""
    for part in ("umep_checkout", "umep_checkout.util", "umep_checkout.functions"):
        if part not in sys.modules:
            package = types.ModuleType(part)
            package.__path__ = [str(Path(os.environ[CHECKOUT], *part.split(".")[1:]))]
            sys.modules[part] = package
    return importlib.import_module(f"umep_checkout.functions.SEBEfiles.{name}")


def patches(hours: np.ndarray) -> tuple[np.ndarray, ...]:
    """Beam, diffuse and reflected energy of a year in each patch of the sky [Wh/m2]."""
    day, elevation, azimuth, beam, diffuse, whole = hours.T
    met = np.full((len(hours), COLUMNS), -999.0)
    met[:, 1], met[:, GLOBAL], met[:, DIFFUSE], met[:, BEAM] = day, whole, diffuse, beam
    zenith = np.radians(90 - elevation)
    return tuple(
        module("sunmapcreator_2015a").sunmapcreator_2015a(
            met, elevation[None], azimuth[None], 0, {"energymonth": 0}, day[None], ALBEDO, {},
            zenith[None],
        )
    )  # fmt: skip


def year(scene: Scene) -> Call:
    height, sky = scene.height.astype(float), patches(scene.hours)
    height -= height.min()
    bare = np.zeros_like(height)
    calculate = module("SEBE_2015a_calc_forprocessing").SEBE_2015a_calc
    return lambda: calculate(
        height, 1 / RESOLUTION, bare, bare, 1.0, height.shape[1], height.shape[0], 0, 0, bare, bare,
        ALBEDO, 1, *sky, 0, Feedback(), 0,
    )["Energyyearroof"]  # fmt: skip


def share(energy: np.ndarray) -> np.ndarray:
    """Of what the least shaded cell gets."""
    return np.asarray(energy / energy.max())


JOBS = {"a year of sun": PeerCall(year, share, "145 patches of the sky", roofs=True)}

if __name__ == "__main__":
    if CHECKOUT not in os.environ:
        sys.exit(f"{CHECKOUT} names no checkout of github.com/UMEP-dev/UMEP-processing")
    play(JOBS, "2026.6")
