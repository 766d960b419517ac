"""The codes of the IPTC Media Topics, the vocabulary in which newsrooms exchange topics.

`media_topics.tsv` lists every concept of the release that its first lines name, published by the
International Press Telecommunications Council under CC BY 4.0.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple


class MediaTopic(NamedTuple):
    """A concept of the vocabulary."""

    label: str
    """English name (en-US)."""
    retired: bool


@cache
def load_media_topics() -> Mapping[str, MediaTopic]:
    """Return the concepts by their code of 8 digits."""
    rows = (line.split("\t") for line in _read_lines() if not line.startswith("#"))
    return MappingProxyType(
        {code: MediaTopic(label, bool(retired)) for code, label, retired in rows}
    )


@cache
def load_media_topics_release() -> str:
    """Return the date of the release, YYYY-MM-DD."""
    return _read_lines()[0].partition("release of ")[2][: len("YYYY-MM-DD")]


def _read_lines() -> list[str]:
    return files(__package__).joinpath("media_topics.tsv").read_text("utf-8").splitlines()
