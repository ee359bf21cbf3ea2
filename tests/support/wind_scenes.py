"""Towns with candidates for a turbine, and what the plain reference says of each row of a run."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from pipeline import quarter
from tests.support.reference import Cells, cell_of, cells_inside
from tests.support.runs import Files, World, read
from tests.support.wind_year import SQUARE, Rose, Site, Town, Turbine, rose_of

SHIPPED = Path(__file__).parents[2] / "pipeline/methods/climate"
GROUP = "blok"


def rows_of(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with file.open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def turbine_of(name: str) -> Turbine:
    """A turbine of the shipped file."""
    (row,) = (row for row in rows_of(SHIPPED / "turbines.csv") if row["name"] == name)
    curve = [float(row[f"w{number:02d}"]) for number in range(60)]
    return Turbine(*(float(row[part]) for part in ("swept_m2", "rated_w", "cp_field")), curve)


def rose_at(x: float, y: float, climate: Path = SHIPPED) -> Rose:
    """The wind of the square that holds a place [RD m]."""
    column, row = int(x // SQUARE), int(y // SQUARE)
    return rose_of(column, row, rows_of(climate / "wind.csv"), rows_of(climate / "stations.csv"))


@dataclass
class Judged:
    """Inputs as arrays, and the rows of a run's table by their place in the footprints."""

    town: Town
    rows: list[dict[str, Any]]
    groups: list[str | None]

    @classmethod
    def of(cls, files: Files, rows: list[dict[str, Any]]) -> "Judged":
        (dsm, transform, _), (dtm, _, _) = read(files.dsm), read(files.dtm)
        table = gpd.read_parquet(files.buildings)
        groups = list(table[GROUP]) if GROUP in table else [None] * len(table)
        return cls(Town(dsm, dtm, transform), rows, groups)

    def own(self, row: dict[str, Any]) -> Cells:
        """The cells of a footprint, those beyond the raster too."""
        transform = self.town.transform
        cells = cells_inside(shapely.from_wkb(row["geometry"]), transform)
        centre = shapely.Point(row["centre_x"], row["centre_y"])
        return cells if cells.rows.size else cell_of(centre, transform)

    def site(self, row: dict[str, Any], fetch: float = 1000.0) -> Site:
        """A row's roof with all that its wind depends on."""
        group = self.groups[row["row"]]
        others = [
            self.own(other) for other in self.rows
            if group is not None and self.groups[other["row"]] == group and other is not row
            and other["geometry"] is not None
        ]  # fmt: skip
        centre = row["centre_x"], row["centre_y"]
        return self.town.site(row["roof_m"], row["ground_m"], centre, self.own(row), others, fetch)

    def expected(
        self, row: dict[str, Any], turbine: str = "study", climate: Path = SHIPPED, **p: Any
    ) -> dict[str, Any]:
        """What the reference says of a row."""
        site = self.site(row, p.get("fetch_m", 1000.0))
        rose = rose_at(row["centre_x"], row["centre_y"], climate)
        return site.columns(rose, turbine_of(turbine), **p)


def grouped_quarter(folder: Path) -> Files:
    """A generated quarter in which a tower and its podium are one building, and two towers that
    stand apart another."""
    made = quarter.generate(folder, size=(700, 700))
    kinds = [building.kind for building in made.truth]
    towers = [i for i, kind in enumerate(kinds) if kind == "tower"]
    table = gpd.read_file(made.buildings)
    blocks = np.full(len(table), None, object)
    blocks[[kinds.index("podium"), kinds.index("tower_at_podium")]] = "podium"
    blocks[towers[:2]] = "towers"
    table[GROUP] = blocks
    table.to_parquet(folder / "pand.parquet")
    return Files(made.dsm, made.dtm, folder / "pand.parquet")


def made_town() -> World:
    """A town on a slope about a corner of the lattice, with towers, trees, a canal without data,
    and ground unknown under buildings, in a whole square even; cells and squares of the relief
    are cut by its edge. A building of three parts has one part far from the others, and a
    candidate reaches beyond the edge."""
    w = World(1301, 1103, resolution=1.0, west=122_880.0 - 603, south=481_280.0 - 517)
    rng = np.random.default_rng(16)
    rows, columns = np.indices(w.dtm.shape)
    slope = 2 + 0.004 * columns - 0.002 * rows
    w.dtm[:] = np.round(slope, 2)
    w.dsm[:] = w.dtm + np.where(rng.random(w.dtm.shape) < 0.01, 9, 0).astype(np.float32)
    for x in range(20, 1260, 60):
        for y in range(15, 1060, 50):
            if rng.random() < 0.75:
                _block(w, rng, x, y, float(np.round(rng.uniform(4, 16), 2)))
    for x, y, height in ((300, 300, 62), (640, 540, 45.5), (610, 500, 88), (900, 240, 24),
                         (480, 830, 31), (520, 860, 27), (1000, 800, 21.5)):  # fmt: skip
        _block(w, rng, x, y, float(height))
    for x, y, height in ((700, 700, 24), (724, 700, 52), (950, 640, 70)):
        row = _block(w, rng, x, y, float(height))
        w.rows[row][GROUP] = "three parts"
    _block(w, rng, 1280, 400, 33.0, beyond=10)
    w.dsm[:, 820:846] = w.dtm[:, 820:846] = np.nan
    w.dtm[w.part(100, 500, 470, 1003)] = np.nan
    return w


def _block(
    w: World, rng: np.random.Generator, x: float, y: float, height: float, beyond: float = 0
) -> int:
    """A building of odd size, its row; the ground below it is mostly unknown."""
    wide, deep = (int(size) for size in rng.integers(12, 28, 2))
    part = w.part(x, y, min(x + wide, w.width), y + deep)
    w.dsm[part] = np.float32(round(float(np.nanmedian(w.dtm[part])) + height, 2))
    if rng.random() < 0.8:
        w.dtm[part] = np.nan
    return w.footprint(shapely.box(x, y, x + wide + beyond, y + deep), **{GROUP: None})


def write_rows(file: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as a CSV."""
    with file.open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
