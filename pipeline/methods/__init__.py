"""The methods by name: their declarations, and what tasks compute by them."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.methods.annual.declaration import ANNUAL
from pipeline.methods.method import Method
from pipeline.methods.passes import Pass
from pipeline.methods.powermapping.declaration import POWERMAPPING
from pipeline.methods.reach import Reach

__all__ = ["DEFAULT", "METHODS", "Method", "Pass", "Reach", "method_named", "method_of"]

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
