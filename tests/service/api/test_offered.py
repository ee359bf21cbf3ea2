"""A place is summed from the run that covers it, and only what can be computed is offered."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pipeline.runs.run import run
from service.api.app import create_app
from service.core.catalogue import Backend
from service.core.problem import Problem
from service.processes.dispatch import job_request
from service.processes.summary import ELSEWHERE, NO_HEIGHTS, NOT_COMPUTED, summarise
from tests.support.quarters import World
from tests.support.runs import undrawn

WEST, EAST, CORNER, OTHER = (0, 0, 150, 300), (120, 0, 300, 300), (150, 150, 300, 300), "GM9999"
Asking = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def parts(w: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of the west and of the east of the quarter, which overlap."""
    folder = tmp_path_factory.mktemp("parts")
    found = {name: folder / name for name in ("west", "east")}
    with undrawn():
        for name, box in (("west", WEST), ("east", EAST)):
            run(w.asked(found[name], area=w.box(*box), layers=()))
    return found


def asking(backend: Backend) -> Asking:
    """The process `summary`."""

    def ask(**inputs: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            summarise(inputs, backend, lambda name: backend.public[name])
        )
        return found

    return ask


def test_the_run_that_covers_most_of_a_place_is_taken(
    w: World, parts: dict[str, Path], tmp_path: Path
) -> None:
    ask = asking(w.backend(tmp_path, *parts.values(), w.inputs))
    for box, name in (((0, 0, 100, 90), "west"), ((115, 0, 170, 90), "east"), (CORNER, "east")):
        found = ask(area=w.box(*box))
        assert found["collection"] == name, box
        assert found["coverage"]["ground"] > 0.75
    x, y = (edge + 60 for edge in w.bounds[:2])
    assert ask(around=f"{x},{y},50")["collection"] == "west"
    assert ask()["collection"] == "west"  # of no place the first
    assert ask(area=w.box(121, 0, 149, 90))["collection"] == "west"  # of equals too
    assert ask(area=w.box(0, 0, 300, 300), collection="west")["collection"] == "west"


def test_the_computed_part_is_reported(w: World, parts: dict[str, Path], tmp_path: Path) -> None:
    ask = asking(w.backend(tmp_path, parts["west"], w.inputs))
    whole, half = ask(area=w.box(0, 0, 150, 300)), ask(area=w.box(75, 0, 225, 300))
    off, read = (whole["accounting"][name] for name in ("rejected", "read"))
    placed = read - off["empty"] - off["invalid"]
    assert off["off_rasters"] == 1  # a case of the quarter
    assert whole["coverage"] == {"footprints": (placed - 1) / placed, "ground": 1.0}
    assert half["coverage"]["ground"] == 0.5
    assert (half["complete"], half["computable"]) == (False, 1.0)
    beyond = ask(area=w.box(75, 0, 375, 300))
    assert beyond["coverage"]["ground"] == 0.25 and beyond["computable"] == 0.75
    named = ask(area=OTHER)
    assert named["coverage"]["ground"] == pytest.approx(0.5)
    assert ask()["coverage"] == json.loads((parts["west"] / "report.json").read_text())["coverage"]
    assert ask()["computable"] is None


def nothing(ask: Asking, **inputs: Any) -> Problem:
    with pytest.raises(Problem) as problem:
        ask(**inputs)
    assert problem.value.status == 404
    return problem.value


def test_where_nothing_was_computed_there_are_no_zeros(
    w: World, parts: dict[str, Path], tmp_path: Path
) -> None:
    """But the remedy: another run, a job, or another place."""
    both = asking(w.backend(tmp_path / "both", *parts.values(), w.inputs))
    here = w.box(200, 0, 290, 90)
    said = nothing(both, area=here, collection="west")
    assert said.detail == (
        "nothing of this place was computed in collection west; east has computed 100.0% of it:"
        " name that one, or none"
    )
    assert said.kind == ELSEWHERE
    west = asking(w.backend(tmp_path / "west", parts["west"], w.inputs))
    for more in ({}, {"collection": "west"}):
        said = nothing(west, area=here, **more)
        assert said.kind == NOT_COMPUTED
        assert said.detail.endswith("in collection west; order the process suitability for it")
    far = nothing(west, around="150000,450000,500")
    assert far.kind == NO_HEIGHTS and "this service has no heights of it" in far.detail
    shown = asking(w.backend(tmp_path / "shown", parts["west"]))
    assert nothing(shown, area=here).kind == NO_HEIGHTS
    none = asking(w.backend(tmp_path / "none", w.inputs))
    assert nothing(none, area=here).kind == NOT_COMPUTED
    assert "in any collection" in nothing(none, area=here).detail


def test_where_a_run_found_no_roof_zero_is_what_it_found(
    w: World, parts: dict[str, Path], tmp_path: Path
) -> None:
    found = asking(w.backend(tmp_path, parts["west"]))(area=w.box(0, 0, 1, 1))
    assert found["totals"]["counts"]["footprints"] == 0
    assert found["coverage"] == {"footprints": None, "ground": 1.0}


@pytest.mark.parametrize("process", ["suitability", "what-if"])
def test_a_job_beyond_the_heights_is_refused_at_once(
    w: World, tmp_path: Path, process: str
) -> None:
    backend = w.backend(tmp_path, w.inputs)
    more = {"remove": ["0"]} if process == "what-if" else {}
    bounds = ",".join(f"{edge:.0f}" for edge in w.bounds)
    with pytest.raises(Problem, match="has no heights of this area") as problem:
        job_request(process, {"area": "150000,450000,151000,451000", **more}, backend)
    assert problem.value.status == 409 and f"within {bounds} (RD" in problem.value.detail
    assert job_request(process, {"area": w.box(200, 200, 900, 900), **more}, backend)


def test_unreadable_sheets_are_left_to_the_job(w: World, tmp_path: Path) -> None:
    backend = w.backend(tmp_path, w.inputs)
    broken = tmp_path / "R_1.tif"
    broken.write_bytes(b"none")
    backend = replace(backend, sources=replace(backend.sources, dsm=(str(broken),)))
    assert job_request("suitability", {"area": "150000,450000,151000,451000"}, backend)


def test_a_service_without_heights_offers_what_it_can_read(
    w: World, parts: dict[str, Path], tmp_path: Path
) -> None:
    app = create_app(w.settings(tmp_path / "read", parts["west"]), work=False)
    client = TestClient(app, "http://localhost")
    listed = client.get("/processes").json()["processes"]
    assert [each["id"] for each in listed] == ["suitability", "summary"]
    said = client.get("/processes/suitability").json()
    assert not {"restrictions", "footprints"} & said["inputs"].keys() and "area" in said["inputs"]
    assert "no heights" in said["description"]
    assert client.get("/processes/what-if").status_code == 404
    body = {"inputs": {"area": w.box(0, 0, 90, 90), "remove": ["0"]}}
    assert client.post("/processes/what-if/execution", json=body).status_code == 409
    able = TestClient(create_app(w.settings(tmp_path / "able"), work=False), "http://localhost")
    assert len(able.get("/processes").json()["processes"]) == 3
    assert "restrictions" in able.get("/processes/suitability").json()["inputs"]


def test_the_reason_is_told_by_its_type(w: World, parts: dict[str, Path], tmp_path: Path) -> None:
    app = create_app(w.settings(tmp_path, parts["west"], w.inputs), work=False)
    body = {"inputs": {"area": w.box(200, 0, 290, 90)}}
    answer = TestClient(app, "http://localhost").post("/processes/summary/execution", json=body)
    assert (answer.status_code, answer.json()["type"]) == (404, NOT_COMPUTED)
