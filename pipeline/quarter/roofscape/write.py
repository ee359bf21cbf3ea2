"""A scene of roofs as files: sheets of heights, footprints, and beside them the true planes."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.quarter.addresses import NAME as ADDRESSES
from pipeline.quarter.addresses import write_addresses
from pipeline.quarter.land import IN_USE
from pipeline.quarter.regions import NAME as BOUNDARIES
from pipeline.quarter.regions import write_regions
from pipeline.quarter.roofscape.scene import Roofscape, Survey, roofscape
from pipeline.quarter.scene import Cells
from pipeline.quarter.shapes import Building
from pipeline.quarter.write import (
    Generated,
    sheets_of,
    write_footprints,
    write_layer,
    write_sheet,
)

SHEETS, BUILDINGS, PLANES = "[RM]_ROOFS_*.tif", "pand.gpkg", "true_planes.gpkg"
BUILT = 1990
WINDOW = 256
"""Cells along the side of what is rendered at once: each has 25 sub-samples."""


@dataclass(frozen=True)
class RoofFiles(Generated):
    """The files of a generated scene of roofs, and what is true of it."""

    planes: Path
    """GeoPackage, layer `planes`: the true planes as seen from above, with the id of their
    building, `tilt_deg`, `azimuth_deg` from grid north (null if level), `plan_m2` and `area_m2`."""
    truth: Roofscape


def generate_roofs(
    directory: Path,
    *,
    repeats: int = 6,
    resolution: float = 0.5,
    seed: int = 2008,
    sheets: tuple[int, int] = (2, 2),
    survey: Survey = "mean",
    noise: float = 0.05,
    tall: bool = False,
) -> RoofFiles:
    """Write a scene of every kind of roof, so often each; the same arguments give the same bytes.

    resolution [m]; sheets: counted eastward and northward; survey: "mean" for cells as AHN4 has
    them, "highest" for AHN5's; noise: standard deviation of the heights [m]; tall: with buildings
    that are high enough for a turbine. The directory is made; an earlier scene in it is replaced.
    ValueError for a resolution that does not divide the scene, no repeats, or more sheets than
    cells.
    """
    scene = roofscape(repeats, seed, tall=tall)
    return write_roofs(directory, scene, resolution, sheets, survey, noise)


def write_roofs(
    directory: Path,
    scene: Roofscape,
    resolution: float = 0.5,
    sheets: tuple[int, int] = (2, 2),
    survey: Survey = "mean",
    noise: float = 0.05,
) -> RoofFiles:
    """Write a scene as `generate_roofs` writes its own."""
    cells = [*sheets_of(Cells.of(scene.bounds, resolution), sheets)]
    directory.mkdir(parents=True, exist_ok=True)
    for stale in directory.glob(SHEETS):
        stale.unlink()
    dsm, dtm = (
        tuple(directory / f"{letter}_ROOFS_{i}.tif" for i in range(1, len(cells) + 1))
        for letter in "RM"
    )
    for sheet, *paths in zip(cells, dsm, dtm, strict=True):
        write_sheet(
            lambda part: scene.surfaces(part, survey, noise), sheet, (paths[0], paths[1]),
            window=WINDOW,
        )  # fmt: skip
    buildings, planes = directory / BUILDINGS, directory / PLANES
    write_footprints(buildings, _buildings(scene))
    _write_planes(planes, scene)
    boundaries = write_regions(directory, scene.bounds)
    houses = [(_id(k), roof.footprint) for k, roof in enumerate(scene.roofs)]
    addresses = write_addresses(directory, scene.bounds, houses)
    return RoofFiles(directory, dsm, dtm, buildings, boundaries, addresses, planes, scene)


def standing_roofs(directory: Path) -> list[Path]:
    """The files of a directory that `generate_roofs` replaces there."""
    fixed = [directory / name for name in (BUILDINGS, PLANES, BOUNDARIES, ADDRESSES)]
    return sorted(directory.glob(SHEETS)) + [file for file in fixed if file.exists()]


def _id(position: int) -> str:
    return f"0363100{13_000_000 + position:09d}"


def _buildings(scene: Roofscape) -> tuple[Building, ...]:
    return tuple(
        Building(_id(k), roof.kind, roof.footprint, BUILT, IN_USE, ())
        for k, roof in enumerate(scene.roofs)
    )


def _write_planes(path: Path, scene: Roofscape) -> None:
    planes = [(k, plane) for k, own in enumerate(scene.planes) for plane in own]

    def text(values: list[str]) -> NDArray[np.object_]:
        return np.array(values, object)

    columns = {
        "identificatie": text([_id(k) for k, _ in planes]),
        "kind": text([scene.roofs[k].kind for k, _ in planes]),
        "role": text([plane.role for _, plane in planes]),
        "tilt_deg": np.array([math.degrees(plane.tilt) for _, plane in planes]),
        "azimuth_deg": np.array([math.degrees(plane.azimuth) for _, plane in planes]),
        "plan_m2": np.array([plane.polygon.area for _, plane in planes]),
        "area_m2": np.array([plane.area for _, plane in planes]),
    }
    write_layer(path, "planes", [plane.polygon for _, plane in planes], columns)
