"""Footprints of buildings: read, checked, put in an order in space, and cut into cells."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "footprints": ["Footprints"],
        "outlines": ["Outlines"],
        "prepared": ["Prepared"],
    },
)
