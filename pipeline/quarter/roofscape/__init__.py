"""Generated roofs whose planes are known: the second scene, beside the quarter."""

from pipeline.quarter.roofscape.faces import Face, Roof, Sheet, TruePlane
from pipeline.quarter.roofscape.scene import Hole, Roofscape, Survey, roofscape

__all__ = ["Face", "Hole", "Roof", "Roofscape", "Sheet", "Survey", "TruePlane", "roofscape"]
