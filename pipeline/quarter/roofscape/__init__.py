"""Generated roofs whose planes are known: the second scene, beside the quarter."""

from pipeline.quarter.roofscape.faces import Face, Roof, Sheet, TruePlane
from pipeline.quarter.roofscape.scene import Hole, Roofscape, Survey, roofscape, terraced_town
from pipeline.quarter.roofscape.write import RoofFiles, generate_roofs, standing_roofs, write_roofs

__all__ = [
    "Face",
    "Hole",
    "Roof",
    "RoofFiles",
    "Roofscape",
    "Sheet",
    "Survey",
    "TruePlane",
    "generate_roofs",
    "roofscape",
    "standing_roofs",
    "terraced_town",
    "write_roofs",
]
