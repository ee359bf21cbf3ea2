"""The climate of the Netherlands: what the sun gives each square of the lattice, month by month."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "files": ["Climate", "read_climate", "shipped_climate"],
        "square": ["SquareClimate", "Suns", "climate_of", "stations_warning"],
        "table": ["beam_table", "month_tables"],
        "light": ["Light", "Planes", "best_unshaded", "light_of_year"],
    },
)
