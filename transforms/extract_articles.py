"""Extract articles from pages, in an isolated worker process."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import apache_beam as beam

from schemas import Article, content_hash
from schemas.ids import first_version_id, story_id_of
from transforms.core.elements import ExtractedArticle, FetchedPage, Run
from transforms.core.errors import ItemError
from transforms.core.isolated_process import IsolatedWorkerHandle
from transforms.core.isolated_stage import IsolatedStage, apply_isolated_stage
from transforms.core.stage import CompositeTransform, SideOutput, StageOutput
from transforms.core.urls import canonical_url
from transforms.extraction.article import PageArticle, extract_page
from transforms.extraction.article_check import NOT_THE_ARTICLE
from transforms.extraction.entry_agreement import ExpectedArticle
from transforms.extraction.publication_time import (
    choose_modification_time,
    choose_publication_time,
)
from transforms.state.retries import fail_entry, recheck_entry
from transforms.storage.text_store import TextStore
from transforms.story_similarity import sketch_text


@dataclass
class ExtractArticles(
    CompositeTransform[beam.PCollection[FetchedPage], StageOutput[ExtractedArticle]]
):
    """Extracts articles from pages. Their texts go to the text store, not through shuffles."""

    run: Run
    documents: IsolatedWorkerHandle
    texts: TextStore

    def expand(self, pages: beam.PCollection[FetchedPage]) -> StageOutput[ExtractedArticle]:
        stage = ArticleExtraction(self.run, self.documents, self.texts)
        return apply_isolated_stage(pages, stage, ExtractedArticle)


@dataclass
class ArticleExtraction(IsolatedStage[FetchedPage, ExtractedArticle, PageArticle]):
    """The stage that extracts articles, from the page or, failing that, from the feed's text."""

    name = "ExtractArticles"

    run: Run
    documents: IsolatedWorkerHandle
    texts: TextStore

    def start_bundle(self) -> None:
        self._writer = self.texts.writer()

    def finish_bundle(self) -> None:
        self._writer.close()

    def source(self, element: FetchedPage) -> str:
        return element.entry.link

    def fail(self, element: FetchedPage, error: Exception) -> Iterator[SideOutput]:
        yield from super().fail(element, error)
        yield from fail_entry(element.entry, error)

    @property
    def processes(self) -> int:
        return self.documents.processes

    def compute(self, element: FetchedPage) -> PageArticle:
        try:
            return self._extract(element, element.html)
        except ItemError as error:
            if element.html is None or not element.entry.content:
                raise
            return replace(self._extract(element, None), rejection=error)

    def finish(
        self, element: FetchedPage, result: PageArticle
    ) -> Iterator[ExtractedArticle | SideOutput]:
        extraction, method, rejection = result.extraction, result.method, result.rejection
        agreement = result.agreement
        entry = element.entry
        url = canonical_url(_address(element, rejection))
        canonical = extraction.canonical_url or (entry.key if entry.shares_link else url)
        lineage = entry.lineage or first_version_id(canonical)
        fetched_at = element.fetched_at
        published, date_source = choose_publication_time(
            entry.published_at, extraction.published_at, fetched_at
        )
        from_page = element.html is not None and method == "trafilatura"
        article = Article(
            article_id=lineage,
            run_id=self.run.run_id,
            day=(published or fetched_at).date(),
            url=entry.link,
            canonical_url=canonical,
            lineage_id=lineage,
            version=1,
            feed_url=entry.feed_url,
            feed_title=entry.feed_title,
            entry_id=entry.entry_id,
            title=extraction.title or entry.title,
            authors=extraction.authors or entry.authors,
            published_at=published,
            date_source=date_source,
            fetched_at=fetched_at,
            language=extraction.language,
            site_name=extraction.site_name or entry.feed_title,
            text="",
            text_hash=content_hash(extraction.text),
            html_hash=content_hash(element.html) if from_page and element.html else None,
            word_count=len(extraction.text.split()),
            extraction_method=method,
            truncated_or_paywalled=extraction.truncated_or_paywalled,
            noindex=extraction.noindex,
            tdm_reserved=extraction.tdm_reserved,
            story_id=story_id_of(lineage),
            modified_at=choose_modification_time(
                entry.modified_at, extraction.modified_at, published, fetched_at
            ),
            summary=entry.summary or extraction.summary or None,
            image_url=extraction.image_url or entry.image_url,
            section=extraction.section,
            tags=list(dict.fromkeys([*entry.tags, *extraction.tags])),
        )
        may_be_another = not extraction.is_address_certain and entry.lineage is None
        yield ExtractedArticle(
            article=article,
            entry=replace(entry, content=None),
            text_reference=self._writer.write(extraction.text),
            hashes=sketch_text(extraction.text),
            own_url=url if may_be_another else "",
            is_confirmed=agreement is None or agreement.is_confirmed,
        )
        is_doubtful = agreement is not None and agreement.is_doubtful and not entry.attempts
        if rejection is not None or is_doubtful:
            yield from recheck_entry(entry, lineage, rejection)

    def _extract(self, page: FetchedPage, html: bytes | None) -> PageArticle:
        entry = page.entry
        article: PageArticle = self.documents.value(
            functools.partial(
                extract_page,
                html,
                url=page.url,
                content_type=page.content_type,
                headers={header.name: header.value for header in page.headers},
                expected=ExpectedArticle(
                    link=entry.link,
                    title=entry.title,
                    summary=entry.summary,
                    content=entry.content,
                    language=entry.language,
                    attempts=entry.attempts,
                ),
            )
        )
        return article


def _address(page: FetchedPage, rejection: ItemError | None) -> str:
    """Return the address of an article: where its page was found, unless that is another page."""
    is_other = rejection is not None and rejection.error_type == NOT_THE_ARTICLE
    return page.entry.link if is_other else page.url
