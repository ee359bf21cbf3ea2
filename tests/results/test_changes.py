"""What differs between two runs, and that nothing differs beyond what a change can reach."""

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline import quarter
from pipeline.errors import InputError
from pipeline.grid.sun import suns_degrees
from pipeline.grid.windows import LatticeCell
from pipeline.methods.powermapping import influence
from pipeline.methods.powermapping.declaration import POWERMAPPING
from pipeline.methods.powermapping.rules import Powermapping
from pipeline.methods.reach import hull
from pipeline.results.changes import changes, totals_changed
from pipeline.runs import whatif
from pipeline.runs.run import run
from pipeline.runs.whatif import reach_in
from tests.support.finished import amend
from tests.support.runs import Files, undrawn

SURFACES = ("extruded", "dsm")
TALL = 0.5, 0.2, 60.0  # where in the quarter, and how high [m]


@pytest.fixture(autouse=True, scope="module")
def no_map() -> Iterator[None]:
    with undrawn():
        yield


@dataclass(frozen=True)
class Quarter:
    """Inputs, and what a run leaves on each surface."""

    files: Files
    folder: Path

    def run(self, name: str, surface: str = "extruded", **more: Any) -> Path:
        """What a run leaves; one that is there already is not done again."""
        out = self.folder / f"{surface}-{name}"
        options: dict[str, Any] = {"settings": {"surface": surface}, "layers": ()}
        run(self.files.request(out, **(options | more)))
        return out


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Quarter:
    folder = tmp_path_factory.mktemp("town")
    made = quarter.generate(folder / "in", size=(900, 900), resolution=2)
    found = Quarter(Files(made.dsm, made.dtm, made.buildings), folder)
    for surface in SURFACES:
        found.run("before", surface)
    return found


def tower(town: Quarter, x: float, y: float, height: float, name: str) -> tuple[Any, str]:
    """A tower of 20 m a side by its place in the quarter, and the file that adds it."""
    west, south, east, north = gpd.read_file(town.files.buildings, layer="pand").total_bounds
    place = west + x * (east - west), south + y * (north - south)
    shape = shapely.box(*place, place[0] + 20, place[1] + 20)
    file = town.folder / f"{name}.parquet"
    if file.exists():
        return shape, str(file)
    rows = {"identificatie": [name], "height_m": [height]}
    gpd.GeoDataFrame(rows, geometry=[shape], crs=28992).to_parquet(file)
    return shape, str(file)


def with_tower(
    town: Quarter, x: float, y: float, height: float, surface: str = "extruded"
) -> tuple[Any, Path]:
    """The same tower, and what a run with it leaves."""
    name = f"{x}-{y}-{height}"
    shape, file = tower(town, x, y, height, name)
    return shape, town.run(name, surface, add_building=(file,))


def inside(found: pd.DataFrame, reach: Any) -> pd.Series:
    west, south, east, north = reach
    return found["centre_x"].between(west, east) & found["centre_y"].between(south, north)


@pytest.mark.parametrize(
    ("surface", "at"),
    [
        ("extruded", TALL),
        ("dsm", TALL),
        ("extruded", (0.2, 0.4, 90.0)),
        ("dsm", (0.7, 0.6, 25.0)),
        ("extruded", (0.45, 0.5, 8.0)),
    ],
)
def test_a_tower_changes_nothing_beyond_its_reach(
    town: Quarter, surface: str, at: tuple[float, float, float]
) -> None:
    before = town.folder / f"{surface}-before"
    shape, after = with_tower(town, *at, surface)
    found = changes(before, after).to_pandas()
    reach = reach_in(before, [(shape, None, at[2])])
    assert set(found["what"]) == {"added"} | ({"changed"} if len(found) > 1 else set())
    assert inside(found, reach).all()
    if at[2] == 60:  # it matters, and roofs change beyond half of the bound
        changed = found[found["what"] == "changed"]
        assert len(changed) > 5
        assert changed["centre_y"].max() - shape.bounds[3] > (reach[3] - shape.bounds[3]) / 2


def test_a_reach_that_is_too_short_is_seen(town: Quarter, monkeypatch: pytest.MonkeyPatch) -> None:
    before = town.folder / "extruded-before"
    shape, after = with_tower(town, *TALL)
    found = changes(before, after).to_pandas()
    monkeypatch.setattr(influence, "shadows_of", lambda *_: [])
    assert not inside(found, reach_in(before, [(shape, None, 60.0)])).all()


def test_a_building_that_goes_changes_nothing_beyond_its_reach(town: Quarter) -> None:
    before = town.folder / "extruded-before"
    rows = gpd.read_parquet(before / "buildings.parquet").dropna(subset=["class"])
    tall = rows.sort_values("roof_m").iloc[-1]
    after = town.run("gone", remove_building=(tall["id"],))
    found = changes(before, after).to_pandas()
    assert inside(found, reach_in(before, remove=[tall["id"]])).all()
    own = found[found["id"] == tall["id"]].iloc[0]
    assert (own["what"], own["rejected_after"]) == ("changed", "not_standing")
    assert own["class_before"] == tall["class"] and pd.isna(own["class_after"])
    assert len(found) > 1


def test_rows_and_sums_before_and_after(town: Quarter) -> None:
    before = town.folder / "extruded-before"
    _, after = with_tower(town, *TALL)
    found = changes(before, after).to_pandas().set_index("row")
    a, b = (gpd.read_parquet(d / "buildings.parquet").set_index("row") for d in (before, after))
    same = a.index[~a.index.isin(found.index)]
    for name in ("class", "rejected", "wind_shadowed", "solar_kwh", "wind_kwh"):
        pd.testing.assert_series_equal(a.loc[same, name], b.loc[same, name])
    assert all(np.array_equal(x, y) for x, y in zip(a.loc[same, "lit"], b.loc[same, "lit"],
                                                    strict=True) if x is not None)  # fmt: skip
    dark = found[found["what"] == "changed"].iloc[0]
    row = dark.name
    assert dark["lit_before"] == "".join(str(int(v)) for v in a.loc[row, "lit"])
    assert dark["lit_after"] == "".join(str(int(v)) for v in b.loc[row, "lit"])
    said = totals_changed(before, after)
    json.dumps(said, allow_nan=False)
    assert said["difference"]["counts"]["footprints"] == 1
    kwh = (found["solar_kwh_after"].fillna(0) - found["solar_kwh_before"].fillna(0)).sum()
    assert said["difference"]["kwh"]["solar"] == pytest.approx(kwh)
    gone = changes(after, before).to_pandas()
    assert set(gone["what"]) == {"gone", "changed"} and len(gone) == len(found)
    assert len(changes(before, before)) == 0


def test_rows_compared_a_few_at_a_time(town: Quarter) -> None:
    """As those of a nation are, which do not stand in memory together."""
    before = town.folder / "extruded-before"
    _, after = with_tower(town, *TALL)
    at_once = changes(before, after)
    assert changes(before, after, at_once=100).equals(at_once) and len(at_once) > 5


def test_two_areas_are_not_compared(town: Quarter) -> None:
    before = town.folder / "extruded-before"
    part = Path(shutil.copytree(before, town.folder / "part"))
    said = json.loads((part / "report.json").read_text())
    said["inputs"]["area"] = [0, 0, 9e5, 9e5]
    amend(part, said)
    with pytest.raises(InputError, match="not of one area: area"):
        changes(before, part)


def test_an_id_that_is_not_there(town: Quarter) -> None:
    before = town.folder / "extruded-before"
    with pytest.raises(InputError, match="extruded-before: has no building 4711"):
        reach_in(before, remove=["4711"])
    with pytest.raises(InputError, match="no building comes or goes"):
        reach_in(before)


def test_a_tower_of_60_m_reaches_its_shadow_and_the_wind_and_no_more() -> None:
    """In Amsterdam on the shortest day the sun stands 6.7 degrees high at 10:00."""
    x, y, size = 121_000.0, 487_000.0, 20.0
    shape, p = shapely.box(x, y, x + size, y + size), Powermapping()
    heights = [h for h, _ in suns_degrees(LatticeCell(11, 47), p.date, p.times, p.elevation)]
    length = 60 / math.tan(math.radians(min(heights)))
    assert 510 < length < 520
    bounds = np.array(shape.bounds)
    reached = POWERMAPPING.reach.of_change(p, bounds, 60.0, lambda *_: 0.0)
    west, south, east, north = hull([bounds, *reached], whatif.CELLS_M)
    assert 0.7 * length < north - (y + size) - whatif.CELLS_M < length
    assert 0.3 * length < x - west < 0.8 * length
    assert east - (x + size) == y - south == p.wind_radius_m + whatif.CELLS_M
