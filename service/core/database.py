"""The service's database: one SQLite file, used by several threads and processes."""

import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipeline.errors import DamagedError, InputError
from pipeline.terms import Field, Location
from service.core.settings import Settings

DATABASE = "service.sqlite"
OURS = 0x646B6C67  # the file's application id: `dklg`
CLEARED = ("results", "exports")  # folders beside it from which the service removes what is old
BUSY_S = 10.0
COMPACT_S = 0.5  # how long a compaction waits for others
PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON")


CHECKED_S = 60.0  # for which a look at the whole file holds: it takes 0.3 s for 100 MB
CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class DamagedDatabaseError(DamagedError):
    """The service's database holds pages that SQLite cannot read."""


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Raises DamagedDatabaseError where SQLite finds the file damaged."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in CORRUPT:
            raise
        raise _damaged(file, error) from error


def _damaged(file: Path, reason: object) -> DamagedDatabaseError:
    return DamagedDatabaseError(
        Location(file),
        "the service's database is damaged ({said})",
        "put a backup in its place, or move it away: jobs, keys and marks then begin anew",
        said=" ".join(str(reason).split()),
    )  # fmt: skip


class _Connection:
    """A connection that is closed with its thread; any thread may collect it."""

    def __init__(self, file: Path, busy_s: float) -> None:
        self.connection = sqlite3.connect(
            file, timeout=busy_s, isolation_level=None, check_same_thread=False
        )
        self.connection.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            self.connection.execute(f"PRAGMA {pragma}")

    def __del__(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()


class Database:
    """An SQLite file in WAL mode: readers do not wait for the one that writes.

    A thread has its own connection. Each table is created by the module that owns it. busy_s: how
    long a statement waits for another writer [s]; checked_s: for which a look at the whole file
    holds [s].
    """

    def __init__(self, file: Path) -> None:
        self.file, self.busy_s, self.checked_s = file, BUSY_S, CHECKED_S
        self._mine = threading.local()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))  # as are those that SQLite adds
        self._inode = file.stat().st_ino
        self._looked, self._sound = -math.inf, True
        if not _application(self.connection):
            self.execute(f"PRAGMA application_id = {OURS}")

    @property
    def is_there(self) -> bool:
        """Whether the file is still the one that was opened."""
        try:
            return self.file.stat().st_ino == self._inode
        except OSError:
            return False

    @property
    def is_sound(self) -> bool:
        """Whether SQLite could read the whole file within the last `checked_s`."""
        if time.monotonic() - self._looked > self.checked_s:
            self._looked = time.monotonic()
            try:
                self.check()
                self._sound = True
            except DamagedDatabaseError:
                self._sound = False
        return self._sound

    def check(self) -> None:
        """Read the whole file. Raises DamagedDatabaseError for what SQLite cannot read."""
        ((answer,),) = self.rows("PRAGMA quick_check(1)")
        if answer != "ok":
            raise _damaged(self.file, answer)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection; each statement is a transaction of its own."""
        if not hasattr(self._mine, "held"):
            with _readable(self.file):
                self._mine.held = _Connection(self.file, self.busy_s)
        connection: sqlite3.Connection = self._mine.held.connection
        return connection

    def create_tables(self, statements: str) -> None:
        """Create tables and indexes that do not exist."""
        with _readable(self.file):
            self.connection.executescript(statements)

    def execute(self, statement: str, *values: object, **named: object) -> sqlite3.Cursor:
        """Execute a statement, with values by `?` or by `:name`."""
        with _readable(self.file):
            return self.connection.execute(statement, named or values)

    def rows(self, statement: str, *values: object, **named: object) -> list[sqlite3.Row]:
        """All rows of a statement."""
        with _readable(self.file):
            return self.execute(statement, *values, **named).fetchall()

    def row(self, statement: str, *values: object, **named: object) -> sqlite3.Row | None:
        """The first row of a statement; None without rows."""
        with _readable(self.file):
            row: sqlite3.Row | None = self.execute(statement, *values, **named).fetchone()
        return row

    def compact(self) -> bool:
        """Write the file anew, so that nothing of what was deleted stays in it or in the log beside
        it: what is deleted is overwritten where it stood, but SQLite leaves copies in its pages as
        it moves rows. False where others read or write meanwhile, or the disk is full."""
        self.execute(f"PRAGMA busy_timeout = {COMPACT_S * 1000:.0f}")
        try:
            self.execute("VACUUM")
            return not self.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0]["busy"]
        except sqlite3.OperationalError:
            return False
        finally:
            self.execute(f"PRAGMA busy_timeout = {self.busy_s * 1000:.0f}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: all statements within, or none; other writers wait."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if (
                self.connection.in_transaction
            ):  # SQLite may have ended it, where the file is damaged
                self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")


def _application(connection: sqlite3.Connection) -> int:
    (id,) = connection.execute("PRAGMA application_id").fetchone()
    return int(id)


def _is_ours(connection: sqlite3.Connection) -> bool:
    """Whether a file is of this service: by its application id, or by the table of keys of files
    older than that id."""
    keys = "SELECT count(*) FROM pragma_table_info('keys') WHERE name IN ('hash', 'operator')"
    application = _application(connection)
    return application == OURS or (not application and connection.execute(keys).fetchone()[0] == 2)


def _check_ours(state: Path) -> None:
    """Raises InputError for a state folder with files of other programs; changes nothing."""
    file, there = state / DATABASE, [name for name in CLEARED if (state / name).exists()]
    if file.is_file() and file.stat().st_size:
        with closing(sqlite3.connect(file, timeout=BUSY_S)) as connection:
            there = [] if _is_ours(connection) else [DATABASE]
    if there:
        raise InputError(
            Field("state", state),
            "its {file} is not of this program",
            "give a folder of its own",
            file=there[0],
        )


def open_database(settings: Settings, new: bool = True) -> Database:
    """Open the database in the state folder. new: create it if it does not exist.

    Raises InputError if it cannot be opened or created.
    """
    file = settings.state / DATABASE
    if not new and not file.is_file():
        raise InputError(
            Location(settings.state), "no service has run with this folder", "give its --state"
        )
    try:
        with _readable(file):
            _check_ours(settings.state)
        database = Database(file)
        database.check()
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            Field("state", settings.state), "{said}", "give a folder of its own", said=reason
        ) from None
    return database
