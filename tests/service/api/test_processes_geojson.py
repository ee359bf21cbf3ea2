"""GeoJSON from outside: what is taken, what is refused and how; and places in words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from pipeline.areas.selection import parse_area
from pipeline.errors import InputError
from pipeline.quarter.regions import write_regions
from pipeline.vectors.files import read_vector
from service.core.faults import Faults
from service.processes.areas import circle_of, ground_of, regions_touching
from service.processes.geojson import Kind, dumps, number, one_of, polygon_of, read_shapes, text
from tests.support.clocks import using_at_most

DAM = (4.885, 52.370, 4.900, 52.378)
RD_BOX = (121_000.0, 487_000.0, 121_400.0, 487_300.0)
IN_RD = {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}}


def collection(*geometries: Any, **more: Any) -> dict[str, Any]:
    features = [{"type": "Feature", "properties": {}, "geometry": g} for g in geometries]
    return {"type": "FeatureCollection", "features": features, **more}


def ring(*positions: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [list(positions)]}


@pytest.mark.parametrize(
    "value",
    [
        polygon_of(DAM),
        {"type": "Feature", "geometry": polygon_of(DAM), "properties": None},
        collection(polygon_of(DAM)),
        {"type": "MultiPolygon", "coordinates": [polygon_of(DAM)["coordinates"]]},
        ring([4.885, 52.37, 1.0], [4.9, 52.37, 2.0], [4.9, 52.378, 3.0], [4.885, 52.378, 4.0],
             [4.885, 52.37, 5.0]),
    ],
)  # fmt: skip
def test_any_polygon_is_an_area(value: dict[str, Any]) -> None:
    shapes = read_shapes(value, "input area", Kind())
    assert shapes.whole.area == pytest.approx(911_000, rel=0.01)
    assert shapely.contains_xy(shapes.whole, 121_400, 487_500)


def test_the_readers_of_the_pipeline_see_the_same(tmp_path: Path) -> None:
    """In lon/lat and in RD, with the columns of both rows."""
    kind = Kind(columns={"id": text, "roof_m": number})
    for value in (collection(polygon_of(DAM)), collection(polygon_of(RD_BOX), **IN_RD)):
        value["features"][0]["properties"] = {"ID": 12, "roof_m": "3.5", "secret": "x"}
        shapes = read_shapes(value, "input add", kind)
        file = tmp_path / "shapes.geojson"
        file.write_bytes(dumps(shapes.document))
        frame = read_vector(file)
        assert shapely.equals_exact(frame.geometry.to_numpy(), shapes.geometry, 1e-9).all()
        assert frame[["id", "roof_m"]].to_dict("records") == [{"id": "12", "roof_m": 3.5}]
        assert "secret" not in frame


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "no GeoJSON"),
        ([], "no GeoJSON"),
        ({"type": "Point", "coordinates": [4.9, 52.3]}, "is no Polygon or MultiPolygon"),
        ({"type": "Polygon"}, "coordinates that are missing"),
        ({"type": "Polygon", "coordinates": [[]]}, "coordinates that are missing"),
        ({"type": "Polygon", "coordinates": [[4.9, 52.3]]}, "coordinates that are missing"),
        ({"type": ["Polygon"], "coordinates": []}, "no GeoJSON"),
        ({"type": "FeatureCollection", "features": []}, "0 features"),
        ({"type": "FeatureCollection", "features": [7]}, "feature 0: is no Feature"),
        (collection(polygon_of(DAM), None), "feature 1: is no Polygon"),
        (ring([4.9, 52.3], [4.91, 52.3], [4.9, 52.31]), "fewer than four positions, or is open"),
        (ring([4.9, 52.3], [4.91, 52.3], [4.9, 52.31], [4.91, 52.31]), "open"),
        (ring(*[[4.9, 52.3]] * 4), "has no area"),
        (ring(["4.9", 52.3], [4.91, 52.3], [4.9, 52.31], [4.9, 52.3]), "not two numbers"),
        (ring([True, 52.3], [4.91, 52.3], [4.9, 52.31], [4.9, 52.3]), "not two numbers"),
        (ring([4.9], [4.91, 52.3], [4.9, 52.31], [4.9, 52.3]), "not two numbers"),
        (polygon_of((52.370, 4.885, 52.378, 4.900)), "longitude, latitude"),
        (polygon_of((float("nan"), 52.3, 5, 52.4)), "not in the Netherlands"),
        (collection(polygon_of(DAM), **IN_RD), "easting, northing"),
        (collection(polygon_of(RD_BOX)), "longitude, latitude"),
        (collection(polygon_of(DAM), crs={"properties": {"name": "EPSG:3857"}}), "crs is not"),
        (collection(polygon_of(DAM), crs=7), "crs is not known"),
    ],
)  # fmt: skip
def test_faulty_areas_are_refused_with_a_reason(value: Any, said: str) -> None:
    with pytest.raises(InputError, match="input area") as error:
        read_shapes(value, "input area", Kind())
    assert said in str(error.value)


def test_vertices_and_features_are_bounded() -> None:
    few = Kind(features=3, vertices=9)
    with pytest.raises(InputError, match="more than 9 vertices"):
        read_shapes(collection(polygon_of(DAM), polygon_of(DAM)), "input area", few)
    with pytest.raises(InputError, match="4 features; give 1 to 3"):
        read_shapes(collection(*[polygon_of(DAM)] * 4), "input area", few)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        (text, "x" * 201, "a text of at most 200"),
        (text, ["x"], "a text of at most 200"),
        (number, "tall", "a number"),
        (number, True, "a number"),
        (number, 10**400, "a number"),
        (one_of(("solar", "wind")), "sun", "one of solar, wind"),
        (one_of(("solar", "wind")), None, "one of solar, wind"),
        (one_of(("solar", "wind")), {}, "one of solar, wind"),
    ],
)
def test_properties_are_checked(column: Any, value: Any, said: str) -> None:
    feature = {"type": "Feature", "geometry": polygon_of(DAM), "properties": {"x": value}}
    with pytest.raises(InputError, match="input add: feature 0: its property x is not") as error:
        read_shapes(feature, "input add", Kind(columns={"x": column}))
    assert said in str(error.value)


def test_a_feature_may_be_bare_where_that_means_something() -> None:
    shapes = read_shapes(collection(None), "input restrictions", Kind(bare=True))
    assert shapes.geometry[0] is None


@pytest.fixture
def boundaries(tmp_path: Path) -> tuple[str, ...]:
    return (str(write_regions(tmp_path, RD_BOX)),)


@pytest.mark.parametrize(
    ("given", "said", "label"),
    [
        ("GM9999", "GM9999", {"kind": "municipality", "code": "GM9999", "name": "Daklaag"}),
        (" daklaag ", "GM9999", {"kind": "municipality", "code": "GM9999", "name": "Daklaag"}),
        ("0999", "0999", {"kind": "postcode", "code": "0999", "name": "0999"}),
        ("121000,487000,121400,487300", "121000.0,487000.0,121400.0,487300.0", {"kind": "box"}),
    ],
)
def test_areas_in_words(
    boundaries: tuple[str, ...], given: str, said: str, label: dict[str, str]
) -> None:
    """As the pipeline reads them, once they are in its words."""
    ground = ground_of(given, boundaries)
    assert (ground.value, ground.label) == (said, label)
    assert shapely.equals(ground.geometry, parse_area(said, boundaries).geometry)
    assert shapely.equals(ground.geometry, shapely.box(*RD_BOX))


def test_a_bounding_box_of_the_standard(boundaries: tuple[str, ...]) -> None:
    rd = {"bbox": [*RD_BOX], "crs": "http://www.opengis.net/def/crs/EPSG/0/28992"}
    assert shapely.equals(ground_of(rd, ()).geometry, shapely.box(*RD_BOX))
    flat = ground_of({"bbox": [*DAM]}, ()).geometry
    assert flat.area == pytest.approx(911_000, rel=0.01)
    tall = {
        "bbox": [*DAM[:2], -5, *DAM[2:], 300],
        "crs": "http://www.opengis.net/def/crs/OGC/0/CRS84h",
    }
    assert ground_of(tall, ()).geometry.equals(flat)
    for odd in ([1, 2, 3], [*DAM[::-1]], "x", [4.8, 52.3, None, 52.4]):
        with pytest.raises(InputError, match="input area"):
            ground_of({"bbox": odd}, ())


@pytest.mark.parametrize(
    "given",
    ["", "x" * 101, "1,2,3,4", "nan,nan,nan,nan", "121400,487000,121000,487300", "1,2",
     "121000,487000,121400,inf", "Atlantis", "GM0000"],
)  # fmt: skip
def test_faulty_area_names_are_refused(boundaries: tuple[str, ...], given: str) -> None:
    with pytest.raises(InputError) as error:
        ground_of(given, boundaries)
    assert Faults().sentence(error.value).startswith("input area")


@pytest.mark.parametrize("crs", ["", " [EPSG:28992]"])
def test_an_extent_of_qgis_comes_back_as_the_box_it_means(crs: str) -> None:
    with pytest.raises(InputError) as error:
        ground_of(f"121000,121400,487000,487300{crs}", ())
    said = str(error.value)
    assert said.startswith("area 121000,121400,487000,487300")
    assert said.endswith("xmin,xmax,ymin,ymax; give 121000,487000,121400,487300")


def test_a_path_is_never_an_area(
    tmp_path: Path, boundaries: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the command line would read it; and what is said does not tell that it is there."""
    file = tmp_path / "area.geojson"
    file.write_text(json.dumps(collection(polygon_of(DAM))))
    assert parse_area(str(file)).geometry.area
    monkeypatch.chdir(tmp_path)
    for name in (
        "area.geojson",
        "./area.geojson",
        f"../{tmp_path.name}/area.geojson",
        "file:area.geojson",
    ):
        said = []
        for text_ in (name, name.replace("area.geo", "none.geo")):
            with pytest.raises(InputError, match="no region of") as error:
                ground_of(text_, boundaries)
            said.append(str(error.value).replace("area.geo", "none.geo"))
        assert said[0] == said[1]


def test_without_boundaries_that_is_said() -> None:
    with pytest.raises(InputError, match="was given no boundaries"):
        ground_of("GM0363", ())


@pytest.mark.parametrize(
    "given", ["121000,487000,250", {"centre": [4.8897, 52.3685], "radius_m": 250}]
)
def test_circles(given: Any) -> None:
    x, y, radius = circle_of(given)
    assert radius == 250
    assert 120_000 < x < 122_000 and 486_000 < y < 488_000


@pytest.mark.parametrize(
    "given",
    ["", "1,2,3", "121000,487000,0", "121000,487000,nan", "121000,487000,1e9", {}, 7,
     {"centre": [4.9], "radius_m": 2}, {"centre": "x", "radius_m": 2}, {"centre": [4.9, 52.3]},
     {"centre": [4.9, 52.3], "radius_m": True}],
)  # fmt: skip
def test_faulty_circles_are_refused(given: Any) -> None:
    with pytest.raises(InputError, match="input around"):
        circle_of(given)


def test_regions_that_touch_an_area(boundaries: tuple[str, ...]) -> None:
    """Sharing a border is not enough; the files are read once, and again when they change."""
    west = shapely.box(121_000, 487_000, 121_200, 487_300)
    found = regions_touching("neighbourhood", west, boundaries)
    assert found.names == ("Noordwest", "Zuidwest")
    assert np.allclose(shapely.area(found.geometry), 200 * 150)
    assert len(regions_touching("neighbourhood", None, boundaries).codes) == 4
    with pytest.raises(InputError, match="have no district"):
        regions_touching("district", west, boundaries)
    Path(boundaries[0]).unlink()
    write_regions(Path(boundaries[0]).parent, (121_000.0, 487_000.0, 121_800.0, 487_600.0))
    assert ground_of("GM9999", boundaries).geometry.area == 800 * 600
    assert np.allclose(
        shapely.area(regions_touching("neighbourhood", None, boundaries).geometry), 400 * 300
    )


def random_ring(n: int) -> dict[str, Any]:
    points = np.random.default_rng(0).random((n, 2)) * 0.01 + (4.88, 52.37)
    return ring(*points.tolist(), points[0].tolist())


def strips(n: int) -> list[dict[str, Any]]:
    """As many each way, so that each of one way crosses each of the other."""
    flat = [(100_000.0, 450_000.0 + i, 100_000.0 + n, 450_000.5 + i) for i in range(n)]
    upright = [(100_000.0 + i, 450_000.0, 100_000.5 + i, 450_000.0 + n) for i in range(n)]
    return [polygon_of(box) for box in flat + upright]


def nested(n: int) -> dict[str, Any]:
    """Squares within each other, as parts of one."""
    box = np.array((121_000.0, 487_000.0, 121_001.0, 487_001.0))
    outward = np.array((-1.0, -1.0, 1.0, 1.0))
    parts = [polygon_of((box + i * outward).tolist())["coordinates"] for i in range(n)]
    return {"type": "MultiPolygon", "coordinates": parts}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (random_ring(200), "feature 0: is not valid"),
        (random_ring(10_000), "entangled"),
        (collection(*strips(200), **IN_RD), "meet more than"),
        (collection(*strips(3000), **IN_RD), "too many rings"),
        (collection(polygon_of(RD_BOX), nested(400), **IN_RD), "feature 1: too many rings"),
    ],
)
def test_entangled_areas_are_refused(value: Any, said: str) -> None:
    """A ring of 500 random positions takes GEOS two minutes, so it must not come so far."""
    with using_at_most(10), pytest.raises(InputError, match=said):
        _ = read_shapes(value, "input area", Kind()).whole


def test_a_few_crossings_are_mended() -> None:
    crossed = ring([4.88, 52.37], [4.89, 52.38], [4.89, 52.37], [4.88, 52.38], [4.88, 52.37])
    assert read_shapes(crossed, "input area", Kind()).whole.is_valid
    side_by_side = [polygon_of((i, 450_000.0, i + 1.0, 450_001.0)) for i in range(100_000, 101_000)]
    whole = read_shapes(collection(*side_by_side, **IN_RD), "input area", Kind()).whole
    assert whole.area == pytest.approx(1000)
