"""Inputs of processes: unwrapped and validated."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import InputError
from pipeline.footprints.restrictions import WORDS
from pipeline.messages import Text
from pipeline.methods import DEFAULT, METHODS, parse_settings
from pipeline.methods import parameters as parameters_
from pipeline.methods.method import Method, names
from service.processes.geojson import PLACES, Kind, number, one_of, text

SHOWN = 3  # faults that are told at once
LONGEST = 200  # characters of a text
WRAPPING = {"value", "mediaType", "encoding", "schema"}
MOST_REMOVED = 1000
MOST_LAYERS = 100

Short = Annotated[str, Field(max_length=LONGEST)]
Language = Literal["en", "nl"]
Layers = Annotated[list[Short], Field(max_length=MOST_LAYERS)]
Shapes = dict[str, Any]
Where = Short | Shapes

CALLED = {"identificatie": "id", "pandstatus": "status", "height": "height_m", "hoogte": "height_m"}
FOOTPRINTS = Kind(columns={"id": text, "bouwjaar": number, "status": text}, called=CALLED)
RESTRICTIONS = Kind(
    PLACES, {"id": text, **{name: one_of(WORDS[name]) for name in WORDS}}, CALLED, bare=True
)
ADDED = Kind(columns={"id": text, "roof_m": number, "height_m": number}, called=CALLED)


class Inputs(BaseModel):
    """Configuration that the inputs of all processes share."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SuitabilityInputs(Inputs):
    """Inputs of the process `suitability`."""

    area: Where | None = None
    around: Where | None = None
    method: Short = DEFAULT
    parameters: dict[str, Any] = {}
    layers: Layers | None = None
    restrictions: Shapes | None = None
    footprints: Shapes | None = None
    lang: Language = "en"


class SummaryInputs(Inputs):
    """Inputs of the process `summary`."""

    collection: Short | None = None
    area: Where | None = None
    around: Where | None = None
    by: Where | None = None
    households: Annotated[float, Field(gt=0, le=1e8)] | None = None
    lang: Language = "en"


class WhatIfInputs(Inputs):
    """Inputs of the process `what-if`."""

    area: Where | None = None
    add: Shapes | None = None
    remove: Annotated[list[Short], Field(max_length=MOST_REMOVED)] = []
    method: Short = DEFAULT
    parameters: dict[str, Any] = {}
    layers: Layers | None = None
    lang: Language = "en"


T = TypeVar("T", bound=Inputs)


def read_inputs(model: type[T], given: dict[str, Any]) -> T:
    """The inputs of a process from those of a request.

    Raises InputError, which names the input, for one that is unknown, of another type, or only
    referred to.
    """
    plain = {name: _unwrapped(name, value) for name, value in given.items()}
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        messages = dict.fromkeys(_message(each) for each in error.errors()[:SHOWN])
        takes = ", ".join(model.model_fields)
        raise InputError(
            Text("{faults:; }", faults=list(messages)), "{source} (inputs are {takes})", takes=takes
        ) from None


def _unwrapped(name: str, value: Any) -> Any:
    """A qualified value's own; what is referred to is not fetched, whatever it is."""
    if not isinstance(value, dict):
        return value
    if "href" in value:
        raise InputError(
            Text("input {name}", name=name[:LONGEST]),
            "refers to another place, and this service fetches nothing",
            "give the value itself",
        )
    return value["value"] if "value" in value and set(value) <= WRAPPING else value


def _message(error: Any) -> str:
    """Which input, which item of it, and what is wrong; of one that takes a text or an object the
    library tells both in vain."""
    name, *within = error["loc"]
    item = "".join(f"[{part}]" for part in within if isinstance(part, int))
    if any(isinstance(part, str) for part in within):
        return f"input {name}: give a text of at most {LONGEST} characters, or an object"
    unknown = error["type"] == "extra_forbidden"
    message = "there is no such input" if unknown else error["msg"].lower()
    return f"input {str(name)[:LONGEST]}{item}: {message[:LONGEST]}"


def judged_by(inputs: SuitabilityInputs | WhatIfInputs) -> dict[str, Any]:
    """The inputs that say how roofs are judged: method, all its parameters, raster layers.

    Raises InputError for one that is unknown or not accepted.
    """
    if inputs.method not in METHODS:
        raise InputError(
            "input method",
            "{name!r} is unknown",
            "there is {known}",
            name=inputs.method,
            known=list(METHODS),
        )
    method = METHODS[inputs.method]
    try:
        p = parse_settings(method, inputs.parameters)
    except InputError as error:
        raise InputError("input parameters", "{error}", error=error) from None
    layers = _layers(method, inputs.layers)
    return {"method": method.name, "parameters": parameters_.as_json(p), "layers": layers}


def _layers(method: Method, requested: list[str] | None) -> list[str]:
    """The raster layers that are asked for in the method's order; None: those that it makes by
    default. Raises InputError for one that it has not."""
    if requested is None:
        return [layer.name for layer in method.layers if layer.default]
    known = names(method.layers)
    for position, name in enumerate(requested):
        if name not in known:
            raise InputError(
                Text("input layers[{n}]", n=position),
                remedy="input should be one of {known}",
                known=known,
            )
    return [name for name in known if name in requested]
