"""Articles in JSON Lines files, plain or gzip, with or without topic labels.

`taxonomy suggest` and the trainer of the topic model read labelled articles, `taxonomy check`
reads titles and texts. Imports neither Beam nor spaCy.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple


class ArticleFileError(ValueError):
    """Articles that cannot be read; the message names the file and, if it has one, the line."""


class LabelledArticle(NamedTuple):
    """An article with the topic label that somebody gave it."""

    label: str
    source: str
    """The outlet; empty if the file does not state it."""
    title: str
    text: str


def read_labelled_articles(folder: Path) -> Iterator[LabelledArticle]:
    """Yield the articles of all `*.jsonl` and `*.jsonl.gz` in a folder, in the order of file names.

    Each line is an object with `topic` (the label), `text` or `content_original`, and optionally
    `title` and `source`.

    Raises:
        ArticleFileError: there are no such files, or a line is not such an object.
    """
    paths = sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")])
    if not paths:
        raise ArticleFileError(f"{folder}: has no *.jsonl or *.jsonl.gz")
    for path in paths:
        for location, row in _read_rows(path):
            title, text = _read_title_and_text(location, row)
            label = _read_string(location, row, "topic")
            yield LabelledArticle(label, _read_string(location, row, "source", ""), title, text)


def read_titles_and_texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the title (empty if there is none) and the text of each line of a file.

    Each line is an object with `text` or `content_original`, and optionally `title`.

    Raises:
        ArticleFileError: the file cannot be read, or a line has no text.
    """
    for location, row in _read_rows(path):
        yield _read_title_and_text(location, row)


def _read_rows(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the object of each line, with `FILE:LINE` for messages."""
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ArticleFileError(f"{path}:{number}: is no JSON object")
                yield f"{path}:{number}", row
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ArticleFileError(f"{path}: cannot be read ({reason})") from error
    except RecursionError as error:
        raise ArticleFileError(f"{path}:{number}: is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ArticleFileError(f"{path}:{number}: is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise ArticleFileError(f"{path}:{number}: is no JSON ({error.msg})") from error


def _read_title_and_text(location: str, row: Mapping[str, object]) -> tuple[str, str]:
    name = "text" if "text" in row else "content_original"
    return _read_string(location, row, "title", ""), _read_string(location, row, name)


def _read_string(
    location: str, row: Mapping[str, object], name: str, default: str | None = None
) -> str:
    """Return a value that must be a string; null stands for the default."""
    value = default if row.get(name) is None else row[name]
    if not isinstance(value, str):
        raise ArticleFileError(f"{location}: {name} is missing or no string")
    return value
