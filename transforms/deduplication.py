"""Keep one entry, and one article, of each canonical URL; drop what earlier runs wrote.

An entry that its feed has changed since is fetched again, and its article is written as a new
version if its text is another.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam

from schemas import Article, stable_id
from schemas.rows import row
from transforms.entries import Entry
from transforms.shelf import Place
from transforms.sinks.state_files import StateHandle
from transforms.stage import Composite, Outcome, Run, Stage, StageOutput, run_stage
from transforms.state import KnownArticle, KnownEntry, StateChange, change, entry_key, version_id

Keyed = tuple[str, Iterable[Any]]


@row
@dataclass(frozen=True, slots=True)
class Extracted:
    """An article without its text, which lies on the shelf, and the entry that it came from.

    ``hashes`` are those of its text by which copies of a story are known.
    """

    article: Article
    entry: Entry
    place: Place
    hashes: bytes


@row
@dataclass(frozen=True, slots=True)
class Kept:
    """An article that is to be written, without its text, which lies on the shelf."""

    article: Article
    place: Place


class DropDuplicateEntries(Composite):
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
        yield from self._fresh_or_known(replace(first, content=content))

    def _fresh_or_known(self, entry: Entry) -> Iterator[Entry | Outcome | StateChange]:
        known = self.state.entry(entry_key(entry.key))
        if known is None and entry.alias is not None:
            known = self.state.entry(entry.alias)  # the same item under another address
        failed = self.state.failed.get(entry_key(entry.key))
        article = self.state.article(known.lineage) if known else None
        article_id = article.article_id if article else None
        ends = Outcome(entry.feed_url, entry.key, "known", article_id)
        if failed is not None and not entry.attempts:
            if failed.waits(entry.fingerprint, self.run.started_at):
                yield ends
                return
            same = failed.fingerprint == entry.fingerprint
            entry = replace(entry, attempts=failed.attempts if same else 0)
        elif known is not None and not known.fingerprint and entry.fingerprint:
            # Known from its article alone: how its feed had it then is not, so how it has it now is
            # taken for that.
            yield ends
            yield change(replace(known, at=self.run.started_at, fingerprint=entry.fingerprint))
            return
        elif known is not None and entry.fingerprint in (known.fingerprint, ""):
            yield ends
            return
        yield replace(entry, lineage=known.lineage if known else None)


class DropDuplicateArticles(Composite):
    """Articles to one of each id: pages may call an address canonical that another entry had."""

    def __init__(self, run: Run, state: StateHandle) -> None:
        super().__init__()
        self.stage = _DropDuplicateArticles(run, state)

    def expand(self, articles: beam.PCollection) -> StageOutput:
        keyed = tuple[str, Extracted]
        groups = (
            articles
            | "Key" >> beam.Map(lambda e: (e.article.lineage_id, e)).with_output_types(keyed)
            | "Group" >> beam.GroupByKey()
        )
        return run_stage(groups, self.stage, Extracted)


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
        first, *others = sorted(extracted, key=_rank)
        last = self.state.article(lineage)
        new = _new_version(first, last)
        written = new.article_id if new else last.article_id if last else lineage
        for other in others:
            yield Outcome(other.entry.feed_url, other.entry.key, "duplicate", written)
        if new is None:
            yield Outcome(first.entry.feed_url, first.entry.key, "known", written)
        else:
            yield replace(first, article=new)
            from_page = new.html_hash is not None
            at = new.fetched_at
            yield change(KnownArticle(lineage, at, new.version, new.text_hash, from_page))
        for each in (first, *others):
            entry, at = each.entry, each.article.fetched_at
            for key in filter(None, (entry_key(entry.key), entry.alias)):
                yield change(KnownEntry(key, at, entry.fingerprint, lineage))


def _rank(extracted: Extracted) -> tuple[bool, bool, str]:
    """Pages before feeds' own texts; entries known by their feeds to have changed first."""
    article, entry = extracted.article, extracted.entry
    return (article.html_hash is None, entry.lineage is None, article.url)


def _new_version(extracted: Extracted, last: KnownArticle | None) -> Article | None:
    """The article as it is to be written; None if what is written says the same.

    Another address of a known article is no new version, whatever its text, and neither is a
    feed's own text in place of a page.
    """
    article = extracted.article
    if last is None:
        return article
    changed = article.text_hash != last.text_hash
    worse = article.html_hash is None and last.from_page
    if extracted.entry.lineage is None or not changed or worse:
        return None
    article_id = version_id(last.lineage, last.version + 1)
    return replace(
        article,
        article_id=article_id,
        version=last.version + 1,
        story_id=story_id_of(article_id),
    )


def article_id_of(canonical: str) -> str:
    """The id of the first version of the article at a canonical URL."""
    return stable_id(canonical)


def story_id_of(article_id: str) -> str:
    """The id of the story whose first member is this article."""
    return stable_id("story", article_id)
