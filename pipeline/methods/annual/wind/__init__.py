"""A year of wind: what a turbine on a roof makes of the wind that arrives there, by sector."""
