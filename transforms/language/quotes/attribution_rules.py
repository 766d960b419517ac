"""Who said a quote, by rule: syntax and position decide, and the rule that decided is named."""

import re
from typing import Final

from transforms.language.quotes import cue_words
from transforms.language.quotes.attribution import (
    CONFIDENCE,
    LABEL,
    NAMED_LABEL,
    UNKNOWN,
    Attribution,
    Reading,
)
from transforms.language.quotes.quotation_marks import SENTENCE_ENDS, WORD, Segment
from transforms.language.quotes.sentence_cues import Choice, CueFinder
from transforms.language.quotes.sentences import Item, Page, is_cue
from transforms.language.quotes.speaker_mentions import Speaker, Speakers
from transforms.language.tokens import Token

_MAX_LABEL: Final = 30
_TRANSCRIPT: Final = re.compile(r"(?P<name>[A-Z][A-Z.'’-]+(?: [A-Z][A-Z.'’-]+){0,3})(?P<cue>:)\s")
"""How a turn of a transcript begins: "MAYOR LOWE: "."""
_LAST_WORD: Final = re.compile(r"([\w'’-]+),?\s*\Z")


class Rules:
    """Gives the quotes of a text their cues and speakers."""

    def __init__(self, page: Page, speakers: Speakers) -> None:
        self._page = page
        finder = CueFinder(page, speakers)
        self.choices = [Choice(unit, finder.find(unit)) for unit in page.units]
        """The cues of each sentence."""
        self.heard = finder.heard
        """Every cue of the text by the index of its token, whoever it is the word of."""

    def read(self) -> dict[Segment, Reading]:
        """How each segment reads."""
        readings: dict[Segment, Reading] = {}
        spoken = lead = previous = UNKNOWN
        waiting: list[Segment] = []
        paragraph, open_quote = -1, False
        for unit, choice in zip(self._page.units, self.choices, strict=True):
            if unit.paragraph != paragraph:
                paragraph = unit.paragraph
                previous, spoken = spoken, UNKNOWN
                if not open_quote and choice.first().method != "signature":
                    waiting = []
            places = [n for n, item in enumerate(unit.items) if isinstance(item, Segment)]
            for place in places:
                segment = unit.items[place]
                assert isinstance(segment, Segment)
                open_quote = not segment.closed
                opens, alone = place < choice.opening, choice.opening == len(unit.items)
                kind = self._kind(unit.items, place, opens)
                label = self._label(unit.items, place)
                if label:
                    readings[segment] = _reading(label, kind)
                    continue
                found = self._transcribed(segment) or choice.of(place, segment)
                if found is UNKNOWN and segment.continued:
                    found = previous._replace(method="continued") if previous.speaker else UNKNOWN
                elif found is UNKNOWN and opens:
                    found = self._inherited(segment, alone, spoken, lead, previous)
                readings[segment] = _reading(found, kind)
                if found.speaker:
                    self._settle(readings, waiting, found)
                    spoken = found
                elif opens and alone and self._page.is_clause(segment):
                    waiting.append(segment)
            lead = UNKNOWN if places else choice.last()
            if lead.speaker:
                self._settle(readings, waiting, lead)
        return readings

    def _transcribed(self, segment: Segment) -> Attribution | None:
        """Who speaks in a quoted transcript: “LOWE: We are ready.”"""
        turn = _TRANSCRIPT.match(self._page.text, segment.start, segment.end)
        if turn is None:
            return None
        speaker = Speaker(*turn.span("name"), "named", None, None)
        return Attribution("transcript", *turn.span("cue"), speaker)

    def _inherited(
        self,
        segment: Segment,
        alone: bool,
        spoken: Attribution,
        lead: Attribution,
        previous: Attribution,
    ) -> Attribution:
        """Who goes on speaking in a sentence without a cue, if it is clear."""
        if spoken.speaker and (alone or self._page.is_clause(segment)):
            return spoken._replace(method="same-paragraph")
        if alone and lead.speaker:
            return lead._replace(method="sentence-before")
        if alone and previous.speaker and self._page.is_clause(segment):
            return Attribution("paragraph-before", speaker=previous.speaker)
        return UNKNOWN

    def _settle(
        self, readings: dict[Segment, Reading], waiting: list[Segment], found: Attribution
    ) -> None:
        """Give the quotes that wait for a speaker the one who is named after them."""
        for segment in waiting:
            later = found
            if found.method != "signature":
                method = "sentence-after" if segment.closed else "continued"
                later = found._replace(method=method)
            readings[segment] = _reading(later, readings[segment].kind)
        waiting.clear()

    def _kind(self, items: list[Item], place: int, opens: bool) -> str:
        segment, before = items[place], items[place - 1] if place else None
        assert isinstance(segment, Segment)
        end = self._page.final_mark(segment)
        whole = segment.start in self._page.clausal or end in SENTENCE_ENDS
        if opens:
            after = items[place + 1] if place + 1 < len(items) else None
            ended = end in ",.!?…—–-" or (isinstance(after, Token) and after.text == ",")
            direct = after is None or ended or whole
        elif isinstance(before, Token) and before.text[-1] in ":,—–-":
            direct = whole
        else:
            direct = isinstance(before, Token) and is_cue(before) and whole
            direct = direct and self._page.text[segment.start].isupper()
        return "direct" if direct else "mixed"

    def _label(self, items: list[Item], place: int) -> Attribution | None:
        """What kind of label a segment is, if it is one."""
        segment = items[place]
        assert isinstance(segment, Segment)
        before = items[place - 1] if place else None
        after = items[place + 1] if place + 1 < len(items) else None
        words = WORD.findall(self._page.text, segment.start, segment.end)
        capital = all(w[0].isupper() or w[0].isdigit() or w in cue_words.SMALL for w in words)
        near = _LAST_WORD.search(self._page.text, max(0, segment.left - _MAX_LABEL), segment.left)
        previous = near[1].lower() if near and isinstance(before, Token) else ""
        following = after.lower_ if isinstance(after, Token) else ""
        if previous in cue_words.SCARE or previous in cue_words.WORKS:
            return NAMED_LABEL
        if capital and len(words) > 1 and previous in cue_words.PERFORMED:
            return NAMED_LABEL
        if not capital or self._page.final_mark(segment) in "!?":
            return None
        if len(words) > 1 and len(items) == 1 and self._page.final_mark(segment) != ",":
            return LABEL
        if (
            previous in cue_words.BEFORE_TITLES
            or previous.endswith(("'s", "’s"))
            or following in cue_words.WORKS
        ):
            return LABEL
        neighbours = [n.text for n in (before, after) if isinstance(n, Token)]
        inside_a_name = len(neighbours) == 2 and all(n[0].isupper() for n in neighbours)
        short = len(words) <= 2 and self._page.text[segment.end - 1].isalnum()
        return LABEL if short and inside_a_name else None


def _reading(said: Attribution, kind: str) -> Reading:
    return Reading(said, kind, CONFIDENCE[said.method])
