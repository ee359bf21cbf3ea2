"""What a client is told of the tiles of a run before it asks for any."""

from typing import NamedTuple

from pipeline.grid.crs import lonlat
from pipeline.output.tiles import overview, roofs
from pipeline.output.tiles.pictures import Pictures
from pipeline.output.tiles.roofs import RoofTiles
from pipeline.storage.slices import Rectangle

ROOFS = "roofs"  # the layer of the overview


class Facts(NamedTuple):
    """Extent and zooms of a tile layer. bounds: west, south, east, north [degrees]; first, last:
    lowest and highest zoom; suns: sun positions that a tile can be asked for; fields: of a
    vector layer, and their types."""

    bounds: Rectangle
    first: int
    last: int
    suns: int = 0
    fields: dict[str, str] | None = None


def facts(table: RoofTiles, pictures: Pictures | None) -> dict[str, Facts]:
    """Facts of each layer of a run with anything to show. Roofs reach as far as the pictures, if
    there are any, since single footprints may lie far outside."""
    values: dict[str, Facts] = {}
    ground = _on_grid(table.bounds)
    if pictures is not None and pictures.bounds:
        ground = pictures.bounds
        for name in pictures.layers:
            values[name] = Facts(lonlat(ground), *pictures.zooms(name), pictures.suns(name))
    if table.bounds and ground:
        around = lonlat(ground)
        values[ROOFS] = Facts(around, overview.FIRST, overview.LAST)
        values[roofs.LAYER] = Facts(around, roofs.FIRST, roofs.LAST, fields=table.fields)
    return values


def _on_grid(bounds: Rectangle | None) -> Rectangle | None:
    """The part on the grid on which roofs are counted: beyond it there is no lon/lat to tell."""
    if not bounds:
        return None
    west, south, east, north = (min(max(edge, 0.0), overview.WIDTH) for edge in bounds)
    return (west, south, east, north) if west < east and south < north else None
