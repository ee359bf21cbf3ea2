"""What GeoParquet 1.1 states of the column `geometry`, gathered while its rows are written."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyproj

from pipeline.storage.geoparquet import EDGES, rectangles
from pipeline.storage.slices import BBOX

TYPES = {3: "Polygon", 6: "MultiPolygon"}


class GeoMetadata:
    """Types and rectangle of polygons in EPSG:28992, as a file states them under `geo`."""

    def __init__(self) -> None:
        self._kinds = set[int]()
        self._boxes = [np.full(4, np.nan)]

    def add(self, rows: pa.Table) -> None:
        """Add rows, by their columns `geometry` and `bbox`."""
        self._kinds.update(_types(rows["geometry"]))
        bounds = rectangles(rows[BBOX])
        low = np.fmin.reduce(bounds[:, :2], axis=0, initial=np.nan)
        self._boxes.append(np.append(low, np.fmax.reduce(bounds[:, 2:], axis=0, initial=np.nan)))

    @property
    def text(self) -> str:
        """The metadata as JSON."""
        column: dict[str, Any] = {
            "encoding": "WKB",
            "geometry_types": sorted(name for kind, name in TYPES.items() if kind in self._kinds),
            "crs": pyproj.CRS("EPSG:28992").to_json_dict(),
            "covering": {"bbox": {edge: ["bbox", edge] for edge in EDGES}},
        }
        boxes = np.array(self._boxes)
        known = boxes[np.isfinite(boxes).all(axis=1)]
        if len(known):
            low, high = known[:, :2].min(axis=0), known[:, 2:].max(axis=0)
            column["bbox"] = [*low.tolist(), *high.tolist()]
        columns = {"geometry": column}
        return json.dumps({"version": "1.1.0", "primary_column": "geometry", "columns": columns})


def _types(wkb: pa.ChunkedArray) -> set[int]:
    """The types of geometries, as little-endian WKB has them in its second to fifth byte."""
    heads = pc.unique(pc.binary_slice(wkb, 1, 5)).drop_null().to_pylist()
    return {int.from_bytes(head, "little") for head in heads}
