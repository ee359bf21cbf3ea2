"""What a run computes and keeps: table of buildings, raster pyramid, totals and report, and how
they are read. What other programs and people take of them is in `output`.
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
