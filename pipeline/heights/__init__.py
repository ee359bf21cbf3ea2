"""Elevation sheets decoded to metres, mosaics, the pair of DSM and DTM, and the relief store."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "mosaics": ["open_mosaic"],
        "pair": ["PairReader", "HeightPair"],
    },
)
