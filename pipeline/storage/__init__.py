"""Files, folders and object storage; cache, checksums, ledger and lock; tables in space."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "places": ["Place", "Storage", "place_of", "storage_of"],
        "cache": ["cache_dir"],
        "ledger": ["Ledger"],
    },
)
