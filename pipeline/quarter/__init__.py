"""A generated Dutch quarter whose truth is known, for the demo, the tests and the benchmarks."""

from pipeline.quarter.cases import HEIGHTS_YEAR
from pipeline.quarter.compose import LATTICE_CORNER, default_origin, scene
from pipeline.quarter.scene import Cells, Scene, Tree
from pipeline.quarter.shapes import Building, Frame, Plane, Rect, Volume
from pipeline.quarter.write import NODATA, Quarter, generate, standing

__all__ = [
    "HEIGHTS_YEAR",
    "LATTICE_CORNER",
    "NODATA",
    "Building",
    "Cells",
    "Frame",
    "Plane",
    "Quarter",
    "Rect",
    "Scene",
    "Tree",
    "Volume",
    "default_origin",
    "generate",
    "scene",
    "standing",
]
