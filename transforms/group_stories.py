"""Group the copies of one story, such as a wire report that several outlets run.

Two articles are copies if they share enough runs of five words: the resemblance of Broder,
"On the resemblance and containment of documents" (1997), estimated from the smallest hashes of
each. Articles are taken in the order of publication, and each is compared with the first
members of the stories so far: stories never grow together through a chain of half-copies.
"""

import hashlib
import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics

from schemas import Article, Story
from schemas.ids import story_id_of
from transforms.core.elements import AcceptedArticle, ArticleSketch, ExtractedArticle, Run
from transforms.core.stage import CompositeTransform

RESEMBLANCE: Final = 0.4
"""Least estimated share of common runs of words (Jaccard) for a copy."""

LEAST_WORDS: Final = 40
"""Shorter texts, such as a paywall's notice, are no one's copy."""

_RUN: Final = 5
_SKETCH: Final = 64
_HASH: Final = 8  # bytes
_MAX_STORIES_A_HASH: Final = 50
_WORD: Final = re.compile(r"\w+")


class Stories(NamedTuple):
    """Articles with their story's id, and the stories."""

    articles: beam.PCollection
    stories: beam.PCollection


class GroupStories(CompositeTransform):
    """Extracted articles to articles and stories."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def expand(self, articles: beam.PCollection) -> Stories:
        sketches = articles | "Sketch" >> beam.Map(sketch_of).with_output_types(ArticleSketch)
        # What waits for the stories is held in memory by some runners: the less the better.
        kept = articles | "Keep" >> beam.Map(keep).with_output_types(AcceptedArticle)
        keyed = sketches | "Key" >> beam.WithKeys(None).with_output_types(
            tuple[None, ArticleSketch]
        )
        gathered = keyed | "Gather" >> beam.GroupByKey() | "All" >> beam.Values()
        stories = gathered | "Group" >> beam.FlatMap(group_copies, self.run).with_output_types(
            Story
        )
        copies = stories | "Copies" >> beam.FlatMap(
            lambda story: [(member, story.story_id) for member in story.members[1:]]
        )
        assigned = kept | "Assign" >> beam.ParDo(
            _AssignStories(), beam.pvalue.AsDict(copies)
        ).with_output_types(AcceptedArticle)
        return Stories(assigned, stories)


def keep(extracted: ExtractedArticle) -> AcceptedArticle:
    """What of an article goes on when it is clear that it is to be written."""
    return AcceptedArticle(extracted.article, extracted.text_reference)


def sketch_text(text: str) -> bytes:
    """The smallest 64 hashes of a text's runs of five words; none if it is short."""
    words = _WORD.findall(text.lower())
    runs = {" ".join(words[i : i + _RUN]) for i in range(len(words) - _RUN + 1)}
    hashes = heapq.nsmallest(_SKETCH, map(_hash, runs)) if len(words) >= LEAST_WORDS else ()
    return b"".join(hashes)


def sketch_of(extracted: ExtractedArticle) -> ArticleSketch:
    """The sketch of an article."""
    return sketch_article(extracted.article, extracted.hashes)


def sketch_article(article: Article, hashes: bytes) -> ArticleSketch:
    """The sketch of an article, given that of its text."""
    return ArticleSketch(
        article_id=article.article_id,
        outlet=article.site_name or urlsplit(article.canonical_url).hostname or "",
        published_at=article.published_at,
        day=article.day,
        hashes=hashes,
    )


def group_copies(sketches: Iterable[ArticleSketch], run: Run) -> Iterator[Story]:
    """The stories of some articles, in the order of their first members.

    The order of the sketches does not matter. Takes time in proportion to their number.
    """
    inputs = sorted(sketches, key=_by_publication)
    common = _common_hashes(inputs)
    members: dict[str, list[ArticleSketch]] = {}
    firsts_of: dict[bytes, list[ArticleSketch]] = defaultdict(list)
    for sketch in inputs:
        # Few hashes are in two texts, and only these are kept in tables: there are 64 an article.
        hashes = [value for value in _split(sketch.hashes) if value in common]
        shared = Counter(f.article_id for value in hashes for f in firsts_of[value])
        close = (members[first][0] for first, _ in shared.most_common(_MAX_STORIES_A_HASH))
        first = max(close, key=lambda other: _likeness(sketch, other), default=None)
        if first and _likeness(sketch, first) >= RESEMBLANCE:
            members[first.article_id].append(sketch)
            continue
        members[sketch.article_id] = [sketch]
        for value in hashes:
            if len(firsts_of[value]) < _MAX_STORIES_A_HASH:
                firsts_of[value].append(sketch)
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
    """The first articles of stories of before, the latest of them, by what they are known by."""

    def __init__(self, firsts: Mapping[str, bytes]) -> None:
        self.firsts = {article_id: _split(hashes) for article_id, hashes in firsts.items()}
        self._having = defaultdict[bytes, list[str]](list)
        for article_id, hashes in self.firsts.items():
            for value in hashes:
                self._having[value].append(article_id)

    def first_of(self, sketch: ArticleSketch) -> str | None:
        """The first article of the story that an article is a copy of; None if of none."""
        hashes = _split(sketch.hashes)
        shared = Counter(first for value in hashes for first in self._having.get(value, ()))
        close = [first for first, _ in shared.most_common(_MAX_STORIES_A_HASH)]
        best = max(close, key=lambda first: resemblance(hashes, self.firsts[first]), default=None)
        found = best is not None and resemblance(hashes, self.firsts[best]) >= RESEMBLANCE
        return best if found else None


def resemblance(a: Sequence[bytes], b: Sequence[bytes]) -> float:
    """Estimated share of common runs of words from the smallest hashes of two texts.

    >>> resemblance([b"1", b"2", b"3", b"4"], [b"1", b"2", b"3", b"5"])
    0.6
    """
    smallest = sorted({*a, *b})[:_SKETCH]
    common = set(a).intersection(b)
    return sum(value in common for value in smallest) / len(smallest) if smallest else 0.0


def _likeness(a: ArticleSketch, b: ArticleSketch) -> float:
    return resemblance(_split(a.hashes), _split(b.hashes))


def _common_hashes(sketches: Iterable[ArticleSketch]) -> set[bytes]:
    """The hashes that are in several sketches."""
    hashes = np.frombuffer(b"".join(sketch.hashes for sketch in sketches), dtype=">u8")
    values, counts = np.unique(hashes, return_counts=True)
    return set(_split(values[counts > 1].tobytes()))


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[i : i + _HASH] for i in range(0, len(hashes), _HASH)]


def _hash(words: str) -> bytes:
    return hashlib.blake2b(words.encode("utf-8"), digest_size=_HASH).digest()


def _by_publication(sketch: ArticleSketch) -> tuple[bool, Any, str]:
    time = sketch.published_at
    return time is None, time.timestamp() if time else 0.0, sketch.article_id


class _AssignStories(beam.DoFn):
    def __init__(self) -> None:
        self._in = Metrics.counter("newsbeam", "GroupStories.in")
        self._out = Metrics.counter("newsbeam", "GroupStories.out")

    def process(
        self, element: AcceptedArticle, story_of: dict[str, str]
    ) -> Iterator[AcceptedArticle]:
        self._in.inc()
        story_id = story_of.get(element.article.article_id)
        if story_id:
            element = replace(element, article=replace(element.article, story_id=story_id))
        yield element
        self._out.inc()
