"""Quotes and who said them: text in, records out.

`marks` finds what stands between quotation marks, `page` the sentences around it, `rules` gives
each quote a cue and a speaker by syntax and position, `candidates` lists who else may have said
it, and `ranker` weighs them. What is said without marks is found by `indirect`.
"""

import sys
from bisect import bisect_right
from collections.abc import Sequence

from schemas import Entity, Quote
from schemas.ids import quote_id_of
from transforms.language.document import Document
from transforms.language.quotes import indirect_speech
from transforms.language.quotes.attribution import (
    LABEL,
    NAMED_LABEL,
    RULE_CONFIDENCE,
    UNKNOWN,
    Attribution,
    QuoteReading,
)
from transforms.language.quotes.attribution_rules import AttributionRules
from transforms.language.quotes.quotation_marks import QuotedSegment, quoted_segments
from transforms.language.quotes.ranker import Ranker, attribute_indirect_speech, attribute_quotes
from transforms.language.quotes.sentences import QuotedText
from transforms.language.quotes.speaker_mentions import SpeakerMentionFinder
from transforms.language.record_keys import RecordKeys


def find_quotes(
    document: Document, entities: Sequence[Entity], keys: RecordKeys, ranker: Ranker | None
) -> list[Quote]:
    """Return the quotes and the indirect speech of ``document``, in order.

    Args:
        document: The text; maybe only its beginning is analysed.
        entities: The entities of the document, from which speakers get their names.
        keys: The fields that the records have in common.
        ranker: The model that chooses; without one, the rules alone decide.
    """
    text, analysed = document.text, document.analysed_end
    segments = quoted_segments(text)
    quoted_text = QuotedText(document, [s for s in segments if s.outer_end <= analysed])
    mention_finder = SpeakerMentionFinder(quoted_text, entities)
    rules = AttributionRules(quoted_text, mention_finder)
    content_finder = indirect_speech.IndirectContentFinder(
        document, [(s.outer_start, s.outer_end) for s in segments]
    )
    if ranker:
        readings = attribute_quotes(quoted_text, mention_finder, rules, ranker)
        reports = attribute_indirect_speech(document, content_finder, rules, ranker)
    else:
        readings, reports = (
            _quotes_by_rule(quoted_text, rules),
            _reports_by_rule(document, content_finder, rules),
        )
    for segment in segments:
        if segment.outer_end > analysed and quoted_text.is_clause(segment):
            readings[segment] = QuoteReading(UNKNOWN, "direct", RULE_CONFIDENCE["none"])
    quoted = {(segment.start, segment.end): reading for segment, reading in readings.items()}
    found = {**_relayed(reports, rules), **quoted}
    return [
        Quote(
            quote_id=quote_id_of(keys.article_id, start, end),
            article_id=keys.article_id,
            run_id=keys.run_id,
            day=keys.day,
            start=start,
            end=end,
            text=text[start:end],
            kind=kind,
            cue=None if said.cue_start is None else text[said.cue_start : said.cue_end],
            cue_start=said.cue_start,
            cue_end=said.cue_end,
            speaker=text[said.speaker.start : said.speaker.end] if said.speaker else None,
            speaker_start=said.speaker.start if said.speaker else None,
            speaker_end=said.speaker.end if said.speaker else None,
            speaker_kind=said.speaker.kind if said.speaker else "none",
            speaker_name=said.speaker.name if said.speaker else None,
            speaker_role=said.speaker.role if said.speaker else None,
            via=text[said.via.start : said.via.end] if said.via else None,
            method=said.method,
            confidence=confidence,
            topics=[],
        )
        for (start, end), (said, kind, confidence) in sorted(found.items())
    ]


def _quotes_by_rule(
    quoted_text: QuotedText, rules: AttributionRules
) -> dict[QuotedSegment, QuoteReading]:
    """What the rules alone take for quotes: what somebody says, and what is a clause."""
    return {
        segment: reading
        for segment, reading in rules.attribute_segments().items()
        if reading.attribution.speaker
        or (reading.attribution not in (LABEL, NAMED_LABEL) and quoted_text.is_clause(segment))
    }


def _reports_by_rule(
    document: Document,
    content_finder: indirect_speech.IndirectContentFinder,
    rules: AttributionRules,
) -> dict[tuple[int, int], QuoteReading]:
    """What the cues report by rule, by start and end."""
    reports: dict[tuple[int, int], QuoteReading] = {}
    for index, cue in sorted(rules.cues_by_token.items()):
        content = content_finder.find_content(document.tokens[index])
        if content:
            said = Attribution(content.method, cue.start, cue.end, cue.speaker)
            reading = QuoteReading(
                said, "indirect", indirect_speech.INDIRECT_CONFIDENCE[content.method]
            )
            reports.setdefault((content.start, content.end), reading)
    return reports


def _relayed(
    reports: dict[tuple[int, int], QuoteReading], rules: AttributionRules
) -> dict[tuple[int, int], QuoteReading]:
    """The reports, with who passes them on: "X happened, Y said, according to Z"."""
    relays = {cue.start for cue in rules.cues_by_token.values() if cue.is_relay}
    spans = sorted(span for span, (said, _, _) in reports.items() if said.cue_start in relays)
    found: dict[tuple[int, int], QuoteReading] = {}
    for span, reading in reports.items():
        cue = reading.attribution.cue_start
        before = bisect_right(spans, (cue, sys.maxsize)) - 1 if cue is not None else -1
        if cue is not None and cue not in relays and before >= 0 and cue < spans[before][1]:
            relay = reports[spans[before]].attribution.speaker
            reading = reading._replace(attribution=reading.attribution._replace(via=relay))
        found[span] = reading
    return found
