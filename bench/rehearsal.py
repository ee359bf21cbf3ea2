"""The national rehearsal: generated ground, from sheets to table, beside decoding the sheets.

python -m bench.rehearsal [province|sheet|nation|all] [--folder DIR] [--json FILE]

province: 30 sheets at 5 m; sheet: one whole sheet at 0.5 m with what lies around it, in a city and
in the country; nation: all 1,370 sheets at 5 m. DIR keeps the generated ground for the next time;
what FILE tells of other parts stays there.
"""

import argparse
from pathlib import Path
from typing import Any

from bench.machine import machine
from bench.nation import typical, typical_province
from bench.project import Cost, project
from bench.result import Result, Row, check_free, read, result, write
from bench.rounds import GeneratedGround, Rounds, aim
from bench.table import table
from bench.targets import Target, seconds

MUNICIPALITY_M = 10_000.0
SURFACES = {"dsm": 1.5, "extruded": 2.0}  # decodings, at most, where there are no layers
LAYERS: dict[str, tuple[str, ...]] = {"no layers": (), "default layers": ("hillshade", "shadow")}
RELIEF = Target("<= 1.15 decodings", "decodings", 1.15)
SCALING = Target(">= 1.8 x", "inverse", 1 / 1.8)
EVEN = Target("<= 1.1 x", "ratio", 1.1)
HALO = Target("<= 1.25 x", "ratio", 1.25)
REPEATS = Target("<= 1.2 x", "ratio", 1.2)
PLANNED = Target("within 25 %", "off", 0.25)
NOTHING = Target("none", "repeated", 0)
NATION = Target("<= 15 minutes", "median_s", 900)
A_WORKER, IN_ALL = (Target(f"<= {most} GiB", "peak_gib", most) for most in (1, 2))


def province(at: Rounds, workers: int) -> None:
    """30 sheets at 5 m; a run that is killed."""
    ground = at.make("province", 5.0, workers)
    row = at.run(ground, "run", workers)
    _memory(at, [row])
    _municipality(at, ground)
    _one_worker(at, ground, "run", row)
    _plan(at, ground, "run", row)
    finished, again = at.resumed(ground, row)
    text = f"{again} of {finished}"
    name = "finished shards done again after a kill"
    aim(at.add("province", name, repeated=again, figure=text), NOTHING)
    aim(at.relief(ground, workers), RELIEF)


def nation(at: Rounds, workers: int) -> None:
    """1,370 sheets at 5 m, from nothing and once more; what a cell of them costs over what it costs
    on one sheet, and on as many as a province has."""
    ground = at.make("nation", 5.0, workers)
    first = at.run(ground, "the first run", workers, cold=True)
    aim(first, NATION)
    aim(at.add("nation", "most memory, in all", peak_gib=first["peak_gib"]), IN_ALL)
    _municipality(at, ground)
    row = at.run(ground, "run", workers)
    _plan(at, ground, "run", row)
    aim(at.relief(ground, workers), RELIEF)
    for name, places in (("one sheet", [typical("mean")]), ("30 sheets", typical_province())):
        alone = at.run(ground.of(*places), f"{name} of it", workers)
        cost = alone["mcells_s"] / row["mcells_s"]
        at.ratio("nation", f"a cell of it, over one of {name}", cost, EVEN)


def sheet(at: Rounds, workers: int) -> None:
    """A whole sheet at 0.5 m, in a city and in the country; what the nation would take."""
    found: dict[str, list[Row]] = {}
    for part in ("city", "country"):
        ground = at.make(part, 0.5, workers).of(typical(part))
        relief = at.relief(ground, workers)
        aim(relief, RELIEF)
        for surface, most in SURFACES.items():
            for said, layers in LAYERS.items():
                options: dict[str, Any] = {"layers": layers, "settings": {"surface": surface}}
                name = f"{surface}, {said}"
                row = at.run(ground, name, workers, **options)
                found.setdefault(name, []).append(row)
                if not layers:
                    aim(row, Target(f"<= {most:g} decodings", "decodings", most))
                    _one_worker(at, ground, name, row, **options)
                    _plan(at, ground, name, row, **options)
        relief["buildings"] = row["buildings"]
        found.setdefault("the relief, once", []).append(relief)
        _memory(at, [row for row in at.rows if row["group"] == part and "own" in row])
    runs = [row for row in at.rows if "own" in row and row["group"] in ("city", "country")]
    cells = sum(row["read"] for row in runs) / sum(row["own"] for row in runs)
    at.ratio("sheets", "cells read over cells of the blocks, mean of the runs", cells, HALO)
    repeats = sum(row["decoded"] for row in runs) / sum(row["cells"] for row in runs)
    at.ratio("sheets", "tiles decoded over tiles of the area, mean of the runs", repeats, REPEATS)
    for what, (city, country) in found.items():
        _project(at, what, city, country)


PARTS = {"province": province, "sheet": sheet, "nation": nation}


def _one_worker(at: Rounds, ground: GeneratedGround, name: str, row: Row, **options: Any) -> None:
    alone = at.run(ground, name, 1, **options)
    times = alone["median_s"] / row["median_s"]
    at.ratio(ground.part, f"{name}, {row['workers']} workers over one", times, SCALING)


def _plan(at: Rounds, ground: GeneratedGround, name: str, row: Row, **options: Any) -> None:
    times = at.plan(ground, row, **options)
    at.ratio(ground.part, f"{name}, the plan's time over the one it took", times, PLANNED)


def _memory(at: Rounds, runs: list[Row]) -> None:
    """Peak memory of the whole process over its workers; merging and drawing count too."""
    most = max(run["peak_gib"] / run["workers"] for run in runs)
    aim(at.add(runs[0]["group"], "most memory, a worker", peak_gib=most), A_WORKER)


def _municipality(at: Rounds, ground: GeneratedGround) -> None:
    """The rows of a square in the middle, out of the table of the last run."""
    bounds, half = ground.made["bounds"], MUNICIPALITY_M / 2
    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    square = (x - half, y - half, x + half, y + half)
    where = at.result(ground.part) / "buildings.parquet"
    found = [at.call("rows", ground.part, table=where, bounds=square) for _ in range(3)]
    name = f"the {found[0]['rows']:,} rows of a municipality out of its table"
    aim(at.add(ground.part, name, [one["seconds"] for one in found]), seconds(1))


def _project(at: Rounds, what: str, city: Row, country: Row) -> None:
    rates = [row["cells"] / s / 1e6 for row in (city, country) for s in row["decode_s"]]
    dense, sparse = (Cost(row["buildings"], row["ratios"]) for row in (city, country))
    hours = project(dense, sparse, rates)
    figure = f"{hours.expected:.1f} h ({hours.least:.1f}-{hours.most:.1f})"
    at.add("projection", f"the nation at 0.5 m, {what}", figure=figure)


def with_others(found: Result, file: Path) -> Result:
    """With the rows that a file has of other parts, in the order of the parts."""
    groups = {row["group"] for row in found["rows"]}
    kept = read(file)["rows"] if file.exists() else []
    order = ["province", "nation", "city", "country", "sheets", "projection"]
    rows = found["rows"] + [row for row in kept if row["group"] not in groups]
    return found | {"rows": sorted(rows, key=lambda row: order.index(row["group"]))}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.rehearsal", description=__doc__)
    parser.add_argument("part", nargs="?", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--folder", type=Path, default=Path(".rehearsal"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="of the nation always one")
    options = parser.parse_args()
    if options.json:
        check_free(options.json)
    host, rows = machine(), list[Row]()
    try:
        for part in PARTS if options.part == "all" else [options.part]:
            at = Rounds(options.folder, 1 if part == "nation" else options.rounds, rows)
            PARTS[part](at, options.workers)
    finally:  # what was measured stays, if it is interrupted
        measured = result("rehearsal", None, host, rows, [])
        if options.json:
            measured = with_others(measured, options.json)
            write(measured, options.json)
        print(table(measured))


if __name__ == "__main__":
    main()
