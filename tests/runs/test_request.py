"""A request by groups: every field of a group can be given by its name alone."""

from dataclasses import fields
from pathlib import Path

import pytest

from pipeline.runs.request import GROUPS, Inputs, Outputs, Request, Selection

REQUEST = Request(Inputs(("dsm",), ("dtm",), ("pand",)), Outputs(Path("out")))


def test_fields_go_to_their_groups() -> None:
    given = {"dsm": ("dsm",), "dtm": ("dtm",), "buildings": ("pand",), "out": Path("out")}
    assert Request.of(**given) == REQUEST
    changed = REQUEST.replace(area="NL", by=("a.csv",), workers=2, settings={"surface": "dsm"})
    assert (changed.selection, changed.outputs.by) == (Selection("NL"), ("a.csv",))
    assert (changed.resources.workers, changed.settings) == (2, {"surface": "dsm"})
    assert changed.inputs == REQUEST.inputs


def test_no_two_groups_have_a_field_of_one_name() -> None:
    every = [field.name for group in (*GROUPS.values(), Request) for field in fields(group)]
    assert len(every) == len(set(every))


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError, match="roofs"):
        REQUEST.replace(roofs=3)
