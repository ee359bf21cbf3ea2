"""Buildings that are taken away: what if they were demolished?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.footprints.footprints import PREFIX
from pipeline.footprints.ids import with_zeros
from pipeline.footprints.prepared import Prepared
from pipeline.messages import Text
from pipeline.runs.added import Added
from pipeline.terms import Field


@dataclass(frozen=True)
class Removed:
    """One of them. places: xmin, ymin, xmax, ymax [m] of each footprint that bears the id."""

    id: str
    places: tuple[tuple[float, ...], ...]

    @property
    def provenance(self) -> dict[str, Any]:
        """The removal as it stands in the provenance."""
        return {"id": self.id, "places": [list(place) for place in self.places]}


def find_removed(
    ids: Sequence[str], prepared: Prepared, added: Added | None
) -> tuple[Removed, ...]:
    """The buildings of these ids among the footprints, in the order of the ids.

    Raises InputError for an id that no footprint with a polygon bears, or that is added as well.
    """
    wanted = plain(ids)
    both = sorted({*wanted} & ({*added.id.tolist()} if added else set()))
    if both:
        raise InputError(
            Field("remove_building", both[0]),
            "is the id of a building that is added as well",
            "give that another id",
        )
    found = _places(prepared, wanted)
    for name in wanted:
        if name not in found:
            raise InputError(Field("remove_building", name), "{why}", why=_unknown(prepared, name))
    return tuple(Removed(name, tuple(found[name])) for name in wanted)


def plain(ids: Sequence[str]) -> list[str]:
    """Ids of buildings without the prefix of the BAG, in order."""
    return sorted({name.strip().removeprefix(PREFIX) for name in ids})


def _places(prepared: Prepared, ids: Sequence[str]) -> dict[str, list[tuple[float, ...]]]:
    """Rectangles of the footprints of each id that exists."""
    near = prepared.read(groups=prepared.table.holding(ids))
    found: dict[str, list[tuple[float, ...]]] = {}
    for i in np.flatnonzero(np.isin(near.id.astype(str), ids)):
        found.setdefault(near.id[i], []).append(tuple(near.bounds[i].tolist()))
    return {name: sorted(places) for name, places in found.items()}


def _unknown(prepared: Prepared, name: str) -> Text:
    """What to say of an id that is not there; the one that was meant, if zeros are missing."""
    if meant := with_zeros(prepared, [name]):
        return Text("no footprint has that id; did you mean {meant}?", meant=meant[name])
    return Text(
        "none of the {n:,} footprints has that id; give one as the file has it", n=len(prepared)
    )
