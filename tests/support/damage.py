"""Damage to files: what disks, kills and power cuts leave of them."""

from collections.abc import Callable
from pathlib import Path


def flip(path: Path, bit: int) -> None:
    """Flip a bit of a file; negative ones count from its end."""
    content = bytearray(path.read_bytes())
    place = bit % (8 * len(content))
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Leave the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


HOW: dict[str, Callable[[Path], object]] = {
    "a bit flipped": lambda path: flip(path, 4 * path.stat().st_size),
    "cut off": cut,
    "emptied": lambda path: path.write_bytes(b""),
    "removed": Path.unlink,
}


def replace_once(path: Path, old: str, new: str) -> None:
    """Write the first of some text in a file otherwise; it must be there."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
