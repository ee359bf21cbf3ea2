"""What a sheet at 0.5 m costs beside decoding it: whole runs on four sheets, and on one of them;
on roofs that are pitched, what a year of sun costs beside `powermapping`.

A sheet more costs a third of what four take longer than one; the rest of one is the fixed part of a
run. Each run is a process from its start to its exit, with the files in the page cache and relief
and footprints prepared.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean, median
from typing import Any, NamedTuple

from bench.apart import Answer
from bench.project import Cost, Hours, project
from bench.result import Row
from bench.rounds import GIB, GeneratedGround, Rounds, aim, of_a_worker
from bench.targets import A_WORKER, IN_ALL, RELIEF, SCALING, Target, seconds
from pipeline.heights.ahn_index import sheets

PARTS = ("city", "country")
PITCHED = ("pitched city", "pitched country")
RESOLUTION = 0.5  # [m]
FOUR = 4
FIXED = seconds(2.5)
REPEATS = Target("<= 1.2 x", "ratio", 1.2)
NATION, YEAR_OF_NATION = (Target(f"<= {most:g} h", "hours", most) for most in (1, 3.5))
TIMES = dict(zip(PITCHED, (4, 2), strict=True))  # powermapping's cost there, at most


@dataclass(frozen=True, eq=False)
class Case:
    """A run. surface: of powermapping; most: decodings that a sheet more may cost, by part."""

    name: str
    surface: str | None
    layers: tuple[str, ...]
    most: Mapping[str, float]

    @property
    def options(self) -> dict[str, Any]:
        if self.surface is None:
            return {"method": "annual", "layers": self.layers}
        return {"settings": {"surface": self.surface}, "layers": self.layers}


DEFAULT = ("hillshade", "shadow")
PLAIN = Case("measured, no layers", "dsm", (), {"city": 2.0, "country": 1.5})
YEAR = Case("annual, no layers", None, (), {})
CASES = (
    PLAIN,
    Case("extruded, no layers", "extruded", (), {"city": 2.1, "country": 1.6}),
    Case("measured, default layers", "dsm", DEFAULT, {"city": 2.5, "country": 2.5}),
    Case("extruded, default layers", "extruded", DEFAULT, {"city": 3.0, "country": 3.0}),
)
GROUNDS = ((PARTS, CASES), (PITCHED, (PLAIN, YEAR)))


class Pair(NamedTuple):
    """One sheet and four of them, measured a moment apart; alone: the four by one worker, if that
    was asked; decode_s: what it took then to decode one."""

    one: Answer
    four: Answer
    alone: Answer | None
    decode_s: float

    @property
    def marginal_s(self) -> float:
        """What a sheet more takes."""
        return float(self.four["process_s"] - self.one["process_s"]) / (FOUR - 1)

    @property
    def fixed_s(self) -> float:
        """What a run takes beside its sheets."""
        return float(self.one["process_s"]) - self.marginal_s


def measure(at: Rounds, workers: int) -> None:
    """Rows of all cases on the sheets of all parts, which are generated unless they are there."""
    for parts, cases in GROUNDS:
        _measure(at, parts, cases, workers)


def _measure(at: Rounds, parts: tuple[str, str], cases: tuple[Case, ...], workers: int) -> None:
    found = [_part(at, part, cases, workers) for part in parts]
    for case in cases:
        city, country = (costs[case] for costs, _ in found)
        rates = [rate for _, rates in found for rate in rates]
        _add_nation(at, case, project(city, country, rates), parts is PITCHED)


def _part(
    at: Rounds, part: str, cases: tuple[Case, ...], workers: int
) -> tuple[dict[Case, Cost], list[float]]:
    """Rows of a part. Returns what a sheet more costs, and how fast one was decoded [Mcells/s]."""
    ground = at.make(part, RESOLUTION, workers)
    cells, footprints = 2 * ground.made["cells"] // FOUR, ground.made["footprints"] // FOUR
    found = _pairs(at, ground, cases, workers)
    every = [pair for pairs in found.values() for pair in pairs]
    decode_s = [pair.decode_s for pair in every]
    at.add(part, f"decode a sheet, {workers} threads", decode_s, cells)
    costs = {
        case: Cost(footprints, _add_case(at, part, case, pairs, cells))
        for case, pairs in found.items()
    }
    if part in TIMES:
        _add_times(at, part, found)
    else:
        _add_workers(at, part, found[PLAIN], workers)
        _add_repeats(at, part, found[PLAIN], FOUR * cells)
    _add_memory(at, part, every, workers)
    if part == PARTS[0]:
        aim(at.relief(ground, workers), RELIEF)
    return costs, [cells / s / 1e6 for s in decode_s]


def _pairs(
    at: Rounds, ground: GeneratedGround, cases: tuple[Case, ...], workers: int
) -> dict[Case, list[Pair]]:
    """Rounds of all cases, each pair between two decodings of the one sheet."""
    one = ground.of(next(place for place in sheets() if place.name == ground.made["one"]))
    found: dict[Case, list[Pair]] = {case: [] for case in cases}
    decoded = _decode(at, one, workers)
    for i in range(at.rounds):
        for case in cases:
            at.tell(f"{ground.part}: {case.name}, {i + 1} of {at.rounds}")
            runs = [(one, workers), (ground, workers)] + [(ground, 1)] * (case is PLAIN)
            order = range(len(runs))[:: -1 if i % 2 else 1]
            took = {k: _run(at, runs[k][0], case, runs[k][1]) for k in order}
            before, decoded = decoded, _decode(at, one, workers)
            found[case].append(Pair(took[0], took[1], took.get(2), mean((before, decoded))))
    return found


def _decode(at: Rounds, one: GeneratedGround, workers: int) -> float:
    return float(at.call("decode", one.part, files=one.files, workers=workers)["seconds"])


def _run(at: Rounds, ground: GeneratedGround, case: Case, workers: int) -> Answer:
    """A run; done again if it compiled or prepared anything, which the next ones find."""
    out = at.result(ground.part)
    asked = {"out": out, "workers": workers} | ground.options | case.options
    for _ in range(2):
        prepared = at.prepared()
        shutil.rmtree(out, ignore_errors=True)
        answer = at.call("run", ground.part, **asked)
        if at.prepared() == prepared:
            break
    return answer


def _add_case(at: Rounds, part: str, case: Case, pairs: list[Pair], cells: int) -> list[float]:
    """Rows of a case. Returns what a sheet more costs, in decodings."""
    beside = [pair.decode_s for pair in pairs]

    def add(what: str, times: list[float], count: int) -> Row:
        """A row of times, and of these in decodings of so many sheets."""
        ratios = [s / count / decode_s for s, decode_s in zip(times, beside, strict=True)]
        more: Answer = {"decodings": median(ratios), "ratios": ratios}
        more["spread_of_decodings"] = [min(ratios), max(ratios)]
        return at.add(part, f"{case.name}, {what}", times, count * cells, **more)

    add("one sheet", [pair.one["process_s"] for pair in pairs], 1)
    add("four sheets", [pair.four["process_s"] for pair in pairs], FOUR)
    row = add("a sheet more", [pair.marginal_s for pair in pairs], 1)
    if part in case.most:
        most = case.most[part]
        aim(row, Target(f"<= {most:g} decodings", "decodings", most))
    if case is PLAIN and part in PARTS:
        fixed = [pair.fixed_s for pair in pairs]
        figure = f"{min(fixed):.2f} to {max(fixed):.2f} s"
        aim(at.add(part, f"{case.name}, the fixed part of a run", fixed, figure=figure), FIXED)
    return list(row["ratios"])


def _add_times(at: Rounds, part: str, found: dict[Case, list[Pair]]) -> None:
    """What a sheet more of the year costs, in what one of powermapping costs in the same round."""
    pairs = zip(found[YEAR], found[PLAIN], strict=True)
    times = [(year.marginal_s / year.decode_s) / (plain.marginal_s / plain.decode_s)
             for year, plain in pairs]  # fmt: skip
    most = TIMES[part]
    target = Target(f"<= {most} x", "ratio", most)
    at.ratio(part, f"{YEAR.name}, a sheet more, over powermapping's", median(times), target)


def _add_workers(at: Rounds, part: str, pairs: list[Pair], workers: int) -> None:
    times = [p.four["process_s"] / p.alone["process_s"] for p in pairs if p.alone]
    name = f"{PLAIN.name}, four sheets, {workers} workers over one"
    at.ratio(part, name, 1 / median(times), SCALING)


def _add_repeats(at: Rounds, part: str, pairs: list[Pair], cells: int) -> None:
    decoded = median(pair.four["decoded"] / cells for pair in pairs)
    at.ratio(part, f"{PLAIN.name}, tiles decoded over tiles of the area", decoded, REPEATS)


def _add_memory(at: Rounds, part: str, pairs: list[Pair], workers: int) -> None:
    """Of all runs by that many workers."""
    runs = [run for pair in pairs for run in (pair.one, pair.four)]
    worker, peak = max(of_a_worker(run, workers) for run in runs), max(run["peak"] for run in runs)
    aim(at.add(part, "most memory, a worker", peak_gib=worker / GIB), A_WORKER)
    aim(at.add(part, "most memory, in all", peak_gib=peak / GIB), IN_ALL)


def _add_nation(at: Rounds, case: Case, hours: Hours, pitched: bool) -> None:
    figure = f"{hours.expected:.1f} h ({hours.least:.1f}-{hours.most:.1f})"
    name = f"the {'pitched ' * pitched}nation at 0.5 m, {case.name}"
    row = at.add("projection", name, figure=figure, hours=hours.expected)
    if case is YEAR or (case is PLAIN and not pitched):
        aim(row, YEAR_OF_NATION if case is YEAR else NATION)
