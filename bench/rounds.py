"""Rounds of the rehearsal: what is measured, between two decodings of the same sheets."""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from bench.apart import Answer, apart, killed
from bench.result import Row
from bench.targets import Target
from pipeline.heights.ahn_index import AhnSheet

GIB = 2**30


@dataclass(frozen=True)
class GeneratedGround:
    """Generated sheets and footprints. made: their description by bench.apart; places: the sheets
    to judge, by default all."""

    part: str
    made: Answer
    places: tuple[AhnSheet, ...] = ()

    def of(self, *places: AhnSheet) -> "GeneratedGround":
        """A rectangle of its sheets."""
        return replace(self, places=places)

    @property
    def dsm(self) -> list[str]:
        """The sheets of DSM that are judged."""
        return self._sheets("dsm")

    @property
    def files(self) -> list[str]:
        """The sheets of DSM and DTM."""
        return [*self.dsm, *self._sheets("dtm")]

    @property
    def options(self) -> dict[str, Any]:
        """The inputs of a run and its area."""
        inputs = {key: self.made[key] for key in ("dsm", "dtm", "buildings")}
        if not self.places:
            return inputs
        corners = np.array([place.bounds for place in self.places])
        area = [*corners[:, :2].min(axis=0), *corners[:, 2:].max(axis=0)]
        return inputs | {"area": ",".join(f"{side:g}" for side in area)}

    def _sheets(self, kind: str) -> list[str]:
        names = tuple(f"_{place.name}.tif" for place in self.places) or (".tif",)
        return [str(p) for p in sorted(Path(self.made[kind]).iterdir()) if p.name.endswith(names)]


Tell = Callable[[str], None]


def tell(text: str) -> None:
    """Print progress to standard error."""
    print(text, file=sys.stderr, flush=True)


class Rounds:
    """Measures in a folder, each call in a process of its own; `rows` grows, `tell` gets what is
    being measured."""

    def __init__(
        self, folder: Path, rounds: int, rows: list[Row] | None = None, tell: Tell = tell
    ) -> None:
        self.folder, self.rounds, self.tell = folder, rounds, tell
        self.rows = [] if rows is None else rows

    def call(self, task: str, part: str, **asked: Any) -> Answer:
        """A task of bench.apart, once."""
        return apart(task, self._cache(part), **asked)

    def make(self, part: str, resolution: float, workers: int) -> GeneratedGround:
        """The ground of a part, generated unless it is there."""
        where = self.folder / part
        new = not (where / "pand.parquet").exists()
        self.tell(f"{part}: {'generating' if new else 'generated before'}")
        options = {"folder": where, "resolution": resolution, "workers": workers}
        made = self.call("make", part, kind=part, **options)
        if new:
            self.add(part, "generate", [made["seconds"]], 2 * made["cells"])
        return GeneratedGround(part, made)

    def run(
        self, ground: GeneratedGround, name: str, workers: int, cold: bool = False, **options: Any
    ) -> Row:
        """Runs on some ground, beside decoding it. The result of the last stays in `result(part)`.
        cold: nothing is kept from earlier ones."""
        out = self.result(ground.part)
        forget = [out, self._cache(ground.part)] if cold else [out]
        asked = {"out": out, "workers": workers} | ground.options | options
        name = f"{name}, {workers} worker{'s' * (workers > 1)}"
        found, row = self._beside(ground.part, name, "run", forget, ground.files, workers, asked)
        row |= {key: found[-1][key] for key in ("read", "own", "decoded", "done")}
        row["buildings"] = found[-1]["rows"]
        return row

    def relief(self, ground: GeneratedGround, workers: int) -> Row:
        """Writing the relief store of the sheets of DSM, beside decoding them."""
        store = self.folder / "relief"
        asked = {"files": ground.dsm, "store": store, "workers": workers}
        name = f"write the DSM's relief store, {workers} workers"
        _, row = self._beside(ground.part, name, "relief", [store], ground.dsm, workers, asked)
        shutil.rmtree(store)
        return row

    def plan(self, ground: GeneratedGround, row: Row, **options: Any) -> float:
        """The time of a measured run by its plan, over the time that it took; both as ratios to a
        decoding beside them."""
        asked = {"out": self.result("plan"), "workers": row["workers"]} | ground.options | options
        decoded, found = [self._decode(ground.part, ground.files, row["workers"])], []
        for i in range(self.rounds):
            self.tell(f"{ground.part}: plan, {i + 1} of {self.rounds}")
            found.append(self.call("plan", ground.part, **asked)["expected"])
            decoded.append(self._decode(ground.part, ground.files, row["workers"]))
        beside = [mean((a["seconds"], b["seconds"])) for a, b in pairwise(decoded)]
        ratios = [a / b for a, b in zip(found, beside, strict=True)]
        return float(median(ratios) / row["decodings"])

    def resumed(self, ground: GeneratedGround, row: Row) -> tuple[int, int]:
        """Kill the process of a run that was measured at half of its tasks, and run again: how many
        tasks were finished, and how many of those were done again."""
        out, log = self.result(ground.part), self.folder / "killed.jsonl"
        shutil.rmtree(out, ignore_errors=True)
        log.write_text("")
        asked = {"out": out, "workers": row["workers"]} | ground.options

        def half() -> bool:
            return 2 * len(log.read_text().splitlines()) >= row["done"]

        self.tell(f"{ground.part}: killed and taken up again")
        if not killed("run", self._cache(ground.part), half, log=log, **asked):
            raise RuntimeError("a run was done before it was killed")
        finished = len(log.read_text().splitlines())
        after = self.call("run", ground.part, **asked)
        return finished, max(finished + after["done"] - row["done"], 0)

    def result(self, part: str) -> Path:
        """The folder of a part's last run."""
        return self.folder / "runs" / part

    def prepared(self) -> int:
        """Number of files that runs have left for the next ones."""
        return sum(path.is_file() for path in (self.folder / "cache").rglob("*"))

    def _cache(self, part: str) -> Path:
        return self.folder / "cache" / part

    def _decode(self, part: str, files: list[str], workers: int) -> Answer:
        return self.call("decode", part, files=files, workers=workers)

    def _beside(
        self, part: str, name: str, task: str, forget: list[Path], files: list[str], workers: int,
        asked: dict[str, Any],
    ) -> tuple[list[Answer], Row]:  # fmt: skip
        """A first round, which compiles what is compiled and fills the stores, is not counted
        where there are several."""
        rounds = self.rounds + (self.rounds > 1)
        decoded, found = [self._decode(part, files, workers)], []
        for i in range(rounds):
            self.tell(f"{part}: {name}, {i + 1} of {rounds}")
            for folder in forget:
                shutil.rmtree(folder, ignore_errors=True)
            found.append(self.call(task, part, **asked))
            decoded.append(self._decode(part, files, workers))
        beside = [mean((a["seconds"], b["seconds"])) for a, b in pairwise(decoded)]
        found, beside = found[-self.rounds :], beside[-self.rounds :]
        times = [one["seconds"] for one in found]
        ratios = [a / b for a, b in zip(times, beside, strict=True)]
        row = self.add(part, name, times, decoded[0]["cells"])
        row |= {"ratios": ratios, "decodings": median(ratios), "decode_s": beside}
        row["spread_of_decodings"] = [float(q) for q in np.percentile(ratios, (25, 75))]
        row |= {"peak_gib": max(one["peak"] for one in found) / GIB, "workers": workers}
        row["worker_gib"] = max(of_a_worker(one, workers) for one in found) / GIB
        return found, row

    def add(
        self, part: str, name: str, times: Sequence[float] = (), cells: int | None = None,
        **more: Any,
    ) -> Row:  # fmt: skip
        """A row of the result; of times the median."""
        took = median(times) if times else None
        row = {"group": part, "name": f"{part}: {name}", "cells": cells, "median_s": took}
        row |= {"mcells_s": cells / took / 1e6 if cells and took else None}
        row |= {"rounds": len(times), "copies": None, "spread": None} | more
        self.rows.append(row)
        return row

    def ratio(self, part: str, name: str, value: float, target: Target) -> None:
        """A row of a ratio; a target may be of it, of its inverse, or of how far it is from 1."""
        more: Answer = {"ratio": value, "inverse": 1 / value, "off": abs(value - 1)}
        aim(self.add(part, name, figure=f"{value:.2f} x", **more), target)


def aim(row: Row, target: Target) -> None:
    """Give a row a target."""
    row["target"] = target._asdict()


def of_a_worker(took: Answer, workers: int) -> float:
    """Peak memory of a worker [bytes]: of a process, or a thread's part of all. Merging and drawing
    count too."""
    return float(took["peak_of_child"] or took["peak"] / workers)
