"""The analyser: it finds the entities, quotes and topics of a batch of articles."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from spacy.tokens import Doc

from schemas import Article
from transforms.language.document import Document, read_document
from transforms.language.entities.find import find_entities
from transforms.language.entities.gazetteer import GazetteerChoice, load_gazetteer
from transforms.language.findings import Findings
from transforms.language.model import analyse_texts, load_model
from transforms.language.quotes.find import find_quotes
from transforms.language.quotes.ranker import load_ranker
from transforms.language.quotes.speaker_resolution import resolve_speakers
from transforms.language.record_keys import RecordKeys
from transforms.language.topics.tagger import TopicTagger
from transforms.language.topics.taxonomy import Taxonomy


class Analyser:
    """The loaded language model, gazetteer, quote ranker and topic tagger. Not thread-safe."""

    def __init__(self, model: str, taxonomy: Taxonomy | None, gazetteer: GazetteerChoice) -> None:
        self._nlp = load_model(model)
        self._gazetteer = load_gazetteer() if isinstance(gazetteer, str) else gazetteer
        self._tagger = TopicTagger(taxonomy)
        self._ranker = load_ranker()

    def analyse(self, articles: Sequence[Article]) -> list[Findings]:
        """Return the findings of each article, in order. Only articles in English have any."""
        english = [a for a in articles if a.language in (None, "en")]
        docs = analyse_texts(self._nlp, [a.text for a in english])
        findings = {id(a): self._analyse_doc(a, d) for a, d in zip(english, docs, strict=True)}
        return [findings.get(id(article)) or Findings([], [], []) for article in articles]

    def _analyse_doc(self, article: Article, doc: Doc) -> Findings:
        with read_document(doc, article.text, article.title) as document:
            return self._analyse_document(document, RecordKeys.of_article(article))

    def _analyse_document(self, document: Document, keys: RecordKeys) -> Findings:
        key_fields = asdict(keys)
        entities = find_entities(document, keys, self._gazetteer)
        matches = self._tagger.analyse(document.text, document.title)
        topics = self._tagger.tag_article(matches, **key_fields)
        unresolved = find_quotes(document, entities, keys, self._ranker)
        quotes = []
        for quote in resolve_speakers(document, unresolved, entities):
            tags = self._tagger.tag_span(
                matches, quote.start, quote.end, quote_id=quote.quote_id, **key_fields
            )
            topics += tags
            quotes.append(replace(quote, topics=[tag.topic_id for tag in tags]))
        return Findings(entities, quotes, topics)
