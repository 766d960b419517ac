"""The output of commands: results on stdout, messages and errors on stderr."""

import sys


def write_output(text: str | bytes) -> None:
    """Write a result to stdout, in UTF-8 whatever the locale, as lists, XML and JSON require."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def print_line(line: str) -> None:
    """Print a line for people to stdout at once, even if stdout is a pipe."""
    print(line, flush=True)  # noqa: T201


def print_message(message: str) -> None:
    """Print a message for people to stderr."""
    print(f"newsbeam: {message}", file=sys.stderr)  # noqa: T201
