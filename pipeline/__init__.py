"""Grids, files and dask: from AHN sheets to zarr and a table of buildings.

from pipeline import Request, run
"""

import lazy_loader

# Only what is asked for is imported: the libraries of a run take seconds to load.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "errors": ["InputError", "Stopped"],
        "runs.publish": ["Result"],
        "runs.plan": ["plan"],
        "runs.request": ["Inputs", "Outputs", "Request", "Resources", "Selection"],
        "runs.run": ["run"],
    },
)
