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
from service.jobs.claims import REMOVED, Claims

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


def sweep(claims: Claims) -> int:
    """Remove expired results and unneeded folders. Returns how many results expired."""
    settings = claims.settings
    days = {"visitor": settings.visitor_result_days, "client": settings.result_days}
    values = {"now": time.time(), **{name: n * DAY_S for name, n in days.items()}}
    with claims.database.transaction():
        expired = claims.database.execute(EXPIRE, **values).rowcount
        claims.database.execute(FORGET, **values)
    for folder in _folders(claims.results):
        if not folder.name.startswith(REMOVED):
            with claims.database.transaction():  # short ones, so that nobody waits for long
                claims.discard_result(folder.name)
    clear(claims)
    return expired


def clear(claims: Claims) -> None:
    """Remove the folders that are marked for removal."""
    for folder in (*_folders(claims.results), *_folders(claims.settings.state / FOLDER)):
        if folder.name.startswith(REMOVED):
            shutil.rmtree(folder, ignore_errors=True)


def _folders(parent: Path) -> list[Path]:
    there = parent.iterdir() if parent.is_dir() else ()
    return sorted(path for path in there if path.is_dir())
