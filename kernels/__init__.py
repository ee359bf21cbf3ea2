"""Compiled raster kernels: arrays in, arrays out, no I/O."""

from kernels.gradient import aspect, hillshade, slope
from kernels.shadow import Sun, cast_shadow
from kernels.wind import any_within

__all__ = ["Sun", "any_within", "aspect", "cast_shadow", "hillshade", "slope"]
