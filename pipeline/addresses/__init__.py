"""Addresses of BAG or of a table: read, indexed and searched, each leading to its building."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "index": ["AddressIndex", "open_index"],
        "read": ["read_addresses"],
    },
)
