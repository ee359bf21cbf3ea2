"""A run: what is asked, what it would read, its passes, updates, and answers from finished runs."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "publish": ["Result"],
        "request": ["Inputs", "Outputs", "Request", "Resources", "Selection"],
    },
)
