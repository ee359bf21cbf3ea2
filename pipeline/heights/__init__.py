"""Elevation: AHN sheets, mosaics of them, and the relief that is kept of each."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "mosaics": ["open_mosaic"],
        "pair": ["PairReader", "HeightPair"],
    },
)
