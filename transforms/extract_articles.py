"""Extract articles from pages, where extraction can be killed."""

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import apache_beam as beam

from schemas import Article, content_hash
from schemas.ids import first_version_id, story_id_of
from transforms.core.elements import ExtractedArticle, FetchedPage, Run
from transforms.core.errors import ItemError
from transforms.core.isolation import IsolatedWorkerHandle
from transforms.core.stage import CompositeTransform, Ending, Stage, StageOutput, run_stage
from transforms.core.urls import canonical_url
from transforms.extraction.article import Extraction, extract_page
from transforms.group_stories import sketch_text
from transforms.parse_entries import entry_failed
from transforms.storage.text_store import TextStore


class ExtractArticles(CompositeTransform):
    """Pages to articles, whose texts are put aside."""

    def __init__(self, run: Run, documents: IsolatedWorkerHandle, shelf: TextStore) -> None:
        super().__init__()
        self.stage = _ExtractArticles(run, documents, shelf)

    def expand(self, pages: beam.PCollection) -> StageOutput:
        return run_stage(pages, self.stage, ExtractedArticle)


class _ExtractArticles(Stage):
    name = "ExtractArticles"

    def __init__(self, run: Run, documents: IsolatedWorkerHandle, shelf: TextStore) -> None:
        super().__init__(run)
        self._handle = documents
        self._shelf = shelf

    def setup(self) -> None:
        self.isolated = self._handle.get()

    def teardown(self) -> None:
        del self.isolated  # which ends with the last stage that has it

    def start_bundle(self) -> None:
        self._texts = self._shelf.writer()

    def finish_bundle(self) -> None:
        self._texts.close()

    def source(self, element: FetchedPage) -> str:
        return element.entry.link

    def ending(self, element: FetchedPage, error: Exception) -> Iterator[Ending]:
        yield from entry_failed(element.entry, error)

    def handle(self, element: FetchedPage) -> Iterator[Any]:
        try:
            found, method = self._extract(element, element.html)
        except ItemError:
            if element.html is None or not element.entry.content:
                raise
            found, method = self._extract(element, None)
        entry = element.entry
        canonical = canonical_url(found.canonical_url or element.url)
        lineage = entry.lineage or first_version_id(canonical)
        published = entry.published_at or found.published_at
        from_page = element.html is not None and method == "trafilatura"
        article = Article(
            article_id=lineage,
            run_id=self.run.run_id,
            day=(published or element.fetched_at).date(),
            url=entry.link,
            canonical_url=canonical,
            lineage_id=lineage,
            version=1,
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
            text="",
            text_hash=content_hash(found.text),
            html_hash=content_hash(element.html) if from_page and element.html else None,
            word_count=len(found.text.split()),
            extraction_method=method,
            truncated_or_paywalled=found.truncated_or_paywalled,
            noindex=found.noindex,
            tdm_reserved=found.tdm_reserved,
            story_id=story_id_of(lineage),
        )
        yield ExtractedArticle(
            article=article,
            entry=replace(entry, content=None),
            text_reference=self._texts.write(found.text),
            hashes=sketch_text(found.text),
        )

    def _extract(self, page: FetchedPage, html: bytes | None) -> tuple[Extraction, str]:
        found: tuple[Extraction, str] = self.isolated(
            functools.partial(
                extract_page,
                html,
                url=page.url,
                content_type=page.content_type,
                headers={header.name: header.value for header in page.headers},
                fragment=page.entry.content,
            )
        )
        return found
