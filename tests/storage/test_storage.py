"""Storage: a folder and a bucket keep the same promises; a bucket is held by one run."""

import io
import pickle
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import zarr
from affine import Affine

from pipeline.errors import InputError, Stopped
from pipeline.storage import lock, objects
from pipeline.storage.ledger import FINAL, RASTERS, Ledger, locked, open_ledger
from pipeline.storage.lock import HOLDER, Lease
from pipeline.storage.lock import locked as locked_for
from pipeline.storage.places import Storage, below, place_of, storage_of
from pipeline.storage.vsis3 import find_objects, gdal_options, object_fingerprint, open_object
from tests.support.clusters import PATIENCE_S, wait
from tests.support.runs import write_sheet
from tests.support.s3 import Server

ONE = {"method": {"name": "m", "p": [1, 2]}, "inputs": {"area": None}, "program": {"version": "1"}}
OTHER = ONE | {"method": {"name": "m", "p": [1, 3]}}
OUT, HELD = "s3://bucket/runs/out", "runs/out/work.lock"


@pytest.fixture(params=["folder", "objects"])
def place(request: pytest.FixtureRequest, tmp_path: Path, s3: Server) -> Any:
    return tmp_path / "out" if request.param == "folder" else OUT


# Both kinds


def test_a_file_is_read_back(place: Any) -> None:
    files = storage_of(place)
    assert not files.exists("a/b")
    assert (files.end("a/b", 3), files.names("a")) == (b"", set())
    with pytest.raises(FileNotFoundError):
        files.read("a/b")
    files.write("a/b", b"0123456789")
    assert files.read("a/b") == b"0123456789"
    assert files.exists("a/b")
    assert [files.end("a/b", n) for n in (3, 10, 99)] == [b"789", b"0123456789", b"0123456789"]
    files.write("a/b", b"new")
    assert files.read("a/b") == b"new"


def test_names_are_of_one_folder(place: Any) -> None:
    files = storage_of(place)
    names = {f"{i}" for i in range(120)}  # more than a page of the server
    for name in names:
        files.write(f"a/{name}", b"")
    for name in ("a/deep/er", "ab/c", "d"):
        files.write(name, b"x")
    assert files.names() == {"a", "ab", "d"}
    assert files.names("a") == names | {"deep"}
    files.remove("a")
    assert files.names() == {"ab", "d"}
    files.remove("d")
    files.remove("d")
    files.remove("not there")
    assert files.names() == {"ab"}


def test_a_stream_is_there_when_it_is_whole(place: Any) -> None:
    files = storage_of(place)
    with pytest.raises(ZeroDivisionError), files.writing("a") as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert files.names() == set()
    with files.writing("a") as stream:
        stream.write(b"one ")
        assert files.names() <= {"a"} if isinstance(place, str) else not files.exists("a")
        stream.write(b"two")
    assert files.read("a") == b"one two"
    with files.reading("a") as stream:
        stream.seek(4)
        assert bytes(stream.read(3)) == b"two"


def test_parquet_streams_there_and_back(place: Any) -> None:
    """In parts, where it is large."""
    table = pa.table({"x": np.random.default_rng(1).random(1_500_000), "y": np.arange(1_500_000)})
    assert table.nbytes > objects.PART_BYTES
    files = storage_of(place)
    with (
        files.writing("t.parquet") as stream,
        pq.ParquetWriter(stream, table.schema, compression="none") as writer,
    ):
        for start in range(0, len(table), 250_000):
            writer.write_table(table.slice(start, 250_000))
    with files.reading("t.parquet") as stream:
        assert pq.read_table(stream, columns=["y"])["y"] == table["y"]
    assert pq.read_table(io.BytesIO(files.read("t.parquet"))) == table


def test_zarr_writes_and_reads_shards(place: Any) -> None:
    root = zarr.create_group(storage_of(below(place, "r.zarr")).chunks())
    array: Any = root.create_array("a", shape=(64, 64), dtype="u1", chunks=(8, 8), shards=(32, 32))
    array[:] = np.arange(4096).reshape(64, 64) % 251
    again: Any = zarr.open_group(storage_of(below(place, "r.zarr")).chunks(), mode="r")
    assert np.array_equal(again["a"][5:50, 7:60], np.asarray(array)[5:50, 7:60])


def test_a_storage_travels(place: Any) -> None:
    files = storage_of(place)
    files.write("a", b"1")
    there: Storage = pickle.loads(pickle.dumps(files))
    assert there.read("a") == b"1"
    assert there == files


def test_tables_are_finished_by_one_listing(place: Any, s3: Server) -> None:
    ledger = Ledger(place)
    rows = pa.table({"id": ["a", None], "n": [1, 2], "k": pa.array(["x", "x"]).dictionary_encode()})
    assert ledger.finished("shade") == set()
    for i in range(60):
        ledger.record_rows("shade", f"{i}_0", rows.slice(0, i % 3))
    ledger.record("shade", "x", {"row": np.arange(3)})
    s3.asked.clear()
    assert ledger.finished("shade") == {*(f"{i}_0" for i in range(60)), "x"}
    assert len(s3.asked) == (2 if isinstance(place, str) else 0)
    assert ledger.has("shade", "59_0")
    assert not ledger.has("shade", "60_0")
    assert ledger.read_rows("shade", "59_0") == rows
    assert ledger.read_rows("shade", "57_0") == rows.slice(0, 0)
    assert np.array_equal(ledger.read("shade", "x")["row"], np.arange(3))


def test_a_damaged_table_is_computed_again(place: Any) -> None:
    ledger = Ledger(place)
    rows = pa.table({"n": np.arange(1000)})
    ledger.record_rows("shade", "0_0", rows)
    ledger.record("shade", "1_1", {"n": np.arange(1000)})
    files = ledger.storage
    for name, read in (("0_0.arrow", ledger.read_rows), ("1_1.npz", ledger.read)):
        path = f"work.partial/records/shade/{name}"
        whole = files.read(path)
        for length in (0, 1, len(whole) // 2, len(whole) - 1):
            files.write(path, whole[:length])
            assert not ledger.has("shade", name.partition(".")[0])
        with pytest.raises(InputError, match=f"{name}: damaged, and removed; the same command"):
            read("shade", name.partition(".")[0])
        assert not files.exists(path)


def finish(ledger: Ledger, provenance: dict[str, Any] = ONE) -> None:
    root = zarr.create_group(storage_of(ledger.place(RASTERS)).chunks(), attributes=provenance)
    root.create_array("a", data=np.arange(3))
    for name in FINAL[1:-1]:
        ledger.write(name, name.encode())
    with ledger.writing(FINAL[-1]) as stream:
        import json

        stream.write(json.dumps(provenance | {"counts": {}}).encode())


def test_the_life_of_a_run(place: Any) -> None:
    ledger = open_ledger(place, ONE, overwrite=False)
    assert ledger is not None
    ledger.record("shade", "0_0", {"row": np.arange(3)})
    again = open_ledger(place, ONE, overwrite=False)
    assert again is not None
    assert again.has("shade", "0_0")
    with pytest.raises(InputError, match=r"another method\.p\[1\] \(2 there, 3 here\)"):
        open_ledger(place, OTHER, overwrite=False)
    finish(ledger)
    ledger.publish()
    assert ledger.storage.names() == set(FINAL)
    assert open_ledger(place, ONE, overwrite=False) is None
    with pytest.raises(InputError, match=r"another method\.p\[1\] \(2 there, 3 here\)"):
        open_ledger(place, OTHER, overwrite=False)
    ledger.storage.write("notes.txt", b"mine")
    assert open_ledger(place, OTHER, overwrite=True) is not None
    assert ledger.storage.names() == {"work.partial", "notes.txt"}


def test_a_place_of_others(place: Any) -> None:
    storage_of(place).write("notes.txt", b"mine")
    with pytest.raises(InputError, match=r"not empty \(it holds notes\.txt\) and not a run's"):
        open_ledger(place, ONE, overwrite=False)
    storage_of(place).write("map.png", b"mine")
    with pytest.raises(InputError, match=r"holds map\.png, but of no run of this program"):
        open_ledger(place, ONE, overwrite=True)


# Object storage


def test_a_run_that_wrote_its_report_is_finished(s3: Server) -> None:
    """A kill may come between the report and the removal of the work."""
    ledger = open_ledger(OUT, ONE, overwrite=False)
    assert ledger is not None
    finish(ledger)
    assert open_ledger(OUT, ONE, overwrite=False) is None
    assert ledger.storage.names() == set(FINAL)


def test_objects_have_no_names_but_the_final_ones(s3: Server) -> None:
    ledger = open_ledger(OUT, ONE, overwrite=False)
    assert ledger is not None
    finish(ledger)
    ledger.record("shade", "0_0", {"row": np.arange(3)})
    assert not [key for key in s3.objects if key.endswith(".partial")]
    assert {key.split("/")[2] for key in s3.objects} == {*FINAL, "work.partial"}


@pytest.mark.parametrize("kills", range(6))
def test_overwriting_objects_can_be_killed(
    s3: Server, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    """After any number of removals the next run with --overwrite goes on with it."""
    ledger = open_ledger(OUT, ONE, overwrite=False)
    assert ledger is not None
    finish(ledger)
    left, remove = iter(range(kills)), objects.ObjectStorage.remove

    def killed(files: objects.ObjectStorage, name: str) -> None:
        if next(left, None) is None:
            raise SystemExit
        remove(files, name)

    with monkeypatch.context() as patch:
        patch.setattr(objects.ObjectStorage, "remove", killed)
        with pytest.raises(SystemExit):
            open_ledger(OUT, OTHER, overwrite=True)
    assert open_ledger(OUT, OTHER, overwrite=True) is not None
    assert ledger.storage.names() == {"work.partial"}


def test_unreachable_object_storage_is_an_error(s3: Server) -> None:
    """And no work is taken for that of nobody."""
    ledger = open_ledger(OUT, ONE, overwrite=False)
    assert ledger is not None
    ledger.record("shade", "0_0", {"row": np.arange(3)})
    s3.down = True
    with pytest.raises(InputError, match=r"s3://bucket/runs/out: the object storage refuses"):
        open_ledger(OUT, ONE, overwrite=True)
    with pytest.raises(InputError, match="AWS_ENDPOINT_URL"):
        ledger.read("shade", "0_0")
    s3.down = False
    assert ledger.has("shade", "0_0")
    with pytest.raises(InputError, match="s3://elsewhere/x: the object storage"):
        storage_of("s3://elsewhere/x").read("a")


@pytest.mark.parametrize("text", ["s3://", "s3:///x"])
def test_a_url_without_a_bucket(text: str) -> None:
    with pytest.raises(InputError, match="names no bucket; give s3://BUCKET/PREFIX"):
        storage_of(text)


def test_places_as_typed() -> None:
    assert place_of("s3://b/p/") == "s3://b/p"
    assert place_of("s3://") == "s3://"
    assert place_of("out/") == Path("out")
    assert below("s3://b/p", "q") == "s3://b/p/q"


# Held


def test_objects_are_held_by_one(s3: Server) -> None:
    with locked(OUT):
        with pytest.raises(InputError) as fault, locked(OUT):
            raise AssertionError("both hold it")
        assert open_ledger(OUT, ONE, overwrite=False) is not None  # its own hold is in no one's way
    said = str(fault.value)
    assert said.startswith(f"{OUT}: another run holds this folder (pid ")
    assert "wait for it (if it was killed, " in said
    with locked(OUT):
        pass
    assert not [key for key in s3.objects if "work." in key and "partial" not in key]


def until_renewed(s3: Server) -> None:
    """Wait until the hold is written anew."""
    s3.objects[HELD] = s3.objects[HELD][0], 0.0
    wait(lambda: s3.objects[HELD][1] > 0)


def test_a_hold_is_renewed(s3: Server) -> None:
    with locked_for(OUT, HOLDER, Lease(interval=0.05)) as lost:
        until_renewed(s3)
        with pytest.raises(InputError, match="another run holds"), locked(OUT):
            raise AssertionError("both hold it")
        assert not lost()


def test_a_hold_of_the_dead_ends(s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock of the storage, whatever ours says; and the dead who returns has lost it."""
    s3.clock, lease = -3600, Lease(interval=0.05)
    with locked_for(OUT, HOLDER, lease) as lost, monkeypatch.context() as patch:
        claim, failed = objects.ObjectStorage.claim, threading.Event()

        def unless_asleep(files: Any, *args: Any, **options: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                failed.set()
                raise InputError("no network")
            return claim(files, *args, **options)

        patch.setattr(objects.ObjectStorage, "claim", unless_asleep)
        assert failed.wait(PATIENCE_S) and not lost()
        s3.clock += lease.duration + 1
        with locked(OUT):
            patch.undo()
            wait(lost)
    assert not s3.below("runs/out/work.")


def test_a_hold_that_cannot_be_renewed_is_lost(s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before it has been without renewal for as long as it lasts."""
    now, lease = [0.0], Lease(duration=60.0, interval=0.02)
    clock = SimpleNamespace(monotonic=lambda: now[0], strftime=time.strftime)
    monkeypatch.setattr(lock, "time", clock)
    with (
        pytest.raises(InputError, match=f"{OUT}: the hold on it was lost"),
        locked_for(OUT, HOLDER, lease) as lost,
    ):
        for _ in range(3):
            now[0] += 40.0
            for _ in range(3):  # the second begins later than now, and has ended before the third
                until_renewed(s3)
            assert not lost()
        s3.down = True
        now[0] += 59.0
        assert not lost()
        now[0] += 2.0
        assert lost()
        s3.down = False
        raise Stopped  # as a run does that polls the flag


# Sheets


def test_sheets_are_found_and_read_by_range(s3: Server, tmp_path: Path) -> None:
    metres = np.arange(1024 * 1024, dtype=np.float32).reshape(1024, 1024)
    write_sheet(
        tmp_path / "a.tif", metres, Affine(1, 0, 121_000, 0, -1, 487_000), tiled=True,
        blockxsize=256, blockysize=256,
    )  # fmt: skip
    data = (tmp_path / "a.tif").read_bytes()
    for key in ("ahn/R_2.TIF", "ahn/R_1.tif", "ahn/M_1.tif", "ahn/notes.txt", "ahn/deep/R_3.tif"):
        s3.objects[key] = data, s3.now()
    found = find_objects("s3://bucket/ahn/", (".tif",))
    assert found == [f"/vsis3/bucket/ahn/{n}" for n in ("M_1.tif", "R_1.tif", "R_2.TIF")]
    assert find_objects("s3://bucket/ahn/R_*.tif", (".tif",)) == ["/vsis3/bucket/ahn/R_1.tif"]
    assert find_objects("s3://bucket/ahn/*/R_*.tif", (".tif",)) == [
        "/vsis3/bucket/ahn/deep/R_3.tif"
    ]
    assert find_objects("s3://bucket/ahn/R_2.TIF", (".tif",)) == ["/vsis3/bucket/ahn/R_2.TIF"]
    assert find_objects("s3://bucket/ahn/R_9.tif", (".tif",)) == []
    assert object_fingerprint(found[0])["size"] == len(data)
    with open_object(found[0]) as stream:
        assert bytes(stream.read(4)) == data[:4]
    s3.asked.clear()
    with rasterio.Env(**gdal_options()), rasterio.open(found[1]) as sheet:
        window = rasterio.windows.Window(300, 300, 10, 10)
        assert np.array_equal(sheet.read(1, window=window), metres[300:310, 300:310])
    ranges = [asked for method, _, asked in s3.asked if method == "GET"]
    assert all(ranges)
    assert sum(int(r.split("-")[1]) - int(r[6:].split("-")[0]) for r in ranges) < len(data) / 4


def test_gdal_finds_the_same_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert gdal_options() == {}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://objects.example.nl:9000/")
    options = gdal_options()
    assert options["AWS_S3_ENDPOINT"] == "objects.example.nl:9000"
    assert (options["AWS_HTTPS"], options["AWS_VIRTUAL_HOSTING"]) == ("YES", "FALSE")
