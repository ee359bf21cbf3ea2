"""Metrics for Prometheus: requests, tiles, faults, the queue, and the blocks computed.

Jobs are computed by other processes, so their figures are read from the table of jobs.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.methods import METHODS
from pipeline.methods.method import names
from pipeline.output.tiles.overview import ROOFS
from pipeline.output.tiles.roofs import vector_layers
from service.jobs.job import Status
from service.jobs.table import Jobs

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
TILES = "/tiles/{layer}/{z}"
CHANGED = "SELECT id, process, status, blocks_done FROM jobs WHERE updated > ?"
FINAL = tuple(status.value for status in Status if status.final)


class Metrics:
    """The figures of one service, in a registry of its own."""

    def __init__(self, jobs: Jobs) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "daklaag_request_seconds", "Requests, by the template of their path.",
            ("route", "method", "status"), buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self._tiles = Histogram(
            "daklaag_tile_seconds", "Tiles that were answered.",
            ("layer",), buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self._faults = Counter(
            "daklaag_faults", "Answers that were a fault of the service (5xx).",
            ("route",), registry=self.registry,
        )  # fmt: skip
        self.registry.register(Work(jobs))

    def request(
        self, route: str, method: str, status: int, seconds: float, path_params: Mapping[str, Any]
    ) -> None:
        """One was answered; found: the parts of its path. Labels are few: none is a client's."""
        self._requests.labels(route, method, str(status)).observe(seconds)
        if status >= 500 or not status:
            self._faults.labels(route).inc()
        layer = path_params.get("layer")
        if TILES in route and layer in _layers() and 200 <= status < 400:
            self._tiles.labels(layer).observe(seconds)

    def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self.registry)


def _layers() -> set[str]:
    """Names of the layers with tiles, as labels."""
    every = METHODS.values()
    return {ROOFS, *(each for m in every for each in (*names(m.layers), *vector_layers(m)))}


class Work(Collector):
    """What is known of the jobs: how many by status, and since the start of the service how many
    ended and how many blocks were computed, though the table forgets jobs that have expired."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._since = 0.0
        self._done: dict[str, int] = {}
        self._ended: dict[tuple[str, str], int] = {}
        self._blocks = 0
        self._look()  # what was before the start
        self._blocks, self._ended = 0, {}

    def describe(self) -> Iterable[Metric]:
        """Nothing: so that it is not asked when it is registered."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The figures as they are now."""
        with self._lock:
            self._look()
            yield self._queue()
            ended = CounterMetricFamily(
                "daklaag_jobs_ended", "Jobs that ended.", labels=("process", "status")
            )
            for labels, count in self._ended.items():
                ended.add_metric(labels, count)
            yield ended
            yield CounterMetricFamily(
                "daklaag_blocks", "Blocks that jobs have computed.", value=self._blocks
            )

    def _queue(self) -> Metric:
        jobs = GaugeMetricFamily("daklaag_jobs", "Jobs in the table.", labels=("status",))
        for status, count in self._jobs.counts().items():
            jobs.add_metric((status,), count)
        return jobs

    def _look(self) -> None:
        """Count what changed since the last look; a second is looked at twice, for late writers."""
        now, rows = time.time(), self._jobs.database.rows(CHANGED, self._since - 1.0)
        changed = {row["id"] for row in rows}
        self._done = {id: n for id, n in self._done.items() if n >= 0 or id in changed}
        for row in rows:
            before = self._done.get(row["id"], 0)
            if before < 0:  # it has ended, and was counted
                continue
            self._blocks += max(0, row["blocks_done"] - before)
            self._done[row["id"]] = max(before, row["blocks_done"])
            if row["status"] in FINAL:
                labels = row["process"], row["status"]
                self._ended[labels] = self._ended.get(labels, 0) + 1
                self._done[row["id"]] = -1
        self._since = now
