"""Where the study's rule and the physics of the wind disagree, in two real places.

python -m bench.wind_study --data FOLDER [--page PAGE.md]

FOLDER has the real data (amsterdam/, delft-5m/), as DAKLAAG_DATA names it. Of each building of 20 m
and more both methods are asked: `powermapping`, by whose rule a higher building within 100 m takes
all the wind, and `annual`, which computes what arrives. PAGE gets the tables between its marks. It
takes some minutes.
"""

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from bench.planes import put_on
from bench.wind_places import amsterdam, candidates, delft
from bench.wind_roughness import roughness_rows
from pipeline.methods.annual.wind.columns import SECTOR_LABELS
from pipeline.methods.powermapping.rules import Powermapping

BEGIN = "<!-- wind: made by `python -m bench.wind_study` -->"
END = "<!-- end of wind -->"
LITTLE, MUCH = 0.10, 0.25  # of a yield that what rises above the roof takes
BEST = 6
EWI = "0503100000030264"  # its low part has the same id
ROUGHNESS = ("roughness on cells of 4 m against 0.5 m", "sectors", "z0 off, median",
             "with its sign", "5 to 95 %", "frontal area", "at most 15 %")  # fmt: skip
Row = Sequence[str]


def markdown(header: Row, rows: Iterable[Row]) -> str:
    """A table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shelter(table: pd.DataFrame, kept: str = "wind_kwh") -> "pd.Series[float]":
    """The share of each yield that what rises above the roof takes, 0 of no yield. kept: the column
    of what is left."""
    return (1 - table[kept] / table["open_kwh"].where(table["open_kwh"] > 0)).fillna(0.0)


def share(some: "pd.Series[bool]") -> str:
    """How many hold, and their share."""
    return f"{some.sum()} of {len(some)} ({100 * some.mean():.0f} %)" if len(some) else "none"


def spread(values: "pd.Series[float]", unit: str = "") -> str:
    """Median, least and most."""
    if not len(values):
        return "none"
    return f"{values.median():,.0f}{unit} ({values.min():,.0f}-{values.max():,.0f})"


def verdict_rows(table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Whether a building suits a turbine: by the study's rule, and by its field yield."""
    study, physics = table["study"], table["wind_suitable"]
    yield "candidates, 20 m and more", str(len(table))
    yield "suit by the study", share(study)
    yield "suit by their field yield", share(physics)
    yield "by both", share(study & physics)
    yield "by the study alone", share(study & ~physics)
    yield "by their yield alone", share(physics & ~study)
    yield "the two disagree", share(study != physics)


def shelter_rows(table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """What the rule on wind shadow and the wake say of the same buildings."""
    taken, shadow = shelter(table), table["wind_shadowed"]
    far = shelter(table, "far_kwh")
    for name, some in (("in wind shadow", taken[shadow]), ("not in wind shadow", taken[~shadow])):
        yield f"{name}: what neighbours take of the yield", spread(100 * some, " %")
        beyond = 100 * far[some.index]
        yield f"{name}: what those beyond 100 m take by themselves", spread(beyond, " %")
        yield f"{name}: less than {100 * LITTLE:.0f} %", share(some < LITTLE)
        yield f"{name}: more than {100 * MUCH:.0f} %", share(some > MUCH)
    middle = table["wind_kwh"][~shadow].median()
    yield (
        "in wind shadow, yet more than the median of those not in it",
        share(table["wind_kwh"][shadow] > middle),
    )


def yield_rows(table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """What turbines on the study's choice give a year."""
    chosen = table[table["study"]]
    yield "study: a turbine [kWh]", f"{Powermapping().turbine_kwh:,.0f}"
    yield "field yield [kWh]", spread(chosen["wind_kwh"])
    yield "brochure [kWh]", spread(chosen["wind_brochure_kwh"])
    promised = len(chosen) * Powermapping().turbine_kwh
    yield "all of them, study [MWh]", f"{promised / 1000:.1f}"
    yield "all of them, field [MWh]", f"{chosen['wind_kwh'].sum() / 1000:.1f}"
    yield "roughness length around them [m]", f"{chosen['z0_m'].median():.2f}"
    yield (
        "directions where the wake is held, all candidates",
        (f"{100 * table['wind_held'].mean():.0f} %"),
    )
    cut = table["flags"].map(lambda flags: "reach_cut" in flags)
    yield "flagged `reach_cut`: ground within 1 km is missing", share(cut)
    low = table["flags"].map(lambda flags: "low_hub" in flags)
    yield "flagged `low_hub`", share(low)


def sector_rows(tables: Sequence[pd.DataFrame]) -> Iterator[Row]:
    """By sector, of all candidates of each place: its share of the wind's energy that reaches the
    hubs' height, and what neighbours take of that."""
    sums = [
        [np.stack(table[name]).sum(axis=0) for name in ("open_sector_kwh", "wind_sector_kwh")]
        for table in tables
    ]
    for s, label in enumerate(SECTOR_LABELS):
        row = [label.en]
        for free, kept in sums:
            row.append(f"{100 * free[s] / free.sum():.0f} %")
            row.append(f"{100 * (1 - kept[s] / free[s]):.0f} %" if free[s] else "")
        yield row


def best_rows(name: str, table: pd.DataFrame) -> Iterator[Row]:
    """The best of a place, one by one."""
    for _, row in table.sort_values("wind_kwh", ascending=False).head(BEST).iterrows():
        building = "EWI" if row["id"] == EWI and row["height_m"] > 80 else row["id"]
        yield (
            f"{name}, {building}",
            f"{row['height_m']:.0f}",
            "suits" if row["study"] else "in wind shadow",
            f"{row['wind_low_kwh']:,.0f}-{row['wind_high_kwh']:,.0f} ({row['wind_kwh']:,.0f})",
            f"{row['wind_brochure_kwh']:,.0f}",
            f"{100 * (1 - row['wind_kwh'] / row['open_kwh']):.0f} %",
        )


def text_of(tables: dict[str, pd.DataFrame]) -> str:
    """The tables of both places, as Markdown."""
    names, every = list(tables), list(tables.values())
    parts = []
    for title, rows_of in (
        ("whether a building suits a turbine", verdict_rows),
        ("how much the neighbours take", shelter_rows),
        ("turbines on the study's choice, a year", yield_rows),
    ):
        columns = zip(*(rows_of(table) for table in every), strict=True)
        rows = [[cells[0][0], *(cell[1] for cell in cells)] for cells in columns]
        parts.append(markdown([title, *names], rows))
    header = ["wind from"]
    for name in names:
        header += [f"{name}: of the energy", "taken"]
    parts.append(markdown(header, sector_rows(every)))
    header = ["the best", "height [m]", "study", "field yield [kWh]", "brochure [kWh]", "taken"]
    best = [row for name, table in tables.items() for row in best_rows(name, table)]
    return "\n\n".join([*parts, markdown(header, best)])


def main() -> None:
    """Print the tables, or put them on a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("DAKLAAG_DATA"))
    parser.add_argument("--page", type=Path)
    chosen = parser.parse_args()
    if chosen.data is None:
        parser.error("--data names the folder of real data, and DAKLAAG_DATA is not set")
    data = Path(chosen.data)
    with TemporaryDirectory() as name:
        folder = Path(name)
        places = amsterdam(data), delft(data, folder)
        tables = {place.name: candidates(place, folder / place.name) for place in places}
        rough = markdown(ROUGHNESS, roughness_rows(data, folder))
        text = text_of(tables) + "\n\n" + rough
    print(text)
    if chosen.page:
        put_on(chosen.page, text, (BEGIN, END))


if __name__ == "__main__":
    main()
