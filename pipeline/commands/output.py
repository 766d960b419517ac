"""What commands print for people and other programs."""

import sys


def write_output(text: str | bytes) -> None:
    """Print in UTF-8 whatever the locale: lists, XML and JSON say that they are."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def print_message(message: str) -> None:
    """Tell the user something that is no result."""
    print(f"newsbeam: {message}", file=sys.stderr)  # noqa: T201
