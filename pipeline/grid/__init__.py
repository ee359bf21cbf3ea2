"""Cells, windows, lattice and tile masks of the national grid; reference systems; the sun."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "windows": ["LatticeCell", "Layout", "Shard", "Window"],
        "tile_masks": ["TileMask"],
    },
)
