"""The climate of the Netherlands: what sun and wind give each square of the lattice; turbines."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "files": ["Climate", "read_climate", "shipped_climate"],
        "square": ["SquareClimate", "Suns", "climate_of"],
        "stations": ["stations_warning"],
        "turbines": ["Turbine", "Turbines", "read_turbines", "shipped_turbines"],
        "wind": ["SquareWind", "wind_of"],
        "table": ["beam_table", "month_tables"],
        "light": ["Light", "Planes", "best_unshaded", "light_of_year"],
    },
)
