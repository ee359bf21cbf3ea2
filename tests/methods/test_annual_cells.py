"""The raster layers of the light on roofs, and its shade: cells, of which planes are the means."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.outcomes import Outcome, run_without_map
from tests.support.runs import World

OPTIONS: dict[str, Any] = {
    "method": "annual", "layers": ("plane", "solar_kwh_m2", "sky_view"), "workers": 1,
}  # fmt: skip


def world(tower: float) -> World:
    """A flat roof, a roof that falls to the east, and between them what stands without a footprint;
    all of them far from the inputs' edge."""
    w = World(200.0, 160.0, 0.5)
    w.block(80, 70, 92, 84, 8.0)
    w.block(108, 70, 120, 84, 8.0)
    here = w.part(108, 70, 120, 84)
    w.dsm[here] = 12 - np.arange(w.dsm[here].shape[1]) * 0.25
    w.dsm[w.part(96, 60, 104, 94)] = tower
    return w


@pytest.fixture(scope="module")
def open_(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("open")
    return run_without_map(world(2.0).write(folder / "in"), folder / "out", **OPTIONS)


@pytest.fixture(scope="module")
def shaded(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("shaded")
    return run_without_map(world(25.0).write(folder / "in"), folder / "out", **OPTIONS)


def layers(found: Outcome) -> list[NDArray[Any]]:
    return [found.arrays[0, name][1] for name in OPTIONS["layers"]]


def by_kind(found: Outcome) -> dict[str, dict[str, Any]]:
    """The largest plane of each roof."""
    planes = [row["planes"][0] for row in found.rows.values()]
    return {plane["kind"]: plane for plane in planes}


@pytest.mark.parametrize("name", ["open_", "shaded"])
def test_a_plane_is_the_mean_of_its_cells(name: str, request: pytest.FixtureRequest) -> None:
    """But for months of cells that are rounded: by half a watt hour at most, twelve times."""
    found: Outcome = request.getfixturevalue(name)
    number, solar, view = layers(found)
    assert np.array_equal(np.isnan(solar), (number == 0) | (number == 255))
    assert np.array_equal(np.isnan(solar), np.isnan(view))
    flat, pitched = (by_kind(found)[kind] for kind in ("flat", "pitched"))
    half = number.shape[1] // 2
    for plane, part in ((flat, np.s_[:, :half]), (pitched, np.s_[:, half:])):
        own = number[part] == 1
        assert own.sum() == plane["cells"]
        mean = solar[part][own].mean(dtype=float)
        assert mean == pytest.approx(plane["irradiation_kwh_m2"], abs=0.012)
        assert view[part][own].mean(dtype=float) == pytest.approx(plane["sky_view"], abs=1e-6)


def test_in_the_open_nothing_is_lost(open_: Outcome) -> None:
    """What stands lower than the roofs hides nothing of the sky."""
    for plane in by_kind(open_).values():
        lost = plane["unshaded_kwh_m2"] - plane["irradiation_kwh_m2"]
        assert 0 <= lost < 0.02 * plane["unshaded_kwh_m2"]
    assert by_kind(open_)["flat"]["sky_view"] > 0.99
    tilt = math.radians(by_kind(open_)["pitched"]["tilt_deg"])
    assert by_kind(open_)["pitched"]["sky_view"] == pytest.approx(
        (1 + math.cos(tilt)) / 2, abs=0.02
    )


def test_what_stands_around_takes_light(open_: Outcome, shaded: Outcome) -> None:
    """Of no cell it adds any; most of those beside it, on both sides."""
    (_, before, sky), (_, after, less) = layers(open_), layers(shaded)
    known = ~np.isnan(before)
    assert (after[known] <= before[known]).all()
    assert (less[known] <= sky[known]).all()
    for kind, plane in by_kind(shaded).items():
        assert plane["irradiation_kwh_m2"] < 0.95 * by_kind(open_)[kind]["irradiation_kwh_m2"]
        assert plane["unshaded_kwh_m2"] == by_kind(open_)[kind]["unshaded_kwh_m2"]


@pytest.mark.parametrize(("reach", "cut"), [(70.2, False), (70.3, True)])
def test_what_may_stand_beyond_the_inputs_is_flagged(
    tmp_path: Path, reach: float, cut: bool
) -> None:
    """The nearest own cell of both has its centre 70.25 m from the southern edge."""
    settings = {"reach_height_m": reach * math.tan(math.radians(3))}
    options = {**OPTIONS, "layers": (), "settings": settings}
    found = run_without_map(world(2.0).write(tmp_path / "in"), tmp_path / "out", **options)
    assert [("reach_cut" in row["flags"]) for row in found.rows.values()] == [cut, cut]
