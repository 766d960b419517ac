"""Extract articles from pages, with trafilatura."""

import datetime as dt
import html as html_entities
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
import trafilatura
from lxml import etree
from py3langid.langid import LanguageIdentifier

from schemas import Article, content_hash, stable_id
from transforms.cleaning import clean_line, clean_text
from transforms.deduplication import article_id_of
from transforms.pages import Page
from transforms.stage import Lost, Outcome, Run, Stage, StageOutput, run_stage
from transforms.urls import UrlError, canonical_url, web_url

_PAYWALL: Final = re.compile(rb'"isAccessibleForFree"\s*:\s*"?false', re.IGNORECASE)
_JSON_LD_DATE: Final = re.compile(rb'"datePublished"\s*:\s*"([^"]{10,40})"')
_META_DATE: Final = re.compile(
    rb"<meta[^>]{0,100}article:published_time[^>]{0,100}content=[\"']([^\"']{10,40})", re.IGNORECASE
)
_MIN_LETTERS_FOR_LANGUAGE: Final = 60


@dataclass(frozen=True)
class Extraction:
    """What a page says of itself. ``published_at`` is UTC; a day without time is midnight."""

    title: str
    authors: list[str]
    published_at: dt.datetime | None
    text: str
    canonical_url: str | None
    language: str | None
    site_name: str | None
    truncated_or_paywalled: bool


class ExtractArticles(beam.PTransform):
    """Pages to articles."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def expand(self, pages: beam.PCollection) -> StageOutput:
        return run_stage(pages, _ExtractArticles(self.run), Article)


class _ExtractArticles(Stage):
    name = "ExtractArticles"

    def setup(self) -> None:
        self.extractor = Extractor()

    def source(self, element: Page) -> str:
        return element.entry.link

    def outcome(self, element: Page) -> Outcome:
        return Outcome(element.entry.feed_url, element.entry.key, "dead_letter", None)

    def handle(self, element: Page) -> Iterator[Any]:
        entry, method, html_hash = element.entry, "trafilatura", None
        found = self.extractor.extract(element.html, url=element.url) if element.html else None
        if found is not None and element.html is not None:
            html_hash = content_hash(element.html)
        elif entry.content:
            method = "feed_content"
            found = self.extractor.extract_fragment(entry.content, url=entry.link)
        if found is None:
            raise Lost("NoText", "no article text was found in the page")
        canonical = canonical_url(found.canonical_url or element.url)
        published = entry.published_at or found.published_at
        yield Article(
            article_id=article_id_of(canonical),
            run_id=self.run.run_id,
            day=(published or element.fetched_at).date(),
            url=entry.link,
            canonical_url=canonical,
            feed_url=entry.feed_url,
            feed_title=entry.feed_title,
            entry_id=entry.entry_id,
            title=found.title or entry.title,
            authors=found.authors or entry.authors,
            published_at=published,
            date_source="feed" if entry.published_at else "page" if published else "none",
            fetched_at=element.fetched_at,
            language=found.language,
            site_name=found.site_name or entry.feed_title,
            text=found.text,
            text_hash=content_hash(found.text),
            html_hash=html_hash,
            word_count=len(found.text.split()),
            extraction_method=method,
            truncated_or_paywalled=found.truncated_or_paywalled,
            story_id=stable_id("story", article_id_of(canonical)),
        )


class Extractor:
    """Extraction with its language model loaded. One a worker."""

    def __init__(self) -> None:
        self._languages = LanguageIdentifier.from_model(norm_probs=True)

    def extract(self, html: bytes, *, url: str | None = None) -> Extraction | None:
        """The article of a page, or None if no text is found in it."""
        tree = trafilatura.load_html(html)
        if tree is None:
            return None
        canonical = _canonical_link(tree, url)
        lang = str(tree.get("lang") or "")[:2].lower()
        found = trafilatura.bare_extraction(
            tree, url=url, with_metadata=True, include_comments=False, deduplicate=False
        )
        text = clean_text(getattr(found, "text", None) or "")
        if not text:
            return None
        return Extraction(
            title=clean_line(getattr(found, "title", None)),
            authors=_names(getattr(found, "author", None)),
            published_at=_page_time(html, getattr(found, "date", None)),
            text=text,
            canonical_url=canonical,
            language=self.language(text) or lang or None,
            site_name=clean_line(getattr(found, "sitename", None)) or None,
            truncated_or_paywalled=bool(_PAYWALL.search(html)),
        )

    def extract_fragment(self, html: str, *, url: str) -> Extraction | None:
        """The article of a feed's own full text, or None if there is none."""
        page = f'<html><head><meta charset="utf-8"></head><body><article>{html}</article></body>'
        found = self.extract(page.encode("utf-8", "replace"), url=url)
        text = found.text if found else clean_text(_plain(html))
        if not text:
            return None
        return Extraction("", [], None, text, None, self.language(text), None, False)

    def language(self, text: str) -> str | None:
        """ISO 639-1 code of a text's language; None if there is too little to tell."""
        if sum(map(str.isalpha, text[:500])) < _MIN_LETTERS_FOR_LANGUAGE:
            return None
        return str(self._languages.classify(text[:3000])[0])


def _canonical_link(tree: Any, url: str | None) -> str | None:
    for link in tree.iterfind(".//link[@rel='canonical']"):
        try:
            return web_url(link.get("href") or "", url or "")
        except UrlError:
            return None  # the address that was fetched serves instead
    return None


def _names(author: str | None) -> list[str]:
    return [clean_line(name) for name in (author or "").split(";") if name.strip()]


def _page_time(html: bytes, day: str | None) -> dt.datetime | None:
    match = _JSON_LD_DATE.search(html) or _META_DATE.search(html)
    stated = match[1].decode("ascii", "replace").replace("Z", "+00:00") if match else None
    for value in filter(None, (stated, day)):
        try:
            time = dt.datetime.fromisoformat(value)
        except ValueError:
            continue  # not ISO 8601: the day that htmldate found is next
        aware = time if time.tzinfo else time.replace(tzinfo=dt.timezone.utc)
        return aware.astimezone(dt.timezone.utc)
    return None


def _plain(html: str) -> str:
    return html_entities.unescape(
        "\n".join(map(str, etree.HTML(f"<div>{html}</div>").itertext())) if html.strip() else ""
    )
