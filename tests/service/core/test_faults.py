"""Faults of the pipeline as the service tells them: in its words, and whose they are."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import DamagedError, EmptyAreaError, InputError, OutputError
from pipeline.messages import Text
from pipeline.terms import Command, Field, File, Location, Reason
from service.core.faults import Faults, Owner

SHEET = Path("/srv/data/sheets/R_1.TIF")


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(tmp_path / "work")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (File(SHEET), "R_1.TIF"),
        (Location(SHEET), "R_1.TIF"),
        (SHEET, "R_1.TIF"),
        (Location("s3://bucket/data/R_1.TIF"), "R_1.TIF"),
        (Reason(f"{SHEET}: is no TIFF"), "the log of the service says why"),
        (FileNotFoundError(2, "No such file", str(SHEET)), "the log of the service says why"),
        (InputError(File(SHEET), "gone"), "R_1.TIF: gone"),
        (Text("two {files}", files=[SHEET, File(SHEET)]), "two R_1.TIF, R_1.TIF"),
        (Field("area", SHEET), "input area"),
        (Field("add_building", "/srv/x"), "input add"),
        (Field("parameter", "date"), "parameter date"),
        (Field("relief", SHEET), "the setting relief"),
        (Command("methods"), "the description of the process"),
        ("two\nlines", "two lines"),
    ],
)
def test_no_value_of_a_sentence_is_told_with_its_path(
    faults: Faults, value: Any, expected: str
) -> None:
    fault = InputError("it", "{value}", "see {value}", value=value)
    assert faults.sentence(fault) == f"it: {expected}; see {expected}"


def test_a_file_of_a_client_is_the_input_that_it_was(faults: Faults) -> None:
    assert faults.work is not None
    upload = faults.work / "key" / "footprints.geojson"
    fault = InputError(File(upload), "{source} is empty", "give {other}", other=File(SHEET))
    assert faults.sentence(fault) == "input footprints is empty; give R_1.TIF"
    assert Faults().sentence(fault).startswith("footprints.geojson is empty")


def test_whose_a_fault_is(faults: Faults, tmp_path: Path) -> None:
    upload = File(tmp_path / "work" / "key" / "add.geojson")
    owners = {
        InputError(File(SHEET), "is cut off"): Owner.OPERATOR,
        InputError("DSM", "1 sheet missing"): Owner.OPERATOR,
        InputError(Field("nodata"), "is none"): Owner.OPERATOR,
        InputError(upload, "has no height"): Owner.CLIENT,
        InputError(Field("around", "1,2,3"), "holds nothing"): Owner.CLIENT,
        InputError(Field("parameter", "times"), "at night"): Owner.CLIENT,
        EmptyAreaError(File(SHEET), "nothing there"): Owner.CLIENT,
        DamagedError(upload, "is damaged"): Owner.SERVICE,
        OutputError(File("x.csv"), "cannot be written"): Owner.SERVICE,
    }
    assert {fault: faults.owner(fault) for fault in owners} == owners
