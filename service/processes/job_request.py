"""What a client asks of a process that takes its time: checked, complete, and with its key."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from pipeline.storage.cache import fingerprint, key_of
from pipeline.storage.places import is_remote
from service.core.catalogue import Sources, files_of


@dataclass(frozen=True)
class JobRequest:
    """What a job is made of; it can be carried out at any time, here or in another process.

    inputs: as JSON, with all defaults, checked; key: the same for requests with the same result
    (method, parameters, inputs, area, version of the program); area_m2: of the ground that is
    asked for, by which it is bounded; wanted: which outputs the client asked for, and in which
    form (service/processes/results.py), which matters to no other client.
    """

    process: str
    inputs: dict[str, Any]
    key: str
    area_m2: float
    wanted: dict[str, Any] = field(default_factory=dict)

    def dumps(self) -> str:
        """The request as text, for the table of jobs."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def loads(cls, text: str) -> "JobRequest":
        """From such a text."""
        return cls(**json.loads(text))


def job_key(process: str, inputs: dict[str, Any], *sources: Any) -> str:
    """Key of a request: equal for requests with the same result, so that it is computed once.
    inputs: complete; sources: identity of the data."""
    return key_of(process, inputs, version("daklaag"), sources)


def file_stamps(sources: Sources) -> dict[str, list[Any]]:
    """Name, size and time of every file that a run could read, without opening one."""
    kinds = {"dsm": sources.dsm, "dtm": sources.dtm, "buildings": sources.buildings}
    return {kind: [*_stamps(given)] for kind, given in kinds.items()}


def _stamps(given: Iterable[str]) -> Iterator[Any]:
    for source in given:
        files = [] if is_remote(source) else files_of(source)
        if not files:
            yield source  # an object, or a file within a zip: by its name
        for file in files:
            found = fingerprint(str(file))
            yield [file.name, found["size"], found["mtime_ns"]]
