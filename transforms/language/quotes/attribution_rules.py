"""Who said a quote, by rule: syntax and position decide, and the rule that decided is named."""

import re
from typing import Final

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
from transforms.language.quotes.sentences import QuotedText, SentenceItem, is_cue
from transforms.language.quotes.speaker_mentions import SpeakerMention, SpeakerMentionFinder
from transforms.language.tokens import Token

_MAX_LABEL: Final = 30
_TRANSCRIPT: Final = re.compile(r"(?P<name>[A-Z][A-Z.'’-]+(?: [A-Z][A-Z.'’-]+){0,3})(?P<cue>:)\s")
"""How a turn of a transcript begins: "MAYOR LOWE: "."""
_LAST_WORD: Final = re.compile(r"([\w'’-]+),?\s*\Z")


class AttributionRules:
    """Gives the quotes of a text their cues and speakers."""

    def __init__(self, quoted_text: QuotedText, mention_finder: SpeakerMentionFinder) -> None:
        self._quoted_text = quoted_text
        finder = CueFinder(quoted_text, mention_finder)
        self.sentence_cues = [
            SentenceCues(unit, finder.find_cues(unit)) for unit in quoted_text.sentences
        ]
        """The cues of each sentence."""
        self.cues_by_token = finder.cues_by_token
        """Every cue of the text by the index of its token, whoever it is the word of."""

    def attribute_segments(self) -> dict[QuotedSegment, QuoteReading]:
        """How each segment reads."""
        readings: dict[QuotedSegment, QuoteReading] = {}
        spoken = lead = previous = UNKNOWN
        waiting: list[QuotedSegment] = []
        paragraph, open_quote = -1, False
        for unit, sentence_cues in zip(
            self._quoted_text.sentences, self.sentence_cues, strict=True
        ):
            if unit.paragraph != paragraph:
                paragraph = unit.paragraph
                previous, spoken = spoken, UNKNOWN
                if not open_quote and sentence_cues.first_attribution().method != "signature":
                    waiting = []
            places = [n for n, item in enumerate(unit.items) if isinstance(item, QuotedSegment)]
            for place in places:
                segment = unit.items[place]
                assert isinstance(segment, QuotedSegment)
                open_quote = not segment.is_closed
                opens, alone = (
                    place < sentence_cues.first_word_position,
                    sentence_cues.first_word_position == len(unit.items),
                )
                kind = self._kind(unit.items, place, opens)
                label = self._label(unit.items, place)
                if label:
                    readings[segment] = _reading(label, kind)
                    continue
                found = self._transcribed(segment) or sentence_cues.attribute_segment(
                    place, segment
                )
                if found is UNKNOWN and segment.is_continued:
                    found = previous._replace(method="continued") if previous.speaker else UNKNOWN
                elif found is UNKNOWN and opens:
                    found = self._inherited(segment, alone, spoken, lead, previous)
                readings[segment] = _reading(found, kind)
                if found.speaker:
                    self._settle(readings, waiting, found)
                    spoken = found
                elif opens and alone and self._quoted_text.is_clause(segment):
                    waiting.append(segment)
            lead = UNKNOWN if places else sentence_cues.last_attribution()
            if lead.speaker:
                self._settle(readings, waiting, lead)
        return readings

    def _transcribed(self, segment: QuotedSegment) -> Attribution | None:
        """Who speaks in a quoted transcript: “LOWE: We are ready.”"""
        turn = _TRANSCRIPT.match(self._quoted_text.text, segment.start, segment.end)
        if turn is None:
            return None
        speaker = SpeakerMention(*turn.span("name"), "named", None, None)
        return Attribution("transcript", *turn.span("cue"), speaker)

    def _inherited(
        self,
        segment: QuotedSegment,
        alone: bool,
        spoken: Attribution,
        lead: Attribution,
        previous: Attribution,
    ) -> Attribution:
        """Who goes on speaking in a sentence without a cue, if it is clear."""
        if spoken.speaker and (alone or self._quoted_text.is_clause(segment)):
            return spoken._replace(method="same-paragraph")
        if alone and lead.speaker:
            return lead._replace(method="sentence-before")
        if alone and previous.speaker and self._quoted_text.is_clause(segment):
            return Attribution("paragraph-before", speaker=previous.speaker)
        return UNKNOWN

    def _settle(
        self,
        readings: dict[QuotedSegment, QuoteReading],
        waiting: list[QuotedSegment],
        found: Attribution,
    ) -> None:
        """Give the quotes that wait for a speaker the one who is named after them."""
        for segment in waiting:
            later = found
            if found.method != "signature":
                method = "sentence-after" if segment.is_closed else "continued"
                later = found._replace(method=method)
            readings[segment] = _reading(later, readings[segment].kind)
        waiting.clear()

    def _kind(self, items: list[SentenceItem], place: int, opens: bool) -> str:
        segment, before = items[place], items[place - 1] if place else None
        assert isinstance(segment, QuotedSegment)
        end = self._quoted_text.find_final_mark(segment)
        whole = self._quoted_text.has_finite_verb(segment) or end in SENTENCE_ENDS
        if opens:
            after = items[place + 1] if place + 1 < len(items) else None
            ended = end in ",.!?…—–-" or (isinstance(after, Token) and after.text == ",")
            direct = after is None or ended or whole
        elif isinstance(before, Token) and before.text[-1] in ":,—–-":
            direct = whole
        else:
            direct = isinstance(before, Token) and is_cue(before) and whole
            direct = direct and self._quoted_text.text[segment.start].isupper()
        return "direct" if direct else "mixed"

    def _label(self, items: list[SentenceItem], place: int) -> Attribution | None:
        """What kind of label a segment is, if it is one."""
        segment = items[place]
        assert isinstance(segment, QuotedSegment)
        before = items[place - 1] if place else None
        after = items[place + 1] if place + 1 < len(items) else None
        words = WORD.findall(self._quoted_text.text, segment.start, segment.end)
        capital = all(
            w[0].isupper() or w[0].isdigit() or w in cue_words.SMALL_TITLE_WORDS for w in words
        )
        near = _LAST_WORD.search(
            self._quoted_text.text, max(0, segment.outer_start - _MAX_LABEL), segment.outer_start
        )
        previous = near[1].lower() if near and isinstance(before, Token) else ""
        following = after.lower_ if isinstance(after, Token) else ""
        if previous in cue_words.NAMING_WORDS or previous in cue_words.WORK_NOUNS:
            return NAMED_LABEL
        if capital and len(words) > 1 and previous in cue_words.PERFORMANCE_VERBS:
            return NAMED_LABEL
        if not capital or self._quoted_text.find_final_mark(segment) in "!?":
            return None
        if len(words) > 1 and len(items) == 1 and self._quoted_text.find_final_mark(segment) != ",":
            return LABEL
        if (
            previous in cue_words.PREPOSITIONS_BEFORE_WORKS
            or previous.endswith(("'s", "’s"))
            or following in cue_words.WORK_NOUNS
        ):
            return LABEL
        neighbours = [n.text for n in (before, after) if isinstance(n, Token)]
        inside_a_name = len(neighbours) == 2 and all(n[0].isupper() for n in neighbours)
        short = len(words) <= 2 and self._quoted_text.text[segment.end - 1].isalnum()
        return LABEL if short and inside_a_name else None


def _reading(said: Attribution, kind: str) -> QuoteReading:
    return QuoteReading(said, kind, RULE_CONFIDENCE[said.method])
