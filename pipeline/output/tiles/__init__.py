"""Map tiles of a finished run, WebMercatorQuad: pictures of the rasters, vectors of the roofs."""
