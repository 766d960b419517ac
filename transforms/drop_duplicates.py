"""Keep one entry and one article per canonical URL, and drop what earlier runs have written.

An entry that its feed has changed is fetched again. Its article is written as a new version if the
text differs.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import apache_beam as beam

from schemas import Article
from schemas.ids import apart_lineage_id, link_key, story_id_of, text_key, version_id
from transforms.core.elements import (
    CanonicalLink,
    Entry,
    ExtractedArticle,
    LineageId,
    Outcome,
    OutcomeKind,
    Run,
)
from transforms.core.stage import CompositeTransform, SideOutput, Stage, StageOutput, apply_stage
from transforms.state.loaded_state import State
from transforms.state.records import FailedEntry, KnownArticle, KnownEntry, StateChange
from transforms.state.store import StateHandle
from transforms.story_similarity import is_same_text


@dataclass(frozen=True, slots=True)
class EntryHistory:
    """The records of an entry in the state.

    Attributes:
        known: set if its article is in the output.
        failed: set if its last attempt failed.
        article_id: the id of the last version of its article.
    """

    known: KnownEntry | None = None
    failed: FailedEntry | None = None
    article_id: str | None = None


def entry_history(state: State, entry: Entry) -> EntryHistory:
    """Look up an entry in the state, by its link or by its own id within its feed."""
    known = state.entry(link_key(entry.key))
    if known is None and entry.alias is not None:
        known = state.entry(entry.alias)  # the same item under another address
    article = state.article(known.lineage) if known and known.lineage else None
    failed = state.failed.get(link_key(entry.key))
    return EntryHistory(known, failed, article.article_id if article else None)


def classify_entry(
    entry: Entry, history: EntryHistory, at: dt.datetime
) -> Iterator[Entry | Outcome | StateChange]:
    """Yield the entry if it must be fetched, else its outcome.

    Args:
        entry: the entry.
        history: its records in the state.
        at: the time of the decision, UTC.
    """
    known, failed = history.known, history.failed
    outcome = Outcome(entry.feed_url, entry.key, OutcomeKind.KNOWN, history.article_id)
    if failed is not None and not entry.attempts:
        if failed.waits(entry.fingerprint, at):
            yield outcome
            return
        is_unchanged = failed.fingerprint == entry.fingerprint
        entry = replace(entry, attempts=failed.attempts if is_unchanged else 0)
    elif known is not None and entry.attempts:
        pass  # the page was not the article, so the feed's own text was used: look again
    elif known is not None and not known.fingerprint and entry.fingerprint:
        # State that was rebuilt from articles has no fingerprints: assume the present one.
        yield outcome
        yield StateChange(entry=replace(known, at=at, fingerprint=entry.fingerprint))
        return
    elif known is not None and entry.fingerprint in (known.fingerprint, ""):
        yield outcome
        return
    lineage = (known.lineage if known else "") or entry.lineage
    yield replace(entry, lineage=lineage, edited=known is not None)


def classify_articles(
    lineage: LineageId,
    extracted: Iterable[ExtractedArticle],
    find_last: Callable[[LineageId], KnownArticle | None],
) -> Iterator[ExtractedArticle | Outcome | StateChange]:
    """Yield the best article of a lineage if it is new, the outcomes of the others, and changes.

    An article whose canonical link may be wrong, and whose text is another than that of the
    lineage, is an article of its own.

    Args:
        lineage: the id that the articles share.
        extracted: the articles of this run.
        find_last: a function that returns the last version that earlier runs have written of a
            lineage; None if the article is new.
    """
    ordered = sorted(extracted, key=_preference)
    last = find_last(lineage)
    apart = [member for member in ordered if _is_separate(member, ordered[0], last)]
    for own_url in sorted({member.own_url for member in apart}):
        members = [_separate(member) for member in apart if member.own_url == own_url]
        yield from classify_articles(members[0].article.lineage_id, members, find_last)
    members = [member for member in ordered if member not in apart]
    if not members:
        return
    first, *others = members
    new = _new_version(first, last)
    written = new.article_id if new else last.article_id if last else lineage
    for other in others:
        yield Outcome(other.entry.feed_url, other.entry.key, OutcomeKind.DUPLICATE, written)
    if new is None:
        yield Outcome(first.entry.feed_url, first.entry.key, OutcomeKind.KNOWN, written)
    else:
        yield replace(first, article=new)
        yield StateChange(article=known_article(new))
    for member in members:
        yield from _remember(member, lineage)


def _remember(extracted: ExtractedArticle, lineage: LineageId) -> Iterator[StateChange]:
    """Yield the state changes that record to which lineage an entry led."""
    entry, at = extracted.entry, extracted.article.fetched_at
    for key in filter(None, (link_key(entry.key), entry.alias, _make_text_key(extracted))):
        yield StateChange(entry=KnownEntry(key, at, entry.fingerprint, lineage))


def _make_text_key(extracted: ExtractedArticle) -> str | None:
    """Return the key of an entry without an id, by its title and text; None if it has an id."""
    entry, article = extracted.entry, extracted.article
    if entry.entry_id != entry.link:
        return None
    return text_key(entry.feed_url, article.title, article.text_hash)


def find_known_text(extracted: ExtractedArticle, state: State) -> KnownEntry | None:
    """Return the record of an earlier entry of the feed with no id and the same text, or None."""
    key = _make_text_key(extracted) if extracted.entry.lineage is None else None
    return state.entry(key) if key else None


def _is_separate(
    extracted: ExtractedArticle, first: ExtractedArticle, last: KnownArticle | None
) -> bool:
    """Return whether an article does not belong to the lineage of its canonical link.

    Args:
        extracted: the article.
        first: the best article of the lineage in this run; it may be the same.
        last: the last version of the lineage that earlier runs have written.
    """
    if not extracted.own_url:
        return False
    if last is not None and extracted.article.text_hash == last.text_hash:
        return False
    if last is not None and first.own_url:  # no page of this run has a certain address
        return True
    return not (
        extracted.article.text_hash == first.article.text_hash
        or is_same_text(extracted.hashes, first.hashes)
    )


def _separate(extracted: ExtractedArticle) -> ExtractedArticle:
    """Return an article under the address that it was fetched from."""
    own_url, claimed = extracted.own_url, extracted.article.canonical_url
    lineage = apart_lineage_id(own_url, claimed)
    article = replace(
        extracted.article,
        article_id=lineage,
        lineage_id=lineage,
        story_id=story_id_of(lineage),
        canonical_url=own_url,
    )
    return replace(extracted, article=article, own_url="")


def known_article(article: Article) -> KnownArticle:
    """Return the state record of an article that will be written."""
    return KnownArticle(
        article.lineage_id,
        article.fetched_at,
        article.version,
        article.text_hash,
        article.html_hash is not None,
    )


def _preference(extracted: ExtractedArticle) -> tuple[bool, bool, bool, str]:
    """Order certain addresses first, then pages before feeds' own texts, then changed entries."""
    article, entry = extracted.article, extracted.entry
    return (extracted.own_url != "", article.html_hash is None, not entry.edited, article.url)


def _new_version(extracted: ExtractedArticle, last: KnownArticle | None) -> Article | None:
    """Return the article to write, or None if the last version still holds.

    A known article under another address is no new version, whatever its text. Nor is the feed's
    own text if the last version has the text of the page.
    """
    article = extracted.article
    if last is None:
        return article
    is_changed = article.text_hash != last.text_hash
    is_worse = article.html_hash is None and last.from_page
    if not extracted.entry.edited or not is_changed or is_worse:
        return None
    article_id = version_id(last.lineage, last.version + 1)
    return replace(
        article,
        article_id=article_id,
        version=last.version + 1,
        story_id=story_id_of(article_id),
    )


EntriesOfLink = tuple[CanonicalLink, Iterable[Entry]]
ArticlesOfLineage = tuple[LineageId, Iterable[ExtractedArticle]]


@dataclass
class DropDuplicateEntries(CompositeTransform[beam.PCollection[Entry], StageOutput[Entry]]):
    """Keeps the first entry of each canonical link, unless its article is known."""

    run: Run
    state: StateHandle

    def expand(self, entries: beam.PCollection[Entry]) -> StageOutput[Entry]:
        keyed = beam.Map(lambda e: (e.key, e)).with_output_types(tuple[CanonicalLink, Entry])
        groups = entries | "Key" >> keyed | "Group" >> beam.GroupByKey()
        return apply_stage(groups, EntryDeduplication(self.run, self.state), Entry)


@dataclass
class EntryDeduplication(Stage[EntriesOfLink, Entry]):
    """The stage that keeps one entry per canonical link."""

    name = "DropDuplicateEntries"

    run: Run
    state: StateHandle

    def source(self, element: EntriesOfLink) -> str:
        return element[0]

    def process(self, element: EntriesOfLink) -> Iterator[Entry | SideOutput]:
        link, entries = element
        first, *others = sorted(entries, key=lambda e: (e.position, e.feed_position))
        for other in others:
            yield Outcome(other.feed_url, link, OutcomeKind.DUPLICATE, None)
        content = next((e.content for e in (first, *others) if e.content), None)
        entry = replace(first, content=content)
        history = entry_history(self.state.value, entry)
        yield from classify_entry(entry, history, self.run.time())


@dataclass
class DropDuplicateArticles(
    CompositeTransform[beam.PCollection[ExtractedArticle], StageOutput[ExtractedArticle]]
):
    """Keeps one article per lineage. Pages of several entries may name one canonical URL."""

    run: Run
    state: StateHandle

    def expand(self, articles: beam.PCollection[ExtractedArticle]) -> StageOutput[ExtractedArticle]:
        keyed = beam.Map(lambda e: (e.article.lineage_id, e)).with_output_types(
            tuple[LineageId, ExtractedArticle]
        )
        groups = articles | "Key" >> keyed | "Group" >> beam.GroupByKey()
        return apply_stage(groups, ArticleDeduplication(self.run, self.state), ExtractedArticle)


@dataclass
class ArticleDeduplication(Stage[ArticlesOfLineage, ExtractedArticle]):
    """The stage that keeps one article per lineage."""

    name = "DropDuplicateArticles"

    run: Run
    state: StateHandle

    def source(self, element: ArticlesOfLineage) -> str:
        return element[0]

    def process(self, element: ArticlesOfLineage) -> Iterator[ExtractedArticle | SideOutput]:
        lineage, extracted = element
        state, unknown = self.state.value, []
        for member in extracted:
            known = find_known_text(member, state)
            last = state.article(known.lineage) if known else None
            if known is None or last is None or known.lineage == lineage:
                unknown.append(member)
                continue
            entry = member.entry
            yield Outcome(entry.feed_url, entry.key, OutcomeKind.KNOWN, last.article_id)
            yield from _remember(member, known.lineage)
        if unknown:
            yield from classify_articles(lineage, unknown, state.article)
