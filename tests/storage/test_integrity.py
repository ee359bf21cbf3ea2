"""A finished run that was damaged is never taken for a whole one; an unfinished one is mended."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.engine import never_stop, no_progress
from pipeline.errors import DamagedError
from pipeline.results.store import open_store
from pipeline.runs.answers import answer
from pipeline.storage import integrity
from pipeline.storage.checksums import BLOCK, CheckedFiles, Checksums, ChecksumWriter
from pipeline.storage.ledger import RECORDS, WORK
from tests.support.commands import arguments, call, small_world
from tests.support.damage import HOW, flip
from tests.support.outcomes import outcome
from tests.support.region import Region, outcomes
from tests.support.runs import Files as Inputs
from tests.support.s3 import serving

TABLE, MAP, REPORT = "buildings.parquet", "map.png", "report.json"
CHUNK = "rasters.zarr/0/shadow/c/0/0"
OTHERS = ["rasters.zarr/zarr.json", "rasters.zarr/0/shadow/zarr.json", "rasters.zarr/0/x/c/0"]
REMEDY = "run it again with --overwrite"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return small_world().write(tmp_path_factory.mktemp("in"))


@pytest.fixture(scope="module")
def whole(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert call(*arguments(inputs, out)).exit_code == 0
    return out


@pytest.fixture
def out(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(whole, tmp_path / "out")
    return tmp_path / "out"


# Checksums.


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_sums_are_the_same_however_it_is_written(tmp_path: Path, size: int) -> None:
    data = bytes(i * i % 251 for i in range(size))
    with (tmp_path / "file").open("wb") as stream:
        summing = ChecksumWriter(stream)
        for part in (data[:5], data[5:BLOCK], data[BLOCK:]):
            summing.write(part)
    assert (tmp_path / "file").read_bytes() == data
    assert summing.sums == Checksums.of(data) == Checksums.parse(str(Checksums.of(data)))
    assert len(summing.sums.blocks) == -(-size // BLOCK)


def test_of_a_part_only_its_blocks_are_looked_at(tmp_path: Path) -> None:
    data = bytes(range(256)) * (3 * BLOCK // 256)
    (tmp_path / "file").write_bytes(data)
    files = CheckedFiles(tmp_path, {"file": Checksums.of(data)}, integrity._damaged(tmp_path))
    flip(tmp_path / "file", 8 * (BLOCK + 5))
    with files.reading("file") as stream:
        assert stream.read(BLOCK) == data[:BLOCK]
        stream.seek(2 * BLOCK)
        assert stream.read() == data[2 * BLOCK :]
        stream.seek(BLOCK - 1)
        with pytest.raises(DamagedError, match="file is damaged"):
            stream.read(2)
    assert {name: str(what) for name, what in files.damage(no_progress, never_stop, 2).items()} == {
        "file": "is damaged"
    }


# Looked at: `check`.


def test_a_whole_run_is_whole(whole: Path) -> None:
    result = call("check", whole)
    assert result.exit_code == 0
    files = sum(path.is_file() for path in whole.rglob("*"))
    assert result.stdout == f"{whole}: all {files - 1} files are as they were written\n"
    assert f"check: {files - 1} of {files - 1}" in result.stderr


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", [TABLE, MAP, CHUNK, *OTHERS])
def test_damage_is_named_with_its_remedy(out: Path, name: str, how: str) -> None:
    HOW[how](out / name)
    result = call("check", out, "-q")
    what = "missing" if how == "removed" else "damaged"
    assert result.exit_code == 2
    assert result.stderr == f"{name}: is {what}\nerror: {out / name} is {what}; {REMEDY}\n"


def test_any_bit_of_the_report_counts(out: Path) -> None:
    for word in ('"footprints": ', '"panel_share": ', '"size": ', '"whole": {', '"suns": ['):
        text = (out / REPORT).read_text()
        flip(out / REPORT, 8 * (text.index(word) + len(word)))
        for words in (("check", out), ("report", out), ("export", out, "--to", out / "x.csv")):
            result = call(*words)
            assert result.exit_code == 2
            assert f"{out / REPORT}: not the report of a run, or damaged" in result.stderr
        (out / REPORT).write_text(text)
    assert call("check", out).exit_code == 0


def test_all_damage_is_told(out: Path) -> None:
    (out / TABLE).unlink()
    flip(out / CHUNK, 99)
    result = call("check", out, "-q", "--lang", "nl")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"{TABLE}: ontbreekt",
        f"{CHUNK}: is beschadigd",
        f"fout: {out / TABLE} ontbreekt, en zo 1 andere bestanden van deze berekening; voer hem"
        " opnieuw uit met --overwrite",
    ]


@pytest.mark.parametrize("command", ["check", "report", "export"])
def test_a_run_of_an_older_version_is_refused(out: Path, tmp_path: Path, command: str) -> None:
    told = json.loads((out / REPORT).read_text())
    del told["files"], told["machine"]["checksum"]
    (out / REPORT).write_text(json.dumps(told))
    words = ("--to", tmp_path / "roofs.csv") if command == "export" else ()
    result = call(command, out, *words)
    assert (result.exit_code, list(tmp_path.glob("*.csv"))) == (2, [])
    assert f"{out}: its run is of an older version of this program; {REMEDY}" in result.stderr


def test_no_finished_run_cannot_be_checked(tmp_path: Path) -> None:
    result = call("check", tmp_path / "none")
    assert (result.exit_code, "so no finished run" in result.stderr) == (2, True)


@pytest.mark.slow
def test_on_object_storage(inputs: Inputs) -> None:
    place = "s3://bucket/runs/out"
    with serving() as server:
        assert call(*arguments(inputs, place)).exit_code == 0  # type: ignore[arg-type]
        assert call("check", place).exit_code == 0
        for name in (TABLE, CHUNK, OTHERS[0]):
            data, when = server.objects[f"runs/out/{name}"]
            server.objects[f"runs/out/{name}"] = data[:-1] + b"?", when
            result = call("check", place, "-q")
            assert (result.exit_code, result.stderr.count("\n")) == (2, 2)
            assert f"error: {place}/{name} is damaged; {REMEDY}" in result.stderr
            server.objects[f"runs/out/{name}"] = data, when
            del server.objects[f"runs/out/{name}"]
            assert f"{name} is missing" in call(*arguments(inputs, place)).stderr  # type: ignore[arg-type]
            server.objects[f"runs/out/{name}"] = data, when


# Looked at by whatever reads it.


@pytest.mark.parametrize("name", [TABLE, MAP, CHUNK, *OTHERS])
def test_a_run_is_finished_only_if_all_is_there(
    inputs: Inputs, whole: Path, out: Path, name: str
) -> None:
    for how, what in (("cut off", "damaged"), ("emptied", "damaged"), ("removed", "missing")):
        shutil.copy(whole / name, out / name)
        HOW[how](out / name)
        result = call(*arguments(inputs, out), "-q")
        assert result.exit_code == 2
        assert result.stderr == f"error: {out / name} is {what}; {REMEDY}\n"
    assert call(*arguments(inputs, out), "-q", "--overwrite").exit_code == 0
    assert outcome(out).report == outcome(whole).report
    assert call("check", out).exit_code == 0


@pytest.mark.parametrize("to", ["x.csv", "x.parquet", "x.gpkg", "x.geojson", "x.png"])
def test_a_damaged_table_is_not_exported(out: Path, to: str) -> None:
    for share in (0.1, 0.5, 0.9):
        flip(out / TABLE, int(share * 8 * (out / TABLE).stat().st_size))
        result = call("export", out, "--to", out.parent / to)
        assert result.exit_code == 2
        assert result.stderr == f"error: {out / TABLE} is damaged; {REMEDY}\n"
        assert not (out.parent / to).exists()
        flip(out / TABLE, int(share * 8 * (out / TABLE).stat().st_size))


@pytest.mark.parametrize("to", ["x.tif", "x.png"])
@pytest.mark.parametrize("how", HOW)
def test_damaged_rasters_are_not_exported(out: Path, to: str, how: str) -> None:
    HOW[how](out / CHUNK)
    result = call("export", out, "--to", out.parent / to, "--layer", "shadow")
    what = "missing" if how == "removed" else "damaged"
    assert result.exit_code == 2
    assert result.stderr == f"error: {out / CHUNK} is {what}; {REMEDY}\n"
    assert not (out.parent / to).exists()


def test_a_store_is_read_by_parts(region: Region, tmp_path: Path) -> None:
    """What lies beside the damage can be read."""
    shutil.copytree(region.out, tmp_path / "out")
    expected = open_store(region.out / "rasters.zarr")["0/shadow"][...]
    flip(tmp_path / "out" / CHUNK, 500)
    array = open_store(tmp_path / "out" / "rasters.zarr")["0/shadow"]
    assert (array[200:300, 200:300] == expected[200:300, 200:300]).all()
    with pytest.raises(DamagedError, match=f"{CHUNK} is damaged"):
        array[100:300, 100:300]


# Kept right by whatever writes.


def test_sums_are_those_of_the_files(region: Region) -> None:
    told = json.loads((region.out / REPORT).read_text())
    files = {
        str(path.relative_to(region.out)): Checksums.of(path.read_bytes())
        for path in region.out.rglob("*")
        if path.is_file() and path.name != REPORT
    }
    assert integrity.checksums_in(told) == files
    assert len(told["files"]["shards"]) == 20


def test_an_answer_and_an_update_can_be_checked(inputs: Inputs, out: Path, tmp_path: Path) -> None:
    request = inputs.request(
        tmp_path / "answer", area="121030,487015,121080,487060", layers=("shadow",)
    )
    answer(request, out)
    assert call("check", tmp_path / "answer").exit_code == 0
    words = arguments(inputs, out, "--remove-building", f"{0:016d}")
    words[words.index("--out")] = "--update"
    assert call(*words).exit_code == 0
    assert call("check", out).exit_code == 0


# An unfinished run.


@pytest.fixture(scope="module")
def stopped(region: Region, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped when all was computed but the table."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    out = tmp_path_factory.mktemp("stopped") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.runs.run.write_table", stop)
        assert call(*region.command(out), "-q").exit_code == 130
    return out


def chunk(out: Path) -> Path:
    return out / WORK / "rasters.zarr" / "0" / "shadow" / "c" / "2" / "1"


@pytest.mark.parametrize("how", HOW)
def test_a_finished_chunk_that_is_lost_is_computed_again(
    region: Region, stopped: Path, tmp_path: Path, how: str
) -> None:
    """As after a power cut."""
    out, log = tmp_path / "out", tmp_path / "log"
    shutil.copytree(stopped, out)
    HOW[how](chunk(out))
    result = call(*region.command(out, "--log-json", log))
    assert result.exit_code == 0, result.output
    assert f"warning: {chunk(out)} is " in result.stderr
    assert outcomes(log)["done"] == {("shade", "2_1")}
    region.assert_same(out)


@pytest.mark.parametrize("name", ["zarr.json", "0/zarr.json", "0/y/c/0"])
@pytest.mark.parametrize("how", ["a bit flipped", "removed"])
def test_a_store_that_lost_its_metadata_gets_them_again(
    region: Region, stopped: Path, tmp_path: Path, name: str, how: str
) -> None:
    out = tmp_path / "out"
    shutil.copytree(stopped, out)
    HOW[how](out / WORK / "rasters.zarr" / name)
    assert call(*region.command(out)).exit_code == 0
    assert call("check", out).exit_code == 0
    region.assert_same(out)


@pytest.mark.parametrize("how", HOW)
def test_a_damaged_record_is_made_again(
    region: Region, stopped: Path, tmp_path: Path, how: str
) -> None:
    """One of each kind, of shards that lie apart."""
    out, log = tmp_path / "out", tmp_path / "log"
    shutil.copytree(stopped, out)
    for stage, shard in (("measure", "1_2"), ("shade", "3_0"), ("chunks/shadow", "0_4")):
        (record,) = (out / WORK / RECORDS / stage).glob(f"{shard}.*")
        HOW[how](record)
    result = call(*region.command(out, "--log-json", log))
    assert result.exit_code == 0, result.output
    assert outcomes(log)["done"] >= {("measure", "1_2"), ("shade", "3_0"), ("shade", "0_4")}
    region.assert_same(out)
