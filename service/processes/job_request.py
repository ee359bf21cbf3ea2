"""Job requests: what a client asks of a process that takes its time, checked, complete and with its
key; and their execution by a worker: what it reads from, where, and the run that it becomes.

Modules of a run are imported when it begins: the table of jobs needs none of them, and is up in
three quarters of the time.
"""

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pipeline.engine.engine import Progress, Stop
from pipeline.engine.events import Log
from pipeline.storage.cache import fingerprint, key_of, write_atomic
from pipeline.storage.places import is_remote
from service.core.catalogue import Backend, Sources, files_of
from service.core.settings import Settings
from service.processes.geojson import dumps

if TYPE_CHECKING:
    from pipeline.runs.request import Request

SHEETS_READ_AS = {"nodata", "allow"}  # settings that tell how files are read
READ_AS = SHEETS_READ_AS | {"layer", "id", "group"}
FORGOTTEN_S = 14 * 86_400.0  # after which what a killed job left there is removed


@dataclass(frozen=True)
class JobRequest:
    """A request of a job, which can be executed at any time, here or in another process.

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
            stamp = fingerprint(str(file))
            yield [file.name, stamp["size"], stamp["mtime_ns"]]


def run_request(
    backend: Backend, inputs: Mapping[str, Any], files: Path, out: Path, **more: Any
) -> "Request":
    """The run that a process's inputs ask for, as the command line would ask for it.

    files: a folder for what of them is GeoJSON; the same inputs give the same files. A service
    without sheets asks for those of a finished run. more: fields of a `pipeline.Request`.
    """
    from pipeline.runs.request import Request

    settings = backend.settings
    computes = backend.sources.can_compute
    sources, how = (backend.sources, _read_as(settings)) if computes else (Sources(), {})
    footprints = written(inputs, "footprints", files)
    if footprints:
        how = {name: how[name] for name in how if name in SHEETS_READ_AS}
    drawn = isinstance(inputs["area"], dict)
    # What is sorted of an upload goes with it: in the cache it would stay for ever.
    own = files / "prepared" if footprints else None
    return Request.of(
        dsm=sources.dsm,
        dtm=sources.dtm,
        buildings=(footprints,) if footprints else sources.buildings,
        out=out,
        area=written(inputs, "area", files) if drawn else inputs["area"],
        around=inputs.get("around"),
        method=inputs["method"],
        settings=inputs["parameters"],
        layers=tuple(inputs["layers"]),
        restrictions=written(inputs, "restrictions", files),
        workers=settings.workers,
        scheduler=settings.scheduler,
        attribution=settings.attribution,
        lang=inputs["lang"],
        boundaries=backend.sources.boundaries,
        prepared=own,
        **how,
        **more,
    )


def _read_as(settings: Settings) -> dict[str, Any]:
    """Settings of reading sheets and footprints, as fields of a `pipeline.Request`."""
    how = {name: getattr(settings, name) for name in READ_AS}
    return how | {"allow": frozenset(settings.allow)}


@contextmanager
def temporary_folder(backend: Backend) -> Iterator[Path]:
    """A folder of files that nobody needs afterwards."""
    work = backend.settings.work
    work.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=work, prefix="asked-") as folder:
        yield Path(folder)


@dataclass(frozen=True)
class Execution:
    """A job request with what it reads from, the folder of its result, and its callbacks."""

    request: JobRequest
    backend: Backend
    folder: Path
    progress: Progress
    stop: Stop
    log: Log

    @property
    def work(self) -> Path:
        """A folder of its own: a key is worked at by one at a time."""
        return self.backend.settings.work / self.request.key

    def run_request(self, out: Path, **more: Any) -> "Request":
        """The run that is asked for. more: fields of a `pipeline.Request`."""
        return run_request(self.backend, self.request.inputs, self.work, out, **more)

    def run(self, request: "Request", source: str | None) -> None:
        """Leave a finished run, read from a collection if one is named."""
        from pipeline.runs.answers import answer
        from pipeline.runs.run import run

        if source:
            answer(request, self.backend.public[source].place, self.progress, self.stop)
        else:
            run(request, self.progress, self.stop, self.log)

    @contextmanager
    def work_folder(self) -> Iterator[None]:
        """The folder of work, while it is needed; a kill leaves it, to be resumed."""
        _forget(self.work.parent)
        self.work.mkdir(parents=True, exist_ok=True)
        os.utime(self.work)
        try:
            yield
        finally:
            shutil.rmtree(self.work, ignore_errors=True)


def written(inputs: Mapping[str, Any], name: str, folder: Path) -> str | None:
    """An input that is GeoJSON as a file; None if it was not given."""
    document = inputs.get(name)
    if document is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    file, content = folder / f"{name}.geojson", dumps(document)
    if not file.is_file() or file.read_bytes() != content:  # its time is a mark of what it holds
        write_atomic(file, content)
    return str(file)


def _forget(place: Path) -> None:
    """Remove what jobs left that were killed and never resumed."""
    for folder in place.iterdir() if place.is_dir() else ():
        if time.time() - folder.stat().st_mtime > FORGOTTEN_S:
            shutil.rmtree(folder, ignore_errors=True)
