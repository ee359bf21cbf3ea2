"""Pictures of the areas of roofs by class, summed again by hand."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely
from matplotlib.colors import to_rgb
from PIL import Image

from pipeline.errors import InputError
from pipeline.grid.crs import lonlat
from pipeline.methods.method import Method
from pipeline.output.map.dots import filled
from pipeline.output.map.palette import styles
from pipeline.output.tiles import overview
from pipeline.output.tiles.overview import FINEST, FIRST, LAST, LEVELS, Overview, counted, identity
from pipeline.output.tiles.scheme import SIDE, MapTile, mercator_transformer
from tests.support import roofs
from tests.support.finished import METHOD

FILLED = filled(METHOD)
MIDDLE = lonlat((roofs.WEST + 1900, roofs.SOUTH + 2100, roofs.WEST + 2000, roofs.SOUTH + 2200))[:2]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return roofs.table(1200, seed=3)


@pytest.fixture(scope="module")
def file(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return roofs.write(table, tmp_path_factory.mktemp("overview") / "buildings.parquet")


@pytest.fixture(scope="module")
def opened(file: Path) -> Overview:
    return Overview.of(file, METHOD, file.parent / "kept")


def pixels(data: bytes | None) -> np.ndarray:
    """RGBA of a tile."""
    assert data
    return np.asarray(Image.open(BytesIO(data)).convert("RGBA"))


def kinds(table: pa.Table) -> np.ndarray:
    """The place in FILLED of each roof, by the words of the map's legend."""
    selected, rejected, kind = (table[n].to_pylist() for n in ("selected", "rejected", "class"))
    names = [
        "unselected" if not s else "not_judged" if r else k
        for s, r, k in zip(selected, rejected, kind, strict=True)
    ]
    return np.array([FILLED.index(name) for name in names])


def by_hand(table: pa.Table, cell: float) -> dict[tuple[int, int], np.ndarray]:
    """The areas of each layer in each cell, by its row and column: of squares with the area of a
    roof around its centre, by shapely."""
    found: dict[tuple[int, int], np.ndarray] = {}
    columns = (table[name].to_pylist() for name in ("centre_x", "centre_y", "area_m2"))
    for x, y, area, kind in zip(*columns, kinds(table), strict=True):
        if x is None or not np.isfinite(x):
            continue
        square = shapely.Point(x, y).buffer(np.sqrt(max(round(area), 1)) / 2, cap_style="square")
        west, south, east, north = square.bounds
        for i in range(int(south // cell), int(north // cell) + 1):
            for j in range(int(west // cell), int(east // cell) + 1):
                box = shapely.box(j * cell, i * cell, (j + 1) * cell, (i + 1) * cell)
                areas = found.setdefault((i, j), np.zeros(len(FILLED)))
                areas[kind] += box.intersection(square).area
    return found


@pytest.mark.parametrize("z", range(FIRST, LAST + 1))
def test_a_pixel_tells_of_the_cell_under_its_centre(
    opened: Overview, table: pa.Table, z: int
) -> None:
    tile = MapTile.at(*MIDDLE, z)
    picture = pixels(opened.tile(tile))
    cell = next(c for c in FINEST * 2.0 ** np.arange(LEVELS) if c >= tile.pixel_m)
    expected = by_hand(table, cell)
    west, _, _, north = tile.mercator
    shown = np.argwhere(picture[..., 3] > 0)
    rng = np.random.default_rng(z)
    asked = np.vstack([rng.permutation(shown)[:200], rng.integers(0, SIDE, (200, 2))])
    size = tile.side / SIDE
    x, y = mercator_transformer(True).transform(
        west + (asked[:, 1] + 0.5) * size, north - (asked[:, 0] + 0.5) * size
    )
    for (i, j), column, row in zip(asked, x // cell, y // cell, strict=True):
        areas = expected.get((int(row), int(column)), np.zeros(len(FILLED)))
        error = 4.0 * max(cell / FINEST, 1)  # m2: those of finest cells are whole numbers
        assert picture[i, j, 3] > 0 or areas.sum() <= error
        if picture[i, j, 3]:
            share = min(areas.sum() / cell**2, 1)
            assert picture[i, j, 3] / 255 == pytest.approx(0.25 + 0.75 * share, abs=0.03)
            most, second = np.argsort(areas)[::-1][:2]
            if areas[most] - areas[second] <= error:
                continue
            colour = [
                round(255 * part) for part in to_rgb(styles(METHOD)[FILLED[most]]["facecolor"])
            ]
            assert picture[i, j, :3].tolist() == colour
    assert len(shown)


def test_few_are_fainter_than_many(tmp_path: Path, table: pa.Table) -> None:
    one = table.slice(0, 1)
    x, y = one["centre_x"][0].as_py(), one["centre_y"][0].as_py()
    tile, opacity = MapTile.at(*lonlat((x, y, x + 1, y + 1))[:2], 8), []
    for number in (1, 50, 500, 1500):
        rows = pa.concat_tables([one] * number)
        file = roofs.write(rows, tmp_path / f"{number}.parquet")
        opacity.append(int(pixels(Overview.of(file, METHOD, tmp_path).tile(tile))[..., 3].max()))
    assert opacity == sorted(set(opacity)) and 64 <= opacity[0] < opacity[-1] <= 255


def test_a_large_roof_fills_the_pixels_that_it_covers(tmp_path: Path, table: pa.Table) -> None:
    """One of 160 m a side, in pixels of 12 m, as far as it reaches."""
    one = table.slice(5, 1)
    x, y = one["centre_x"][0].as_py(), one["centre_y"][0].as_py()
    at = one.schema.get_field_index("area_m2")
    wide = one.set_column(at, "area_m2", pa.array([25_600.0]))
    file = roofs.write(wide, tmp_path / "wide.parquet")
    opened, opaque = Overview.of(file, METHOD, tmp_path), 0
    centre = MapTile.at(*lonlat((x, y, x + 1, y + 1))[:2], LAST)
    for column in (-1, 0, 1):
        for row in (-1, 0, 1):
            data = opened.tile(MapTile(LAST, centre.x + column, centre.y + row))
            opaque += int((pixels(data)[..., 3] > 200).sum()) if data else 0
    assert opaque * centre.pixel_m**2 == pytest.approx(25_600, rel=0.15)


def test_every_level_has_the_area_of_every_roof(file: Path, table: pa.Table) -> None:
    words = np.concatenate(list(counted(file, METHOD)))
    assert (np.diff(words.astype(object)) > 0).all()  # sorted, and none twice
    level = (words >> np.uint64(60)).astype(int)
    area = (words & np.uint64(2**25 - 1)).astype(int)
    areas = np.maximum(np.rint(table["area_m2"].to_numpy()), 1)[:-1]  # the last has no place
    assert [area[level == each].sum() for each in range(LEVELS)] == [areas.sum()] * LEVELS


def test_counts_do_not_depend_on_the_slices(
    file: Path, table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = np.concatenate(list(counted(file, METHOD)))

    def shuffled(_: Path, columns: list[str]) -> Iterator[pa.Table]:
        rows = table.select(columns).take(np.random.default_rng(1).permutation(len(table)))
        yield from (rows.slice(start, 100) for start in range(0, len(rows), 100))

    monkeypatch.setattr(overview, "slices", shuffled)
    assert np.array_equal(np.concatenate(list(counted(file, METHOD))), whole)


def test_a_table_is_counted_once_until_it_changes(
    table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder, tile = tmp_path / "b.parquet", tmp_path / "kept", MapTile.at(*MIDDLE, LAST)
    roofs.write(table, file)
    first = Overview.of(file, METHOD, folder).tile(tile)
    with monkeypatch.context() as patch:
        patch.setattr(overview, "counted", lambda file, method: pytest.fail("counted again"))
        assert Overview.of(file, METHOD, folder).tile(tile) == first
    known = identity(file)
    roofs.write(table.slice(0, 600), file)
    assert identity(file) != known
    assert Overview.of(file, METHOD, folder).tile(tile) != first
    assert len(list(folder.iterdir())) == 2


def test_a_failed_overview_leaves_no_file(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(file: Path, method: Method) -> Iterator[np.ndarray]:
        yield np.zeros(9, np.uint64)
        raise InputError("damaged")

    monkeypatch.setattr(overview, "counted", broken)
    with pytest.raises(InputError):
        Overview.of(file, METHOD, tmp_path)
    assert not list(tmp_path.iterdir())


def test_nowhere_and_other_zooms_have_no_picture(opened: Overview) -> None:
    assert opened.tile(MapTile.at(0.0, 0.0, 9)) is None
    assert opened.tile(MapTile.at(7.0, 51.0, 9)) is None
    assert opened.tile(MapTile.at(*MIDDLE, FIRST - 1)) is None
    assert opened.tile(MapTile.at(*MIDDLE, LAST + 1)) is None


@pytest.mark.parametrize("rows", [0, 1])
def test_without_places_there_is_no_picture(tmp_path: Path, table: pa.Table, rows: int) -> None:
    file = roofs.write(table.slice(len(table) - rows, rows), tmp_path / "b.parquet")
    nothing = Overview.of(file, METHOD, tmp_path)
    assert all(nothing.tile(MapTile.at(*MIDDLE, z)) is None for z in range(FIRST, LAST + 1))


def test_threads_give_the_same(file: Path, opened: Overview) -> None:
    asked = [MapTile.at(*MIDDLE, z) for z in range(FIRST, LAST + 1)] * 4
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(Overview.of(file, METHOD, file.parent / "kept").tile, asked))
    assert again == [opened.tile(tile) for tile in asked]
