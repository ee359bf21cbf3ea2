"""The peers: other people's programs for the same tasks, timed and checked beside ours."""

from collections.abc import Callable
from typing import Any


def measure(side: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """Run every peer on a city of side x side cells (less, for the slow) and ours beside it.

    progress is told what runs. Returns lists for JSON: `peers` and `ours`, a row a task, and
    `skipped`, with reasons: a peer that fails is never an error.
    """
    # The peers' own Python imports this package as well, and has none of the project's.
    from bench.peers.run import run

    return run(side, progress)
