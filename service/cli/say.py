"""What the command line says of itself, in the language that `--lang` asks for."""

from collections.abc import Sequence
from typing import Any

import click

from pipeline.messages import Text, translated

LANGUAGES = ("en", "nl")


def wished(arguments: Sequence[str]) -> str:
    """The language that a command line asks for, wherever in it; known before it is parsed, so that
    a fault in it is said in that language too."""
    asked = [word.removeprefix("--lang=") for word in arguments if word.startswith("--lang=")]
    asked += [arguments[i + 1] for i, word in enumerate(arguments[:-1]) if word == "--lang"]
    return next((lang for lang in asked if lang in LANGUAGES), LANGUAGES[0])


def language() -> str:
    """The language of the command that runs."""
    ctx = click.get_current_context(silent=True)
    known: str = ((ctx.obj if ctx else None) or {}).get("lang", LANGUAGES[0])
    return known


def sentence(template: str, /, **values: Any) -> str:
    """A sentence in the language of the command that runs."""
    return translated(Text(template, **values), language())


def say(template: str, /, **values: Any) -> None:
    """Print a sentence."""
    click.echo(sentence(template, **values))


def tell(template: str, /, **values: Any) -> None:
    """Print a sentence on standard error, where faults and progress stand."""
    click.echo(sentence(template, **values), err=True)
