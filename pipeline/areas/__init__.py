"""Areas to judge: boxes, polygons, circles and regions by name."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "selection": ["parse_area"],
    },
)
