"""Articles in files of JSON lines, plain or gzip. Imports neither Beam nor spaCy."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class LinesError(ValueError):
    """Articles that cannot be read; the message names the file and, where it has one, the line."""


class Labelled(NamedTuple):
    """An article that somebody gave a label."""

    label: str
    source: str
    """The outlet; empty if it is not stated."""
    title: str
    text: str


def read_labelled(folder: Path) -> Iterator[Labelled]:
    """The articles of all `*.jsonl` and `*.jsonl.gz` in a folder, by name of the file.

    A line has `topic`, the label, and `text` or `content_original`, and perhaps `title` and
    `source`. Raises LinesError if there are no such files, or for a line that is no such article.
    """
    paths = sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")])
    if not paths:
        raise LinesError(f"{folder}: has no *.jsonl or *.jsonl.gz")
    for path in paths:
        for where, row in _rows(path):
            title, text = _texts(where, row)
            label = _string(where, row, "topic")
            yield Labelled(label, _string(where, row, "source", ""), title, text)


def read_texts(path: Path) -> Iterator[tuple[str, str]]:
    """Title and text of each line of a file, which has `text` or `content_original`.

    Raises LinesError for a file that cannot be read or a line without text.
    """
    for where, row in _rows(path):
        yield _texts(where, row)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a file, each with its file and line."""
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise LinesError(f"{path}:{number}: is no JSON object")
                yield f"{path}:{number}", row
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise LinesError(f"{path}: cannot be read ({reason})") from error
    except RecursionError as error:
        raise LinesError(f"{path}:{number}: is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise LinesError(f"{path}:{number}: is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise LinesError(f"{path}:{number}: is no JSON ({error.msg})") from error


def _texts(where: str, row: dict[str, Any]) -> tuple[str, str]:
    name = "text" if "text" in row else "content_original"
    return _string(where, row, "title", ""), _string(where, row, name)


def _string(where: str, row: dict[str, Any], name: str, default: str | None = None) -> str:
    """A value that must be a string; null stands for the default."""
    value = default if row.get(name) is None else row[name]
    if not isinstance(value, str):
        raise LinesError(f"{where}: {name} is missing or no string")
    return value
