"""Recognise the copies of one story by a MinHash sketch of their texts. Imports no Beam.

Two articles are copies if they share enough shingles of five words: the resemblance of Broder, "On
the resemblance and containment of documents" (1997), estimated from the 64 smallest hashes of each
text. Articles are compared in the order of publication, each with the first articles of the stories
so far. So stories never merge through a chain of partial copies.

The sketch is written by hand rather than with a library such as datasketch: the same input must
give the same stories in every release, and these few lines bound time and memory.
"""

import datetime as dt
import hashlib
import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from schemas import Article, Story
from schemas.ids import story_id_of
from transforms.core.elements import ArticleSketch, Run

MIN_RESEMBLANCE: Final = 0.4
"""The minimum estimated share of common shingles (Jaccard index) of a copy."""

MIN_RESEMBLANCE_OF_SAME: Final = 0.8
"""The minimum estimated share of common shingles of two forms of one article."""

MIN_WORDS: Final = 40
"""The minimum length of a grouped text. Shorter ones are often notices, such as of a paywall."""

_SHINGLE_WORDS: Final = 5
_SKETCH_HASHES: Final = 64
_HASH_BYTES: Final = 8
_MAX_STORIES_PER_HASH: Final = 50
_WORD: Final = re.compile(r"\w+")


def sketch_text(text: str) -> bytes:
    """Return the sketch of a text: its 64 smallest shingle hashes, ascending, 8 bytes each.

    The sketch of a text of fewer than :data:`MIN_WORDS` words is empty.
    """
    words = _WORD.findall(text.lower())
    if len(words) < MIN_WORDS:
        return b""
    starts = range(len(words) - _SHINGLE_WORDS + 1)
    shingles = {" ".join(words[start : start + _SHINGLE_WORDS]) for start in starts}
    return b"".join(heapq.nsmallest(_SKETCH_HASHES, map(_hash, shingles)))


def sketch_article(article: Article, hashes: bytes) -> ArticleSketch:
    """Return the sketch of an article, with the sketch of its text in ``hashes``."""
    return ArticleSketch(
        article_id=article.article_id,
        outlet=article.site_name or urlsplit(article.canonical_url).hostname or "",
        published_at=article.published_at,
        day=article.day,
        hashes=hashes,
    )


def group_copies(sketches: Iterable[ArticleSketch], run: Run) -> Iterator[Story]:
    """Yield the stories of some articles, in the order of their first members.

    The order of the sketches does not matter. The time is proportional to their number.
    """
    ordered = sorted(sketches, key=_publication_order)
    common = _common_hashes(ordered)
    members: dict[str, list[ArticleSketch]] = {}
    firsts_by_hash: dict[bytes, list[ArticleSketch]] = defaultdict(list)
    for sketch in ordered:
        # Index only hashes that are in several texts: few of the 64 per article are.
        own = _split(sketch.hashes)
        hashes = [value for value in own if value in common]
        shared = Counter(f.article_id for value in hashes for f in firsts_by_hash[value])
        candidates = (members[first][0] for first, _ in shared.most_common(_MAX_STORIES_PER_HASH))
        best, first = max(
            ((resemblance(own, _split(other.hashes)), other) for other in candidates),
            key=itemgetter(0),
            default=(0.0, None),
        )
        if first and best >= MIN_RESEMBLANCE:
            members[first.article_id].append(sketch)
            continue
        members[sketch.article_id] = [sketch]
        for value in hashes:
            if len(firsts_by_hash[value]) < _MAX_STORIES_PER_HASH:
                firsts_by_hash[value].append(sketch)
    for first_id, group in members.items():
        yield Story(
            story_id=story_id_of(first_id),
            run_id=run.run_id,
            day=group[0].day,
            members=[sketch.article_id for sketch in group],
            first_seen_article=first_id,
            outlets=[sketch.outlet for sketch in group],
        )


class EarlierStories:
    """An index of the first articles of earlier stories by the hashes of their sketches.

    Args:
        firsts: the sketch of each first article's text, by article id.
    """

    def __init__(self, firsts: Mapping[str, bytes]) -> None:
        self._hashes = {article_id: _split(hashes) for article_id, hashes in firsts.items()}
        self._articles_by_hash = defaultdict[bytes, list[str]](list)
        for article_id, hashes in self._hashes.items():
            for value in hashes:
                self._articles_by_hash[value].append(article_id)

    def find_first(self, sketch: ArticleSketch) -> str | None:
        """Return the first article of the story that an article is a copy of, or None."""
        hashes = _split(sketch.hashes)
        articles = self._articles_by_hash
        shared = Counter(first for value in hashes for first in articles.get(value, ()))
        candidates = [first for first, _ in shared.most_common(_MAX_STORIES_PER_HASH)]
        best = max(
            candidates, key=lambda first: resemblance(hashes, self._hashes[first]), default=None
        )
        if best is None or resemblance(hashes, self._hashes[best]) < MIN_RESEMBLANCE:
            return None
        return best


def is_same_text(a: bytes, b: bytes) -> bool:
    """Return whether two texts differ by no more than captions or an edit, from their sketches."""
    return resemblance(_split(a), _split(b)) >= MIN_RESEMBLANCE_OF_SAME


def resemblance(a: Sequence[bytes], b: Sequence[bytes]) -> float:
    """Return the estimated Jaccard index of two texts' shingles, from their smallest hashes.

    >>> resemblance([b"1", b"2", b"3", b"4"], [b"1", b"2", b"3", b"5"])
    0.6
    """
    smallest = sorted({*a, *b})[:_SKETCH_HASHES]
    common = set(a).intersection(b)
    return sum(value in common for value in smallest) / len(smallest) if smallest else 0.0


def _common_hashes(sketches: Iterable[ArticleSketch]) -> set[bytes]:
    """Return the hashes that are in more than one sketch."""
    hashes = np.frombuffer(b"".join(sketch.hashes for sketch in sketches), dtype=">u8")
    values, counts = np.unique(hashes, return_counts=True)
    return set(_split(values[counts > 1].tobytes()))


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[i : i + _HASH_BYTES] for i in range(0, len(hashes), _HASH_BYTES)]


def _hash(shingle: str) -> bytes:
    return hashlib.blake2b(shingle.encode("utf-8"), digest_size=_HASH_BYTES).digest()


def _publication_order(sketch: ArticleSketch) -> tuple[bool, float, str]:
    time: dt.datetime | None = sketch.published_at
    return time is None, time.timestamp() if time else 0.0, sketch.article_id
