"""What is asked of a process as an order: checked, complete, and recognised."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pipeline.errors import InputError
from service.processes import suitability, whatif
from service.processes.errand import Means
from service.processes.order import Order
from service.processes.results import outputs_of, there

MADE: Mapping[str, Callable[[dict[str, Any], Means], Order]] = {
    suitability.ID: suitability.order_suitability,
    whatif.ID: whatif.order_what_if,
}


def order(
    process: str, inputs: dict[str, Any], means: Means, wanted: dict[str, Any] | None = None
) -> Order:
    """An order of one of the processes that take their time. wanted: as read_wanted makes it.

    Raises InputError for what is not accepted, Problem 409 for what nothing answers.
    """
    made = replace(MADE[process](inputs, means), wanted=wanted or {})
    asked = made.wanted.get("outputs", {})
    kept = there(outputs_of(process), made.inputs["layers"])
    missing = [name for name in asked if name not in kept]
    if missing and len(asked) < len(outputs_of(process)):
        raise InputError(
            f"output {missing[0]}: is of a raster layer that is not among the input layers"
            f" ({', '.join(made.inputs['layers']) or 'none'}); ask for it there"
        )
    return made
