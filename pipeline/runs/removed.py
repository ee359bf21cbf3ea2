"""Removed buildings: judged as if they were demolished."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.footprints.footprints import PREFIX
from pipeline.footprints.ids import with_zeros
from pipeline.footprints.prepared import Prepared
from pipeline.messages import Text
from pipeline.runs.added import Added
from pipeline.terms import Field


class Removed(NamedTuple):
    """A removed building. places: [xmin, ymin, xmax, ymax] [RD m] of each footprint with its id."""

    id: str
    places: list[list[float]]


def find_removed(
    ids: Sequence[str], prepared: Prepared, added: Added | None
) -> tuple[Removed, ...]:
    """The buildings of these ids among the footprints, in the order of the ids.

    Raises InputError for an id that no footprint with a polygon bears, or that is added as well.
    """
    names = plain(ids)
    if both := sorted({*names} & ({*added.id.tolist()} if added else set())):
        raise InputError(
            Field("remove_building", both[0]),
            "is the id of a building that is added as well",
            "give that another id",
        )
    places = _places(prepared, names)
    for name in names:
        if name not in places:
            raise InputError(Field("remove_building", name), "{why}", why=_unknown(prepared, name))
    return tuple(Removed(name, places[name]) for name in names)


def plain(ids: Sequence[str]) -> list[str]:
    """Ids of buildings without the prefix of the BAG, in order."""
    return sorted({name.strip().removeprefix(PREFIX) for name in ids})


def _places(prepared: Prepared, ids: Sequence[str]) -> dict[str, list[list[float]]]:
    """Rectangles of the footprints of each id that exists."""
    footprints = prepared.read(groups=prepared.table.holding(ids))
    places: dict[str, list[list[float]]] = {}
    for i in np.flatnonzero(np.isin(footprints.id.astype(str), ids)):
        places.setdefault(footprints.id[i], []).append(footprints.bounds[i].tolist())
    return {name: sorted(rectangles) for name, rectangles in places.items()}


def _unknown(prepared: Prepared, name: str) -> Text:
    """Error message for an unknown id, with a suggestion if only its leading zeros are missing."""
    if suggestion := with_zeros(prepared, [name]):
        return Text("no footprint has that id; did you mean {id}?", id=suggestion[name])
    return Text(
        "none of the {n:,} footprints has that id; give one as the file has it", n=len(prepared)
    )
