"""Callbacks of jobs: to addresses that a client names, on hosts that the operator allows.

No other host is ever asked, so a client cannot use the service to reach into a network; that a host
is allowed by its name goes for whatever addresses its name has, private ones as well. Redirects are
not followed. A callback is sent at least once: the table holds those that are due.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Url, parse_url

from pipeline.fetch.web import agent
from service.core.problem import Problem
from service.core.settings import Settings
from service.jobs.claims import Claims, job_of
from service.jobs.job import Job, Status, status_info

KINDS = {
    Status.RUNNING: "inProgressUri",
    Status.SUCCESSFUL: "successUri",
    Status.FAILED: "failedUri",
}
LONGEST = 2000  # characters of an address
MISSPELT = "successUrl"  # required by the published schema of 1.0, which means successUri
TRIES, PAUSE_S = 6, 10.0  # each pause is four times the one before: the last try after an hour
TIMEOUT = urllib3.Timeout(connect=5.0, read=10.0, total=15.0)
PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]+")  # no blanks, no backslashes, nothing but ASCII
PORTS = {"http": 80, "https": 443}
log = logging.getLogger("daklaag.jobs")

Results = Callable[[Job, str], dict[str, Any]]  # the document of a successful job's results


def checked(subscriber: Any, settings: Settings, base: str) -> str | None:
    """The `subscriber` of a request to execute, as a job keeps it; None if there is none.

    base: the service's address, as clients know it, for links in what is sent. Raises Problem 400
    for what is no address of an allowed host.
    """
    if subscriber is None:
        return None
    if not isinstance(subscriber, dict) or "successUri" not in subscriber:
        raise Problem(400, "subscriber: give an object with successUri, an address")
    known = {name: subscriber[name] for name in KINDS.values() if name in subscriber}
    if odd := sorted(subscriber.keys() - known.keys() - {MISSPELT}):
        raise Problem(400, f"subscriber.{odd[0][:50]}: not known; it takes {', '.join(known)}")
    for name, address in known.items():
        _check(name, address, settings)
    return json.dumps(known | {"base": base})


def _check(name: str, address: Any, settings: Settings) -> None:
    where = f"subscriber.{name}"
    if not isinstance(address, str) or not 0 < len(address) <= LONGEST:
        raise Problem(400, f"{where}: give an address of at most {LONGEST:,} characters")
    url = _parsed(address)
    if url is None or url.scheme not in PORTS or not url.host or url.auth or url.fragment:
        raise Problem(400, f"{where}: give http(s)://host/path, without a user or a fragment")
    usual = url.port in (None, PORTS[url.scheme])
    host = url.host.lower() if usual else f"{url.host.lower()}:{url.port}"
    if host not in {allowed.lower() for allowed in settings.callback_hosts}:
        raise Problem(
            400,
            f"{where}: this host may not be called; the operator allows hosts by the setting"
            " callback_hosts. Poll the job's status instead, or take its events",
        )


def _parsed(address: str) -> Url | None:
    """By the parser of the library that sends, so that both mean one host."""
    if not PLAIN.fullmatch(address):
        return None
    try:
        return parse_url(address)
    except HTTPError:
        return None


def send_due(claims: Claims, results: Results) -> int:
    """Send the callbacks that are due; failures are retried with a growing pause. Returns how many
    were sent."""
    rows = claims.database.rows(
        "SELECT * FROM jobs WHERE to_tell <= ? ORDER BY to_tell LIMIT 20", time.time()
    )
    return sum(_send_one(claims, job_of(row), row["tries"], results) for row in rows)


def _send_one(claims: Claims, job: Job, tries: int, results: Results) -> bool:
    addresses = json.loads(job.callback or "{}")
    address = addresses.get(KINDS.get(job.status, ""))
    allowed = address is not None and _still_allowed(address, claims.settings)
    sent = allowed and _send(job, address, addresses["base"], results)
    again = allowed and not sent and job.status.final and tries + 1 < TRIES
    due = time.time() + PAUSE_S * 4**tries if again else None
    claims.database.execute(  # unless it went on meanwhile: that is to be told then
        "UPDATE jobs SET to_tell = ?, tries = tries + 1 WHERE id = ? AND status = ?",
        due, job.id, job.status,
    )  # fmt: skip
    if allowed and not sent:
        fields = {"job": job.id, "status": job.status, "tries": tries + 1}
        log.warning("callback failed", extra={"fields": fields})
    return sent


def _still_allowed(address: str, settings: Settings) -> bool:
    """Whether the current settings still allow an address."""
    try:
        _check("", address, settings)
    except Problem:
        return False
    return True


def _send(job: Job, address: str, base: str, results: Results) -> bool:
    """Send a job's results, else its status. Returns whether the host accepted them."""
    try:
        body = results(job, base) if job.status is Status.SUCCESSFUL else status_info(job, base)
    except Exception:  # removed meanwhile, say: others are still to be told
        log.exception("callback without results", extra={"fields": {"job": job.id}})
        return False
    with urllib3.PoolManager(timeout=TIMEOUT, retries=False) as pool:
        try:
            answer = pool.request(
                "POST", address, json=body, redirect=False, preload_content=False,
                headers={"User-Agent": agent()},
            )  # fmt: skip
        except (HTTPError, OSError):
            return False
        taken = 200 <= answer.status < 300
        answer.close()
        return taken
