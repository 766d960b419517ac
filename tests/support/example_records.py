"""Valid records for tests; a test gives only the fields that it is about."""

import datetime as dt
from dataclasses import replace
from typing import Any

from schemas import Article, content_hash
from schemas.ids import first_version_id, story_id_of
from transforms.core.elements import Entry, ExtractedArticle, TextReference
from transforms.core.urls import canonical_url
from transforms.state.loaded_state import State, format_line
from transforms.state.sorted_table import KEY_BYTES
from transforms.story_similarity import sketch_text

TIME = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.timezone.utc)


def entry(link: str, **fields: Any) -> Entry:
    """Return an entry of a feed, with these fields."""
    defaults: dict[str, Any] = {
        "feed_url": "https://a.example/feed",
        "feed_title": "The A",
        "feed_position": 0,
        "position": 0,
        "entry_id": link,
        "link": link,
        "key": canonical_url(link),
        "title": "A title",
        "authors": [],
        "published_at": TIME,
        "content": None,
        "language": "en",
    }
    return Entry(**(defaults | fields))


def article(canonical: str, text: str = "Some text.", **fields: Any) -> Article:
    """Return an article, with these fields."""
    article_id = first_version_id(canonical)
    defaults: dict[str, Any] = {
        "article_id": article_id,
        "run_id": "run-1",
        "day": TIME.date(),
        "url": canonical,
        "canonical_url": canonical,
        "lineage_id": article_id,
        "version": 1,
        "feed_url": "https://a.example/feed",
        "feed_title": "The A",
        "entry_id": canonical,
        "title": "A title",
        "authors": [],
        "published_at": TIME,
        "date_source": "feed",
        "fetched_at": TIME,
        "language": "en",
        "site_name": "The A",
        "text": text,
        "text_hash": content_hash(text),
        "html_hash": content_hash(b"<html>"),
        "word_count": len(text.split()),
        "extraction_method": "trafilatura",
        "truncated_or_paywalled": False,
        "noindex": False,
        "tdm_reserved": False,
        "story_id": story_id_of(article_id),
    }
    return Article(**(defaults | fields))


def extracted(of: Article, place: TextReference | None = None, **fields: Any) -> ExtractedArticle:
    """Return an extracted article, its text in the text store, with an entry of these fields."""
    return ExtractedArticle(
        article=replace(of, text=""),
        entry=entry(of.url, **fields),
        text_reference=place or TextReference("nowhere", 0, 0),
        hashes=sketch_text(of.text),
    )


def state_lines(state: State) -> list[str]:
    """Return all records of a state as sorted lines."""
    lines = [*state.object_lines()]
    for table, get in zip(state.tables, (state.entry, state.article), strict=True):
        rows = b"".join(table.sorted_rows())
        for start in range(0, len(rows), table.width):
            record = get(rows[start : start + KEY_BYTES].hex())
            assert record is not None
            lines.append(format_line(record))
    return sorted(lines)
