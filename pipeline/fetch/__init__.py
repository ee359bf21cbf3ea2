"""Download of sheets, footprints and boundaries from the national services."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "download": ["fetch"],
    },
)
