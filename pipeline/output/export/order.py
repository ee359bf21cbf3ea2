"""What is asked of an export, and what all its formats say."""

import json
from pathlib import Path
from typing import NamedTuple

from pipeline.results import report
from pipeline.results.printed import attributions
from pipeline.storage.places import Place

LAYER = "buildings"
MARK = 'key="program">daklaag '  # how GDAL keeps the first item of the provenance in a GeoPackage


class Order(NamedTuple):
    """What is to be written: a folder of a finished run, where to, which layer, in which words."""

    directory: Place
    to: Path
    layer: str | None
    lang: str


def provenance(order: Order) -> dict[str, str]:
    """What a file says of where it comes from, wherever it goes."""
    told = report.read(order.directory)
    return {
        "program": " ".join(map(str, told["program"].values())),
        "method": told["method"]["name"],
        "parameters": json.dumps(told["method"]["parameters"]),
        "attribution": "; ".join(attributions(told["inputs"])),
    }
