"""Group the copies of one story, such as a wire report that several outlets publish."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics

from schemas import Story
from transforms.core.elements import AcceptedArticle, ArticleSketch, ExtractedArticle, Run
from transforms.core.stage import CompositeTransform
from transforms.story_similarity import group_copies, sketch_article


class GroupedStories(NamedTuple):
    """The articles with the ids of their stories, and the stories."""

    articles: beam.PCollection[AcceptedArticle]
    stories: beam.PCollection[Story]


@dataclass
class GroupStories(CompositeTransform[beam.PCollection[ExtractedArticle], GroupedStories]):
    """Groups the articles of a run into stories."""

    run: Run

    def expand(self, articles: beam.PCollection[ExtractedArticle]) -> GroupedStories:
        sketches = articles | "Sketch" >> beam.Map(_sketch).with_output_types(ArticleSketch)
        # Some runners buffer the articles until the stories are known, so drop what is not needed.
        accepted = articles | "Accept" >> beam.Map(accept).with_output_types(AcceptedArticle)
        # All sketches in one group: they are small, and any two articles may be copies.
        keyed = sketches | "Key" >> beam.WithKeys(None).with_output_types(
            tuple[None, ArticleSketch]
        )
        gathered = keyed | "Gather" >> beam.GroupByKey() | "All" >> beam.Values()
        grouped = beam.FlatMap(group_copies, self.run).with_output_types(Story)
        stories = gathered | "Group" >> grouped
        copies = stories | "Copies" >> beam.FlatMap(
            lambda story: [(member, story.story_id) for member in story.members[1:]]
        )
        assigned = accepted | "Assign" >> beam.ParDo(
            _AssignStories(), beam.pvalue.AsDict(copies)
        ).with_output_types(AcceptedArticle)
        return GroupedStories(assigned, stories)


def accept(extracted: ExtractedArticle) -> AcceptedArticle:
    """Return the part of an extracted article that the stages after its acceptance need."""
    return AcceptedArticle(extracted.article, extracted.text_reference)


def _sketch(extracted: ExtractedArticle) -> ArticleSketch:
    return sketch_article(extracted.article, extracted.hashes)


class _AssignStories(beam.DoFn):
    """Gives each copy the id of its story. First members have theirs already."""

    def __init__(self) -> None:
        self._inputs = Metrics.counter("newsbeam", "GroupStories.in")
        self._outputs = Metrics.counter("newsbeam", "GroupStories.out")

    def process(
        self, element: AcceptedArticle, story_of: dict[str, str]
    ) -> Iterator[AcceptedArticle]:
        self._inputs.inc()
        story_id = story_of.get(element.article.article_id)
        if story_id:
            element = replace(element, article=replace(element.article, story_id=story_id))
        yield element
        self._outputs.inc()
