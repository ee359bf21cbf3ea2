"""A request to export a run, and the provenance that every format states."""

import json
from pathlib import Path
from typing import NamedTuple

from pipeline.results.finished import Finished
from pipeline.results.printed import attributions, sun_times
from pipeline.storage.ledger import RASTERS
from pipeline.storage.places import Place, below

MARK = 'key="program">daklaag '  # how GDAL keeps the first item of the provenance in a GeoPackage


class ExportRequest(NamedTuple):
    """A finished run, the file to write, the layer (None: by the file's name), the language of
    titles, and the base map whose names are on a map."""

    run: Finished
    to: Path
    layer: str | None
    lang: str
    basemap: str | None = None

    @property
    def rasters(self) -> Place:
        """The place of the run's raster store."""
        return below(self.run.directory, RASTERS)

    @property
    def moments(self) -> list[str]:
        """The clock times of the run's lists and layers."""
        return sun_times(self.run.report)

    @property
    def provenance(self) -> dict[str, str]:
        """Program, method, parameters and sources, as a file states them."""
        report = self.run.report
        return {
            "program": " ".join(map(str, report["program"].values())),
            "method": report["method"]["name"],
            "parameters": json.dumps(report["method"]["parameters"]),
            "attribution": "; ".join(attributions(report["inputs"])),
        }
