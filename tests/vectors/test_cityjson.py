"""The ground of the buildings of a CityJSON file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.vectors.files import read_vector

WEST, SOUTH = 84_000.0, 446_000.0
RD = "https://www.opengis.net/def/crs/EPSG/0/7415"


class City:
    """A file of buildings, with its corners counted once."""

    def __init__(self, **head: Any) -> None:
        self.objects: dict[str, Any] = {}
        self._corners: list[list[int]] = []
        transform = {"scale": [0.001, 0.001, 0.001], "translate": [WEST, SOUTH, -5.0]}
        usual = {"metadata": {"referenceSystem": RD}, "transform": transform}
        self.head = {"type": "CityJSON", "version": "1.1"} | usual | head

    def ring(self, box: tuple[float, float, float, float], z: float = 0) -> list[int]:
        """A rectangle xmin, ymin, xmax, ymax [m from the corner] as a ring of corners."""
        a, b, c, d = box
        first = len(self._corners)
        for x, y in ((a, b), (c, b), (c, d), (a, d)):
            self._corners.append([round(1000 * v) for v in (x, y, z + 5)])
        return list(range(first, first + 4))

    def write(self, path: Path) -> Path:
        path.write_text(
            json.dumps(self.head | {"CityObjects": self.objects, "vertices": self._corners})
        )
        return path


def surface(lod: str, *rings: list[int]) -> dict[str, Any]:
    return {"type": "MultiSurface", "lod": lod, "boundaries": [list(rings)]}


def solid(lod: str, surfaces: list[tuple[str, list[list[int]]]], kind: str = "Solid") -> Any:
    """A solid of one shell whose surfaces are of these types."""
    types = ["GroundSurface", "WallSurface", "RoofSurface"]
    semantics = {"surfaces": [{"type": t} for t in types]}
    shell, values = [rings for _, rings in surfaces], [types.index(t) for t, _ in surfaces]
    depth = {"MultiSurface": 0, "Solid": 1, "MultiSolid": 2}[kind]
    for _ in range(depth):
        shell, values = [shell], [values]  # type: ignore[list-item]
    return {
        "type": kind,
        "lod": lod,
        "boundaries": shell,
        "semantics": semantics | {"values": values},
    }


def house(city: City, box: tuple[float, float, float, float], lod: str, kind: str = "Solid") -> Any:
    """A block: its ground, a wall and its roof, which juts out."""
    a, b, c, d = box
    parts = [
        ("RoofSurface", [city.ring((a - 1, b - 1, c + 1, d + 1), 9)]),
        ("GroundSurface", [city.ring(box)]),
        ("WallSurface", [city.ring((a, b, c, b), 4)]),
    ]
    return solid(lod, parts, kind)


def placed(a: float, b: float, c: float, d: float) -> shapely.Polygon:
    return shapely.box(WEST + a, SOUTH + b, WEST + c, SOUTH + d)


def ground(city: City, folder: Path, key: str = "pand") -> shapely.Geometry:
    found = read_vector(city.write(folder / "city.json"))
    assert found.crs == 28992
    return found.set_index("id").geometry[key]


def test_the_ground_of_lod_0(tmp_path: Path) -> None:
    city = City()
    court = surface("0", city.ring((0, 0, 20, 20)), city.ring((5, 5, 9, 9)))
    solid_ = house(city, (50, 50, 60, 60), "2.2")
    city.objects["pand"] = {"type": "Building", "geometry": [solid_, court]}
    assert ground(city, tmp_path).equals(placed(0, 0, 20, 20) - placed(5, 5, 9, 9))


@pytest.mark.parametrize("kind", ["Solid", "MultiSurface", "MultiSolid"])
def test_the_ground_surfaces_of_a_solid(tmp_path: Path, kind: str) -> None:
    city = City()
    city.objects["pand"] = {
        "type": "Building",
        "geometry": [house(city, (0, 0, 99, 99), "1.2"), house(city, (0, 0, 10, 8), "2.2", kind)],
    }
    assert ground(city, tmp_path).equals(placed(0, 0, 10, 8))


def test_the_parts_of_a_building_are_one(tmp_path: Path) -> None:
    """Each at its own highest level of detail."""
    city = City()
    city.objects |= {
        "pand": {"type": "Building", "children": ["pand-0", "pand-1"]},
        "pand-0": {"type": "BuildingPart", "geometry": [house(city, (0, 0, 10, 10), "2.2")]},
        "pand-1": {"type": "BuildingPart", "geometry": [house(city, (10, 0, 20, 10), "1.3")]},
    }
    assert ground(city, tmp_path).equals(placed(0, 0, 20, 10))


def test_columns_and_other_objects(tmp_path: Path) -> None:
    city = City(metadata={"referenceSystem": "urn:ogc:def:crs:EPSG::28992"})
    named = {"identificatie": "NL.IMBAG.Pand.1", "id": "other", "oorspronkelijkbouwjaar": 1985}
    city.objects |= {
        "a": {
            "type": "Building", "attributes": named,
            "geometry": [surface("0.0", city.ring((0, 0, 1, 1)))],
        },
        "tree": {"type": "SolitaryVegetationObject"},
        "b": {"type": "Building", "attributes": None, "geometry": []},
    }  # fmt: skip
    found = read_vector(city.write(tmp_path / "city.json"))
    assert found["id"].tolist() == ["a", "b"]
    assert found["identificatie"].tolist()[0] == "NL.IMBAG.Pand.1"
    assert found["oorspronkelijkbouwjaar"].tolist()[0] == 1985
    assert found.geometry.is_empty.tolist() == [False, True]


def test_a_ring_that_is_none_is_left_out(tmp_path: Path) -> None:
    city = City()
    whole, sliver = city.ring((0, 0, 5, 5)), city.ring((9, 9, 9, 9))[:2]
    shapes = {"type": "MultiSurface", "lod": 0, "boundaries": [[whole, sliver], [sliver]]}
    city.objects["pand"] = {"type": "Building", "geometry": [shapes]}
    assert ground(city, tmp_path).equals(placed(0, 0, 5, 5))


def test_corners_without_a_transform(tmp_path: Path) -> None:
    city = City(transform=None)
    city.objects["pand"] = {"type": "Building", "geometry": [surface("0", city.ring((0, 0, 4, 3)))]}
    found = ground(city, tmp_path)
    assert np.array_equal(found.bounds, [0, 0, 4000, 3000])


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no corners": ({"vertices": None}, "not a CityJSON file that can be read"),
    "no objects": ({"CityObjects": None}, "not a CityJSON file that can be read"),
    "no buildings": ({"CityObjects": {}}, "holds no object of type Building"),
    "no reference system": ({"metadata": {}}, "no reference system that is known"),
    "an unknown one": ({"metadata": {"referenceSystem": "RD"}}, "no reference system"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault(tmp_path: Path, fault: str) -> None:
    change, expected = FAULTS[fault]
    city = City()
    city.objects["pand"] = {"type": "Building", "geometry": []}
    path = city.write(tmp_path / "city.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=f"^city.json: .*{expected}.*; ") as told:
        read_vector(path)
    assert "\n" not in str(told.value)
