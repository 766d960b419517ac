"""Entities, quotes and topics of articles: a thin layer over ``transforms.language``."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import apache_beam as beam
from apache_beam.utils.shared import Shared
from spacy.tokens import Doc

from schemas import Article, Entity, Quote, TopicTag
from transforms.deduplication import entry_key
from transforms.language.entities import find_entities
from transforms.language.model import DEFAULT_MODEL, analyse_texts, load_model
from transforms.language.quotes import find_quotes
from transforms.language.ranker import load_ranker
from transforms.language.resolution import resolve_speakers
from transforms.language.topics import Taxonomy, TopicTagger
from transforms.language.words import Words
from transforms.options import flag
from transforms.stage import Composite, Outcome, Run, Stage, StageOutput, run_stage

BATCH_SIZE: Final = 16


@dataclass(frozen=True)
class AnalysisOptions:
    """How texts are analysed."""

    model: str = flag("spaCy model for English", default=DEFAULT_MODEL, metavar="NAME")


class Findings(NamedTuple):
    """What was found in one text."""

    entities: list[Entity]
    quotes: list[Quote]
    topics: list[TopicTag]


class Analyser:
    """The language model and the topic tagger, loaded. One a worker process; safe in threads."""

    def __init__(self, model: str, taxonomy: Taxonomy | None) -> None:
        self._nlp = load_model(model)
        self._tagger = TopicTagger(taxonomy)
        self._ranker = load_ranker()
        self._lock = threading.Lock()

    def analyse(self, articles: Sequence[Article]) -> list[Findings]:
        """The findings of each article, in order. Texts that are not English have none."""
        english = [a for a in articles if a.language in (None, "en")]
        with self._lock:
            docs = analyse_texts(self._nlp, [a.text for a in english])
            found = {id(a): self._findings(a, doc) for a, doc in zip(english, docs, strict=True)}
        return [found.get(id(article)) or Findings([], [], []) for article in articles]

    def _findings(self, article: Article, doc: Doc) -> Findings:
        keys: dict[str, Any] = {
            "article_id": article.article_id,
            "run_id": article.run_id,
            "day": article.day,
        }
        entities = find_entities(doc, article.text, **keys)
        matches = self._tagger.analyse(article.text, article.title)
        topics = self._tagger.tag_article(matches, **keys)
        with Words(doc) as words:
            found = find_quotes(words, article.text, entities=entities, ranker=self._ranker, **keys)
            resolved = resolve_speakers(words, article.text, found, entities)
        quotes = []
        for quote in resolved:
            tags = self._tagger.tag_span(
                matches, quote.start, quote.end, quote_id=quote.quote_id, **keys
            )
            topics += tags
            quotes.append(replace(quote, topics=[tag.topic_id for tag in tags]))
        return Findings(entities, quotes, topics)


class AnalyseArticles(Composite):
    """Articles to articles with their entities, quotes and topics, in one stream of records."""

    def __init__(self, run: Run, options: AnalysisOptions, taxonomy: Taxonomy) -> None:
        super().__init__()
        self.stage = _AnalyseArticles(run, options, taxonomy)

    def expand(self, articles: beam.PCollection) -> StageOutput:
        batches = articles | "Batch" >> beam.BatchElements(
            min_batch_size=BATCH_SIZE, max_batch_size=BATCH_SIZE
        )
        return run_stage(batches, self.stage, Any)


class _AnalyseArticles(Stage):
    name = "AnalyseArticles"

    def __init__(self, run: Run, options: AnalysisOptions, taxonomy: Taxonomy) -> None:
        super().__init__(run)
        self.options = options
        self.taxonomy = taxonomy
        self._shared = Shared()

    def setup(self) -> None:
        self.analyser = self._shared.acquire(lambda: Analyser(self.options.model, self.taxonomy))

    def source(self, element: Article) -> str:
        return element.url

    def handle(self, element: list[Article]) -> Iterator[Any]:
        try:
            found = self.analyser.analyse(element)
        except Exception as error:  # find the one text that did it; the others go on
            if len(element) > 1:
                for article in element:
                    yield from self.handle([article])
                return
            yield self.dead_letter(element[0], error)
            found = [Findings([], [], [])]  # the article itself is sound, and is kept
        for article, findings in zip(element, found, strict=True):
            yield article
            yield from findings.entities
            yield from findings.quotes
            yield from findings.topics
            yield Outcome(article.feed_url, entry_key(article), "article", article.article_id)
