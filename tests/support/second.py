"""A second method, which only the tests have: how high roofs stand above the ground, in one pass.

    python -m tests.support.second serve ...

is the command line with it; so are the workers of jobs that this starts.
"""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.methods import METHODS
from pipeline.methods.buildings import BuildingParameters, CentreParameter, Judged, Measured
from pipeline.methods.house import FLAGS, REASONS, SHAPE, identity, verdict
from pipeline.methods.method import (
    BOOLEAN,
    NUMBER,
    TEXT,
    WHOLE,
    Class,
    Column,
    Field,
    Flag,
    Label,
    Layer,
    Method,
    Total,
    Words,
    lists_of,
    names,
)  # fmt: skip
from pipeline.methods.parameters import parameter
from pipeline.methods.passes import Block, Pass, Work
from pipeline.methods.reach import Reach
from pipeline.methods.shades import Palette, Shade

CLASSES = (
    Class("tall", "tall", "hoog", colour="#3b4cc0", edge="#1d2a80", suits="is_tall"),
    Class("low", "low", "laag", colour="#dddddd", edge="#888888"),
)
TOO_SMALL = Label("too_small", "has fewer cells than the method asks", "heeft te weinig cellen")
SLANTED = Flag("slanted", "the roof is not flat", "het dak is niet plat")
ABOVE_WORDS = (
    Words("Height above ground", "of the roof's percentile"),
    Words("Hoogte boven maaiveld", "van het percentiel van het dak"),
)
ABOVE = Column(
    "above_m", NUMBER, "m", *ABOVE_WORDS,
    totals=(Total("above_m", "heights", "m", weight="area_m2"),),
)  # fmt: skip
PROFILE_FIELDS = (
    Field("percent", WHOLE, "%", *[Words("Percentile", "of the roof's heights")] * 2),
    Field("above_m", NUMBER, "m", *ABOVE_WORDS),
)
PROFILE = Column(
    "profile", lists_of(PROFILE_FIELDS), "m",
    Words("Profile", "of the roof: percentiles above the ground"),
    Words("Profiel", "van het dak: percentielen boven het maaiveld"),
    in_tiles=False, filterable=False, fields=PROFILE_FIELDS,
)  # fmt: skip
STOREY_FIELDS = (
    Field("number", pa.int32(), "", *[Words("Storey", "from 1")] * 2),
    Field("kind", TEXT, "", *[Words("Kind", "ground, upper")] * 2, ("ground", "upper")),
    Field("floor_m", NUMBER, "m", *[Words("Floor", "its height")] * 2),
    Field("outline", pa.binary(), "", *[Words("Outline", "polygon")] * 2),
)
SHADES = (
    Shade("ground", "ground floor", "begane grond", "#777777", "kind", "ground"),
    Shade("upper", "from 3 m", "vanaf 3 m", "#3b4cc0", "floor_m", low=3.0),
)
STOREYS = Column(
    "storeys", lists_of(STOREY_FIELDS), "", Words("Storeys", "of 3 m"), Words("Lagen", "van 3 m"),
    fields=STOREY_FIELDS, geometry="outline", shades=SHADES,
)  # fmt: skip
IS_TALL = Column(
    "is_tall", BOOLEAN, "",
    Words("Tall", "as high as the method asks"),
    Words("Hoog", "zo hoog als de methode vraagt"),
    totals=(Total("is_tall"),),
)  # fmt: skip
RISE = Layer(
    "rise", "float32", float("nan"), "m", "height of the DSM above the DTM",
    "Height above the ground", "Hoogte boven het maaiveld",
    drawn=Palette(("#f7f7f7", "#fdae61", "#a50026"), 0.0, 20.0), default=True,
)  # fmt: skip


@dataclass(frozen=True)
class Above(CentreParameter, BuildingParameters):
    """The parameters of the method."""

    tall_m: float = parameter("number", 6.0, "two storeys", unit="m", minimum=0, maximum=400)


def above(work: Work, block: Block) -> Judged:
    """Paint a block, and judge its buildings."""
    core = block.core.intersect(work.raster_window)
    if core.size:
        work.write_layers(core, {"rise": work.heights.dsm(core) - work.heights.dtm(core)})
    measured = work.measured(block.footprints)
    measured = measured.rejecting(TOO_SMALL.name, measured.cells < 4)
    tall = measured.height >= 100 * work.context.p.tall_m
    outlines = measured.footprints.wkb
    columns = {
        ABOVE.name: measured.height / 100,
        PROFILE.name: pa.array(map(_profile, _above(measured).tolist()), PROFILE.type),
        STOREYS.name: pa.array(map(_storeys, measured.height.tolist(), outlines), STOREYS.type),
        IS_TALL.name: tall,
    }
    slanted = measured.top - measured.median > 100
    return Judged(measured, np.where(tall, "tall", "low"), columns, {SLANTED.name: slanted})


def _above(measured: Measured) -> np.ndarray:
    return np.column_stack([measured.median, measured.top]) - measured.ground[:, None]


def _profile(heights: list[int]) -> list[dict[str, float]]:
    return [{"percent": p, "above_m": cm / 100} for p, cm in zip((50, 95), heights, strict=True)]


def _storeys(height: int, outline: bytes | None) -> list[dict[str, Any]]:
    kinds = ["ground"] + ["upper"] * (height // 300)
    rows = [(n + 1, kind, 3.0 * n, outline) for n, kind in enumerate(kinds)]
    return [dict(zip(names(STOREY_FIELDS), row, strict=True)) for row in rows]


MEANING = ("tall, low; null: not judged", "tall (hoog), low (laag); leeg: niet beoordeeld")
REASONS_, FLAGS_ = (*REASONS, TOO_SMALL), (*FLAGS, SLANTED)
SECOND = Method(
    "above",
    Above,
    (
        *identity(), ABOVE, PROFILE, STOREYS, IS_TALL,
        *verdict(CLASSES, *MEANING, REASONS_, FLAGS_), *SHAPE,
    ),
    CLASSES, REASONS_, FLAGS_, (RISE,),
    passes=(Pass("above", above),),
    reach=Reach(lambda p: 0.0),
)  # fmt: skip

if __name__ == "__main__":
    METHODS[SECOND.name] = SECOND
    from service.cli.main import main

    main(sys.argv[1:])
