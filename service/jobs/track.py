"""Progress of a job: the progress of its run's passes as one figure that never goes backwards."""

import time
from dataclasses import dataclass, field

from pipeline.engine.events import KEPT, Event
from pipeline.engine.pace import Pace


@dataclass(frozen=True)
class JobProgress:
    """Progress of a job. done, planned: blocks over all passes, planned 0 if unknown; left: seconds
    left, None if unknown."""

    done: int = 0
    planned: int = 0
    left: float | None = None
    message: str = ""


@dataclass
class _Pass:
    """Blocks of a pass. kept: finished by an earlier attempt; total, done: these included."""

    stage: str
    kept: int
    total: int
    done: int


@dataclass
class ProgressTracker:
    """The progress callback (the instance itself) and the log callback of a run.

    A block is a shard in a pass. Only the passes count as blocks; other stages appear in the
    message.
    """

    message: str = "reads its inputs"
    _stages: tuple[str, ...] = ()
    _passes: list[_Pass] = field(default_factory=list)
    _kept: int = 0
    _pace: Pace | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Record that `done` of `total` tasks of a stage are done."""
        self.message = f"{stage}: {done:,} of {total:,}"
        if stage not in self._stages:
            return
        if done == 0:
            self._passes.append(_Pass(stage, self._kept, self._kept + total, self._kept))
            self._kept = 0
        self._passes[-1].done = self._passes[-1].kept + done
        self._advance(time.monotonic())

    def log(self, event: Event) -> None:
        """Record an event of a run (pipeline.engine.events)."""
        self._stages = tuple(event.get("passes", self._stages))
        if event.get("outcome") == KEPT:
            self._kept += 1

    def progress(self) -> JobProgress:
        """The progress of the job now."""
        passes = tuple(self._passes)
        if not passes:
            return JobProgress(message=self.message)
        # A pass has a block wherever the one before has one, or fewer.
        later = len(self._stages) - 1 - self._stages.index(passes[-1].stage)
        coming = passes[-1].total * later
        done, planned = sum(each.done for each in passes), sum(each.total for each in passes)
        fresh = sum(each.done - each.kept for each in passes)
        todo = planned + coming - done
        left = None if self._pace is None else self._pace.left(time.monotonic(), fresh + todo)
        return JobProgress(done, planned + coming, left, self.message)

    def _advance(self, now: float) -> None:
        if self._pace is None:
            self._pace = Pace(now, 0)
        self._pace.advance(now, sum(each.done - each.kept for each in self._passes))
