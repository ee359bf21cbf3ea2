"""Roofs too many or too small for their outlines: a picture of dots, counted slice by slice."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.colors import to_rgba_array
from numpy.typing import NDArray

from pipeline.methods.method import Method
from pipeline.output.map.legend import Bounds
from pipeline.output.map.palette import DPI, FRAME, styles
from pipeline.results.totals import legend, legend_columns
from pipeline.storage.slices import Buildings, slices

SHAPE = round(FRAME[3] * DPI), round(FRAME[2] * DPI)  # of the map: rows, columns
COLUMNS = ("selected", "rejected", "class", "excluded")
FAINTEST = 0.25  # opacity
FULL = 1 / 2500  # roofs a m2 where a dot is opaque; so is each that is no larger than 50 m


def shape_of(view: Bounds) -> tuple[int, int]:
    """Rows and columns of dots of a map as wide as FRAME that shows `view`."""
    west, south, east, north = view
    return round(SHAPE[1] * (north - south) / (east - west)), SHAPE[1]


def filled(method: Method) -> tuple[str, ...]:
    """The layers that fill a dot, from the lowest to the highest; of as many roofs the last wins.
    Classes that suit something lie above the others."""
    classes = sorted(method.classes, key=lambda each: bool(each.suits))
    return ("unselected", "not_judged", *(each.name for each in classes))


def layers(buildings: pa.Table, method: Method) -> dict[str, NDArray[np.bool_]]:
    """A mask of rows for each layer of the map, from the lowest layer to the highest."""
    judged = buildings["rejected"].is_null().to_numpy()
    selected = pc.fill_null(buildings["selected"], False).to_numpy()
    of_class = {
        name: pc.fill_null(pc.equal(buildings["class"], name), False).to_numpy()
        for name in filled(method)[2:]
    }
    return {
        "unselected": ~selected,
        "not_judged": selected & ~judged,
        **{name: selected & judged & rows for name, rows in of_class.items()},
        "set_aside": selected & judged & buildings["excluded"].is_valid().to_numpy(),
    }


def dots(
    buildings: Buildings, view: Bounds, method: Method
) -> tuple[NDArray[np.float32], dict[str, int]]:
    """A picture of RGBA of 0 to 1, (*shape_of(view), 4), the northern row first, and the roofs in
    each line of the legend. A pixel with a roof's centre has the colour of the layer with most
    roofs there, fainter where there are few."""
    height, width = shape_of(view)
    order = filled(method)
    roofs = np.zeros((len(order), height * width), np.uint32)
    counts = Counter[str]()
    for part in slices(buildings, [*legend_columns(method), "centre_x", "centre_y"]):
        pixel, on_map = _pixels(part, view)
        counts.update({name: int(rows.sum()) for name, rows in legend(part, method).items()})
        for name, rows in layers(part, method).items():
            if name in order:
                np.add.at(roofs[order.index(name)], pixel[rows & on_map], 1)
    picture = coloured(roofs, (view[2] - view[0]) / width, method)
    return picture.reshape(height, width, 4), counts


def coloured(roofs: NDArray[np.uint32], dot: float, method: Method) -> NDArray[np.float32]:
    """RGBA of 0 to 1, (n, 4), of n dots of so many metres with roofs (layers in `filled`, n)."""
    most = len(roofs) - 1 - roofs[::-1].argmax(axis=0)
    faces = [styles(method)[name]["facecolor"] for name in filled(method)]
    picture: NDArray[np.float32] = to_rgba_array(faces).astype(np.float32)[most]
    number, full = roofs.sum(axis=0), FULL * dot**2
    density = np.log1p(number) / math.log1p(max(full, 1.0))
    picture[:, 3] = np.where(number, FAINTEST + (1 - FAINTEST) * np.minimum(density, 1), 0)
    return picture


def _pixels(buildings: pa.Table, view: Bounds) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The pixel of each row's centre, and whether it is on the map."""
    west, south, east, north = view
    height, width = shape_of(view)
    x, y = (pc.fill_null(buildings[f"centre_{axis}"], np.inf).to_numpy() for axis in "xy")
    column = np.floor((x - west) / (east - west) * width)
    row = np.floor((north - y) / (north - south) * height)
    on_map = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    pixel = np.where(on_map, row, 0).astype(np.int64) * width + np.where(on_map, column, 0)
    return pixel.astype(np.int64), on_map
