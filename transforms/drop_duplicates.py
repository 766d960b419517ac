"""Keep one entry, and one article, of each canonical URL; drop what earlier runs wrote.

An entry that its feed has changed since is fetched again, and its article is written as a new
version if its text is another.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam

from schemas import Article
from schemas.ids import link_key, story_id_of, version_id
from transforms.core.elements import Entry, ExtractedArticle, Outcome, Run
from transforms.core.stage import CompositeTransform, Stage, StageOutput, run_stage
from transforms.state.records import (
    FailedEntry,
    KnownArticle,
    KnownEntry,
    State,
    StateChange,
    change,
)
from transforms.state.store import StateHandle

Keyed = tuple[str, Iterable[Any]]


@dataclass(frozen=True, slots=True)
class EntryHistory:
    """What is remembered of an entry: that it is known, or failed, and its article's last id."""

    known: KnownEntry | None = None
    failed: FailedEntry | None = None
    article_id: str | None = None


def remembered(state: State, entry: Entry) -> EntryHistory:
    """What a state remembers of an entry."""
    known = state.entry(link_key(entry.key))
    if known is None and entry.alias is not None:
        known = state.entry(entry.alias)  # the same item under another address
    article = state.article(known.lineage) if known and known.lineage else None
    failed = state.failed.get(link_key(entry.key))
    return EntryHistory(known, failed, article.article_id if article else None)


def classify_entry(
    entry: Entry, before: EntryHistory, at: dt.datetime
) -> Iterator[Entry | Outcome | StateChange]:
    """The entry if it is worth fetching, given what is remembered of it; else how it ends."""
    known, failed = before.known, before.failed
    ends = Outcome(entry.feed_url, entry.key, "known", before.article_id)
    if failed is not None and not entry.attempts:
        if failed.waits(entry.fingerprint, at):
            yield ends
            return
        same = failed.fingerprint == entry.fingerprint
        entry = replace(entry, attempts=failed.attempts if same else 0)
    elif known is not None and not known.fingerprint and entry.fingerprint:
        # Known from its article alone: how its feed had it then is not, so how it has it now is
        # taken for that.
        yield ends
        yield change(replace(known, at=at, fingerprint=entry.fingerprint))
        return
    elif known is not None and entry.fingerprint in (known.fingerprint, ""):
        yield ends
        return
    lineage = (known.lineage if known else "") or entry.lineage
    yield replace(entry, lineage=lineage, edited=known is not None)


class DropDuplicateEntries(CompositeTransform):
    """Entries to those worth fetching: the first of each canonical link, unless known."""

    def __init__(self, run: Run, state: StateHandle) -> None:
        super().__init__()
        self.stage = _DropDuplicateEntries(run, state)

    def expand(self, entries: beam.PCollection) -> StageOutput:
        groups = (
            entries
            | "Key" >> beam.Map(lambda e: (e.key, e)).with_output_types(tuple[str, Entry])
            | "Group" >> beam.GroupByKey()
        )
        return run_stage(groups, self.stage, Entry)


class _DropDuplicateEntries(Stage):
    name = "DropDuplicateEntries"

    def __init__(self, run: Run, state: StateHandle) -> None:
        super().__init__(run)
        self._handle = state

    def setup(self) -> None:
        self.state = self._handle.get()

    def source(self, element: Keyed) -> str:
        return element[0]

    def handle(self, element: Keyed) -> Iterator[Any]:
        key, entries = element
        first, *others = sorted(entries, key=lambda e: (e.position, e.feed_position))
        for other in others:
            yield Outcome(other.feed_url, key, "duplicate", None)
        content = next((e.content for e in (first, *others) if e.content), None)
        entry = replace(first, content=content)
        yield from classify_entry(entry, remembered(self.state, entry), self.run.time())


class DropDuplicateArticles(CompositeTransform):
    """Articles to one of each id: pages may call an address canonical that another entry had."""

    def __init__(self, run: Run, state: StateHandle) -> None:
        super().__init__()
        self.stage = _DropDuplicateArticles(run, state)

    def expand(self, articles: beam.PCollection) -> StageOutput:
        keyed = tuple[str, ExtractedArticle]
        groups = (
            articles
            | "Key" >> beam.Map(lambda e: (e.article.lineage_id, e)).with_output_types(keyed)
            | "Group" >> beam.GroupByKey()
        )
        return run_stage(groups, self.stage, ExtractedArticle)


class _DropDuplicateArticles(Stage):
    name = "DropDuplicateArticles"

    def __init__(self, run: Run, state: StateHandle) -> None:
        super().__init__(run)
        self._handle = state

    def setup(self) -> None:
        self.state = self._handle.get()

    def source(self, element: Keyed) -> str:
        return element[0]

    def handle(self, element: Keyed) -> Iterator[Any]:
        lineage, extracted = element
        yield from classify_articles(lineage, extracted, self.state.article(lineage))


def classify_articles(
    lineage: str, extracted: Iterable[ExtractedArticle], last: KnownArticle | None
) -> Iterator[ExtractedArticle | Outcome | StateChange]:
    """The best of the articles of a lineage if it is new, and how the others end.

    ``last`` is the version that is known. Changes say what is known from now on.
    """
    first, *others = sorted(extracted, key=_rank)
    new = _new_version(first, last)
    written = new.article_id if new else last.article_id if last else lineage
    for other in others:
        yield Outcome(other.entry.feed_url, other.entry.key, "duplicate", written)
    if new is None:
        yield Outcome(first.entry.feed_url, first.entry.key, "known", written)
    else:
        yield replace(first, article=new)
        yield change(known_article(new))
    for each in (first, *others):
        entry, at = each.entry, each.article.fetched_at
        for key in filter(None, (link_key(entry.key), entry.alias)):
            yield change(KnownEntry(key, at, entry.fingerprint, lineage))


def known_article(article: Article) -> KnownArticle:
    """What is remembered of an article that is written."""
    return KnownArticle(
        article.lineage_id,
        article.fetched_at,
        article.version,
        article.text_hash,
        article.html_hash is not None,
    )


def _rank(extracted: ExtractedArticle) -> tuple[bool, bool, str]:
    """Pages before feeds' own texts; entries known by their feeds to have changed first."""
    article, entry = extracted.article, extracted.entry
    return (article.html_hash is None, not entry.edited, article.url)


def _new_version(extracted: ExtractedArticle, last: KnownArticle | None) -> Article | None:
    """The article as it is to be written; None if what is written says the same.

    Another address of a known article is no new version, whatever its text, and neither is a
    feed's own text in place of a page.
    """
    article = extracted.article
    if last is None:
        return article
    changed = article.text_hash != last.text_hash
    worse = article.html_hash is None and last.from_page
    if not extracted.entry.edited or not changed or worse:
        return None
    article_id = version_id(last.lineage, last.version + 1)
    return replace(
        article,
        article_id=article_id,
        version=last.version + 1,
        story_id=story_id_of(article_id),
    )
