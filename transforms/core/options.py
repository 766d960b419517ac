"""Option groups: dataclasses whose fields are typed, checked and also command-line flags."""

import argparse
import dataclasses
from typing import Any, TypeVar

from transforms.core.errors import UsageError

T = TypeVar("T")


def flag(help_text: str, *, default: Any = dataclasses.MISSING, **argument: Any) -> Any:
    """Declare a field of an option group that is also a command-line flag of the same name.

    Args:
        help_text: the text for ``--help``; :func:`add_flags` appends the default to it.
        default: the default of field and flag; without one, the flag is required.
        **argument: further arguments of :meth:`argparse.ArgumentParser.add_argument`.

    Returns:
        The field. Its type is ``Any``, like that of :func:`dataclasses.field` for type checkers.
    """
    return dataclasses.field(default=default, metadata={"help": help_text, "argument": argument})


def add_flags(group: type, parser: argparse.ArgumentParser, title: str) -> None:
    """Add a flag for every field of the option group to the parser, under a title in its help."""
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
    """Return the option group with the values of the parsed flags.

    Raises:
        UsageError: if a value is out of range; the group's ``__post_init__`` checks this.
    """
    return group(**{f.name: getattr(args, f.name) for f in dataclasses.fields(group)})  # type: ignore[arg-type]


def require(condition: bool, message: str) -> None:
    """Raise :class:`UsageError` with the message unless the condition holds."""
    if not condition:
        raise UsageError(message)
