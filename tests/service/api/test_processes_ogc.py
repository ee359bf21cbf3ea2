"""The rules of OGC API - Processes hold for what we say of our processes; and they can fail."""

from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from pipeline.methods import METHODS
from pipeline.methods.parameters import as_json, parse, schema
from pipeline.results.texts import WORDS
from service.processes.descriptions import DESCRIPTIONS, describe, summaries
from service.processes.inputs import SuitabilityInputs, SummaryInputs, WhatIfInputs
from tests.ogc.schemas import faults

MODELS = {"suitability": SuitabilityInputs, "summary": SummaryInputs, "what-if": WhatIfInputs}
LINK = {"href": "http://localhost/", "rel": "self"}


@pytest.mark.parametrize("process", DESCRIPTIONS)
def test_descriptions_keep_to_the_standard(process: str) -> None:
    assert faults("process", describe(process)) == []


def test_the_list_keeps_to_the_standard() -> None:
    assert faults("processList", {"processes": summaries(), "links": [LINK]}) == []


@pytest.mark.parametrize("process", DESCRIPTIONS)
def test_described_inputs_are_those_accepted(process: str) -> None:
    """The same inputs, with the same defaults."""
    inputs, model = describe(process)["inputs"], MODELS[process]
    assert inputs.keys() == model.model_fields.keys()
    for name, field in model.model_fields.items():
        default = inputs[name]["schema"].get("default")
        if name == "layers":  # which those are, the method says
            assert default == ["hillshade", "shadow"] and field.default is None
        else:
            assert default == (field.default or None) or name == "remove"
        assert inputs[name]["minOccurs"] == 0


def test_languages_are_those_of_the_texts() -> None:
    assert describe("suitability")["inputs"]["lang"]["schema"]["enum"] == [*WORDS]


def test_parameters_are_described_as_they_are_checked() -> None:
    """The schema takes the defaults, and refuses what the command line refuses."""
    cls = METHODS["powermapping"].parameters
    described = schema(cls)
    validator = Draft202012Validator(_nullable(described), validate_formats=True)
    defaults = as_json(parse(cls, {}))
    assert described["properties"].keys() == defaults.keys()
    assert validator.is_valid(defaults)
    assert {name: p["default"] for name, p in described["properties"].items()} == defaults
    for name, value in (
        ("panel_share", 1.5),
        ("panel_share", None),
        ("heights_year", 2020.5),
        ("surface", "roof"),
        ("times", []),
        ("times", ["25:00", "x"]),
        ("times", ["10:00", "10:00"]),
        ("statuses", [""]),
        ("date", "tomorrow"),
        ("unknown", 1),
    ):
        assert not validator.is_valid({name: value}), (name, value)
        with pytest.raises(ValueError, match=name):
            parse(cls, {name: value})
    assert validator.is_valid({"heights_year": None})


def _nullable(described: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0's word for it in JSON Schema's."""
    properties = {
        name: p | {"type": [p["type"], "null"]} if p.get("nullable") else p
        for name, p in described["properties"].items()
    }
    return described | {"properties": properties}


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("landingPage", {}),
        ("confClasses", {"conformsTo": [1]}),
        ("processList", {"processes": [{"id": "x"}], "links": []}),
        ("process", {"id": "x", "version": "1", "jobControlOptions": ["later"]}),
        ("process", {"id": "x", "version": "1", "inputs": {"a": {"title": "no schema"}}}),
        ("process", {"id": "x", "version": "1", "inputs": {"a": {"schema": {"const": 1}}}}),
        ("process", {"id": "x", "version": "1", "outputs": {"a": {"schema": {"type": ["a"]}}}}),
        ("statusInfo", {"jobID": "x", "status": "done", "type": "process"}),
        ("statusInfo", {"jobID": "x", "status": "running", "type": "process", "started": None}),
        ("statusInfo", {"jobID": "x", "status": "running", "type": "process", "created": "now"}),
        ("jobList", {"jobs": []}),
        ("results", {"report": {"counts": 1}}),
        ("results", {"report": {"value": {}, "href": "both"}}),
        ("exception", {"title": "no type"}),
    ],
)
def test_a_broken_rule_is_seen(name: str, document: dict[str, Any]) -> None:
    assert faults(name, document)


def test_results_of_each_form_are_allowed() -> None:
    report = {"value": {"counts": {}}, "mediaType": "application/json"}
    assert faults("results", {"report": report, "map": LINK, "name": "x", "n": 1.5}) == []
