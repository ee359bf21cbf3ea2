"""Vector tiles, by the examples of their specification and by GDAL's decoder."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.output.tiles import mvt
from pipeline.output.tiles.mvt import EXTENT
from pipeline.output.tiles.protobuf import varints, zigzag

NOTHING = pa.table({"name": pa.nulls(1, pa.string())})
TRIANGLE = shapely.Polygon([(3, 6), (8, 12), (20, 34)])
TWO = shapely.MultiPolygon(
    [
        shapely.box(0, 0, 10, 10),
        shapely.Polygon(
            [(11, 11), (20, 11), (20, 20), (11, 20)], [[(13, 13), (13, 17), (17, 17), (17, 13)]]
        ),
    ]
)


def decoded(data: bytes, folder: Path, layer: str | int = 0) -> pa.Table:
    """What GDAL reads of a layer: geometry in units of the tile, y southward."""
    file = folder / "tile.pbf"
    file.write_bytes(data)
    _, table = pyogrio.read_arrow(f"MVT:{file}", layer=layer, CLIP="NO")
    polygons = shapely.from_wkb(table["wkb_geometry"].to_numpy())
    turned = shapely.transform(polygons, lambda xy: xy * (1, -1) + (0, EXTENT))
    place = table.column_names.index("wkb_geometry")
    return table.remove_column(place).append_column(
        "geometry", pa.array(shapely.to_wkb(turned), pa.binary())
    )


def shapes(table: pa.Table) -> np.ndarray:
    """Its polygons."""
    return np.asarray(shapely.from_wkb(table["geometry"].to_numpy()))


def flat(polygons: Any) -> mvt.Polygons:
    """Each polygon as a feature."""
    return mvt.shapes(np.array(polygons, object), np.arange(len(polygons)))


def layer(name: str, ids: np.ndarray, polygons: Any, properties: pa.Table) -> bytes:
    """A tile of polygons of shapely."""
    return mvt.layer(name, ids, flat(polygons), properties)


def ring_areas(polygons: list[Any]) -> list[float]:
    """Twice the area of each ring in order, above 0 for clockwise on the screen."""
    rings = mvt.loops(flat(polygons))
    parts = np.split(rings.points, np.cumsum(rings.number)[:-1])
    return [
        float(np.sum(a[:, 0] * np.roll(a[:, 1], -1) - np.roll(a[:, 0], -1) * a[:, 1]))
        for a in parts
    ]


@pytest.mark.parametrize(
    ("polygon", "commands"),
    [
        (TRIANGLE, [9, 6, 12, 18, 10, 12, 24, 44, 15]),
        (
            TWO,
            [9, 0, 0, 26, 20, 0, 0, 20, 19, 0, 15, 9, 22, 2, 26, 18, 0, 0, 18, 17, 0, 15,
             9, 4, 13, 26, 0, 8, 8, 0, 0, 7, 15],
        ),
    ],
    ids=["triangle", "two with a hole"],
)  # fmt: skip
def test_the_examples_of_the_specification(polygon: Any, commands: list[int]) -> None:
    if polygon is TWO:  # shapely begins a box elsewhere
        first = shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10)])
        polygon = shapely.MultiPolygon([first, polygon.geoms[1]])
    assert bytes(commands) in layer("x", np.array([1]), np.array([polygon]), NOTHING)


def varint(value: int) -> bytes:
    """By the specification of protocol buffers: seven bits a byte, the lowest first."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


@pytest.mark.parametrize("bits", [0, 7, 14, 28, 35, 63, 64])
def test_numbers_of_every_length(bits: int) -> None:
    edges = {(1 << b) - d for b in range(bits + 1) for d in (0, 1)}
    values = sorted(value for value in edges if value < 1 << bits)
    coded = varints(np.array(values, np.uint64))
    assert coded.data.tobytes() == b"".join(map(varint, values))
    assert coded.length.tolist() == [len(varint(value)) for value in values]


def test_numbers_of_either_sign() -> None:
    assert varints(np.zeros(0, np.int64)).data.size == 0
    assert zigzag(np.array([0, -1, 1, -2, 2**62])).tolist() == [0, 1, 2, 3, 2**63]


def test_properties_are_read_back(tmp_path: Path) -> None:
    properties = pa.table(
        {
            "text": ["é", None, "", "é"],
            "real": [1.5, float("nan"), None, -2.25],
            "whole": pa.array([1, -5, None, 2**40]),
            "true": [True, None, False, True],
            "other": ["x", "é", None, "x"],
        }
    )
    boxes = shapely.box(np.arange(4) * 20, 0, np.arange(4) * 20 + 9, 9)
    found = decoded(layer("x", np.array([7, 2**40, 0, 3]), boxes, properties), tmp_path)
    assert found["mvt_id"].to_pylist() == [7, 2**40, 0, 3]
    assert found["text"].to_pylist() == ["é", None, "", "é"]
    assert found["real"].to_pylist() == [1.5, None, None, -2.25]
    for name in ("whole", "true", "other"):
        assert found[name].to_pylist() == properties[name].to_pylist()


def test_each_value_stands_there_once() -> None:
    boxes = shapely.box(np.arange(90) * 20, 0, np.arange(90) * 20 + 9, 9)
    same = pa.table({name: ["a long text of a roof"] * 90 for name in ("one", "other")})
    data = layer("x", np.arange(90), boxes, same)
    assert data.count(b"a long text of a roof") == 1


@pytest.mark.parametrize("turned", [False, True])
def test_outsides_and_holes_run_against_each_other(turned: bool) -> None:
    outside = [(0, 0), (10, 0), (10, 10), (0, 10)][:: -1 if turned else 1]
    hole = [(2, 2), (4, 2), (4, 4), (2, 4)][:: 1 if turned else -1]
    assert ring_areas([shapely.Polygon(outside, [hole])]) == [200, -8]
    assert ring_areas([shapely.Polygon(outside, [hole[::-1]])]) == [200, -8]


def test_shapes_below_a_unit_are_kept_visible() -> None:
    tiny = shapely.box(100.1, 100.1, 100.3, 100.2)
    beam = shapely.box(50, 50, 80, 50.2)  # as thin as nothing
    found = mvt.loops(flat([TRIANGLE, tiny, beam]))
    assert found.feature.tolist() == [0, 1, 2] and found.number.tolist() == [3, 4, 4]
    assert found.points[3:7].tolist() == [[99, 99], [101, 99], [101, 101], [99, 101]]
    two = shapely.MultiPolygon([tiny, shapely.box(0, 0, 5, 5)])
    assert mvt.loops(flat([two])).number.tolist() == [4]  # one of them is enough


def test_a_hole_goes_with_its_outside_and_repeats_are_dropped() -> None:
    holed = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(2, 2), (2, 2.3), (2.3, 2.3)]])
    assert mvt.loops(flat([holed])).number.tolist() == [4]
    dense = shapely.Polygon([(0, 0), (0.2, 0.1), (9, 0), (9, 9), (9.1, 9.2), (0, 9), (0, 0.3)])
    assert mvt.loops(flat([dense])).number.tolist() == [4]
    thin = shapely.Polygon([(0, 0), (9, 0), (9, 0.4), (0, 0.4)], [[(1, 0.1), (8, 0.1), (8, 0.3)]])
    assert mvt.loops(flat([thin])).hole.tolist() == [False]
    bow = shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)], [[(1, 4), (2, 4), (2, 6)]])  # area 0
    assert mvt.loops(flat([bow])).hole.tolist() == [False]


# On whole units the walls of a narrow court fall together, and a wall passes beyond a corner.
NOTCHED = shapely.Polygon(
    [(0, 0), (20, 0), (20, 9.6), (3, 9.6), (3, 10.4), (20, 10.4), (20, 20), (0, 20)]
)
CROSSED = shapely.Polygon([(1.2, 2.2), (9.1, 7.8), (4.5, 9.7), (3.3, 5.9), (2.0, 4.6), (2.5, 7.2)])


@pytest.mark.parametrize("polygon", [NOTCHED, CROSSED], ids=["notched", "crossed"])
def test_walls_that_meet_on_whole_units_bound_valid_polygons(
    tmp_path: Path, polygon: shapely.Polygon
) -> None:
    polygons = [TRIANGLE, polygon, TWO]
    properties = pa.table({"name": ["a", "b", "c"]})
    coded = layer("x", np.arange(3), np.array(polygons, object), properties)
    found = decoded(coded, tmp_path)
    assert found["name"].to_pylist() == ["a", "b", "c"]
    first, mended, last = shapes(found)
    assert mended.is_valid
    assert mended.symmetric_difference(polygon).area < polygon.length / 2
    assert first.equals(TRIANGLE) and last.equals(TWO)


@pytest.mark.parametrize(
    "polygons",
    [[], [None], [shapely.Polygon()], [shapely.Point(1, 1)], [shapely.MultiPolygon()]],
    ids=["none", "missing", "empty", "point", "empty parts"],
)
def test_without_polygons_there_is_no_tile(polygons: list[Any]) -> None:
    given = np.array(polygons, object)
    properties = pa.table({"name": pa.nulls(len(given), pa.string())})
    assert layer("x", np.arange(len(given)), given, properties) == b""


NEAR = arrays(np.int64, (24, 2), elements=st.integers(0, 12_288)).map(lambda steps: steps / 1024)


@settings(max_examples=80)
@given(NEAR)
def test_any_roof_of_a_few_units_is_valid(
    tmp_path_factory: pytest.TempPathFactory, points: np.ndarray
) -> None:
    lines = shapely.linestrings(points.reshape(-1, 2, 2))
    roof = shapely.buffer(shapely.multilinestrings(lines), 0.3, quad_segs=1)
    (found,) = shapes(
        decoded(
            layer("x", np.arange(1), np.array([roof], object), pa.table({"name": ["a"]})),
            tmp_path_factory.mktemp("near"),
        )
    )
    assert found.is_valid and found.distance(roof) < 1
    assert found.area == pytest.approx(roof.area, abs=roof.length + 4)


PLACES = arrays(np.int64, (12, 2), elements=st.integers(-64, EXTENT + 64))
TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1)
WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)
REAL = st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value != 0)


@settings(max_examples=50)
@given(st.data())
def test_any_polygons_and_properties_are_read_by_gdal(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    number = data.draw(st.integers(1, 6))
    polygons = [
        shapely.MultiPoint(data.draw(PLACES)).buffer(3, quad_segs=1).simplify(1)
        if data.draw(st.booleans())
        else shapely.MultiPoint(data.draw(PLACES)).convex_hull.buffer(5, quad_segs=2)
        for _ in range(number)
    ]
    holed = [polygon - polygon.buffer(-40) for polygon in polygons]
    kinds = {"text": (TEXT, pa.string()), "whole": (WHOLE, pa.int64()),
             "real": (REAL, pa.float64()), "true": (st.booleans(), pa.bool_())}  # fmt: skip
    properties = pa.table(
        {
            name: pa.array([data.draw(st.none() | value) for _ in range(number)], kind)
            for name, (value, kind) in kinds.items()
        }
    )
    coded = layer("x", np.arange(number), np.array(holed, object), properties)
    found = decoded(coded, tmp_path_factory.mktemp("mvt"))
    for name in kinds:
        values = properties[name].to_pylist()
        if any(value is not None for value in values):
            assert found[name].to_pylist() == values
    for read, asked in zip(shapes(found), holed, strict=True):
        assert shapely.hausdorff_distance(read, asked) < 1
        assert read.area == pytest.approx(asked.area, abs=asked.length + 4)
