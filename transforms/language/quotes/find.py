"""Quotes of a text with their speakers: a parsed text in, records out.

`quotation_marks` finds the text between quotation marks and `sentences` the sentences around it.
`attribution_rules` gives each quote a cue and a speaker by syntax and position,
`speaker_candidates` lists the other possible speakers, and `ranker` chooses. `indirect_speech`
finds what is reported without quotation marks.
"""

import sys
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from schemas import Entity, Quote, QuoteKind, SpeakerKind
from schemas.ids import quote_id_of
from transforms.language.document import Document
from transforms.language.quotes.attribution import (
    LABEL,
    NAMED_LABEL,
    RULE_CONFIDENCE,
    UNKNOWN,
    Attribution,
    QuoteReading,
)
from transforms.language.quotes.attribution_rules import AttributionRules
from transforms.language.quotes.indirect_speech import INDIRECT_CONFIDENCE, IndirectContentFinder
from transforms.language.quotes.quotation_marks import QuotedSegment, quoted_segments
from transforms.language.quotes.ranker import Ranker, attribute_indirect_speech, attribute_quotes
from transforms.language.quotes.sentences import QuotedText
from transforms.language.quotes.speaker_mentions import SpeakerMentionFinder
from transforms.language.record_keys import RecordKeys

_Span: TypeAlias = tuple[int, int]
"""Start and end of a quote in code points."""


def find_quotes(
    document: Document, entities: Sequence[Entity], keys: RecordKeys, ranker: Ranker | None
) -> list[Quote]:
    """Return the quotes and the indirect speech of a text, in order.

    Args:
        document: The parsed text. If it is parsed only up to its ``analysed_end``, quotes beyond
            that have no speaker.
        entities: The entities of the text, from which speakers get their canonical names.
        keys: The fields that the records have in common.
        ranker: The model that chooses among quotes and speakers; if None, the rules decide alone.

    Returns:
        The records, without topics.
    """
    text, analysed_end = document.text, document.analysed_end
    segments = quoted_segments(text)
    quoted_text = QuotedText(document, [s for s in segments if s.outer_end <= analysed_end])
    mention_finder = SpeakerMentionFinder(quoted_text, entities)
    rules = AttributionRules(quoted_text, mention_finder)
    content_finder = IndirectContentFinder(
        document, [(s.outer_start, s.outer_end) for s in segments]
    )
    if ranker:
        readings = attribute_quotes(quoted_text, mention_finder, rules, ranker)
        indirect = attribute_indirect_speech(document, content_finder, rules, ranker)
    else:
        readings = _attribute_quotes_by_rule(quoted_text, rules)
        indirect = _attribute_indirect_speech_by_rule(document, content_finder, rules)
    for segment in segments:
        if segment.outer_end > analysed_end and quoted_text.is_clause(segment):
            readings[segment] = QuoteReading(UNKNOWN, QuoteKind.DIRECT, RULE_CONFIDENCE["none"])
    quoted = {(segment.start, segment.end): reading for segment, reading in readings.items()}
    by_span = {**_add_relays(indirect, rules), **quoted}
    return [_build_record(text, span, reading, keys) for span, reading in sorted(by_span.items())]


def _build_record(text: str, span: _Span, reading: QuoteReading, keys: RecordKeys) -> Quote:
    start, end = span
    attribution, speaker, via = (
        reading.attribution,
        reading.attribution.speaker,
        reading.attribution.via,
    )
    cue_start, cue_end = attribution.cue_start, attribution.cue_end
    return Quote(
        quote_id=quote_id_of(keys.article_id, start, end),
        article_id=keys.article_id,
        run_id=keys.run_id,
        day=keys.day,
        start=start,
        end=end,
        text=text[start:end],
        kind=reading.kind.value,
        cue=None if cue_start is None else text[cue_start:cue_end],
        cue_start=cue_start,
        cue_end=cue_end,
        speaker=text[speaker.start : speaker.end] if speaker else None,
        speaker_start=speaker.start if speaker else None,
        speaker_end=speaker.end if speaker else None,
        speaker_kind=speaker.kind.value if speaker else SpeakerKind.NONE.value,
        speaker_name=speaker.name if speaker else None,
        speaker_role=speaker.role if speaker else None,
        via=text[via.start : via.end] if via else None,
        method=attribution.method,
        confidence=reading.confidence,
        topics=[],
    )


def _attribute_quotes_by_rule(
    quoted_text: QuotedText, rules: AttributionRules
) -> dict[QuotedSegment, QuoteReading]:
    """Return the quotes by rule: segments with a speaker, and clauses that are no labels."""
    return {
        segment: reading
        for segment, reading in rules.attribute_segments().items()
        if reading.attribution.speaker
        or (reading.attribution not in (LABEL, NAMED_LABEL) and quoted_text.is_clause(segment))
    }


def _attribute_indirect_speech_by_rule(
    document: Document, content_finder: IndirectContentFinder, rules: AttributionRules
) -> dict[_Span, QuoteReading]:
    """Return the contents that the cues report by rule; the first cue of a content counts."""
    readings: dict[_Span, QuoteReading] = {}
    for index, cue in sorted(rules.cues_by_token.items()):
        content = content_finder.find_content(document.tokens[index])
        if content:
            attribution = Attribution(content.method, cue.start, cue.end, cue.speaker)
            confidence = INDIRECT_CONFIDENCE[content.method]
            reading = QuoteReading(attribution, QuoteKind.INDIRECT, confidence)
            readings.setdefault((content.start, content.end), reading)
    return readings


def _add_relays(
    readings: Mapping[_Span, QuoteReading], rules: AttributionRules
) -> dict[_Span, QuoteReading]:
    """Return indirect speech with the source that relays it: "X, Lee said, according to Z"."""
    relay_starts = {cue.start for cue in rules.cues_by_token.values() if cue.is_relay}
    relayed_spans = sorted(
        span for span, reading in readings.items() if reading.attribution.cue_start in relay_starts
    )
    with_relays: dict[_Span, QuoteReading] = {}
    for span, reading in readings.items():
        cue = reading.attribution.cue_start
        before = bisect_right(relayed_spans, (cue, sys.maxsize)) - 1 if cue is not None else -1
        if (
            cue is not None
            and cue not in relay_starts
            and before >= 0
            and cue < relayed_spans[before][1]
        ):
            relay = readings[relayed_spans[before]].attribution.speaker
            reading = reading._replace(attribution=reading.attribution._replace(via=relay))
        with_relays[span] = reading
    return with_relays
