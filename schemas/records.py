"""The records that Newsbeam writes. This is their only definition.

Conventions:

- Times are UTC.
- Offsets count code points of the article's ``text``. The end is exclusive, and
  ``text[start:end]`` equals the text in the record.
- Lists are never null.
- Create records with keyword arguments (Beam's row coder does not support ``kw_only``).
- Fields with a fixed set of values are plain strings, since Beam's rows have no enums.

The docstrings and descriptions here become comments of database tables and columns.
"""

import copyreg
import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.enums import StringEnum
from schemas.fields import doc

SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where an entity is named."""

    start: int = doc("First code point of the mention in the article's text.")
    end: int = doc("End of the mention, exclusive.")
    text: str = doc("The mention as printed.")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a topic was given: a matched phrase and the rule that matched it."""

    start: int = doc("First code point of the match.")
    end: int = doc("End of the match, exclusive.")
    text: str = doc("The match as printed.")
    rule: str = doc("Id of the taxonomy rule that matched.")


@dataclass(frozen=True, slots=True)
class Article:
    """An article as extracted, one record a canonical URL and version of its text."""

    TABLE: ClassVar[str] = "articles"
    KEY: ClassVar[str] = "article_id"

    article_id: str = doc("Hash of the canonical URL; of a later version, of that and its number.")
    run_id: str = doc("The run that wrote this record.")
    day: dt.date = doc("UTC day of publication, or of fetching where that is unknown.")
    url: str = doc("The address as the feed gave it.")
    canonical_url: str = doc("The address by which copies of the article are recognised.")
    lineage_id: str = doc("Id of the article's first version, the same for all of them.")
    version: int = doc("1, and one more each time that the published text was found changed.")
    feed_url: str = doc("The feed that listed the article first.")
    feed_title: str | None = doc("Title of that feed.")
    entry_id: str = doc("The entry's own id (guid, atom:id), or its link.")
    title: str = doc("Headline.")
    authors: list[str] = doc("Names in the byline.")
    published_at: dt.datetime | None = doc("Time of publication, UTC.")
    date_source: str = doc("Where published_at comes from: feed, page or none.")
    fetched_at: dt.datetime = doc("Time at which the page was fetched, UTC.")
    language: str | None = doc("ISO 639-1 code of the text's language.")
    site_name: str | None = doc("Name of the outlet.")
    text: str = doc("The body, paragraphs separated by a newline.")
    text_hash: str = doc("Hash of text.")
    html_hash: str | None = doc("Hash of the page as fetched; null if the feed's text was used.")
    word_count: int = doc("Words in text.")
    extraction_method: str = doc("trafilatura, or feed_content where the page could not be had.")
    truncated_or_paywalled: bool = doc("The page says that not all of the article is free to read.")
    noindex: bool = doc("The page asks not to be indexed (robots meta or header).")
    tdm_reserved: bool = doc("The page reserves text and data mining (TDM Reservation Protocol).")
    story_id: str = doc("The story of which this article is a copy or the only member.")
    modified_at: dt.datetime | None = doc(
        "Time of the last change that the page or the feed states, UTC.", default=None
    )
    summary: str | None = doc("The feed's summary, else the page's description.", default=None)
    image_url: str | None = doc("Address of the lead image.", default=None)
    section: str | None = doc("Section of the outlet, as the page states it.", default=None)
    tags: list[str] = doc(
        "Categories of the feed entry and keywords of the page.", default_factory=list
    )
    schema_version: int = doc("Version of this schema.", default=SCHEMA_VERSION)


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity of an article, with every mention of it."""

    TABLE: ClassVar[str] = "entities"
    KEY: ClassVar[str] = "entity_id"

    entity_id: str = doc("Hash of article, canonical name and label.")
    article_id: str = doc("The article.")
    run_id: str = doc("The run that wrote this record.")
    day: dt.date = doc("The article's day.")
    name: str = doc("Canonical name within the article.")
    label: str = doc("PERSON, ORG, GPE, LOC, NORP, EVENT, LAW or FAC.")
    wikidata_id: str | None = doc("Wikidata item, where known.")
    mentions: list[Mention] = doc("Every mention, in order.")
    count: int = doc("Number of mentions.")
    first_start: int = doc("Start of the first mention.")
    schema_version: int = doc("Version of this schema.", default=SCHEMA_VERSION)


class QuoteKind(StringEnum):
    """The values of `Quote.kind`."""

    DIRECT = "direct"
    """A whole sentence or clause in quotation marks."""
    MIXED = "mixed"
    """A part in quotation marks of a sentence of the article."""
    INDIRECT = "indirect"
    """Reported speech without quotation marks."""


class SpeakerKind(StringEnum):
    """The values of `Quote.speaker_kind`: the form of the speaker's mention."""

    NAMED = "named"
    DESCRIPTION = "description"
    PRONOUN = "pronoun"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Quote:
    """Something said, and who said it."""

    TABLE: ClassVar[str] = "quotes"
    KEY: ClassVar[str] = "quote_id"

    quote_id: str = doc("Hash of article, start and end.")
    article_id: str = doc("The article.")
    run_id: str = doc("The run that wrote this record.")
    day: dt.date = doc("The article's day.")
    start: int = doc("First code point of the quoted text, after the mark.")
    end: int = doc("End of the quoted text, before the mark, exclusive.")
    text: str = doc("The quoted text without its marks.")
    kind: str = doc("direct, mixed or indirect.")
    cue: str | None = doc("The word or words that attribute the quote, as printed.")
    cue_start: int | None = doc("Start of the cue.")
    cue_end: int | None = doc("End of the cue, exclusive.")
    speaker: str | None = doc("The mention of the speaker as printed.")
    speaker_start: int | None = doc("Start of the speaker's mention.")
    speaker_end: int | None = doc("End of the speaker's mention, exclusive.")
    speaker_kind: str = doc("named, description, pronoun or none.")
    speaker_name: str | None = doc("Canonical name within the article, or null if unclear.")
    speaker_role: str | None = doc("Title or affiliation as stated.")
    via: str | None = doc("The source that relayed the quote.")
    method: str = doc("Id of the rule that attributed the quote.")
    confidence: float = doc("From 0 to 1.")
    topics: list[str] = doc("Ids of the topics of the quote.")
    schema_version: int = doc("Version of this schema.", default=SCHEMA_VERSION)


@dataclass(frozen=True, slots=True)
class TopicTag:
    """A topic of an article or of a quote, with the evidence."""

    TABLE: ClassVar[str] = "topics"
    KEY: ClassVar[str] = "tag_id"

    tag_id: str = doc("Hash of article, quote and topic.")
    article_id: str = doc("The article.")
    quote_id: str | None = doc("The quote that is tagged; null if it is the article.")
    run_id: str = doc("The run that wrote this record.")
    day: dt.date = doc("The article's day.")
    topic_id: str = doc("Id of the topic in the taxonomy.")
    label: str = doc("Label of the topic.")
    iptc_codes: list[str] = doc("IPTC Media Topic codes that the topic maps to.")
    score: float = doc("Strength of the evidence, from 0 to 1.")
    evidence: list[Evidence] = doc("Matches, offsets into the article's text.")
    title_evidence: list[Evidence] = doc("Matches in the headline, offsets into the title.")
    taxonomy_version: str = doc("Version of the taxonomy file.")
    schema_version: int = doc("Version of this schema.", default=SCHEMA_VERSION)


@dataclass(frozen=True, slots=True)
class Story:
    """Copies of one story, such as a wire report that several outlets run."""

    TABLE: ClassVar[str] = "stories"
    KEY: ClassVar[str] = "story_id"

    story_id: str = doc("Hash of the member first seen.")
    run_id: str = doc("The run that wrote this record.")
    day: dt.date = doc("Day of the member first seen.")
    members: list[str] = doc("Ids of the articles, in the order of publication.")
    first_seen_article: str = doc("Id of the member that was published first.")
    outlets: list[str] = doc("Names of the outlets, in the order of the members.")
    schema_version: int = doc("Version of this schema.", default=SCHEMA_VERSION)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An input that could not be processed, and why."""

    TABLE: ClassVar[str] = "dead_letters"
    KEY: ClassVar[str] = "dead_letter_id"

    dead_letter_id: str = doc("Hash of stage, source and error.")
    run_id: str = doc("The run that wrote this record.")
    day: dt.date = doc("UTC day on which it was first seen.")
    stage: str = doc("The stage that gave up: the name of its transform.")
    source: str = doc("URL of the feed or page, or file and line.")
    error_type: str = doc("Class of the error.")
    message: str = doc("What went wrong, in one sentence.")
    attempts: int = doc("How often it was tried in this run.")
    first_seen_at: dt.datetime = doc("Time of the failure, UTC.")
    payload_reference: str | None = doc("Where the input can be found again.")
    schema_version: int = doc("Version of this schema.", default=SCHEMA_VERSION)


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """How one feed did in one run."""

    TABLE: ClassVar[str] = "feed_health"
    KEY: ClassVar[str] = "feed_health_id"

    feed_health_id: str = doc("Hash of feed and run.")
    run_id: str = doc("The run that wrote this record.")
    day: dt.date = doc("UTC day of the run.")
    feed_url: str = doc("The feed as listed.")
    status: str = doc("ok, unchanged, empty, failed, or retired (the server answered 410).")
    http_status: int | None = doc("Status of the last response; null for files and failures.")
    entries_seen: int = doc("Entries in the feed.")
    entries_new: int = doc("Entries that were not known.")
    entries_failed: int = doc("Entries that could not be read.")
    not_modified: bool = doc("The server answered 304.")
    bytes: int = doc("Bytes of the feed's document after decompression.")
    duration: float = doc("Seconds that fetching took.")
    failure_class: str | None = doc("Error type of the failure, as in its dead letter.")
    consecutive_failures: int = doc("Runs in a row that failed, this one included.")
    next_due: dt.datetime | None = doc("When the feed should be fetched again, UTC.")
    schema_version: int = doc("Version of this schema.", default=SCHEMA_VERSION)


Record = Article | Entity | Quote | TopicTag | Story | DeadLetter | FeedHealth

RECORDS: tuple[type[Record], ...] = (
    Article,
    Entity,
    Quote,
    TopicTag,
    Story,
    DeadLetter,
    FeedHealth,
)


def _reduce(record: Any) -> tuple[type, tuple[Any, ...]]:
    return type(record), tuple(getattr(record, name) for name in record.__slots__)


# A dataclass with slots has a slow pickle of its own, and every record passes between processes.
for _record in (Mention, Evidence, *RECORDS):
    copyreg.pickle(_record, _reduce)
