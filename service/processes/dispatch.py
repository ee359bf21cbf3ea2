"""The processes that take their time, by name: what makes a job request, and what executes it."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.engine.engine import Progress, Stop, never_stop, no_progress
from pipeline.engine.events import Log, no_log
from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.methods import METHODS
from pipeline.storage.integrity import is_whole
from pipeline.storage.ledger import REPORT, Ledger
from service.core.catalogue import Backend
from service.processes import suitability, whatif
from service.processes.job_request import Execution, JobRequest
from service.processes.results import available, outputs_of


class Process(NamedTuple):
    """request: makes a job request of a client's inputs; execute: leaves its result in a folder."""

    request: Callable[[dict[str, Any], Backend], JobRequest]
    execute: Callable[[Execution], None]


PROCESSES: Mapping[str, Process] = {
    suitability.ID: Process(suitability.request_suitability, suitability.execute_suitability),
    whatif.ID: Process(whatif.request_what_if, whatif.execute_what_if),
}


def job_request(
    process: str, inputs: dict[str, Any], backend: Backend, wanted: dict[str, Any] | None = None
) -> JobRequest:
    """A request of one of the processes that take their time. wanted: as read_outputs makes it.

    Raises InputError for what is not accepted, Problem 409 for what nothing answers.
    """
    request = replace(PROCESSES[process].request(inputs, backend), wanted=wanted or {})
    requested = request.wanted.get("outputs", {})
    kept = available(outputs_of(process), request.inputs)
    missing = [name for name in requested if name not in kept]
    if missing and len(requested) < len(outputs_of(process)):
        raise _not_there(missing[0], request.inputs)
    return request


def _not_there(output: str, inputs: dict[str, Any]) -> InputError:
    """The fault of an output that a job with these inputs does not have."""
    source = Text("output {name}", name=output)
    if output in {of.name for method in METHODS.values() for of in method.parts}:
        return InputError(
            source,
            "is of another method than {method}",
            "leave it out, or name that method",
            method=inputs["method"],
        )
    return InputError(
        source,
        "is of a raster layer that is not among the input layers ({layers})",
        "ask for it there",
        layers=inputs["layers"] or "none",
    )


def execute(
    request: JobRequest,
    backend: Backend,
    folder: Path,
    progress: Progress = no_progress,
    stop: Stop = never_stop,
    log: Log = no_log,
) -> None:
    """Leave the result of a request in a folder: a finished run, whose report comes last.

    Killed at any moment, the same call goes on where it was; called again after it is done, it only
    tidies up. Raises Stopped when the flag is up, InputError for what the inputs turn out to be.
    """
    if is_whole(folder):
        Ledger(folder).discard()  # of which a kill may have left a part
        return
    if (folder / REPORT).is_file():  # damaged
        shutil.rmtree(folder)
    PROCESSES[request.process].execute(Execution(request, backend, folder, progress, stop, log))
