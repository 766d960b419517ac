"""Helpers that find the quotes of a text, and check what holds for the quotes of any text."""

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import pairwise

from spacy.tokens import Doc

from schemas import Entity, Quote, QuoteKind, SpeakerKind
from schemas.ids import stable_id
from transforms.language.document import read_document
from transforms.language.entities.find import find_entities
from transforms.language.quotes.find import find_quotes
from transforms.language.quotes.ranker import load_ranker
from transforms.language.record_keys import RecordKeys

KEYS = RecordKeys("a", "r", dt.date(2026, 11, 24))

FindQuotes = Callable[[str], list[Quote]]
Row = tuple[str, str | None, str | None]
"""A quote's text, its speaker and its cue."""


def find_quotes_in(
    doc: Doc, text: str, entities: Sequence[Entity] | None = None, *, by_rule: bool = False
) -> list[Quote]:
    """Return the quotes of all kinds.

    Args:
        doc: the text as spaCy parsed it; it may be only the beginning.
        text: the text.
        entities: the entities of the text; by default those that are found in the document.
        by_rule: whether the rules decide alone, without the ranker.
    """
    document = read_document(doc, text)
    if entities is None:
        entities = find_entities(document, KEYS)
    return find_quotes(document, entities, KEYS, None if by_rule else load_ranker())


def select_quoted(quotes: list[Quote]) -> list[Quote]:
    """Return the quotes in quotation marks."""
    return [quote for quote in quotes if quote.kind != QuoteKind.INDIRECT]


def summarize_quotes(quotes: list[Quote]) -> list[Row]:
    """Return text, speaker and cue of each quote."""
    return [(quote.text, quote.speaker, quote.cue) for quote in quotes]


def check_invariants(text: str, quotes: list[Quote]) -> None:
    """Check that quotes of a text are in order, do not overlap, and that their spans match it."""
    assert len({q.quote_id for q in quotes}) == len(quotes)
    assert [(q.start, q.end) for q in quotes] == sorted((q.start, q.end) for q in quotes)
    for before, after in pairwise(select_quoted(quotes)):
        assert before.end <= after.start
    for quote in quotes:
        assert quote.quote_id == stable_id("a", quote.start, quote.end)
        assert text[quote.start : quote.end] == quote.text
        assert quote.text == quote.text.strip() != ""
        assert "\n" not in quote.text
        assert quote.kind in list(QuoteKind) and type(quote.kind) is str
        assert quote.speaker_kind in list(SpeakerKind) and type(quote.speaker_kind) is str
        assert (quote.speaker is None) == (quote.speaker_kind == SpeakerKind.NONE)
        assert quote.speaker_name is None or quote.speaker_kind == SpeakerKind.NAMED
        assert 0 < quote.confidence <= 1
        assert quote.topics == []
        for value, start, end in (
            (quote.cue, quote.cue_start, quote.cue_end),
            (quote.speaker, quote.speaker_start, quote.speaker_end),
        ):
            if value is None:
                assert start is None
                assert end is None
            else:
                assert start is not None
                assert end is not None
                assert text[start:end] == value != ""
        if quote.kind == QuoteKind.INDIRECT:
            assert quote.cue is not None
            assert quote.speaker is not None
            assert all(q.end <= quote.start or quote.end <= q.start for q in select_quoted(quotes))
