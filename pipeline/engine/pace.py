"""How fast the tasks of a run go, and how long those take that are left."""

from collections import deque

from pipeline.engine.events import FAILED, KEPT, Event
from pipeline.messages import Text, spoken

WINDOW = 600.0  # s; rates and what is left are told from this last time


class Pace:
    """How fast a stage goes: of what was done while it was watched, lately."""

    def __init__(self, now: float, done: int) -> None:
        self.skipped = self.failed = 0
        self._began = now
        self._done = done
        self._kept = -done  # tasks found finished, or not to be counted, of those to come
        self._steps: deque[tuple[float, int, int, int]] = deque()  # when; tasks, cells, footprints

    def advance(self, now: float, done: int) -> None:
        """Record that `done` tasks are done at the time `now` [s]."""
        tasks, self._done = done - self._done, done
        free = max(min(self._kept, tasks), 0)
        self._kept -= free
        self._steps.append((now, tasks - free, 0, 0))

    def count(self, now: float, event: Event) -> None:
        """A shard is done, was found done, or failed."""
        if event.get("outcome") == KEPT:
            self._kept += 1
            return
        self.skipped += event.get("skipped", 0)
        self.failed += event.get("outcome") == FAILED
        if event.get("compiled"):  # its time says nothing of those to come
            self._began, self._kept = now, self._kept + 1
            self._steps.clear()
            return
        self._steps.append((now, 0, event.get("cells", 0), event.get("footprints", 0)))

    def told(self, now: float, total: int) -> list[Text]:
        """Rates, what was skipped and failed, and the time left, as far as they are known."""
        _, cells, footprints = self._rates(now)
        texts = [Text("{n:.1f} Mcells/s", n=cells / 1e6)] if cells else []
        texts += [Text("{n:,.0f} buildings/s", n=footprints)] if footprints else []
        texts += [Text("{n:,} blocks skipped", n=self.skipped)] if self.skipped else []
        texts += [Text("{n:,} failed", n=self.failed)] if self.failed else []
        left = self.left(now, total)
        if left is not None and self._done < total:
            texts.append(Text("about {time} left", time=spoken(left)))
        return texts

    def left(self, now: float, total: int) -> float | None:
        """Seconds until all tasks are done, as it goes; None as long as none was."""
        tasks, *_ = self._rates(now)
        return (total - self._done) / tasks if tasks else None

    def _rates(self, now: float) -> list[float]:
        """Tasks, cells and footprints a second; zeros as long as no time has passed."""
        while self._steps and self._steps[0][0] < now - WINDOW:
            self._steps.popleft()
        passed = min(now - self._began, WINDOW)
        sums = (sum(step[i] for step in self._steps) for i in (1, 2, 3))
        return [each / passed if passed > 0 else 0.0 for each in sums]
