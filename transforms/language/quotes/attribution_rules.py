"""Who said a quote, by rule: syntax and position decide, and the rule that decided is named.

Marks often mislead the parser, so its word is taken only where it points outside them;
elsewhere the words beside the cue decide.
"""

import re
from bisect import bisect_left
from typing import Final, NamedTuple

from transforms.language.quotes import cue_words, indirect_speech
from transforms.language.quotes.quotation_marks import SENTENCE_ENDS, WORD, Segment
from transforms.language.quotes.sentences import Item, Page, Unit, is_cue
from transforms.language.quotes.speaker_mentions import Speaker, Speakers
from transforms.language.tokens import Token

_MAX_NAME: Final = 12
_MAX_ASIDE: Final = 30
_MAX_CLIMB: Final = 8
_MAX_LABEL: Final = 30
_TRANSCRIPT: Final = re.compile(r"(?P<name>[A-Z][A-Z.'’-]+(?: [A-Z][A-Z.'’-]+){0,3})(?P<cue>:)\s")
"""How a turn of a transcript begins: "MAYOR LOWE: "."""
_LAST_WORD: Final = re.compile(r"([\w'’-]+),?\s*\Z")


class Attribution(NamedTuple):
    """Who says something, by which cue, and how that was found."""

    method: str
    cue_start: int | None = None
    cue_end: int | None = None
    speaker: Speaker | None = None
    via: Speaker | None = None


UNKNOWN: Final = Attribution("none")
LABEL: Final = Attribution("label")
"""Nobody says it: the title of a work, a nickname, a word held at arm's length."""
NAMED_LABEL: Final = Attribution("named-label")
"""The same, and the text says so: the so-called "...", the novel "..."."""

CONFIDENCE: Final = {
    "same-paragraph": 0.97,
    "dash": 0.95,
    "inverted": 0.94,
    "signature": 0.9,
    "subject": 0.89,
    "reported": 0.88,
    "according-to": 0.79,
    "none": 0.75,
    "paragraph-before": 0.75,
    "sentence-before": 0.73,
    "continued": 0.7,
    "transcript": 0.7,
    "beside": 0.6,
    "colon": 0.5,
    "sentence-after": 0.4,
    "label": 0.0,
    "named-label": 0.0,
}
"""About how often a rule is right about the quote and the speaker: `benchmarks.quotes --rules` over
PolNeAR's training and development articles. "none" claims no speaker, and its figure is about the
quote alone."""


_OF_QUOTES: Final = frozenset(("inverted", "colon", "dash", "signature"))


class Reading(NamedTuple):
    """How a quoted segment reads."""

    attribution: Attribution
    kind: str
    """direct or mixed."""
    confidence: float


class Cue(NamedTuple):
    """A word that attributes, and to whom."""

    start: int
    end: int
    verb: str
    method: str
    speaker: Speaker

    @property
    def is_relay(self) -> bool:
        return self.verb in cue_words.RELAYS and self.speaker.kind != "pronoun"


class Rules:
    """Gives the quotes of a text their cues and speakers."""

    def __init__(self, page: Page, speakers: Speakers) -> None:
        self._page = page
        self._speaker = speakers.of
        self.heard: dict[int, Cue] = {}
        """Every cue of the text by the index of its token, whoever it is the word of."""
        self.choices = [Choice(unit, self._cues(unit)) for unit in page.units]
        """The cues of each sentence."""

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

    def _cues(self, unit: Unit) -> list[Cue]:
        """What may attribute the quotes of a sentence, in order."""
        found: list[Cue] = []
        by_token: dict[int, Cue] = {}
        items = unit.items
        for number, item in enumerate(items):
            if isinstance(item, Segment):
                continue
            following = items[number + 1] if number + 1 < len(items) else None
            head: Token | None = None
            end = item
            if item.lower_ in cue_words.PHRASES:
                if (
                    not isinstance(following, Token)
                    or following.lower_ != cue_words.PHRASES[item.lower_]
                ):
                    continue
                end = following
            if item.lower_ == "according":
                method, head = "according-to", head_right(items, number + 2)
            elif is_cue(item) or end is not item or item.lower_ in indirect_speech.CUES:
                if self._is_unsaid(item):
                    continue
                method, head = self._subject(items, number)
            elif item.lower_ in cue_words.NOUNS and item.i in self._page.owners:
                method, head = "owner", self._page.owners[item.i]
                if not self._page.narrative[head.i]:
                    continue
            elif item.text == ":" and not isinstance(following, Token) and not found:
                method, head = "colon", self._before_colon(items, number)
            elif item.text[-1] in cue_words.DASHES and not number and _is_name(items[1:]):
                method, head = "signature", head_right(items, 1)
            elif (
                item.text[-1] in cue_words.DASHES
                and number
                and isinstance(items[number - 1], Segment)
                and isinstance(following, Token)
                and following.text[0].isupper()
                and len(items) - number <= _MAX_NAME
            ):
                method, head = "dash", head_right(items, number + 1)
            else:
                continue
            if head is not None:
                start = self._page.cue_start(item)
                speaker = self._speaker(head)
                cue = Cue(start, end.end, item.lower_, method, speaker)
                if method not in _OF_QUOTES:  # such a cue belongs to the quote beside it
                    speaker = self._reporting(item, head, cue.speaker)
                    self.heard[item.i] = cue._replace(speaker=speaker)
                if item.lower_ in indirect_speech.CUES or method == "owner":
                    continue
                by_token[item.i] = cue = self._reported(item, cue, by_token)
                found.append(cue)
        return found

    def _reporting(self, cue: Token, head: Token, speaker: Speaker) -> Speaker:
        """Who says what a cue reports; a description is taken whole: "people near the talks"."""
        if cue.lower_ == "according":
            named = self._page.objects.get(cue.i + 1)
            if named is not None and self._page.narrative[named.i] and named.i != head.i:
                head, speaker = named, self._speaker(named)
        elif cue.dep_ == "acl" and head.lower_ in indirect_speech.MESSAGES and head.dep_ == "dobj":
            author = self._by_parse(head.head)
            if author is not None and self._page.narrative[author.i]:
                head, speaker = author, self._speaker(author)
        if speaker.kind == "named" or (
            speaker.kind == "pronoun" and head.lower_ not in indirect_speech.QUANTIFIERS
        ):
            return speaker
        end = speaker.end
        for token in self._page.tokens[
            head.i + 1 : min(head.right_edge.i + 1, head.i + _MAX_ASIDE)
        ]:
            if not self._page.narrative[token.i] or token.text in ",;:()–—-":
                break
            if token.tag_ in ("WP", "WDT") or token.i == cue.i:
                break
            end = max(end, token.end)
        if end == speaker.end:
            return speaker
        return speaker._replace(end=end, kind="description")

    def _subject(self, items: list[Item], number: int) -> tuple[str, Token | None]:
        cue = items[number]
        assert isinstance(cue, Token)
        before = [item for item in items[max(0, number - 2) : number] if _is_solid(item)]
        opens = number == 0 and cue.tag_ in cue_words.FINITE_TAGS
        if opens or (before and isinstance(before[-1], Segment)):
            head = head_right(items, number + 1)
            if head is not None:
                return "inverted", head
        head = self._by_parse(cue)
        if head is not None and self._page.narrative[head.i]:
            return "subject", head
        return "beside", head_left(items, number - 1)

    def _is_unsaid(self, verb: Token) -> bool:
        """Whether a verb is passive and does not say by whom: "a class called", "he was warned"."""
        page = self._page
        bare = verb.i not in page.helped and verb.i not in page.subjects
        passive = verb.i in page.passives or (
            verb.tag_ == "VBN" and (verb.dep_ == "acl" or (verb.dep_ == "advcl" and bare))
        )
        return passive and verb.i not in page.agents and verb.lower_ != "quoted"

    def _by_parse(self, cue: Token) -> Token | None:
        verb = cue
        for _ in range(_MAX_CLIMB):
            if verb.i in self._page.agents:
                return self._page.objects.get(self._page.agents[verb.i].i)
            subject = self._page.subjects.get(verb.i)
            if subject is not None and subject.lower_ not in cue_words.OBJECT_PRONOUNS:
                if subject.lower_ in cue_words.RELATIVE and verb.dep_ == "relcl":
                    return verb.head
                return subject
            if verb.dep_ == "acl" and verb.head.tag_ in cue_words.NOUN_TAGS:
                return verb.head
            if verb.dep_ not in cue_words.CLIMBED:
                return None
            verb = verb.head
        return None

    def _before_colon(self, items: list[Item], colon: int) -> Token | None:
        for item in reversed(items[max(0, colon - _MAX_ASIDE) : colon]):
            if isinstance(item, Token) and item.i in self._page.subjects:
                subject = self._page.subjects[item.i]
                return subject if self._page.narrative[subject.i] else None
        return head_left(items, colon - 1)

    def _reported(self, verb: Token, cue: Cue, known: dict[int, Cue]) -> Cue:
        """The cue, or that of the clause above: "X said she hoped", "X condemned what he called".

        What X reports of X, or of a mind, is X's word; what X reports that Y said is left to Y.
        """
        if cue.method == "according-to":
            return cue
        if (
            cue.verb not in cue_words.MENTAL
            and self._page.text[cue.speaker.start : cue.speaker.end].lower() not in cue_words.THIRD
        ):
            return cue
        free_relative = verb.i in self._page.whats
        above = verb
        for _ in range(_MAX_CLIMB):
            if above.dep_ == "ROOT" or above.dep_ == "relcl":
                break
            above = above.head
            outer = known.get(above.i)
            if outer:
                return outer._replace(method="reported")
            subject = self._page.subjects.get(above.i)
            if free_relative and subject is not None and self._page.narrative[subject.i]:
                return cue._replace(method="reported", speaker=self._speaker(subject))
        return cue


class Choice:
    """The cues of a sentence, and which of them a quote goes with."""

    def __init__(self, unit: Unit, cues: list[Cue]) -> None:
        relays = [cue for cue in cues if cue.is_relay]
        said = [cue for cue in cues if not cue.is_relay]
        self.cues = said or relays
        self.relay = relays[0].speaker if said and relays else None
        self.starts = [cue.start for cue in self.cues]
        self.opening = next(
            (n for n, i in enumerate(unit.items) if isinstance(i, Token) and i.text[0].isalnum()),
            len(unit.items),
        )
        """Place of the first word outside quotes."""

    def of(self, place: int, segment: Segment) -> Attribution:
        """The nearest cue before a segment; the next one after it if none is, or it opens."""
        following = bisect_left(self.starts, segment.left)
        before = self.cues[following - 1] if following else None
        after = self.cues[following] if following < len(self.cues) else None
        if after and after.verb == ":":
            after = None
        if after and (before is None or place < self.opening or before.verb in cue_words.MENTAL):
            return self._made(after)
        return self._made(before) if before else UNKNOWN

    def first(self) -> Attribution:
        """What a sentence says about who speaks before it."""
        return self._made(self.cues[0]) if self.cues else UNKNOWN

    def with_via(self, said: Attribution) -> Attribution:
        """An attribution with who passes it on, if that is somebody else."""
        relay = self.relay if said.speaker and said.cue_start is not None else None
        return said._replace(via=relay if relay != said.speaker else None)

    def last(self) -> Attribution:
        """What a sentence says about who speaks after it."""
        return self._made(self.cues[-1]) if self.cues else UNKNOWN

    def _made(self, cue: Cue) -> Attribution:
        return Attribution(cue.method, cue.start, cue.end, cue.speaker, self.relay)


def _reading(said: Attribution, kind: str) -> Reading:
    return Reading(said, kind, CONFIDENCE[said.method])


def _is_solid(item: Item) -> bool:
    return isinstance(item, Segment) or item.text != ","


def head_right(items: list[Item], first: int) -> Token | None:
    """The head of the noun phrase that begins at ``first``."""
    head: Token | None = None
    for number, item in enumerate(items[first : first + _MAX_NAME], first):
        whole = head is None or head.tag_ in cue_words.NOUN_TAGS
        if isinstance(item, Segment):
            if head is None or whole or not _is_noun(items, number + 1):
                break
            continue  # the “Medicare for all” document
        if whole and item.ent_type_ in cue_words.TIMES:
            break
        if item.tag_ == "PRP":
            return head or item
        if item.tag_ not in cue_words.PHRASE_TAGS and (whole or item.tag_ != "VBG"):
            break
        if item.tag_ in cue_words.NOUN_TAGS or head is None or head.tag_ not in cue_words.NOUN_TAGS:
            head = item
    return head


def _is_name(items: list[Item]) -> bool:
    """Whether nothing but a name stands there, or a name and an aside: "Anna Lowe, tailor"."""
    name = [i for i in items[: _MAX_NAME + 1] if not isinstance(i, Segment) and i.text not in ".,"]
    first = items[0] if items else None
    return (
        len(items) <= _MAX_NAME
        and len(name) > 0
        and name[0] is first
        and all(i.tag_[:2] != "VB" and i.tag_ != "MD" for i in name)
        and name[0].tag_ == "NNP"
    )


def _is_noun(items: list[Item], number: int) -> bool:
    item = items[number] if number < len(items) else None
    return isinstance(item, Token) and item.tag_ in cue_words.NOUN_TAGS


def head_left(items: list[Item], last: int) -> Token | None:
    """The head of the noun phrase that ends at ``last``, verbs and asides skipped."""
    floor = max(0, last - _MAX_ASIDE)
    while last >= floor:
        item = items[last]
        if isinstance(item, Segment):
            return None
        if (
            item.tag_ in cue_words.NOUN_TAGS and item.ent_type_ not in cue_words.TIMES
        ) or item.tag_ == "PRP":
            return item
        if item.text in (",", ")"):
            opening = "," if item.text == "," else "("
            last -= 1
            while last >= floor and getattr(items[last], "text", "") != opening:
                last -= 1
        elif item.tag_ not in cue_words.SKIPPED_TAGS:
            return None
        last -= 1
    return None
