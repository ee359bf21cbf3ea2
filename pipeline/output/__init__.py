"""Output of a finished run for people and other programs: exports, map, map tiles, static site. The
table, rasters, totals and report themselves are in `results`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "tiles.overview": ["Overview"],
        "tiles.pictures": ["Pictures"],
        "tiles.roofs": ["RoofTiles"],
        "tiles.scheme": ["MapTile"],
    },
)
