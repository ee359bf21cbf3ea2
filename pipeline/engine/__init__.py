"""Tasks on threads, processes or a dask cluster; progress, stop and log."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "engine": ["Engine", "open_engine"],
        "tasks": ["Stop"],
    },
)
