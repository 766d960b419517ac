"""Reject pages that have one text for several entries of a host, and no word of the entries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import apache_beam as beam

from transforms.core.elements import ExtractedArticle, Host, Run
from transforms.core.errors import ItemError
from transforms.core.stage import CompositeTransform, SideOutput, Stage, StageOutput, apply_stage
from transforms.core.urls import host_of
from transforms.extraction.article_check import NOT_THE_ARTICLE
from transforms.state.retries import fail_entry

TextOfHost: TypeAlias = tuple[Host, str]
"""A host and the hash of a text that it sent."""

_MIN_TITLES: Final = 2


@dataclass
class RejectRepeatedPages(
    CompositeTransform[beam.PCollection[ExtractedArticle], StageOutput[ExtractedArticle]]
):
    """Rejects walls that no rule knows: a host shows them in place of several articles."""

    run: Run

    def expand(self, articles: beam.PCollection[ExtractedArticle]) -> StageOutput[ExtractedArticle]:
        keyed = beam.Map(_key_by_text).with_output_types(tuple[TextOfHost, ExtractedArticle])
        groups = articles | "Key" >> keyed | "Group" >> beam.GroupByKey()
        return apply_stage(groups, RepeatedPageRejection(self.run), ExtractedArticle)


def _key_by_text(extracted: ExtractedArticle) -> tuple[TextOfHost, ExtractedArticle]:
    """Key an article by its host and text; by its entry if it is confirmed, as it stands alone."""
    entry = extracted.entry
    text = entry.key if extracted.is_confirmed else extracted.article.text_hash
    return (host_of(entry.link), text), extracted


@dataclass
class RepeatedPageRejection(Stage[tuple[TextOfHost, Iterable[ExtractedArticle]], ExtractedArticle]):
    """The stage that rejects repeated pages."""

    name = "RejectRepeatedPages"

    run: Run

    def source(self, element: tuple[TextOfHost, Iterable[ExtractedArticle]]) -> str:
        return element[0][0]

    def process(
        self, element: tuple[TextOfHost, Iterable[ExtractedArticle]]
    ) -> Iterator[ExtractedArticle | SideOutput]:
        extracted = list(element[1])
        unconfirmed = [e for e in extracted if not e.is_confirmed]
        titles = {e.entry.title.casefold() for e in unconfirmed}
        if len(titles) < _MIN_TITLES:
            yield from extracted
            return
        message = f"the page has the text of {len(unconfirmed)} entries, and no word of this one"
        error = ItemError(NOT_THE_ARTICLE, message, temporary=True)
        for rejected in unconfirmed:
            yield self.dead_letter(rejected.entry.link, error)
            yield from fail_entry(rejected.entry, error)
