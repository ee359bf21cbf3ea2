"""A lock on a run's place, so that no second run writes there.

A folder is locked by the system (flock), which ends with the process. On object storage the lock is
a lease: an object that only one run can create, renewed while the run lives; it expires by the
storage's own clock.
"""

import fcntl
import json
import os
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import InputError, Stopped
from pipeline.messages import Text
from pipeline.storage.objects import ObjectStorage
from pipeline.storage.places import Place, is_remote
from pipeline.terms import Location

HOLDER = "holder.json"
LOCK, CLOCK = "work.lock", "work.clock"  # objects
WAIT = Text("wait for it")

Lost = Callable[[], bool]


class Lease(NamedTuple):
    """Duration of a lock on object storage after its last renewal, and interval of renewal [s]."""

    duration: float = 60.0
    interval: float = 15.0


LEASE = Lease()


def holder_record() -> bytes:
    """Process, host, time and command of this run, as JSON for others to read."""
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    record = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S%z"),
        "command": command if len(command) <= 200 else f"{command[:197]}...",
        "run": os.urandom(8).hex(),  # so that the ETags of two runs' objects differ
    }
    return json.dumps(record, indent=1).encode()


def is_holder_record(content: bytes) -> bool:
    """Whether some content is a holder's record."""
    return bool(_holder(content))


def _holder(content: bytes) -> str:
    """The holder of a lock, as an error message names it; empty if the record cannot be read."""
    try:
        record: dict[str, Any] = json.loads(content)
        return Text(" (pid {pid} on {host} since {since}: {command})", **record)
    except (ValueError, KeyError, TypeError):
        return ""


def locked(place: Place, holder: str, lease: Lease = LEASE) -> AbstractContextManager[Lost]:
    """Lock a place. holder: the file of the holder's record, on disk; lease: on object storage.
    Yields a flag that is up when the lock was lost.

    Raises InputError if another run holds the lock, or the place cannot be made or written.
    """
    if is_remote(place):
        return _locked_objects(str(place), lease)
    return _locked_folder(Path(place), Path(place) / holder)


def _refusal(place: Place, content: bytes, wait: Text = WAIT) -> InputError:
    return InputError(
        Location(place),
        "another run holds this folder{holder}",
        "{wait}, or give another place",
        holder=_holder(content),
        wait=wait,
    )


@contextmanager
def _locked_folder(directory: Path, holder: Path) -> Iterator[Lost]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(directory, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise _refusal(directory, holder.read_bytes() if holder.is_file() else b"") from None
    try:
        if not os.access(directory, os.W_OK | os.X_OK):
            raise _unwritable(directory, PermissionError(13, "Permission denied"))
        yield lambda: False
    finally:
        os.close(handle)


def _unwritable(directory: Path, error: OSError) -> InputError:
    return InputError(
        Location(directory),
        "cannot be written ({error})",
        "give another place",
        error=error.strerror,
    )


@contextmanager
def _locked_objects(url: str, lease: Lease) -> Iterator[Lost]:
    storage, record = ObjectStorage(url), holder_record()
    mark = storage.claim(LOCK, record) or _take_over(storage, record, lease.duration)
    lock = _Lock(storage, record, mark, lease)
    thread = threading.Thread(target=lock.keep, daemon=True)
    thread.start()
    try:
        yield lock.lost
    except Stopped:
        if lock.lost():
            raise InputError(
                Location(url), "the hold on it was lost", "the same command takes the run up again"
            ) from None
        raise
    finally:
        lock.ended.set()
        thread.join(lease.interval)
        if not lock.lost():
            storage.remove(LOCK)


class _Lock:
    """An object that locks a place, renewed until it is ended or lost."""

    def __init__(self, storage: ObjectStorage, record: bytes, mark: str, lease: Lease) -> None:
        self._storage, self._record, self._lease = storage, record, lease
        self._mark: str | None = mark
        self._renewed = time.monotonic()
        self.ended = threading.Event()

    def lost(self) -> bool:
        """Whether another run has the lock, or may have."""
        return self._mark is None or time.monotonic() - self._renewed > self._lease.duration

    def keep(self) -> None:
        """Renew the lock until it is ended or lost."""
        while not self.ended.wait(self._lease.interval) and not self.lost():
            began = time.monotonic()
            try:
                self._mark = self._storage.claim(LOCK, self._record, before=self._mark)
                self._renewed = began
            except InputError:  # the storage may be back in time
                continue


def _take_over(storage: ObjectStorage, record: bytes, duration: float) -> str:
    """Take over an expired lock. Returns its mark; raises InputError if it has not expired."""
    try:
        content, before, written = storage.look(LOCK)
    except FileNotFoundError:  # released just now
        mark = storage.claim(LOCK, record)
    else:
        storage.write(CLOCK, b"")
        age = storage.look(CLOCK)[2] - written
        storage.remove(CLOCK)
        if age <= duration:
            wait = Text("wait for it (if it was killed, {left:.0f} s)", left=duration - age)
            raise _refusal(storage.url, content, wait)
        mark = storage.claim(LOCK, record, before)
    if mark is None:
        raise _refusal(storage.url, b"")
    return mark
