"""Roofs of the 3DBAG as a survey would have them: its LoD 2.2 faces burned to cells."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from bench.plane_truth import Roofs
from kernels.rings import Box, footprint_spans
from kernels.spans import Spans, cells_of
from kernels.zonal import centimetres
from pipeline.footprints.footprints import to_rings
from pipeline.quarter.roofscape import TruePlane

NOISE, HOLES = 0.05, 0.05  # standard deviation of a height [m]; share of cells without data
SUBSAMPLES = 5  # along a cell's side
EAVES = 3.0  # a building's ground lies so much under its lowest corner [m]
Face = tuple[Polygon, NDArray[np.float64]]


def read_models(path: Path) -> list[list[Face]]:
    """The roof faces of each building's LoD 2.2: polygon in RD, and level, east and north of its
    plane, z = level + east x + north y from the polygon's own first corner [m]."""
    city = json.loads(path.read_text("utf-8"))
    vertices = np.array(city["vertices"]) * city["transform"]["scale"]
    vertices += city["transform"]["translate"]
    found: dict[str, list[Face]] = {}
    for name, thing in city["CityObjects"].items():
        building = thing.get("parents", [name])[0]
        for geometry in thing.get("geometry", []):
            if geometry["lod"] == "2.2":
                found.setdefault(building, []).extend(_roof_faces(geometry, vertices))
    return [faces for faces in found.values() if faces]


def _roof_faces(geometry: dict[str, Any], vertices: NDArray[np.float64]) -> Iterator[Face]:
    semantics = geometry["semantics"]
    for shell, values in zip(geometry["boundaries"], semantics["values"], strict=True):
        for face, value in zip(shell, values, strict=True):
            if semantics["surfaces"][value]["type"] == "RoofSurface":
                outer, *inner = (vertices[ring] for ring in face)
                polygon = Polygon(outer[:, :2], [ring[:, :2] for ring in inner])
                at = np.column_stack([np.ones(len(outer)), outer[:, :2] - outer[0, :2]])
                if polygon.is_valid and polygon.area > 0:
                    yield polygon, np.linalg.lstsq(at, outer[:, 2])[0]


def burned(models: list[list[Face]], seed: int = 1, resolution: float = 0.5) -> Roofs:
    """The models on cells, each by itself: means of 5 x 5 sub-samples, which mix roof and ground at
    the rim, with noise and holes. The buildings lie one under another in the raster."""
    rng = np.random.default_rng(seed)
    geometry = np.array([shapely.union_all([face for face, _ in faces]) for faces in models])
    heights, runs, start, x, y, row = [], [], [0], [], [], 0
    for faces, shape in zip(models, geometry, strict=True):
        west, south, east, north = np.array(shape.bounds) / resolution
        left, top = int(np.floor(west)) - 1, int(np.floor(-north)) - 1
        box = Box(top, left, int(np.ceil(-south)) + 1 - top, int(np.ceil(east)) + 1 - left)
        spans = footprint_spans(to_rings(shapely.to_wkb(np.array([shape])), resolution), box)
        surface = _surface(faces, box, resolution)
        surface += rng.normal(0, NOISE, surface.shape)
        surface[rng.random(surface.shape) < HOLES] = np.nan
        own = cells_of(spans)
        x.append((own.column + left + 0.5) * resolution)
        y.append(-(own.row + top + 0.5) * resolution)
        runs.append(np.column_stack([spans.row + row, spans.begin, spans.end]))
        start.append(start[-1] + len(spans.row))
        heights.append(surface)
        row += box.height
    cm = centimetres(_stacked(heights))
    table = np.concatenate(runs)
    spans = Spans(np.array(start), *table.T.copy())
    truth = [[_truth(face, plane) for face, plane in faces] for faces in models]
    area = shapely.area(geometry)
    return Roofs(cm, spans, np.concatenate(x), np.concatenate(y), area, ["model"] * len(x), truth)


def _surface(faces: list[Face], box: Box, resolution: float) -> NDArray[np.float64]:
    step = resolution / SUBSAMPLES
    x = (box.left * SUBSAMPLES + np.arange(box.width * SUBSAMPLES) + 0.5) * step
    y = -(box.top * SUBSAMPLES + np.arange(box.height * SUBSAMPLES)[:, None] + 0.5) * step
    fine = np.full((y.size, x.size), -np.inf)
    for polygon, (level, east, north) in faces:
        first = polygon.exterior.coords[0]
        here = shapely.contains_xy(polygon, *np.broadcast_arrays(x, y))
        plane = level + east * (x - first[0]) + north * (y - first[1])
        fine[here] = np.maximum(fine, plane)[here]
    fine[fine == -np.inf] = fine[np.isfinite(fine)].min() - EAVES
    shape = box.height, SUBSAMPLES, box.width, SUBSAMPLES
    mean: NDArray[np.float64] = fine.reshape(shape).mean(axis=(1, 3))
    return mean


def _stacked(heights: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    width = max(part.shape[1] for part in heights)
    padded = [
        np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=np.nan)
        for part in heights
    ]
    return np.concatenate(padded).astype(np.float32)


def _truth(face: Polygon, plane: NDArray[np.float64]) -> TruePlane:
    return TruePlane(face, float(plane[1]), float(plane[2]), "plane")
