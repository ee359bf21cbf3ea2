"""How long results are kept.

The rule: the results of a job are kept for `result_days` after it finished, those of a visitor for
`visitor_result_days`. Then they are removed, unless another job that has not expired has the same
result. The job stays on its client's list as long again, with the message `expired`; a job that
failed or was dismissed is listed for one such time. A client removes its own earlier by
`DELETE /jobs/{id}`. What an unfinished job left is removed when no job wants it any more.
"""

import shutil
import time
from pathlib import Path

from service.core.exports import FOLDER
from service.jobs.queue import GONE, Queue

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
    """Remove what has expired and what nobody wants; how many results had expired."""
    settings = queue.settings
    days = {"visitor": settings.visitor_result_days, "client": settings.result_days}
    values = {"now": time.time(), **{name: n * DAY_S for name, n in days.items()}}
    with queue.database.transaction():
        expired = queue.database.execute(EXPIRE, **values).rowcount
        queue.database.execute(FORGET, **values)
    for folder in _folders(queue.results):
        if not folder.name.startswith(GONE):
            with queue.database.transaction():  # short ones, so that nobody waits for long
                queue.put_aside(folder.name)
    clear(queue)
    return expired


def clear(queue: Queue) -> None:
    """Remove the folders that were put aside."""
    for folder in (*_folders(queue.results), *_folders(queue.settings.state / FOLDER)):
        if folder.name.startswith(GONE):
            shutil.rmtree(folder, ignore_errors=True)


def _folders(parent: Path) -> list[Path]:
    there = parent.iterdir() if parent.is_dir() else ()
    return sorted(path for path in there if path.is_dir())
