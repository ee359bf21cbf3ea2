"""What is asked of an export, and what all its formats say."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.methods.method import Method
from pipeline.results.finished import Finished, open_finished
from pipeline.results.printed import attributions, sun_times
from pipeline.storage.places import Place

LAYER = "buildings"
MARK = 'key="program">daklaag '  # how GDAL keeps the first item of the provenance in a GeoPackage


class ExportRequest(NamedTuple):
    """What is to be written: a folder of a finished run, where to, which layer, in which words."""

    directory: Place
    to: Path
    layer: str | None
    lang: str

    @property
    def run(self) -> Finished:
        """Which is written. Raises InputError where there is none, or a damaged one."""
        return open_finished(self.directory)

    @property
    def report(self) -> dict[str, Any]:
        """The report of the run."""
        return self.run.report

    @property
    def method(self) -> Method:
        """The method that judged the roofs."""
        return self.run.method

    @property
    def moments(self) -> list[str]:
        """The clock times that its lists and layers tell apart."""
        return sun_times(self.report)


def provenance(order: ExportRequest) -> dict[str, str]:
    """What a file says of where it comes from, wherever it goes."""
    run_report = order.report
    return {
        "program": " ".join(map(str, run_report["program"].values())),
        "method": run_report["method"]["name"],
        "parameters": json.dumps(run_report["method"]["parameters"]),
        "attribution": "; ".join(attributions(run_report["inputs"])),
    }
