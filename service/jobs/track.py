"""How far a job is: what its runs tell, put together to one figure that never goes backwards."""

import time
from dataclasses import dataclass, field

from pipeline.engine.events import KEPT, Event
from pipeline.engine.pace import Pace


@dataclass(frozen=True)
class Told:
    """done, planned: blocks over all passes, planned 0 if not known yet; left: seconds or None."""

    done: int = 0
    planned: int = 0
    left: float | None = None
    message: str = ""


@dataclass
class _Pass:
    """A pass of a run. kept: its blocks that an earlier attempt finished; total: with those."""

    stage: str
    kept: int
    total: int
    done: int


@dataclass
class Track:
    """The callbacks of a run: called itself it is told how far a stage is, and `log` of events.

    A block is what is finished at once: a shard in a pass. The two passes over the ground are what
    takes time; of stages before and after them the message speaks.
    """

    message: str = "reads its inputs"
    _stages: tuple[str, ...] = ()
    _passes: list[_Pass] = field(default_factory=list)
    _kept: int = 0
    _pace: Pace | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """How many of the tasks of a stage are done."""
        self.message = f"{stage}: {done:,} of {total:,}"
        if stage not in self._stages:
            return
        if done == 0:
            self._passes.append(_Pass(stage, self._kept, self._kept + total, self._kept))
            self._kept = 0
        self._passes[-1].done = self._passes[-1].kept + done
        self._advance(time.monotonic())

    def log(self, event: Event) -> None:
        """An event of a run, as pipeline.engine.events says."""
        self._stages = tuple(event.get("passes", self._stages))
        if event.get("outcome") == KEPT:
            self._kept += 1

    def told(self) -> Told:
        """How far the job is now."""
        passes = tuple(self._passes)
        if not passes:
            return Told(message=self.message)
        # A pass has a block wherever the one before has one, or fewer.
        later = len(self._stages) - 1 - self._stages.index(passes[-1].stage)
        coming = passes[-1].total * later
        done, planned = sum(each.done for each in passes), sum(each.total for each in passes)
        fresh = sum(each.done - each.kept for each in passes)
        todo = planned + coming - done
        left = None if self._pace is None else self._pace.left(time.monotonic(), fresh + todo)
        return Told(done, planned + coming, left, self.message)

    def _advance(self, now: float) -> None:
        if self._pace is None:
            self._pace = Pace(now, 0)
        self._pace.advance(now, sum(each.done - each.kept for each in self._passes))
