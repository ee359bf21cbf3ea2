"""HTTP downloads: few connections, retries with back-off, resumed partial files."""

import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import metadata
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError

from pipeline.errors import Stopped
from pipeline.messages import Text
from pipeline.storage.cache import write_atomic

T = TypeVar("T")
ATTEMPTS = 8  # in a row that download less than PROGRESS bytes
PROGRESS = 1 << 20
PIECE = 1 << 18
LARGEST_BODY = 1 << 28  # bytes read into memory: an index, a page of features
LONGEST_WAIT_S = 600.0
NOT_FOUND = (404, 410)
RETRIED = (408, 425, 429, 500, 502, 503, 504)
NO_SUCH_RANGE = 416
TIMEOUT = urllib3.Timeout(connect=15.0, read=30.0)
# The library follows redirects; all other retries are ours, so that they can be stopped.
REDIRECTS = urllib3.Retry(
    total=5, connect=0, read=0, status=0, other=0, redirect=5, respect_retry_after_header=False
)
RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class WebError(Exception):
    """A request that failed. text: the reason, to be translated."""

    def __init__(self, template: str, /, **values: Any) -> None:
        self.text = Text(template, **values)
        super().__init__(self.text)


class NotFoundError(WebError):
    """The server has no such resource (404, 410)."""


class FetchError(WebError):
    """A download failed; the message gives the reason in a line."""


class _RetryError(WebError):
    """An attempt failed and may be retried. wait: Retry-After [s]; moved: whether it made
    progress."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait
        self.moved = False


@cache
def agent() -> str:
    """The User-Agent: name, version, homepage."""
    ours = metadata("daklaag")
    urls = [url.partition(",")[2].strip() for url in ours.get_all("Project-URL") or ()]
    return f"daklaag/{ours['Version']}" + "".join(f" (+{url})" for url in urls[:1])


@dataclass(frozen=True)
class HttpClient:
    """An HTTP client with at most `connections` to each server; pause: the first back-off [s]."""

    connections: int = 2
    pause: float = 1.0
    stop: Callable[[], bool] = lambda: False
    _pools: dict[str | None, urllib3.PoolManager] = field(default_factory=dict, repr=False)

    def read(self, url: str) -> tuple[bytes, Mapping[str, str]]:
        """Body and headers of a small response. Raises NotFoundError, FetchError or Stopped."""
        return self._with_retries(lambda: self._read(url))

    def close(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            pool.clear()

    def _read(self, url: str) -> tuple[bytes, Mapping[str, str]]:
        body = bytearray()
        with self._response(url, {"Accept-Encoding": "gzip"}) as response:
            for piece in response.stream(PIECE, decode_content=True):
                body += piece
                self._check_stop()
                if len(body) > LARGEST_BODY:
                    raise FetchError("the answer does not end")
            _check_page(response.headers, body)
            return bytes(body), response.headers

    def save(self, url: str, file: Path) -> None:
        """Download a file. `file.partial` of an earlier call is continued if the server serves
        ranges and its file is unchanged.

        Raises NotFoundError, FetchError or Stopped; `file.partial` stays then.
        """
        partial_file = _PartialFile(url, file)
        self._with_retries(lambda: self._resume(partial_file))
        partial_file.finish()

    def _resume(self, partial_file: "_PartialFile") -> None:
        before = partial_file.size
        try:
            if partial_file.size and partial_file.size == partial_file.total:
                return
            self._append(partial_file)
        except _RetryError as again:
            again.moved = partial_file.size - before >= PROGRESS
            raise

    def _append(self, partial_file: "_PartialFile") -> None:
        with self._response(
            partial_file.url, {"Accept-Encoding": "identity", **partial_file.range_headers()}
        ) as response:
            if response.status == NO_SUCH_RANGE:
                partial_file.drop()
                raise _RetryError("the server has no such range")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise FetchError("the server packs what it was asked for as it is")
            with partial_file.opened(response) as out:
                # Each piece is on disk at once, so that a kill loses nothing.
                while piece := response.read1(PIECE, decode_content=False):
                    if out.tell() == 0:
                        _check_page(response.headers, piece)
                    out.write(piece)
                    out.flush()
                    self._check_stop()
        partial_file.check()

    @contextmanager
    def _response(self, url: str, headers: dict[str, str]) -> Iterator[urllib3.BaseHTTPResponse]:
        """A response whose body is not read yet; temporary faults become _RetryError."""
        try:
            response = self._pool(url).request(
                "GET", url, headers={"User-Agent": agent(), **headers}, preload_content=False,
                retries=REDIRECTS, timeout=TIMEOUT,
            )  # fmt: skip
        except HTTPError as error:
            raise _RetryError(_why(error)) from None
        try:
            _check_status(response)
            yield response
        except HTTPError as error:  # a connection that is cut, or silent for too long
            raise _RetryError(_why(error)) from None
        finally:
            response.close()
            response.release_conn()  # closed or not, its place in the pool is free again

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FetchError("{url} is no address of the web", url=url)
        proxy = None if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)
        if proxy not in self._pools:
            self._pools[proxy] = (
                urllib3.ProxyManager(proxy, maxsize=self.connections, block=True)
                if proxy
                else urllib3.PoolManager(maxsize=self.connections, block=True)
            )
        return self._pools[proxy]

    def _with_retries(self, attempt: Callable[[], T]) -> T:
        """Retry an attempt with exponential back-off and jitter, at least Retry-After."""
        idle = 0
        while True:
            self._check_stop()
            try:
                return attempt()
            except _RetryError as again:
                idle = 0 if again.moved else idle + 1
                if idle >= ATTEMPTS:
                    raise FetchError("{why}, {n} times", why=again, n=ATTEMPTS) from None
                if again.wait > LONGEST_WAIT_S:
                    raise FetchError(
                        "{why}; it asks to come back in {wait:.0f} s", why=again, wait=again.wait
                    ) from None
                self._rest(again.wait + self.pause * 2**idle * random.uniform(0.25, 0.5))

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check_stop()
            time.sleep(min(left, 0.1))

    def _check_stop(self) -> None:
        if self.stop():
            raise Stopped


class _PartialFile:
    """A partial file, and beside it a note with its address, total size and ETag or date."""

    def __init__(self, url: str, file: Path) -> None:
        self.url, self.file = url, file
        self.partial = file.with_name(f"{file.name}.partial")
        self.note = file.with_name(f"{file.name}.partial.json")
        self.total: int | None = None
        self.mark: str | None = None
        self._read_note()

    def _read_note(self) -> None:
        try:
            note = json.loads(self.note.read_text())
            same = note["url"] == self.url
            self.total, self.mark = (note["total"], note["mark"]) if same else (None, None)
        except (OSError, ValueError, TypeError, KeyError):
            pass  # no note, or half of one: the file is begun anew
        if self.mark is None:
            self.drop()

    @property
    def size(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def drop(self) -> None:
        """Delete the partial file."""
        self.partial.unlink(missing_ok=True)
        self.total = self.mark = None

    def range_headers(self) -> dict[str, str]:
        """Request headers for the missing range, or for all if the server's file has changed."""
        size = self.size
        return {"Range": f"bytes={size}-", "If-Range": self.mark} if size and self.mark else {}

    def opened(self, response: urllib3.BaseHTTPResponse) -> BinaryIO:
        """The partial file opened for writing: at its end for a range, else from the beginning."""
        if response.status == 206:
            self._check_rest(response)
            return self.partial.open("ab")
        length = response.headers.get("Content-Length")
        self.total = int(length) if length else None
        self.mark = _mark(response.headers)
        self.partial.parent.mkdir(parents=True, exist_ok=True)
        self.partial.unlink(missing_ok=True)
        note = {"url": self.url, "total": self.total, "mark": self.mark}
        write_atomic(self.note, json.dumps(note).encode())
        return self.partial.open("wb")

    def _check_rest(self, response: urllib3.BaseHTTPResponse) -> None:
        place = RANGE.fullmatch(response.headers.get("Content-Range", ""))
        mark = _mark(response.headers)
        if (
            place is None
            or int(place[1]) != self.size
            or self.total not in (None, int(place[2]))
            or mark not in (None, self.mark)
        ):
            self.drop()
            raise _RetryError("the server gives another part than was asked for")
        self.total = int(place[2])

    def check(self) -> None:
        """Raises _RetryError if the size is not the announced one."""
        if self.total is not None and self.size != self.total:
            reason = Text("{size} of {total} bytes came", size=self.size, total=self.total)
            if self.size > self.total:
                self.drop()
            raise _RetryError(reason)

    def finish(self) -> None:
        """Rename the complete file to its final name."""
        with self.partial.open("rb") as whole:
            os.fsync(whole.fileno())
        self.partial.replace(self.file)
        self.note.unlink(missing_ok=True)


def _mark(headers: Mapping[str, str]) -> str | None:
    """A value that changes with the server's file: a strong ETag, else Last-Modified."""
    etag = headers.get("ETag")
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")


def _check_status(response: urllib3.BaseHTTPResponse) -> None:
    status = f"{response.status} {response.reason or ''}".strip()
    if response.status in NOT_FOUND:
        raise NotFoundError(status)
    if response.status in RETRIED:
        raise _RetryError(status, REDIRECTS.get_retry_after(response) or 0.0)
    if response.status not in (200, 206, NO_SUCH_RANGE):
        raise FetchError(status)


def _check_page(headers: Mapping[str, str], beginning: bytes | bytearray) -> None:
    """Raises FetchError for an HTML page, which some servers send with status 200 in a failure."""
    kind = headers.get("Content-Type", "").lower()
    start = bytes(beginning[:256]).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if kind.startswith("text/html") or start.startswith((b"<!doctype html", b"<html")):
        raise FetchError("the server answers with a web page instead of the file")


def _why(error: HTTPError) -> str:
    """The cause of an HTTP error in a few words, without the library's own."""
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    text = str(cause).rpartition(">: ")[2] or str(cause)
    return f"{type(cause).__name__}: {' '.join(text.split())[:160]}"
