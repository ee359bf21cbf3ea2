"""The methods by name: their declarations, and what tasks compute by them."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.methods.annual.declaration import ANNUAL
from pipeline.methods.method import Method
from pipeline.methods.parameters import parameters_of, parse
from pipeline.methods.passes import Pass
from pipeline.methods.powermapping.declaration import POWERMAPPING
from pipeline.methods.reach import Reach
from pipeline.terms import Command, Field

__all__ = [
    "DEFAULT", "METHODS", "Method", "Pass", "Reach", "method_named", "method_of",
    "parse_settings",
]  # fmt: skip

METHODS: dict[str, Method] = {method.name: method for method in (POWERMAPPING, ANNUAL)}
DEFAULT = POWERMAPPING.name


def method_of(report: Mapping[str, Any]) -> Method:
    """The method that a run's report names. Raises InputError for one that is unknown."""
    return method_named(report["method"]["name"])


def method_named(name: str) -> Method:
    """A method by its name. Raises InputError for one that is unknown."""
    if name not in METHODS:
        raise InputError(
            Text("method {name!r}", name=name),
            "{source} is unknown",
            "there is {known}",
            known=list(METHODS),
        )
    return METHODS[name]


def parse_settings(method: Method, settings: Mapping[str, Any]) -> Any:
    """The parameters of a method, as `parameters.parse` makes them. Raises InputError for a setting
    that is not accepted, or unknown: then with the methods that have such a parameter."""
    for name in settings:
        having = [each.name for each in METHODS.values() if name in _parameter_names(each)]
        if having and method.name not in having:
            raise InputError(
                Field("parameter", repr(name)),
                "{source} is one of the method {having}, not of {method}",
                "{methods} lists them",
                having=having,
                method=method.name,
                methods=Command("methods"),
            )
    return parse(method.parameters, settings)


def _parameter_names(method: Method) -> set[str]:
    return {parameter.name for parameter in parameters_of(method.parameters)}
