"""Object storage as a Storage (pipeline/storage/places.py), by obstore."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BufferedReader, RawIOBase
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import InputError
from pipeline.terms import Location, Reason

S3 = "s3://"
READ_BYTES = 1 << 20
PART_BYTES = 16 << 20  # of a large object on its way; S3 takes 10,000 parts, so up to 160 GB


@dataclass(frozen=True)
class ObjectStorage:
    """Objects below a prefix of a bucket; keys, region and endpoint come from AWS_*."""

    url: str
    renames = False

    def __post_init__(self) -> None:
        bucket_of(self.url)

    @cached_property
    def _store(self) -> Any:
        return client_of(self.url)

    def __getstate__(self) -> dict[str, str]:
        return {"url": self.url}  # the client is made anew where it arrives

    def write(self, name: str, data: bytes) -> None:
        import obstore

        with faults(self.url):
            obstore.put(self._store, name, data, use_multipart=False)

    @contextmanager
    def writing(self, name: str) -> Iterator[Any]:
        import obstore

        with faults(self.url):
            stream = obstore.open_writer(self._store, name, buffer_size=PART_BYTES)
        yield _Upload(stream, self.url)
        with faults(self.url):  # without it, what was sent never becomes an object
            stream.close()

    def read(self, name: str) -> bytes:
        import obstore

        with faults(self.url, name):
            return bytes(obstore.get(self._store, name).bytes())

    @contextmanager
    def reading(self, name: str) -> Iterator[Any]:
        import obstore

        with faults(self.url, name):
            stream = obstore.open_reader(self._store, name)
        yield BufferedReader(_Download(stream, self.url), READ_BYTES)

    def end(self, name: str, size: int) -> bytes:
        import obstore

        head = self._head(name)
        if not head or not head["size"]:  # an empty object has no range
            return b""
        start = max(head["size"] - size, 0)
        with faults(self.url, name):
            return bytes(obstore.get_range(self._store, name, start=start, end=head["size"]))

    def exists(self, name: str) -> bool:
        return self._head(name) is not None

    def mark(self, name: str) -> Any:
        head = self._head(name)
        return head and head["e_tag"]

    def _head(self, name: str) -> Any:
        """Size, ETag and time of an object; None if it does not exist."""
        import obstore

        try:
            with faults(self.url, name):
                return obstore.head(self._store, name)
        except FileNotFoundError:
            return None

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        import obstore

        with faults(self.url):
            sizes = {str(o["path"]): o["size"] for page in obstore.list(self._store) for o in page}
        return {name: sizes[name] for name in names if name in sizes}

    def names(self, folder: str = "") -> set[str]:
        import obstore

        with faults(self.url):
            listing = obstore.list_with_delimiter(self._store, folder or None)
        paths = [*(str(o["path"]) for o in listing["objects"]), *listing["common_prefixes"]]
        return {path.rstrip("/").rpartition("/")[2] for path in paths}

    def remove(self, name: str) -> None:
        import obstore

        with faults(self.url):
            for page in obstore.list(self._store, name, chunk_size=1000):  # whole folders only
                obstore.delete(self._store, [str(o["path"]) for o in page])
            obstore.delete(self._store, name)

    def move(self, name: str, target: str) -> None:
        raise NotImplementedError("an object is written under its final name")

    def chunks(self) -> Any:
        from zarr.storage import ObjectStore

        return ObjectStore(self._store)

    # The lease of a lock: an object that only one run can create, and only its creator can change.

    def claim(self, name: str, data: bytes, before: str | None = None) -> str | None:
        """Create an object, or replace it if its mark is still `before` (conditional write).

        before: the object's mark (ETag) as last seen; None to create it. Returns the new mark,
        None if another writer was first.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, NotFoundError, PreconditionError

        mode: Any = "create" if before is None else {"e_tag": before}
        with faults(self.url):
            try:
                return obstore.put(self._store, name, data, mode=mode, use_multipart=False)["e_tag"]
            except (AlreadyExistsError, PreconditionError, NotFoundError, FileNotFoundError):
                return None

    def look(self, name: str) -> tuple[bytes, str | None, float]:
        """An object's content, its mark, and when it was written by the storage's clock [s]."""
        import obstore

        with faults(self.url, name):
            answer = obstore.get(self._store, name)
            meta = answer.meta
            return bytes(answer.bytes()), meta["e_tag"], meta["last_modified"].timestamp()


class _Upload(RawIOBase):
    """A stream to an object, for writers that want a file."""

    def __init__(self, stream: Any, url: str) -> None:
        self._stream, self._url, self._written = stream, url, 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = memoryview(data).cast("B")
        with faults(self._url):
            self._stream.write(part)
        self._written += part.nbytes
        return part.nbytes

    def tell(self) -> int:
        return self._written


class _Download(RawIOBase):
    """A stream from an object, by ranges, for readers that want a file."""

    def __init__(self, stream: Any, url: str) -> None:
        self._stream, self._url = stream, url

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer).cast("B")
        with faults(self._url):
            data = memoryview(self._stream.read(room.nbytes))
        room[: data.nbytes] = data
        return data.nbytes

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with faults(self._url):
            return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())


@contextmanager
def faults(url: str, name: str = "") -> Iterator[None]:
    """Turn an exception of object storage into InputError; with a name, that of a missing object
    into FileNotFoundError."""
    from obstore.exceptions import BaseError, NotFoundError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        absent = isinstance(error, (NotFoundError, FileNotFoundError))
        if name and absent and "NoSuchBucket" not in str(error):
            raise FileNotFoundError(f"{url}/{name}") from None
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            Location(url),
            "the object storage refuses ({reason})",
            "check the bucket, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL, and"
            " the same command takes it up again",
            reason=Reason(reason),
        ) from None


def bucket_of(url: str) -> tuple[str, str]:
    """Bucket and prefix of a URL."""
    parts = urlsplit(url)
    if not parts.netloc:
        raise InputError(Location(url), "names no bucket", "give s3://BUCKET/PREFIX")
    return parts.netloc, parts.path.strip("/")


@lru_cache(maxsize=64)
def client_of(url: str) -> Any:
    """A client of obstore for the objects below a URL; it may be shared by threads."""
    from obstore.store import S3Store

    bucket, prefix = bucket_of(url)
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    options: Any = {"endpoint": endpoint, "virtual_hosted_style_request": False}
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=options if endpoint else {},
        client_options={"allow_http": endpoint.startswith("http:")},
    )
