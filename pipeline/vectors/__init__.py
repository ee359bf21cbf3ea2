"""Files of polygons and points, and polygons that have to be mended."""
