"""A small object storage on loopback that answers as S3 does, with every request remembered."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

BUCKET = "bucket"
PAGE = 50  # keys a listing: few, so that tests meet a second page


@dataclass
class Server:
    """What it holds, by key, and what it was asked. `down`: it answers 403 to everything."""

    objects: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, key, range
    down: bool = False
    clock: float = 0.0  # seconds by which its clock is ahead of ours
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def now(self) -> float:
        return time.time() + self.clock

    def below(self, prefix: str) -> dict[str, bytes]:
        """What lies below a prefix, by the name there."""
        return {
            key.removeprefix(prefix): data
            for key, (data, _) in sorted(self.objects.items())
            if key.startswith(prefix)
        }


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # an answer is one packet: else each costs 40 ms
    s3: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code></Error>".encode())

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        with self.s3.lock:
            self.s3.asked.append((self.command, key, self.headers.get("Range") or ""))
            if self.s3.down:
                self._refuse(403, "AccessDenied")
            elif bucket != BUCKET:
                self._refuse(404, "NoSuchBucket")
            else:
                getattr(self, f"_{self.command.lower()}")(key, query, body)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = _handle

    def _get(self, key: str, query: dict[str, str], body: bytes) -> None:
        if "list-type" in query or not key:
            self._list(query)
            return
        if key not in self.s3.objects:
            self._refuse(404, "NoSuchKey")
            return
        data, written = self.s3.objects[key]
        headers = {"ETag": _etag(data), "Last_Modified": formatdate(written, usegmt=True)}
        headers["Accept_Ranges"] = "bytes"
        if self.command == "HEAD":
            self._answer(200, Content_Length=str(len(data)), **headers)
        elif asked := self.headers.get("Range"):
            first, last = asked.removeprefix("bytes=").split("-")
            start = int(first) if first else max(len(data) - int(last), 0)
            end = min(int(last) + 1, len(data)) if first and last else len(data)
            if start >= len(data):
                self._refuse(416, "InvalidRange")
                return
            headers["Content_Range"] = f"bytes {start}-{end - 1}/{len(data)}"
            self._answer(206, data[start:end], **headers)
        else:
            self._answer(200, data, **headers)

    _head = _get

    def _list(self, query: dict[str, str]) -> None:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token", "")
        found: dict[str, str] = {}
        for key in sorted(self.s3.objects):
            rest = key.removeprefix(prefix)
            if not key.startswith(prefix):
                continue
            if delimiter and delimiter in rest:
                name = prefix + rest.split(delimiter)[0] + delimiter
                found[name] = f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
            else:
                data, written = self.s3.objects[key]
                at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(written))
                found[key] = (
                    f"<Contents><Key>{escape(key)}</Key><Size>{len(data)}</Size>"
                    f"<LastModified>{at}</LastModified><ETag>{escape(_etag(data))}</ETag></Contents>"
                )
        names = [name for name in sorted(found) if name > after]
        page, more = names[:PAGE], len(names) > PAGE
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        self._answer(
            200,
            f"<ListBucketResult><Name>{BUCKET}</Name><KeyCount>{len(page)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}"
            f"{''.join(found[name] for name in page)}</ListBucketResult>".encode(),
        )

    def _put(self, key: str, query: dict[str, str], body: bytes) -> None:
        there = self.s3.objects.get(key)
        if "partNumber" in query:
            self.s3.parts[query["uploadId"]][int(query["partNumber"])] = body
            self._answer(200, ETag=_etag(body))
            return
        if there and self.headers.get("If-None-Match") == "*":
            self._refuse(412, "PreconditionFailed")
            return
        if (match := self.headers.get("If-Match")) and (not there or _etag(there[0]) != match):
            self._refuse(412 if there else 404, "PreconditionFailed" if there else "NoSuchKey")
            return
        self.s3.objects[key] = body, self.s3.now()
        self._answer(200, ETag=_etag(body))

    def _delete(self, key: str, query: dict[str, str], body: bytes) -> None:
        if "uploadId" in query:
            self.s3.parts.pop(query["uploadId"], None)
        else:
            self.s3.objects.pop(key, None)
        self._answer(204)

    def _post(self, key: str, query: dict[str, str], body: bytes) -> None:
        if "delete" in query:
            elements = ElementTree.fromstring(body).iter()
            keys = [str(each.text) for each in elements if each.tag.endswith("Key")]
            for name in keys:
                self.s3.objects.pop(name, None)
            text = "".join(f"<Deleted><Key>{escape(name)}</Key></Deleted>" for name in keys)
            self._answer(200, f"<DeleteResult>{text}</DeleteResult>".encode())
        elif "uploads" in query:
            upload = os.urandom(4).hex()
            self.s3.parts[upload] = {}
            self._answer(
                200,
                f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId>"
                "</InitiateMultipartUploadResult>".encode(),
            )
        else:
            parts = self.s3.parts.pop(query["uploadId"])
            data = b"".join(parts[number] for number in sorted(parts))
            self.s3.objects[key] = data, self.s3.now()
            self._answer(
                200,
                "<CompleteMultipartUploadResult>"
                f"<Location>x</Location><Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key>"
                f"<ETag>{escape(_etag(data))}</ETag></CompleteMultipartUploadResult>".encode(),
            )


@contextmanager
def serving() -> Iterator[Server]:
    """A server for the time of a test, named in the environment as a real one would be."""
    from pipeline.storage import objects

    s3 = Server()
    handler = type("Handler", (_Handler,), {"s3": s3})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    s3.url = f"http://127.0.0.1:{server.server_port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", s3.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_REGION", "eu-west-1")
        objects.client_of.cache_clear()
        yield s3
    objects.client_of.cache_clear()
    server.shutdown()
    server.server_close()
