"""Expiry of results.

The results of a job are kept for `result_days` after it finished, those of a visitor for
`visitor_result_days`. Then they are removed, unless another job that has not expired has the same
result. The job stays on its client's list as long again, with the message `expired`; a job that
failed or was dismissed is listed for one such time. A client removes its own earlier by
`DELETE /jobs/{id}`. The folder of an unfinished job is removed when no job needs it any more.
"""

import shutil
import time
from pathlib import Path

from service.core.exports import FOLDER
from service.jobs.queue import REMOVED, Queue

DAY_S = 86_400.0
# The time that is allowed to a row, in seconds.
KEPT = "CASE WHEN visitor THEN :visitor ELSE :client END"
EXPIRE = f"""
UPDATE jobs SET expired = 1, message = 'expired: its results were removed; order it again',
    asked = '', bytes = 0, callback = NULL, to_tell = NULL, updated = :now
WHERE status = 'successful' AND NOT expired AND finished < :now - ({KEPT})
"""
FORGET = f"""
DELETE FROM jobs WHERE worker IS NULL AND (
    (status IN ('failed', 'dismissed') AND finished < :now - ({KEPT}))
    OR (expired AND finished < :now - 2 * ({KEPT})))
"""


def sweep(queue: Queue) -> int:
    """Remove expired results and unneeded folders. Returns how many results expired."""
    settings = queue.settings
    days = {"visitor": settings.visitor_result_days, "client": settings.result_days}
    values = {"now": time.time(), **{name: n * DAY_S for name, n in days.items()}}
    with queue.database.transaction():
        expired = queue.database.execute(EXPIRE, **values).rowcount
        queue.database.execute(FORGET, **values)
    for folder in _folders(queue.results):
        if not folder.name.startswith(REMOVED):
            with queue.database.transaction():  # short ones, so that nobody waits for long
                queue.discard_result(folder.name)
    clear(queue)
    return expired


def clear(queue: Queue) -> None:
    """Remove the folders that are marked for removal."""
    for folder in (*_folders(queue.results), *_folders(queue.settings.state / FOLDER)):
        if folder.name.startswith(REMOVED):
            shutil.rmtree(folder, ignore_errors=True)


def _folders(parent: Path) -> list[Path]:
    there = parent.iterdir() if parent.is_dir() else ()
    return sorted(path for path in there if path.is_dir())
