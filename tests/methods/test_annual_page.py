"""Every example of docs/methods/annual.md runs, in order, where nothing is but the program."""

from pathlib import Path

import geopandas
import pytest
import rasterio

from tests.support.commands import ROOT
from tests.support.pages import add_programs, examples, run_examples

PAGE = ROOT / "docs" / "methods" / "annual.md"


@pytest.mark.slow
def test_every_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    add_programs(tmp_path)
    names = run_examples(examples(PAGE.read_text("utf-8")), PAGE, tmp_path)
    planes = names["planes"]
    assert len(planes) > 300 and len(geopandas.read_parquet("planes.parquet")) == len(planes)
    assert len(geopandas.read_file("roofs-inputs/true_planes.gpkg")) > 300
    said = capsys.readouterr().out
    assert '"Dakland"' in said and "pitched" in said
    with rasterio.open("plane.tif") as file:
        assert file.read(1).max() == 255
