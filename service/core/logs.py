"""The service's log: lines of JSON on standard error, for programs that collect such lines."""

import datetime
import json
import logging
import queue
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener
from typing import IO, Any

WAITING = 10_000  # lines that wait for a reader that is slow
SECRET = re.compile(r"(dlk_|daklaag_visitor=)[A-Za-z0-9_-]+")
LOGGERS = ("daklaag", "uvicorn", "asyncio", "py.warnings")


class Lines(logging.Formatter):
    """A record as a line of JSON; `fields` of a record stand beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as a line; a key or a cookie that got into it is taken out."""
        when = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        values: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        return SECRET.sub(r"\1...", json.dumps(values, default=str))


class _Queue(QueueHandler):
    """Lines wait in memory, so that a log which nobody reads does not stop the service."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """The thread that writes is of this process: nothing needs to be pickled."""
        return record

    def handleError(self, record: logging.LogRecord) -> None:
        """A line for which there is no room is lost."""


@contextmanager
def logged(quiet: bool = False, stream: IO[str] | None = None) -> Iterator[None]:
    """All that the service logs, on standard error. quiet: faults only."""
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(WAITING)
    writer = logging.StreamHandler(stream or sys.stderr)
    writer.setFormatter(Lines())
    listener = QueueListener(waiting, writer)
    handler = _Queue(waiting)
    logging.captureWarnings(True)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(_level(name, quiet))
    listener.start()
    try:
        yield
    finally:
        for name in LOGGERS:
            logging.getLogger(name).handlers = [logging.NullHandler()]  # a thread may be late
        listener.stop()
        logging.captureWarnings(False)


def _level(name: str, quiet: bool) -> int:
    """Libraries log warnings only, daklaag informs as well unless it is quiet."""
    return logging.INFO if name == "daklaag" and not quiet else logging.WARNING
