"""Precision, recall and cost of quotes, indirect speech and their speakers.

FOLDER is a part of PolNeAR (see `benchmarks.polnear`), which is not shipped. With `--rules` the
rules decide without the ranker.

usage: python -m benchmarks.quotes FOLDER [--rules]
"""

import datetime as dt
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from spacy.tokens import Doc

from benchmarks.polnear import GoldDocument, read_documents
from benchmarks.quote_scoring import JUDGED, KINDS, RIGHT, JudgedQuote, PrecisionRecall, QuoteScore
from schemas import Entity, Quote
from transforms.language.document import read_document
from transforms.language.entities.find import find_entities
from transforms.language.entities.gazetteer import Gazetteer, load_gazetteer
from transforms.language.model import analyse_texts, load_model
from transforms.language.quotes.find import find_quotes
from transforms.language.quotes.ranker import Ranker, load_ranker
from transforms.language.quotes.speaker_resolution import resolve_speakers
from transforms.language.record_keys import RecordKeys

_DAY: Final = dt.date.min
_BINS: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01)

Result = TypeVar("Result")


class ParsedDocument(NamedTuple):
    """A document of the corpus with its tokens and entities."""

    document: GoldDocument
    doc: Doc
    entities: list[Entity]


def parse_documents(documents: Sequence[GoldDocument]) -> Iterator[ParsedDocument]:
    """Yield the documents with the results of the steps that precede quotes."""
    docs = analyse_texts(load_model(), [document.text for document in documents])
    gazetteer = load_gazetteer()
    for document, doc in zip(documents, docs, strict=True):
        yield ParsedDocument(document, doc, _find_document_entities(document, doc, gazetteer))


def _find_document_entities(document: GoldDocument, doc: Doc, gazetteer: Gazetteer) -> list[Entity]:
    with read_document(doc, document.text) as read:
        return find_entities(read, RecordKeys(document.name, "", _DAY), gazetteer)


def find_document_quotes(parsed: ParsedDocument, ranker: Ranker | None) -> list[Quote]:
    """Return the quotes of a document as the pipeline finds them."""
    document, doc, entities = parsed
    with read_document(doc, document.text) as read:
        quotes = find_quotes(read, entities, RecordKeys(document.name, "", _DAY), ranker)
        return resolve_speakers(read, quotes, entities)


def format_tables(quotes: QuoteScore, speech: QuoteScore) -> Iterator[str]:
    """Yield the lines of the tables."""
    yield f"{'':28}precision  recall     F1   right   found    gold"
    for title, ratio in (
        ("quotes, detection", quotes.detection),
        ("quotes, end to end", quotes.end_to_end),
        ("indirect speech, detection", speech.detection),
        ("indirect speech, end to end", speech.end_to_end),
    ):
        yield f"{title:28}{_format_figures(ratio)} {ratio.right:7} {ratio.found:7} {ratio.gold:7}"
    yield f"\n{'speaker accuracy':24}" + "".join(f"{kind:>20}" for kind in ("all", *KINDS))
    for title, score in (("quotes", quotes), ("indirect speech", speech)):
        cells = (score.accuracy(kind) for kind in (None, *KINDS))
        yield f"{title:24}" + "".join(f"{c.precision:12.3f} of {c.gold:4}" for c in cells)
    share = quotes.claimed / max(1, quotes.unattributed)
    yield (
        f"\nunattributed segments claimed: {quotes.claimed} of {quotes.unattributed} ({share:.3f})"
    )
    findings = [*quotes.findings, *speech.findings]
    yield f"\n{'method':22}{'found':>7}{'right':>8}{'confidence':>12}"
    yield from _format_reliability(findings, lambda quote: quote.method)
    yield f"\n{'confidence':22}{'found':>7}{'right':>8}{'confidence':>12}"
    yield from _format_reliability(findings, _confidence_bin)


def _format_figures(ratio: PrecisionRecall) -> str:
    return f"{ratio.precision:9.3f} {ratio.recall:7.3f} {ratio.f1:6.3f}"


def _confidence_bin(quote: Quote) -> str:
    high = next(edge for edge in _BINS[1:] if quote.confidence < edge)
    return f"{_BINS[_BINS.index(high) - 1]:.2f} to {min(high, 1.0):.2f}"


def _format_reliability(findings: list[JudgedQuote], key: Callable[[Quote], str]) -> Iterator[str]:
    """Yield, per key, the number, share right and mean confidence of the quotes with a verdict."""
    rows: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for quote, verdict in findings:
        if verdict is None or verdict in JUDGED:
            right = verdict is not None if quote.speaker is None else verdict == RIGHT
            rows[key(quote)].append((right, quote.confidence))
    for name, values in sorted(rows.items()):
        share = sum(right for right, _ in values) / len(values)
        confidence = sum(confidence for _, confidence in values) / len(values)
        yield f"{name:22}{len(values):7}{share:8.3f}{confidence:12.3f}"


def measure_cpu(function: Callable[[], Result]) -> tuple[Result, float]:
    """Return the result of a function, and the CPU seconds of the faster of two calls."""
    times = []
    for _ in range(2):
        start = time.process_time()
        result = function()
        times.append(time.process_time() - start)
    return result, min(times)


def main(folder: Path, ranker: Ranker | None) -> None:
    """Print the tables of a folder."""
    documents = list(read_documents(folder))
    texts = [document.text for document in documents]
    model, gazetteer = load_model(), load_gazetteer()
    docs, spacy_seconds = measure_cpu(lambda: list(analyse_texts(model, texts)))
    parsed = [
        ParsedDocument(document, doc, _find_document_entities(document, doc, gazetteer))
        for document, doc in zip(documents, docs, strict=True)
    ]
    found, seconds = measure_cpu(lambda: [find_document_quotes(item, ranker) for item in parsed])
    quotes, speech = QuoteScore(), QuoteScore()
    for document, records in zip(documents, found, strict=True):
        quotes.add_quotes(document, records)
        speech.add_speech(document, records)
    print("\n".join(format_tables(quotes, speech)))
    print(f"\n{len(documents)} documents; CPU time: quotes / spaCy = {seconds / spacy_seconds:.3f}")


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--rules"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    main(Path(arguments[0]), None if "--rules" in sys.argv else load_ranker())
