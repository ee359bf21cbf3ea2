"""The wind of a year at the hubs of candidates, and what a turbine makes of it."""

from pipeline.methods.annual.rules import Annual
from pipeline.methods.annual.wind.model import Candidates, Ground, Obstacles, WindYear
from pipeline.methods.climate.turbines import Turbine
from pipeline.methods.climate.wind import SquareWind


def year_of_wind(
    candidates: Candidates,
    ground: Ground,
    obstacles: Obstacles,
    wind: SquareWind,
    turbine: Turbine,
    p: Annual,
) -> WindYear:
    """The year of a turbine on each candidate. wind: of the square of the lattice that holds the
    candidates' centres."""
    raise NotImplementedError
