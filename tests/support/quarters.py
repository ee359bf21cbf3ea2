"""A generated quarter, a finished run of it, and the settings of a service that has both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import quarter
from pipeline.quarter.regions import write_regions
from pipeline.runs.request import Outputs, Request, Resources, Selection
from pipeline.runs.run import run
from service.core.catalogue import Backend
from service.core.settings import Settings
from service.processes.dispatch import execute, job_request
from tests.support.runs import inputs_of

SIZE, RESOLUTION = (300, 300), 1
MUNICIPALITY = "GM9999"
CORNER = "BU99990001"


@dataclass(frozen=True)
class World:
    """Where things lie: inputs as they are fetched, and a run of all of them."""

    inputs: Path
    run: Path
    request: Request
    bounds: tuple[float, float, float, float]

    def settings(self, state: Path, *data: Path, **more: Any) -> Settings:
        """Of a service; by default it has the run and the inputs."""
        return Settings(
            data=tuple(map(str, data or (self.run, self.inputs))), state=state, workers=2, **more
        )

    def backend(self, state: Path, *data: Path) -> Backend:
        """The same, as what it answers with."""
        return Backend.of(self.settings(state, *data))

    def asked(self, out: Path, **more: Any) -> Request:
        """A run as the command line asks for it."""
        return self.request.replace(out=out, **more)

    def box(self, west: float, south: float, east: float, north: float) -> str:
        """A rectangle by its distances from the south-western corner, as an area [m]."""
        x, y = self.bounds[:2]
        return f"{x + west},{y + south},{x + east},{y + north}"


def carried_out(process: str, inputs: dict[str, Any], backend: Backend, **more: Any) -> Path:
    """The folder of the result."""
    made = job_request(process, inputs, backend)
    folder = backend.settings.state / "results" / made.key
    folder.mkdir(parents=True, exist_ok=True)
    execute(made, backend, folder, **more)
    return folder


def generated(folder: Path) -> World:
    """A quarter with its boundaries, and a run of it, in a folder."""
    made = quarter.generate(folder / "inputs", size=SIZE, resolution=RESOLUTION)
    boundaries = write_regions(folder / "inputs", made.bounds)
    request = Request(
        inputs_of(made),
        Outputs(folder / "quarter"),
        Selection(boundaries=(str(boundaries),)),
        resources=Resources(workers=2),
    )
    run(request.replace(area=MUNICIPALITY))
    return World(folder / "inputs", folder / "quarter", request, made.bounds)
