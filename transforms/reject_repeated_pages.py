"""Reject pages that are the same for several entries of a host, and have no word of the entries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import apache_beam as beam

from schemas.ids import stable_id
from transforms.core.elements import ExtractedArticle, Host, Run
from transforms.core.errors import ItemError
from transforms.core.stage import CompositeTransform, SideOutput, Stage, StageOutput, apply_stage
from transforms.core.urls import host_of
from transforms.extraction.article_check import NOT_THE_ARTICLE
from transforms.state.retries import fail_entry

PageOfHost: TypeAlias = tuple[Host, str]
"""A host, and the title and text of a page that it sent, hashed."""

_MIN_TITLES: Final = 2


@dataclass
class RejectRepeatedPages(
    CompositeTransform[beam.PCollection[ExtractedArticle], StageOutput[ExtractedArticle]]
):
    """Rejects walls that no rule knows: a host shows them in place of several articles."""

    run: Run

    def expand(self, articles: beam.PCollection[ExtractedArticle]) -> StageOutput[ExtractedArticle]:
        keyed = beam.Map(_key_by_page).with_output_types(tuple[PageOfHost, ExtractedArticle])
        groups = articles | "Key" >> keyed | "Group" >> beam.GroupByKey()
        return apply_stage(groups, RepeatedPageRejection(self.run), ExtractedArticle)


def _key_by_page(extracted: ExtractedArticle) -> tuple[PageOfHost, ExtractedArticle]:
    """Return an article with its host and page, or its host and entry if it is confirmed.

    A confirmed article is alone in its group. So is a page without a title: it has the title of its
    entry here.
    """
    article, entry = extracted.article, extracted.entry
    page = stable_id(article.title, article.text_hash)
    return (host_of(entry.link), entry.key if extracted.is_confirmed else page), extracted


@dataclass
class RepeatedPageRejection(Stage[tuple[PageOfHost, Iterable[ExtractedArticle]], ExtractedArticle]):
    """The stage that rejects repeated pages."""

    name = "RejectRepeatedPages"

    run: Run

    def source(self, element: tuple[PageOfHost, Iterable[ExtractedArticle]]) -> str:
        return element[0][0]

    def process(
        self, element: tuple[PageOfHost, Iterable[ExtractedArticle]]
    ) -> Iterator[ExtractedArticle | SideOutput]:
        extracted = list(element[1])
        unconfirmed = [e for e in extracted if not e.is_confirmed]
        titles = {e.entry.title.casefold() for e in unconfirmed}
        if len(titles) < _MIN_TITLES:
            yield from extracted
            return
        message = (
            f"the page is the same for {len(unconfirmed)} entries, and has no word of this one"
        )
        error = ItemError(NOT_THE_ARTICLE, message, temporary=True)
        for rejected in unconfirmed:
            yield self.dead_letter(rejected.entry.link, error)
            yield from fail_entry(rejected.entry, error)
