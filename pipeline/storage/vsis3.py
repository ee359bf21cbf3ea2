"""Sheets on object storage, which GDAL reads by range under the name of `/vsis3/bucket/key`."""

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from pipeline.storage.objects import S3, ObjectStorage, bucket_of, client_of, faults

VSIS3 = "/vsis3/"


def gdal_options() -> dict[str, str]:
    """Options of GDAL (for `rasterio.Env`) with which /vsis3/ finds the same object storage.

    Keys and region GDAL takes from AWS_* itself, the endpoint in words of its own.
    """
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    if not endpoint.netloc:
        return {}
    return {
        "AWS_S3_ENDPOINT": endpoint.netloc + endpoint.path.rstrip("/"),
        "AWS_HTTPS": "YES" if endpoint.scheme == "https" else "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # no listing of the bucket for each sheet
        "CPL_VSIL_CURL_NON_CACHED": "/vsis3/",  # a worker may outlive a sheet that is replaced
    }


def is_vsis3(path: str) -> bool:
    """Whether GDAL reads a path from object storage."""
    return path.startswith(VSIS3)


def find_objects(source: str, endings: tuple[str, ...]) -> list[str]:
    """The objects of a URL, sorted, as paths GDAL opens: one object, those directly in a folder
    (`s3://bucket/folder/`), or a glob; only with one of the endings, in any case."""
    bucket, key = bucket_of(source)
    fixed = re.split(r"[*?\[]", key, maxsplit=1)[0]
    folder = key if fixed == key and not key.lower().endswith(endings) else fixed.rpartition("/")[0]
    names = [f"{folder}/{n}".lstrip("/") for n in _below(bucket, folder, fixed != key)]
    matches = [name for name in names if name.lower().endswith(endings)]
    if fixed != key:
        matches = fnmatch.filter(matches, key)
    elif folder != key:
        matches = [name for name in matches if name == key]
    return [f"{VSIS3}{bucket}/{name}" for name in sorted(matches)]


def _below(bucket: str, folder: str, deep: bool) -> Iterable[str]:
    """Names of the objects in a folder, and if deep in the folders in it."""
    import obstore

    url = f"{S3}{bucket}/{folder}".rstrip("/")
    with faults(url):
        if not deep:
            return [str(o["path"]) for o in obstore.list_with_delimiter(client_of(url))["objects"]]
        return [str(o["path"]) for page in obstore.list(client_of(url)) for o in page]


def object_fingerprint(path: str) -> dict[str, Any]:
    """Path, size and time of the object behind a path of /vsis3/: they differ when it was replaced.
    The object is not read."""
    import obstore

    bucket, _, key = path.removeprefix(VSIS3).partition("/")
    with faults(f"{S3}{bucket}", key):
        head = obstore.head(client_of(f"{S3}{bucket}"), key)
    written = int(head["last_modified"].timestamp()) * 1_000_000_000
    return {"path": path, "size": int(head["size"]), "mtime_ns": written}


@contextmanager
def open_object(path: str) -> Iterator[Any]:
    """A binary stream of the object behind a path of /vsis3/, to read and seek."""
    bucket, _, key = path.removeprefix(VSIS3).partition("/")
    with ObjectStorage(f"{S3}{bucket}").reading(key) as stream:
        yield stream
