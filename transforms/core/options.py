"""What every option group shares: typed values, a flag for each, checks that name the flag."""

import argparse
import dataclasses
from typing import Any, TypeVar

T = TypeVar("T")


class UsageError(Exception):
    """The user asked for something that cannot be done. The message is one clear sentence."""


def flag(help_text: str, *, default: Any = dataclasses.MISSING, **argument: Any) -> Any:
    """A field of an option group that is also a command-line flag of the same name.

    ``argument`` goes to :meth:`argparse.ArgumentParser.add_argument`.
    """
    return dataclasses.field(default=default, metadata={"help": help_text, "argument": argument})


def add_flags(group: type, parser: argparse.ArgumentParser, title: str) -> None:
    """Add a flag for every field of the option group to the parser."""
    section = parser.add_argument_group(title)
    for field in dataclasses.fields(group):
        argument = dict(field.metadata["argument"])
        if field.default is dataclasses.MISSING:
            argument["required"] = True
        else:
            argument["default"] = field.default
        text = field.metadata["help"]
        if argument.get("default") not in (None, False, ()):
            text += " (default %(default)s)"
        section.add_argument(f"--{field.name}", help=text, **argument)


def from_flags(group: type[T], args: argparse.Namespace) -> T:
    """The option group from the parsed flags; its ``__post_init__`` checks the values.

    Raises:
        UsageError: a value is out of range.
    """
    return group(**{f.name: getattr(args, f.name) for f in dataclasses.fields(group)})  # type: ignore[arg-type]


def require(ok: bool, message: str) -> None:
    """Raise :class:`UsageError` with the message unless ok."""
    if not ok:
        raise UsageError(message)
