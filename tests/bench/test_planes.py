"""What `bench.planes` counts: planes that are known, planes that are spoiled, real faces."""

import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon

from bench.plane_models import burned, read_models
from bench.plane_truth import Roofs, compare, of_scene
from bench.planes import lines_of_models, lines_of_scene
from kernels.planes import REST
from kernels.spans import cells_of
from pipeline.quarter.roofscape import Roof, Roofscape, roofscape
from pipeline.quarter.roofscape.faces import Face, Sheet, lowest
from pipeline.quarter.roofscape.kinds import Span
from pipeline.quarter.shapes import Frame


@pytest.fixture(scope="module")
def roofs() -> Roofs:
    return of_scene(roofscape(repeats=2, seed=7), "mean")


def turned(length: float, width: float, rise: float, count: int = 12) -> Roofscape:
    """A roof of one shape, often, turned at random."""
    rng = np.random.default_rng(5)
    span = Span.about(length, width)
    faces = lowest(span.ring, span.sides(6, rise)) if rise else [Face(span.ring, Sheet(6))]
    roofs = tuple(
        Roof("same", Frame.at(24.0 + 48 * k, 24.0, rng.uniform(0, math.tau)),
             Polygon(span.ring), tuple(faces))
        for k in range(count)
    )  # fmt: skip
    return Roofscape((0, 0, 48.0 * count, 48), 3, roofs, (), ())


def test_planes_and_rest_are_the_polygon(roofs: Roofs) -> None:
    planes, _ = compare(roofs)
    footprint = cells_of(roofs.spans).footprint
    rest = np.bincount(footprint, planes.number == REST, len(roofs.area))
    per_cell = roofs.area / planes.own
    of = np.repeat(np.arange(len(roofs.area)), np.diff(planes.start))
    plan = np.bincount(of, planes.cells * per_cell[of], len(roofs.area))
    assert plan + rest * per_cell == pytest.approx(roofs.area, rel=1e-9)


@pytest.mark.parametrize(
    ("length", "width", "rise", "most"),
    [(10, 10, 0.0, 0.01), (12, 8, math.tan(math.radians(35)), 0.02)],
)
def test_the_area_of_a_box_and_of_a_gable(
    length: float, width: float, rise: float, most: float
) -> None:
    roofs = of_scene(turned(length, width, rise), "mean")
    planes, table = compare(roofs)
    area = table.groupby("footprint").found.sum()
    assert area.to_numpy() == pytest.approx(length * width * math.hypot(1, rise), rel=most)
    assert (np.diff(planes.start) == (2 if rise else 1)).all()


def test_what_is_spoiled_is_counted(roofs: Roofs) -> None:
    _, table = compare(roofs)
    assert len(table) == sum(plane.role == "plane" for own in roofs.truth for plane in own)
    blank = roofs._replace(cm=np.full_like(roofs.cm, 300))
    _, spoiled = compare(blank)
    steep = spoiled[(spoiled.tilt > 15) & (spoiled.area > 8)]
    assert steep.joined.mean() > 0.9 > 0.05 > table.joined.mean()
    verdicts = {what: met for what, _, met in lines_of_scene(spoiled)}
    assert verdicts["neither split, joined nor missed, 8 m2 and more"] == "missed"
    assert verdicts["flat roofs that are flat"] == "met"


def test_real_faces_are_read_back(data: Path) -> None:
    models = read_models(data / "delft-5m" / "3dbag_5907_subset.city.json")
    assert sum(map(len, models)) > 1400
    small = [faces for faces in models if shapely.area([f for f, _ in faces]).sum() < 2000]
    _, table = compare(burned(small))
    assert [met for _, _, met in lines_of_models(table)] == ["met"] * 3
