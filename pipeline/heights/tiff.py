"""Number of tiles that a TIFF holds, for comparison with its header."""

import struct
from typing import BinaryIO, NamedTuple

TILES = 324  # the tag that tells where each tile begins
ORDERS = {b"II": "<", b"MM": ">"}


class Form(NamedTuple):
    """Layout of TIFF or BigTIFF. first: offset of the address of the first directory; address,
    number: how that and the number of its entries are written; entry: tag, type, length, value."""

    first: int
    address: str
    number: str
    entry: str


FORMS = {42: Form(4, "I", "H", "HHII"), 43: Form(8, "Q", "Q", "HHQQ")}  # the second is BigTIFF


def tiles_held(file: BinaryIO) -> int | None:
    """Number of tiles with an offset in the first directory; None for a file that is no TIFF, or
    is"""
    head = file.read(4)
    order = ORDERS.get(head[:2])
    form = FORMS.get(struct.unpack(f"{order}H", head[2:])[0]) if order and len(head) == 4 else None
    if form is None:
        return None
    try:
        (directory,) = _read(file, form.first, f"{order}{form.address}")
        (entries,) = _read(file, directory, f"{order}{form.number}")
        for _ in range(min(entries, 1000)):
            tag, _, length, _ = _read(file, None, f"{order}{form.entry}")
            if tag == TILES:
                return int(length)
    except struct.error:  # the file ends there
        return 0
    return None


def _read(file: BinaryIO, place: int | None, form: str) -> tuple[int, ...]:
    """Numbers at an offset of a file, or at its current position."""
    if place is not None:
        file.seek(place)
    return struct.unpack(form, file.read(struct.calcsize(form)))
