"""Files that are no input: pipes, point clouds, views without an end, the table of a run."""

import os
import sqlite3
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import geopandas
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.areas.regions import regions_of
from pipeline.errors import InputError
from pipeline.footprints.prepared_make import prepare_footprints
from pipeline.footprints.restrictions import read_restrictions
from pipeline.heights.mosaics import ENDINGS as RASTERS
from pipeline.output.export import export
from pipeline.storage.files import find
from pipeline.vectors.files import ENDINGS as VECTORS
from pipeline.vectors.files import open_vector, read_vector
from tests.support.clusters import PATIENCE_S
from tests.support.commands import call, small_world
from tests.support.finished import finished
from tests.support.outlines import read_footprints

ENDLESS = {
    "itself": "SELECT * FROM pand",
    "the other": "SELECT * FROM other",
    "a step": "WITH RECURSIVE t(fid, geom, id) AS (SELECT fid, geom, id FROM base UNION ALL"
    " SELECT fid + 2, geom, id FROM t) SELECT * FROM t",
    "a step below": "SELECT * FROM (WITH t(fid, geom, id) AS (SELECT fid, geom, id FROM base"
    " UNION ALL SELECT fid, ST_Envelope(geom), id FROM t) SELECT * FROM t)",
}


def geopackage(path: Path, sql: str) -> Path:
    """Two houses in the table `base`, and a view `pand`; `other` is a view of `pand`."""
    houses = [shapely.box(0, 0, 9, 9), shapely.box(20, 0, 29, 9)]
    frame = geopandas.GeoDataFrame({"id": ["a", "b"]}, geometry=houses, crs=28992)
    frame.to_file(path, layer="base", driver="GPKG")
    with closing(sqlite3.connect(path)) as database, database:
        for name, text in (("pand", sql), ("other", "SELECT * FROM pand")):
            database.execute(f"CREATE VIEW {name} AS {text}")
        database.execute(
            "INSERT INTO gpkg_contents(table_name, identifier, data_type, srs_id)"
            " VALUES ('pand', 'pand', 'features', 28992)"
        )
        row = "('pand', 'geom', 'POLYGON', 28992, 0, 0)"
        database.execute(f"INSERT INTO gpkg_geometry_columns VALUES {row}")
    database.close()
    return path


@pytest.mark.parametrize("sql", ENDLESS.values(), ids=list(ENDLESS))
@pytest.mark.parametrize("form", ["x.gpkg", "x.bin", "x.zip"])
@pytest.mark.filterwarnings("ignore:.*extension:RuntimeWarning")
def test_a_view_of_itself_is_refused(tmp_path: Path, sql: str, form: str) -> None:
    path = geopackage(tmp_path / "x.gpkg", sql)
    source = str(path)
    if form == "x.bin":
        source = str(path.rename(tmp_path / form))
    elif form == "x.zip":
        with zipfile.ZipFile(tmp_path / form, "w") as archive:
            archive.write(path, "in.gpkg")
        (source,) = find([str(tmp_path / form)], VECTORS, "buildings")
    for read in (read_vector, open_vector):
        with pytest.raises(InputError, match="the layer pand is a view that refers to itself"):
            read(source)


def test_boundaries_that_are_a_view_of_themselves_are_refused(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "x.gpkg", ENDLESS["a step"])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM gpkg_contents WHERE table_name = 'base'")
    with pytest.raises(InputError, match="a view that refers to itself"):
        regions_of(path)


def test_a_view_of_a_table_is_read(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "x.gpkg", "SELECT * FROM base WHERE ST_MinX(geom) < 10")
    assert read_vector(path)["id"].tolist() == ["a"]


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A pipe that somebody writes into, so that whoever opened it would go on."""
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    return path


def test_pipes_are_refused_unread(pipe: Path) -> None:
    said = "pipe.csv is a pipe or a device, which can be read once only; write it to a file"
    for read in (
        lambda: find([str(pipe)], RASTERS, "DSM"),
        lambda: find([str(pipe)], VECTORS, "buildings"),
        lambda: read_vector(pipe),
        lambda: open_vector(str(pipe)),
        lambda: read_restrictions(pipe),
    ):
        refused: list[str] = []

        def attempt(read=read, refused=refused) -> None:  # type: ignore[no-untyped-def]
            with pytest.raises(InputError) as fault:
                read()
            refused.append(str(fault.value))

        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        thread.join(PATIENCE_S)
        assert refused, "it waits for somebody who writes"
        assert said in refused[0]


@pytest.mark.parametrize("name", ["AHN4_C_25GN1.LAZ", "x.las"])
def test_a_point_cloud_is_called_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"LASF")
    for source in (tmp_path / name, tmp_path, f"{tmp_path}/*.[lL]*"):
        for endings in (RASTERS, VECTORS):
            with pytest.raises(InputError, match=f"{name} is a point cloud.*`daklaag fetch`"):
                find([str(source)], endings, "DSM")
    (tmp_path / "list.txt").write_text(name)
    said = call("plan", "--dsm", tmp_path / "list.txt", "--dtm", "x", "--buildings", "x").stderr
    assert f"error: {name} is a point cloud" in said


def test_an_empty_text_is_no_folder() -> None:
    with pytest.raises(InputError, match="DSM: '' does not exist; check the path"):
        find([""], RASTERS, "DSM")
    with pytest.raises(InputError, match="'': does not exist; check the path"):
        read_vector("")


@pytest.mark.parametrize("form", ["buildings.parquet", "out.gpkg", "out.geojson", "out.parquet"])
def test_the_table_of_a_run_is_not_read_as_footprints(tmp_path: Path, form: str) -> None:
    directory = finished(tmp_path)
    path = directory / form
    if not path.exists():
        export(directory, path)
    with pytest.raises(InputError) as fault:
        read_footprints([str(path)])
    said = f"{form}: is the table of a finished run, not footprints; give the footprints that the"
    assert str(fault.value).startswith(said)
    with pytest.raises(InputError, match="table of a finished run"):
        prepare_footprints([str(path)], cache=tmp_path / "cache")


def test_the_table_that_a_run_writes_is_not_read_as_footprints(tmp_path: Path) -> None:
    small_world().judge(tmp_path)
    table = tmp_path / "out" / "buildings.parquet"
    with pytest.raises(InputError, match="table of a finished run"):
        prepare_footprints([str(table)], cache=tmp_path / "cache")


def test_geoparquet_whose_schema_tells_of_something_else_is_read(tmp_path: Path) -> None:
    """Its geometry is told of beside the schema, as some writers do."""
    frame = geopandas.GeoDataFrame({"id": ["a"]}, geometry=[shapely.box(0, 0, 9, 9)], crs=28992)
    frame.to_parquet(tmp_path / "whole.parquet")
    table = pq.read_table(tmp_path / "whole.parquet")
    told = table.schema.metadata
    bare = table.replace_schema_metadata({b"pandas": told[b"pandas"]})
    path = tmp_path / "beside.parquet"
    with pq.ParquetWriter(path, bare.schema) as writer:
        writer.write_table(bare)
        writer.add_key_value_metadata({"geo": told[b"geo"].decode()})
    assert read_vector(path)["id"].tolist() == ["a"]
    (batch,) = (vector := open_vector(str(path))).batches(["id"], 10)
    assert vector.decode(batch).geometry.iloc[0].equals(shapely.box(0, 0, 9, 9))
