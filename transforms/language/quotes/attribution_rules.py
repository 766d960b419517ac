"""Rules that attribute quoted segments to speakers, by syntax and position.

Input: a text in sentences with its quoted segments. Output: per segment, the speaker, the cue and
the id of the rule that decided (`RULE_CONFIDENCE` lists them). A segment gets the speaker of the
cue that `sentence_cues` chooses for it. In a sentence without a cue, the speaker before goes on, or
the one named afterwards counts.
"""

import re
from typing import Final

from schemas import QuoteKind, SpeakerKind
from transforms.language.quotes import cue_words
from transforms.language.quotes.attribution import (
    LABEL,
    NAMED_LABEL,
    RULE_CONFIDENCE,
    UNKNOWN,
    Attribution,
    QuoteReading,
)
from transforms.language.quotes.quotation_marks import SENTENCE_ENDS, WORD, QuotedSegment
from transforms.language.quotes.sentence_cues import CueFinder, SentenceCues
from transforms.language.quotes.sentences import QuotedText, SentenceItem, is_cue, is_in_title_case
from transforms.language.quotes.speaker_mentions import SpeakerMention, SpeakerMentionFinder
from transforms.language.tokens import Token

_MAX_WORD_BEFORE: Final = 30
"""Code points before a segment in which the word before it is searched."""
_TRANSCRIPT_TURN: Final = re.compile(
    r"(?P<name>[A-Z][A-Z.'’-]+(?: [A-Z][A-Z.'’-]+){0,3})(?P<cue>:)\s"
)
"""The start of a turn in a transcript: "MAYOR LOWE: "."""
_LAST_WORD: Final = re.compile(r"([\w'’-]+),?\s*\Z")


class AttributionRules:
    """The rules, applied to one text.

    Args:
        quoted_text: The text.
        mention_finder: The finder of the mentions of speakers.

    Attributes:
        sentence_cues: The cues of each sentence, in order.
        cues_by_token: All cues that can report indirect speech, by the index of their token.
    """

    def __init__(self, quoted_text: QuotedText, mention_finder: SpeakerMentionFinder) -> None:
        self._quoted_text = quoted_text
        finder = CueFinder(quoted_text, mention_finder)
        self.sentence_cues = [
            SentenceCues(sentence, finder.find_cues(sentence)) for sentence in quoted_text.sentences
        ]
        self.cues_by_token = finder.cues_by_token

    def attribute_segments(self) -> dict[QuotedSegment, QuoteReading]:
        """Return the reading of each segment, in order; labels have one, too."""
        readings: dict[QuotedSegment, QuoteReading] = {}
        same_paragraph = sentence_before = paragraph_before = UNKNOWN
        # Segments that wait for a speaker who is named afterwards.
        pending: list[QuotedSegment] = []
        paragraph, is_open = -1, False
        for sentence, cues in zip(self._quoted_text.sentences, self.sentence_cues, strict=True):
            if sentence.paragraph != paragraph:
                paragraph = sentence.paragraph
                paragraph_before, same_paragraph = same_paragraph, UNKNOWN
                if not is_open and cues.first_attribution().method != "signature":
                    pending = []
            positions = [n for n, i in enumerate(sentence.items) if isinstance(i, QuotedSegment)]
            for position in positions:
                segment = sentence.items[position]
                assert isinstance(segment, QuotedSegment)
                is_open = not segment.is_closed
                opens = position < cues.first_word_position
                is_alone = cues.first_word_position == len(sentence.items)
                kind = self._classify_segment(sentence.items, position, opens)
                label = self._match_label(sentence.items, position)
                if label:
                    readings[segment] = _read_as(label, kind)
                    continue
                attribution = self._match_transcript(segment) or cues.attribute_segment(
                    position, segment
                )
                if attribution is UNKNOWN and segment.is_continued:
                    if paragraph_before.speaker:
                        attribution = paragraph_before._replace(method="continued")
                elif attribution is UNKNOWN and opens:
                    attribution = self._continue_speaker(
                        segment, is_alone, same_paragraph, sentence_before, paragraph_before
                    )
                readings[segment] = _read_as(attribution, kind)
                if attribution.speaker:
                    _attribute_pending(readings, pending, attribution)
                    same_paragraph = attribution
                elif opens and is_alone and self._quoted_text.is_clause(segment):
                    pending.append(segment)
            sentence_before = UNKNOWN if positions else cues.last_attribution()
            if sentence_before.speaker:
                _attribute_pending(readings, pending, sentence_before)
        return readings

    def _match_transcript(self, segment: QuotedSegment) -> Attribution | None:
        """Return the speaker of a turn in a quoted transcript: “LOWE: We are ready.”"""
        turn = _TRANSCRIPT_TURN.match(self._quoted_text.text, segment.start, segment.end)
        if turn is None:
            return None
        speaker = SpeakerMention(*turn.span("name"), SpeakerKind.NAMED, None, None)
        return Attribution("transcript", *turn.span("cue"), speaker)

    def _continue_speaker(
        self,
        segment: QuotedSegment,
        is_alone: bool,
        same_paragraph: Attribution,
        sentence_before: Attribution,
        paragraph_before: Attribution,
    ) -> Attribution:
        """Return the attribution of a segment to a speaker before it, or `UNKNOWN`.

        Args:
            segment: A segment in a sentence without a cue.
            is_alone: Whether its sentence has no words outside quotes.
            same_paragraph: The last attribution of the paragraph.
            sentence_before: The cue of the sentence before, if that has no quote.
            paragraph_before: The last attribution of the paragraph before.
        """
        is_clause = self._quoted_text.is_clause(segment)
        if same_paragraph.speaker and (is_alone or is_clause):
            return same_paragraph._replace(method="same-paragraph")
        if is_alone and sentence_before.speaker:
            return sentence_before._replace(method="sentence-before")
        if is_alone and paragraph_before.speaker and is_clause:
            return Attribution("paragraph-before", speaker=paragraph_before.speaker)
        return UNKNOWN

    def _classify_segment(self, items: list[SentenceItem], position: int, opens: bool) -> QuoteKind:
        """Return whether a segment is a direct quote, or a part of the article's sentence.

        Args:
            items: The items of the sentence.
            position: The index of the segment among them.
            opens: Whether no word outside quotes stands before it.
        """
        segment, before = items[position], items[position - 1] if position else None
        assert isinstance(segment, QuotedSegment)
        end = self._quoted_text.find_final_mark(segment)
        is_whole = self._quoted_text.has_finite_verb(segment) or end in SENTENCE_ENDS
        if opens:
            after = items[position + 1] if position + 1 < len(items) else None
            is_ended = end in ",.!?…—–-" or (isinstance(after, Token) and after.text == ",")
            is_direct = after is None or is_ended or is_whole
        elif isinstance(before, Token) and before.text[-1] in ":,—–-":
            is_direct = is_whole
        else:
            is_direct = isinstance(before, Token) and is_cue(before) and is_whole
            is_direct = is_direct and self._quoted_text.text[segment.start].isupper()
        return QuoteKind.DIRECT if is_direct else QuoteKind.MIXED

    def _match_label(self, items: list[SentenceItem], position: int) -> Attribution | None:
        """Return `LABEL` or `NAMED_LABEL` if a segment is a title, a nickname or a scare quote."""
        segment = items[position]
        assert isinstance(segment, QuotedSegment)
        text = self._quoted_text.text
        before = items[position - 1] if position else None
        after = items[position + 1] if position + 1 < len(items) else None
        words = WORD.findall(text, segment.start, segment.end)
        is_title = is_in_title_case(words)
        match = _LAST_WORD.search(
            text, max(0, segment.outer_start - _MAX_WORD_BEFORE), segment.outer_start
        )
        previous = match[1].lower() if match and isinstance(before, Token) else ""
        following = after.lower_ if isinstance(after, Token) else ""
        if previous in cue_words.NAMING_WORDS or previous in cue_words.WORK_NOUNS:
            return NAMED_LABEL
        if is_title and len(words) > 1 and previous in cue_words.PERFORMANCE_VERBS:
            return NAMED_LABEL
        final_mark = self._quoted_text.find_final_mark(segment)
        if not is_title or final_mark in "!?":
            return None
        if len(words) > 1 and len(items) == 1 and final_mark != ",":
            return LABEL
        if (
            previous in cue_words.PREPOSITIONS_BEFORE_WORKS
            or previous.endswith(("'s", "’s"))
            or following in cue_words.WORK_NOUNS
        ):
            return LABEL
        neighbours = [item.text for item in (before, after) if isinstance(item, Token)]
        is_in_name = len(neighbours) == 2 and all(text[0].isupper() for text in neighbours)
        is_short = len(words) <= 2 and text[segment.end - 1].isalnum()
        return LABEL if is_short and is_in_name else None


def _attribute_pending(
    readings: dict[QuotedSegment, QuoteReading],
    pending: list[QuotedSegment],
    attribution: Attribution,
) -> None:
    """Attribute the pending segments to the speaker who is named after them."""
    for segment in pending:
        later = attribution
        if attribution.method != "signature":
            method = "sentence-after" if segment.is_closed else "continued"
            later = attribution._replace(method=method)
        readings[segment] = _read_as(later, readings[segment].kind)
    pending.clear()


def _read_as(attribution: Attribution, kind: QuoteKind) -> QuoteReading:
    return QuoteReading(attribution, kind, RULE_CONFIDENCE[attribution.method])
