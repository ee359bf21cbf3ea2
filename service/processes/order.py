"""What was asked of a process, checked and complete: what a job is made of."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Order:
    """An order that can be carried out at any time, here or in another process.

    inputs: as JSON, with all defaults, checked; key: the same for orders with the same answer
    (method, parameters, inputs, area, version of the program); area_m2: of the ground that is
    asked for, by which it is bounded; wanted: which results the client asked for, and in which
    form (service/processes/results.py), which matters to no other client.
    """

    process: str
    inputs: dict[str, Any]
    key: str
    area_m2: float
    wanted: dict[str, Any] = field(default_factory=dict)

    def dumps(self) -> str:
        """As text, for the table of jobs."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def loads(cls, text: str) -> "Order":
        """From such a text."""
        return cls(**json.loads(text))
