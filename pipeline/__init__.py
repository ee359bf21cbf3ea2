"""Grids, files and dask: from AHN sheets to zarr and a table of buildings."""
