"""Pictures of tiles as PNG."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.output.tiles.scheme import SIDE

EFFORT = 4  # of zlib: 9 makes a hillshade 1 % smaller and takes three times as long


def paletted(index: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """index: (rows, columns), into palette: (256, 4) RGBA."""
    picture = Image.fromarray(index)
    picture.putpalette(palette[:, :3].tobytes())
    return _written(picture, transparency=palette[:, 3].tobytes())


def coloured(picture: NDArray[np.uint8]) -> bytes:
    """picture: (rows, columns, 4) RGBA."""
    return _written(Image.fromarray(picture))


def _written(picture: Image.Image, **more: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=EFFORT, **more)
    return stream.getvalue()


EMPTY_PNG = paletted(np.zeros((SIDE, SIDE), np.uint8), np.zeros((256, 4), np.uint8))
