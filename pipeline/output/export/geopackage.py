"""Layers of a GeoPackage: copied into another file beside other layers, and described."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from pipeline.errors import InputError
from pipeline.terms import Field, Location

VERSION = "1.2"  # GDAL before 3.7 warns of 1.4, which GDAL 3.11 and later write by default
IDS = (b"GPKG", b"GP10", b"GP11")  # in the header of the file
ID_PLACE = slice(68, 72)
BUSY_S = 10.0
# The tables that describe the content of a file, with the columns of their keys.
REGISTRIES = {
    "gpkg_spatial_ref_sys": ("srs_id",),
    "gpkg_contents": ("table_name",),
    "gpkg_geometry_columns": ("table_name",),
    "gpkg_extensions": ("table_name", "extension_name"),
    "gpkg_ogr_contents": ("table_name",),
    "gpkg_data_column_constraints": ("constraint_name",),
    "gpkg_data_columns": ("table_name",),
    "layer_styles": ("f_table_name",),
}
METADATA, REFERENCE = "gpkg_metadata", "gpkg_metadata_reference"
NUMBERED = {"layer_styles": "id", METADATA: "id"}  # by the file itself
DATA_COLUMNS = """
CREATE TABLE gpkg_data_columns (
    table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT,
    mime_type TEXT, constraint_name TEXT,
    CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
    CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE gpkg_data_column_constraints (
    constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC,
    min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
    CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
INSERT INTO gpkg_extensions (table_name, extension_name, definition, scope)
SELECT name, 'gpkg_schema', 'http://www.geopackage.org/spec121/#extension_schema', 'read-write'
FROM sqlite_schema WHERE name IN ('gpkg_data_columns', 'gpkg_data_column_constraints');
"""


def describe(file: Path, layer: str, columns: Mapping[str, tuple[str, str]]) -> None:
    """Give the columns of a layer that has none a title and a description, by the schema extension
    of the standard. Titles must differ."""
    with closing(sqlite3.connect(file)) as database, database:
        if not _has(database, "gpkg_data_columns"):
            database.executescript(DATA_COLUMNS)
        database.executemany(
            # GDAL and QGIS read `name` as the field's alternative name
            "INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description)"
            " VALUES (?1, ?2, ?3, ?3, ?4)",
            [(layer, name, *words) for name, words in columns.items()],
        )


def is_one(file: Path) -> bool:
    """Whether a file is a GeoPackage, whatever its name."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(100)[ID_PLACE] in IDS


def check(file: Path, layer: str, mark: str) -> None:
    """Raises InputError if a GeoPackage has a layer of that name without `mark` in its metadata,
    or anything else of that name."""
    with _opened(file) as database:
        if _has(database, layer) and not _is_marked(database, layer, mark):
            raise InputError(
                Location(file),
                "its layer {layer} is not of this program",
                "give another file, or {overwrite} to replace that layer",
                layer=layer, overwrite=Field("overwrite"),
            )  # fmt: skip


def put(made: Path, into: Path, layers: Sequence[str]) -> tuple[list[str], list[str]]:
    """Copy the layers of a GeoPackage that holds nothing else into another, with their styles,
    titles and metadata, in one transaction. Layers of those names are replaced.

    Returns which were, and the names of the other layers. Raises sqlite3.Error, as where another
    program writes into the file.
    """
    with _opened(into) as database:
        database.execute("ATTACH ? AS made", (f"{made.absolute().as_uri()}?mode=ro",))
        database.execute("BEGIN IMMEDIATE")
        with database:
            replaced = [layer for layer in layers if _has(database, layer)]
            for layer in layers:
                _remove(database, layer)
                _copy(database, layer)
            _copy_registries(database)
            found = database.execute(
                "SELECT table_name FROM gpkg_contents WHERE table_name <> 'layer_styles'"
                " ORDER BY table_name"
            ).fetchall()
        return replaced, [name for (name,) in found if name not in layers]


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    address = f"{file.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as database:
        yield database


def _has(database: sqlite3.Connection, name: str) -> bool:
    query = "SELECT 1 FROM main.sqlite_schema WHERE lower(name) = lower(?)"
    return database.execute(query, (name,)).fetchone() is not None


def _is_marked(database: sqlite3.Connection, layer: str, mark: str) -> bool:
    if not _has(database, REFERENCE):
        return False
    rows = database.execute(
        f"SELECT metadata FROM {METADATA} JOIN {REFERENCE} ON md_file_id = {METADATA}.id"
        " WHERE reference_scope = 'table' AND lower(table_name) = lower(?)", (layer,),
    )  # fmt: skip
    return any(mark in metadata for (metadata,) in rows)


def _remove(database: sqlite3.Connection, layer: str) -> None:
    """Remove a layer, if there is one, and its rows in the other tables."""
    query = "SELECT column_name FROM gpkg_geometry_columns WHERE lower(table_name) = lower(?)"
    for (column,) in database.execute(query, (layer,)).fetchall():
        database.execute(f'DROP TABLE IF EXISTS main."rtree_{layer}_{column}"')
    database.execute(f'DROP TABLE IF EXISTS main."{layer}"')
    if _has(database, REFERENCE):
        ours = f"SELECT md_file_id FROM main.{REFERENCE} WHERE lower(table_name) = lower(?1)"
        others = ours.replace("=", "IS NOT")
        database.execute(
            f"DELETE FROM main.{METADATA} WHERE id IN ({ours}) AND id NOT IN ({others})", (layer,)
        )
    for table, (name, *_) in {**REGISTRIES, REFERENCE: ("table_name",)}.items():
        if name.endswith("table_name") and _has(database, table):
            database.execute(f"DELETE FROM main.{table} WHERE lower({name}) = lower(?)", (layer,))


def _copy(database: sqlite3.Connection, layer: str) -> None:
    """Copy the tables of a new layer from `made`."""
    index = f"rtree_{layer}_"
    made = database.execute(
        "SELECT name, sql FROM made.sqlite_schema WHERE sql IS NOT NULL AND (tbl_name = ?1"
        " OR (sql LIKE 'CREATE VIRTUAL TABLE%' AND substr(name, 1, ?2) = ?3))"
        " ORDER BY type = 'trigger'", (layer, len(index), index),
    ).fetchall()  # fmt: skip
    for name, sql in made:
        database.execute(sql)
        if name == layer or (name.startswith(index) and sql.startswith("CREATE VIRTUAL")):
            database.execute(f'INSERT INTO main."{name}" SELECT * FROM made."{name}"')


def _copy_registries(database: sqlite3.Connection) -> None:
    """Copy the rows of the other tables from `made`, but for those that are there."""
    for table, keys in REGISTRIES.items():
        same = " AND ".join(f"old.{key} = new.{key}" for key in keys)
        _copy_rows(database, table, f"NOT EXISTS (SELECT 1 FROM main.{table} AS old WHERE {same})")
    numbers = database.execute(f"SELECT id FROM made.{METADATA} ORDER BY id").fetchall()
    for (number,) in numbers:
        _copy_rows(database, METADATA, f"new.id = {number}")
        (copied,) = database.execute("SELECT last_insert_rowid()").fetchone()
        _copy_rows(database, REFERENCE, f"new.md_file_id = {number}", md_file_id=copied)


def _copy_rows(
    database: sqlite3.Connection, table: str, where: str = "TRUE", **changed: int
) -> None:
    """Copy the rows of a table of `made`, which is created if it is missing; changed: values that
    differ here."""
    if not _has(database, table):
        sql = "SELECT sql FROM made.sqlite_schema WHERE name = ?"
        database.execute(*database.execute(sql, (table,)).fetchone())
    own, source = (
        [name for _, name, *_ in database.execute(f"PRAGMA {which}.table_info({table})")]
        for which in ("main", "made")
    )
    names = [name for name in source if name in own and name != NUMBERED.get(table)]
    values = ", ".join(str(changed.get(name, f"new.{name}")) for name in names)
    database.execute(
        f"INSERT INTO main.{table} ({', '.join(names)}) SELECT {values} FROM made.{table} AS new"
        f" WHERE {where}"
    )
