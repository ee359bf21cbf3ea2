"""Clients, and the keys that the operator hands out, of which only the hashes are kept."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import InputError
from pipeline.messages import Text
from service.core.database import Database

MARK = "dlk_"  # tells a key where one is found, as scanners for secrets want it
FORM = re.compile(MARK + r"[A-Za-z0-9_-]{43}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LOCAL, VISITOR = "local", "visitor-"  # names of those that ask without a key
LAYOUT = """
CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    operator INTEGER NOT NULL,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
"""


@dataclass(frozen=True)
class Client:
    """A client of the service. name: of key or visitor, or `local`; it owns jobs and marks.

    local: this machine, where the service is open; key: one that holds a key; visitor: anybody
    else, whose name is the hash of a cookie. operator: may moderate marks, and see the metrics.
    """

    name: str
    kind: Literal["local", "key", "visitor"]
    operator: bool = False

    @property
    def trusted(self) -> bool:
        """Whether the client has all processes and the wide limits."""
        return self.kind != "visitor"


LOCAL_CLIENT = Client(LOCAL, "local", operator=True)


@dataclass(frozen=True)
class KeyRow:
    """A key without its secret. created: UTC as ISO 8601."""

    name: str
    operator: bool
    created: str


def hash_of(key: str) -> bytes:
    """SHA-256 of a key: 32 random bytes need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).digest()


class Keys:
    """The table of keys."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create_tables(LAYOUT)

    def add(self, name: str, operator: bool = False) -> str:
        """Create a key, which is returned only here. Raises InputError for an invalid name or one
        in use."""
        if not NAME.fullmatch(name) or name == LOCAL or name.startswith(VISITOR):
            raise InputError(
                Text("key {name!r}", name=name[:80]),
                "a name has up to 64 letters, digits, `.`, `_`, `-`, begins with a letter or digit,"
                " and is not {local!r} or {visitor!r}",
                "give another",
                local=LOCAL,
                visitor=VISITOR + "...",
            )
        key = MARK + secrets.token_urlsafe(32)
        added = self._database.execute(
            "INSERT INTO keys (name, hash, operator) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            name, hash_of(key), int(operator),
        )  # fmt: skip
        if not added.rowcount:
            raise InputError(
                Text("key {name!r}", name=name),
                "there is one already",
                "remove it or give another name",
            )
        return key

    def find(self, key: str) -> KeyRow | None:
        """The row of a key; None if unknown. Constant time, so that timing reveals no key."""
        if not FORM.fullmatch(key):
            return None
        hashed = hash_of(key)
        row = self._database.row("SELECT * FROM keys WHERE hash = ?", hashed)
        if row is None or not hmac.compare_digest(row["hash"], hashed):
            return None
        return KeyRow(row["name"], bool(row["operator"]), row["created"])

    def list(self) -> list[KeyRow]:
        """All keys, by name."""
        rows = self._database.rows("SELECT * FROM keys ORDER BY name")
        return [KeyRow(row["name"], bool(row["operator"]), row["created"]) for row in rows]

    def remove(self, name: str) -> None:
        """Delete a key. Raises InputError if there is none of that name."""
        if not self._database.execute("DELETE FROM keys WHERE name = ?", name).rowcount:
            raise InputError(
                Text("key {name!r}", name=name[:80]),
                "there is none",
                "`daklaag keys list` tells them",
            )
