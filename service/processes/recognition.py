"""What makes two orders the same, so that an answer that exists is not computed again."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

from pipeline.storage.cache import fingerprint, key_of
from pipeline.storage.places import is_remote
from service.core.catalogue import Sources, files_of


def key(process: str, inputs: dict[str, Any], *behind: Any) -> str:
    """The same for orders with the same answer. inputs: complete; behind: what they are answered
    from."""
    return key_of(process, inputs, version("daklaag"), behind)


def stamps(sources: Sources) -> dict[str, list[Any]]:
    """Name, size and time of every file that a run could read, without opening one."""
    kinds = {"dsm": sources.dsm, "dtm": sources.dtm, "buildings": sources.buildings}
    return {kind: [*_stamps(given)] for kind, given in kinds.items()}


def _stamps(given: Iterable[str]) -> Iterator[Any]:
    for source in given:
        files = [] if is_remote(source) else files_of(source)
        if not files:
            yield source  # an object, or a file within a zip: by its name
        for file in files:
            found = fingerprint(str(file))
            yield [file.name, found["size"], found["mtime_ns"]]
