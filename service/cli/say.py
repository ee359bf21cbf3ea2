"""Messages of the command line, in the language of `--lang`."""

from collections.abc import Sequence
from typing import Any

import click

from pipeline.messages import Text, translated
from pipeline.terms import Command, Field, Term

LANGUAGES = ("en", "nl")
ARGUMENTS = {"area": "AREA", "parameter": "parameter"}  # fields that are no options


def wished(arguments: Sequence[str]) -> str:
    """The language that a command line asks for, wherever in it; known before it is parsed, so that
    a fault in it is said in that language too."""
    languages = [word.removeprefix("--lang=") for word in arguments if word.startswith("--lang=")]
    languages += [arguments[i + 1] for i, word in enumerate(arguments[:-1]) if word == "--lang"]
    return next((lang for lang in languages if lang in LANGUAGES), LANGUAGES[0])


def language() -> str:
    """The language of the command that runs."""
    ctx = click.get_current_context(silent=True)
    known: str = ((ctx.obj if ctx else None) or {}).get("lang", LANGUAGES[0])
    return known


def words(term: Term) -> str:
    """A field of a request as the argument or option for it, a task as the command."""
    match term:
        case Field(name, value):
            option = ARGUMENTS.get(name) or f"--{name.replace('_', '-')}"
            return option if value is None else Text("{option} {value}", option=option, value=value)
        case Command("fetch boundaries"):
            return Text("`daklaag fetch NL --what boundaries --into DIR`")
    return str(term)


def sentence(template: str, /, **values: Any) -> str:
    """A sentence in the language of the command that runs."""
    return translated(Text(template, **values), language(), words)


def say(template: str, /, **values: Any) -> None:
    """Print a sentence."""
    click.echo(sentence(template, **values))


def tell(template: str, /, **values: Any) -> None:
    """Print a sentence on standard error, where faults and progress stand."""
    click.echo(sentence(template, **values), err=True)
