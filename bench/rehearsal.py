"""The national rehearsal: generated ground, from sheets to table, beside decoding the sheets.

python -m bench.rehearsal [province|nation|all] [--folder DIR] [--json FILE]

province: 30 sheets at 5 m; nation: all 1,370 sheets at 5 m. DIR keeps the generated ground for the
next time; what FILE tells of the other part stays there. Sheets at 0.5 m: `daklaag bench sheet`.
"""

import argparse
from pathlib import Path
from typing import Any

from bench.machine import machine
from bench.nation import typical, typical_province
from bench.result import Result, Row, check_free, read, result, write
from bench.rounds import GeneratedGround, Rounds, aim
from bench.table import table
from bench.targets import A_WORKER, IN_ALL, RELIEF, SCALING, Target, seconds

MUNICIPALITY_M = 10_000.0
EVEN = Target("<= 1.1 x", "ratio", 1.1)
PLANNED = Target("within 25 %", "off", 0.25)
NOTHING = Target("none", "repeated", 0)
NATION = Target("<= 8 minutes", "median_s", 480)


def province(at: Rounds, workers: int) -> None:
    """30 sheets at 5 m; a run that is killed."""
    ground = at.make("province", 5.0, workers)
    row = at.run(ground, "run", workers)
    _memory(at, row)
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
    for name, places in (("one sheet", [typical()]), ("30 sheets", typical_province())):
        alone = at.run(ground.of(*places), f"{name} of it", workers)
        cost = alone["mcells_s"] / row["mcells_s"]
        at.ratio("nation", f"a cell of it, over one of {name}", cost, EVEN)


PARTS = {"province": province, "nation": nation}


def _one_worker(at: Rounds, ground: GeneratedGround, name: str, row: Row, **options: Any) -> None:
    alone = at.run(ground, name, 1, **options)
    times = alone["median_s"] / row["median_s"]
    at.ratio(ground.part, f"{name}, {row['workers']} workers over one", times, SCALING)


def _plan(at: Rounds, ground: GeneratedGround, name: str, row: Row, **options: Any) -> None:
    times = at.plan(ground, row, **options)
    at.ratio(ground.part, f"{name}, the plan's time over the one it took", times, PLANNED)


def _memory(at: Rounds, run: Row) -> None:
    aim(at.add(run["group"], "most memory, a worker", peak_gib=run["worker_gib"]), A_WORKER)


def _municipality(at: Rounds, ground: GeneratedGround) -> None:
    """The rows of a square in the middle, out of the table of the last run."""
    bounds, half = ground.made["bounds"], MUNICIPALITY_M / 2
    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    square = (x - half, y - half, x + half, y + half)
    where = at.result(ground.part) / "buildings.parquet"
    found = [at.call("rows", ground.part, table=where, bounds=square) for _ in range(3)]
    name = f"the {found[0]['rows']:,} rows of a municipality out of its table"
    aim(at.add(ground.part, name, [one["seconds"] for one in found]), seconds(1))


def with_others(found: Result, file: Path) -> Result:
    """With the rows that a file has of other parts, in the order of the parts."""
    groups = {row["group"] for row in found["rows"]}
    kept = read(file)["rows"] if file.exists() else []
    rows = found["rows"] + [row for row in kept if row["group"] in PARTS.keys() - groups]
    return found | {"rows": sorted(rows, key=lambda row: [*PARTS].index(row["group"]))}


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
