"""Results of a run: table of buildings, raster pyramid, totals and report, and reading them.
Files for other programs and people are made from these in `output`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "finished": ["Finished", "open_finished"],
        "features": ["Features"],
        "filters": ["Filter", "filter_of"],
        "report": ["read_buildings"],
        "store": ["open_store"],
        "totals": ["Totals"],
    },
)
