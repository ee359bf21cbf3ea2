"""The Dutch national grid as a coordinate reference system."""

import pyproj

RD = pyproj.CRS("EPSG:28992")


def horizontal(crs: pyproj.CRS) -> pyproj.CRS:
    """Without the heights of a compound CRS, such as EPSG:7415."""
    return crs.sub_crs_list[0] if crs.is_compound else crs


def is_rd(crs: pyproj.CRS) -> bool:
    """Whether a CRS is Amersfoort / RD New, in metres, however it is written."""
    metres = all(axis.unit_conversion_factor == 1.0 for axis in crs.axis_info)
    return bool(metres and crs.to_epsg(min_confidence=20) == 28992)
