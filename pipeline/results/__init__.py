"""What a run leaves: raster store, table of buildings, totals and report; and how they are read."""
