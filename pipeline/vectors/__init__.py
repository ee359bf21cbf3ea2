"""Vector files read in RD metres; polygons made valid and overlaid."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "files": ["Vector", "open_vector", "read_vector"],
        "overlay": ["make_valid", "union"],
        "rd": ["rd_transform_of"],
    },
)
