"""GDAL in memory, its source a view of the array."""

from functools import partial

from osgeo import gdal, gdal_array

from bench.peers.program import (
    AZIMUTH,
    ELEVATION,
    NORTH,
    RESOLUTION,
    WEST,
    Call,
    PeerCall,
    Scene,
    play,
)

gdal.UseExceptions()


def in_memory(scene: Scene) -> gdal.Dataset:
    source = gdal_array.OpenArray(scene.height)
    source.SetGeoTransform((WEST, RESOLUTION, 0.0, NORTH, 0.0, -RESOLUTION))
    return source


def hillshade(scene: Scene) -> Call:
    sun = {"azimuth": AZIMUTH, "altitude": ELEVATION}
    return partial(gdal.DEMProcessing, "", in_memory(scene), "hillshade", format="MEM", **sun)


def slope(scene: Scene) -> Call:
    return partial(gdal.DEMProcessing, "", in_memory(scene), "slope", format="MEM")


JOBS = {
    "hillshade": PeerCall(hillshade, gdal.Dataset.ReadAsArray),
    "slope": PeerCall(slope, gdal.Dataset.ReadAsArray),
}


if __name__ == "__main__":
    play(JOBS, gdal.__version__)
