"""Quotes and their speakers: marks by a state machine, attribution by syntax and position.

Three steps: `quoted_segments` finds what stands between quotation marks; `_Reader` gives each
segment a cue and a speaker, sentence by sentence, and says by which rule; `find_quotes` leaves
out what nobody is shown to have said and makes the records. Marks often mislead the parser, so
its word is taken only where it points outside them; elsewhere the words beside the cue decide.
"""

import datetime as dt
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from spacy.tokens import Doc, Token

from schemas import Entity, Quote, stable_id
from transforms.language import cues, indirect
from transforms.language.marks import SENTENCE_ENDS, WORD, Segment, quoted_segments

CONFIDENCE: Final = {
    "same-paragraph": 0.97,
    "dash": 0.95,
    "inverted": 0.94,
    "reported": 0.9,
    "subject": 0.88,
    "according-to": 0.79,
    "none": 0.76,
    "paragraph-before": 0.75,
    "sentence-before": 0.71,
    "beside": 0.6,
    "continued": 0.43,
    "colon": 0.4,
    "sentence-after": 0.29,
}
"""How often a rule is right about the quote and the speaker, on PolNeAR's training and development
articles; "none" claims no speaker, and its figure is about the quote alone."""

_CONFIDENCE: Final = CONFIDENCE | indirect.CONFIDENCE
_MAX_NAME = 12
_MAX_ASIDE = 30
_MAX_AFTERTHOUGHT = 16
_MAX_CLIMB = 8
_MAX_LABEL = 30
_SHORT = 4
_LONG = 10
_LAST_WORD = re.compile(r"([\w'’-]+),?\s*\Z")


class _Speaker(NamedTuple):
    start: int
    end: int
    kind: str
    role: str | None
    name: str | None


class _Attribution(NamedTuple):
    method: str
    cue_start: int | None = None
    cue_end: int | None = None
    speaker: _Speaker | None = None
    via: _Speaker | None = None


_UNKNOWN: Final = _Attribution("none")


class _Reading(NamedTuple):
    attribution: _Attribution
    kind: str


class _Cue(NamedTuple):
    start: int
    end: int
    verb: str
    method: str
    speaker: _Speaker

    @property
    def is_relay(self) -> bool:
        return self.verb in cues.RELAYS and self.speaker.kind != "pronoun"


_Item: TypeAlias = Token | Segment


class _Unit(NamedTuple):
    """A sentence, its quoted parts taken whole."""

    paragraph: int
    items: list[_Item]


class _Mentions:
    """Which entity is named at an offset."""

    def __init__(self, entities: Sequence[Entity], segments: list[Segment]) -> None:
        found = sorted(
            (mention.start, mention.end, entity.name, entity.label)
            for entity in entities
            if entity.label in cues.NAMED_LABELS
            for mention in entity.mentions
        )
        lefts = [segment.left for segment in segments]
        # What reaches into a quote or across one is not the name of who says it.
        self._found = [
            mention
            for mention in found
            if bisect_left(lefts, mention[1]) == (last := bisect_right(lefts, mention[0]))
            and (not last or segments[last - 1].right <= mention[0])
        ]
        self._starts = [mention[0] for mention in self._found]

    def at(self, offset: int) -> tuple[int, int, str, str] | None:
        """Start, end, canonical name and label of the mention that covers ``offset``."""
        number = bisect_right(self._starts, offset) - 1
        if number >= 0 and offset < self._found[number][1]:
            return self._found[number]
        return None


class _Page:
    """A text in sentences, and what the parser says about it."""

    def __init__(self, doc: Doc, text: str, segments: list[Segment]) -> None:
        self.text = text
        self.doc = doc
        self.segments = segments
        self.narrative = [False] * len(doc)
        """Which tokens stand outside quotes."""
        self.clausal: set[int] = set()
        """Starts of the segments that have a finite verb."""
        # By the index of the head, so that nothing searches a tree.
        self.subjects: dict[int, Token] = {}
        self.agents: dict[int, Token] = {}
        self.objects: dict[int, Token] = {}
        self.conjuncts: dict[int, Token] = {}
        self.whats: set[int] = set()
        """Verbs of which "what" is the object."""
        self.passives: set[int] = set()
        self.units = self._cut(self._paragraphs())
        for token in doc:
            if token.dep_ in ("nsubjpass", "auxpass"):
                self.passives.add(token.head.i)
            if token.dep_ in cues.SUBJECTS:
                self.subjects[token.head.i] = token
            elif token.dep_ == "agent":
                self.agents[token.head.i] = token
            elif token.dep_ == "pobj":
                self.objects.setdefault(token.head.i, token)
            elif token.dep_ == "conj":
                self.conjuncts.setdefault(token.head.i, token)
            elif token.lower_ == "what":
                self.whats.add(token.head.i)

    def _paragraphs(self) -> list[list[_Item]]:
        paragraphs: list[list[_Item]] = [[]]
        segments, position = self.segments, 0
        for token in self.doc:
            while position < len(segments) and segments[position].left <= token.idx:
                paragraphs[-1].append(segments[position])
                position += 1
            # A token may stand across a mark: then it counts as quoted if it has quoted words.
            near = segments[max(0, position - 1) : position + 1]
            segment = next((s for s in near if s.holds(token.idx, token.idx + len(token))), None)
            if segment:
                if token.tag_ in cues.FINITE_TAGS:
                    self.clausal.add(segment.start)
            elif token.is_space:
                if "\n" in token.text:
                    paragraphs.append([])
            else:
                self.narrative[token.i] = True
                paragraphs[-1].append(token)
        return paragraphs

    def _cut(self, paragraphs: list[list[_Item]]) -> list[_Unit]:
        units = []
        for number, items in enumerate(paragraphs):
            start = 0
            for last in range(len(items)):
                if last + 1 == len(items) or self._ends(items, last):
                    units.append(_Unit(number, items[start : last + 1]))
                    start = last + 1
        return units

    def _ends(self, items: list[_Item], last: int) -> bool:
        item, following = items[last], items[last + 1]
        if isinstance(item, Token):
            if item.text == "." and last and _is_title(items[last - 1], "."):
                return False
            if item.text in ".!?":
                return isinstance(following, Segment) or following.text not in ")]"
            return (
                item.text.endswith(".")
                and not _is_title(item)
                and isinstance(following, Token)
                and following.text[0].isupper()
                and bool(following.is_sent_start)
            )
        end = self.final_mark(item)
        if end not in SENTENCE_ENDS:
            return False
        if isinstance(following, Segment):
            return True
        return following.text[0].isupper() and not self._is_afterthought(items, last + 1, end)

    def _is_afterthought(self, items: list[_Item], first: int, end: str) -> bool:
        """Whether "Smith asked" or the like follows a quote and belongs to it."""
        for number in range(first, min(first + _MAX_AFTERTHOUGHT, len(items))):
            item = items[number]
            if isinstance(item, Segment) or item.text in ".!?;:":
                return False
            if _is_cue(item):
                following = items[number + 1] if number + 1 < len(items) else None
                if following is None:
                    return True
                if isinstance(following, Segment):
                    return False
                return following.text in ".," or (
                    end != "." and following.text not in (":", "that")
                )
        return False

    def final_mark(self, segment: Segment) -> str:
        end = segment.end
        while end > segment.start and self.text[end - 1] in "'’‘)] ":
            end -= 1
        return self.text[end - 1]

    def is_clause(self, segment: Segment) -> bool:
        words = len(WORD.findall(self.text, segment.start, segment.end))
        return words >= _LONG or (words >= _SHORT and segment.start in self.clausal)


class _Speakers:
    """Mentions of speakers, as printed."""

    def __init__(self, page: _Page, entities: Sequence[Entity]) -> None:
        self._page = page
        self._doc = page.doc
        self._mentions = _Mentions(entities, page.segments)

    def of(self, head: Token) -> _Speaker:
        """The mention of which ``head`` is the head, as printed, with its role."""
        if head.lower_ in cues.PRONOUNS:
            return _Speaker(head.idx, head.idx + len(head), "pronoun", None, None)
        first, last = self._extent(head)
        follows = self._doc[last + 1] if last + 1 < len(self._doc) else head
        named = self._mentions.at(follows.idx)
        if named and named[0] == follows.idx and self._page.narrative[follows.i]:
            tokens = self._doc[follows.i : follows.i + _MAX_NAME]
            if any(t.dep_ == "appos" and t.head == head and t.idx < named[1] for t in tokens):
                return self._person(first, follows.i, named)
        mention = self._mentions.at(head.idx)
        start, end = self._doc[first].idx, self._doc[last].idx + len(self._doc[last])
        joint = self._page.conjuncts.get(head.i)
        if joint is not None and self._joins(last, joint):
            last = self._extent(joint)[1]
            end = self._doc[last].idx + len(self._doc[last])
            kind = "named" if head.tag_ in ("NNP", "NNPS") else "description"
            return _Speaker(start, end, kind, None, None)
        if mention and mention[3] == "PERSON":
            return self._person(first, last, mention)
        name = mention[2] if mention and mention[1] >= head.idx + len(head) else None
        if name or (head.tag_ in ("NNP", "NNPS") and head.text[0].isupper()):
            inside = mention[0] if name and mention else end
            titles = [
                n
                for n in range(first, last)
                if self._doc[n].idx < inside and self._doc[n].lower_ in cues.TITLES
            ]
            start = self._doc[titles[-1] + 1].idx if titles else start
            role = self._page.text[self._doc[first].idx : start].strip() or self._aside(last)
            return _Speaker(start, end, "named", role, name)
        aside = self._named_aside(last)
        if aside:
            return aside._replace(role=self._page.text[start:end])
        return _Speaker(start, self._described_end(head, end), "description", None, None)

    def _person(self, first: int, last: int, mention: tuple[int, int, str, str]) -> _Speaker:
        start, end, name, _ = mention
        before = next((n for n in range(first, last) if self._doc[n + 1].idx >= start), None)
        if before is not None and self._doc[before].lower_ in cues.HONORIFICS:
            start = self._doc[before].idx
        possessive = re.search(r"(?<=\w)['’]s?\Z", self._page.text[start:end])
        end -= len(possessive[0]) if possessive else 0
        role = self._page.text[self._doc[first].idx : start].strip() or None
        while last + 1 < len(self._doc) and self._doc[last + 1].idx < end:
            last += 1
        return _Speaker(start, end, "named", role or self._aside(last), name)

    def _extent(self, head: Token) -> tuple[int, int]:
        """Indices of the first and last token of the noun phrase up to its head's name."""
        doc, first, last = self._doc, head.i, head.i
        while (
            head.i - first < _MAX_NAME
            and first
            and self._page.narrative[first - 1]
            and doc[first - 1].tag_ in cues.PHRASE_TAGS
            and doc[first - 1].ent_type_ not in cues.TIMES
            and not (doc[first - 1].tag_ == "VBN" and _is_cue(doc[first - 1]))
        ):
            first -= 1
        while doc[first].tag_ in ("POS", "HYPH") and first < head.i:
            first += 1
        mention = self._mentions.at(head.idx)
        while (
            last + 1 < len(doc)
            and last - head.i < _MAX_NAME
            and self._page.narrative[last + 1]
            and mention
            and doc[last + 1].idx < mention[1]
            and doc[last + 1].tag_ != "POS"
        ):
            last += 1
        return first, last

    def _joins(self, last: int, joint: Token) -> bool:
        between = self._doc[last + 1 : joint.i]
        return (
            0 < len(between) <= 5
            and between[0].tag_ == "CC"
            and joint.tag_ in cues.NOUN_TAGS
            and all(self._page.narrative[token.i] for token in (*between, joint))
        )

    def _described_end(self, head: Token, end: int) -> int:
        """The end of a description with what qualifies it: "a nurse from Skerray"."""
        after = head.i + 1
        if (
            after >= len(self._doc)
            or self._doc[after].tag_ != "IN"
            or self._doc[after].head != head
        ):
            return end
        for token in self._doc[after : min(self._doc[after].right_edge.i + 1, after + _MAX_ASIDE)]:
            if (
                not self._page.narrative[token.i]
                or token.is_punct
                or token.is_space
                or _is_cue(token)
            ):
                break
            if token.tag_ in cues.NOUN_TAGS:
                end = token.idx + len(token)
        return end

    def _aside(self, last: int) -> str | None:
        """An apposition that says what somebody is."""
        tokens = self._aside_tokens(last)
        if (
            not tokens
            or tokens[0].tag_ not in cues.PHRASE_TAGS
            or tokens[0].ent_type_ in cues.TIMES
        ):
            return None
        if not any(t.tag_ in ("NN", "NNS") or t.lower_ in cues.TITLES for t in tokens[:_MAX_NAME]):
            return None
        if any(t.tag_ in cues.FINITE_TAGS for t in tokens):
            return None
        return self._page.text[tokens[0].idx : tokens[-1].idx + len(tokens[-1])]

    def _named_aside(self, last: int) -> _Speaker | None:
        """The name in "the mayor, Ann Lowe, said"."""
        tokens = self._aside_tokens(last)
        if not tokens or len(tokens) > 4:
            return None
        mention = self._mentions.at(tokens[-1].idx)
        if mention and mention[3] == "PERSON" and mention[0] == tokens[0].idx:
            return _Speaker(mention[0], mention[1], "named", None, mention[2])
        return None

    def _aside_tokens(self, last: int) -> list[Token]:
        """The tokens between the commas after a name, without an age."""
        doc = self._doc
        for _ in range(2):
            if (
                last + 1 >= len(doc)
                or doc[last + 1].text != ","
                or not self._page.narrative[last + 1]
            ):
                return []
            tokens: list[Token] = []
            for token in doc[last + 2 : last + 2 + _MAX_ASIDE]:
                if token.text in ",.;:()" or not self._page.narrative[token.i] or token.is_space:
                    break
                if token.tag_ in ("WP", "WDT") or (token.tag_[:2] == "VB" and _is_cue(token)):
                    break
                tokens.append(token)
            if len(tokens) != 1 or tokens[0].tag_ != "CD":
                return tokens
            last = tokens[0].i
        return []


class _Reader:
    """Gives the quotes of a text their cues and speakers."""

    def __init__(self, page: _Page, speakers: _Speakers) -> None:
        self._page = page
        self._speaker = speakers.of
        self.heard: dict[int, _Cue] = {}
        """Every cue of the text by the index of its token, whoever it is the word of."""

    def read(self) -> dict[Segment, _Reading]:
        """How each segment reads; labels are left out."""
        readings: dict[Segment, _Reading] = {}
        spoken = lead = previous = _UNKNOWN
        waiting: list[Segment] = []
        paragraph, open_quote = -1, False
        for unit in self._page.units:
            if unit.paragraph != paragraph:
                paragraph = unit.paragraph
                previous, spoken = spoken, _UNKNOWN
                if not open_quote:
                    waiting = []
            choice = _Choice(unit, self._cues(unit))
            places = [n for n, item in enumerate(unit.items) if isinstance(item, Segment)]
            for place in places:
                segment = unit.items[place]
                assert isinstance(segment, Segment)
                open_quote = not segment.closed
                if self._is_label(unit.items, place):
                    continue
                opens, alone = place < choice.opening, choice.opening == len(unit.items)
                found = choice.of(place, segment)
                if found is _UNKNOWN and segment.continued:
                    found = previous._replace(method="continued") if previous.speaker else _UNKNOWN
                elif found is _UNKNOWN and opens:
                    found = self._inherited(segment, alone, spoken, lead, previous)
                readings[segment] = _Reading(found, self._kind(unit.items, place, opens))
                if found.speaker:
                    self._settle(readings, waiting, found)
                    spoken = found
                elif opens and alone and self._page.is_clause(segment):
                    waiting.append(segment)
            lead = _UNKNOWN if places else choice.last()
            if lead.speaker:
                self._settle(readings, waiting, lead)
        return readings

    def _inherited(
        self,
        segment: Segment,
        alone: bool,
        spoken: _Attribution,
        lead: _Attribution,
        previous: _Attribution,
    ) -> _Attribution:
        """Who goes on speaking in a sentence without a cue, if it is clear."""
        if spoken.speaker and (alone or self._page.is_clause(segment)):
            return spoken._replace(method="same-paragraph")
        if alone and lead.speaker:
            return lead._replace(method="sentence-before")
        if alone and previous.speaker and self._page.is_clause(segment):
            return _Attribution("paragraph-before", speaker=previous.speaker)
        return _UNKNOWN

    def _settle(
        self, readings: dict[Segment, _Reading], waiting: list[Segment], found: _Attribution
    ) -> None:
        """Give the quotes that wait for a speaker the one who is named after them."""
        for segment in waiting:
            later = found._replace(method="sentence-after")
            readings[segment] = readings[segment]._replace(attribution=later)
        waiting.clear()

    def _kind(self, items: list[_Item], place: int, opens: bool) -> str:
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
            direct = isinstance(before, Token) and _is_cue(before) and whole
            direct = direct and self._page.text[segment.start].isupper()
        return "direct" if direct else "mixed"

    def _is_label(self, items: list[_Item], place: int) -> bool:
        """Whether a segment is the title of a work, a nickname or a word held at arm's length."""
        segment = items[place]
        assert isinstance(segment, Segment)
        before = items[place - 1] if place else None
        after = items[place + 1] if place + 1 < len(items) else None
        words = WORD.findall(self._page.text, segment.start, segment.end)
        capital = all(w[0].isupper() or w[0].isdigit() or w in cues.SMALL for w in words)
        near = _LAST_WORD.search(self._page.text, max(0, segment.left - _MAX_LABEL), segment.left)
        previous = near[1].lower() if near and isinstance(before, Token) else ""
        following = after.lower_ if isinstance(after, Token) else ""
        if previous in cues.SCARE or previous in cues.WORKS:
            return True
        if not capital or self._page.final_mark(segment) in "!?":
            return False
        if len(words) > 1 and len(items) == 1 and self._page.final_mark(segment) != ",":
            return True
        if (
            previous in cues.BEFORE_TITLES
            or previous.endswith(("'s", "’s"))
            or following in cues.WORKS
        ):
            return True
        neighbours = [n.text for n in (before, after) if isinstance(n, Token)]
        inside_a_name = len(neighbours) == 2 and all(n[0].isupper() for n in neighbours)
        return len(words) <= 2 and inside_a_name and self._page.text[segment.end - 1].isalnum()

    def _cues(self, unit: _Unit) -> list[_Cue]:
        """What may attribute the quotes of a sentence, in order."""
        found: list[_Cue] = []
        by_token: dict[int, _Cue] = {}
        items = unit.items
        for number, item in enumerate(items):
            if isinstance(item, Segment):
                continue
            following = items[number + 1] if number + 1 < len(items) else None
            head: Token | None = None
            end = item
            if item.lower_ in cues.PHRASES:
                if (
                    not isinstance(following, Token)
                    or following.lower_ != cues.PHRASES[item.lower_]
                ):
                    continue
                end = following
            if item.lower_ == "according":
                method, head = "according-to", _head_right(items, number + 2)
            elif self._is_unsaid(item):
                continue
            elif _is_cue(item) or end is not item or item.lower_ in indirect.CUES:
                method, head = self._subject(items, number)
            elif item.text == ":" and isinstance(following, Segment) and not found:
                method, head = "colon", self._before_colon(items, number)
            elif (
                item.text[-1] in cues.DASHES
                and number
                and isinstance(items[number - 1], Segment)
                and isinstance(following, Token)
                and following.text[0].isupper()
                and len(items) - number <= _MAX_NAME
            ):
                method, head = "dash", _head_right(items, number + 1)
            else:
                continue
            if head is not None:
                cue = _Cue(item.idx, end.idx + len(end), item.lower_, method, self._speaker(head))
                if method != "inverted":  # such a cue belongs to the quote before it
                    speaker = self._reporting(item, head, cue.speaker)
                    self.heard[item.i] = cue._replace(speaker=speaker)
                if item.lower_ in indirect.CUES:
                    continue
                by_token[item.i] = cue = self._reported(item, cue, by_token)
                found.append(cue)
        return found

    def _reporting(self, cue: Token, head: Token, speaker: _Speaker) -> _Speaker:
        """Who says what a cue reports; a description is taken whole: "people near the talks"."""
        if cue.lower_ == "according":
            named = self._page.objects.get(cue.i + 1)
            if named is not None and self._page.narrative[named.i] and named.i != head.i:
                head, speaker = named, self._speaker(named)
        elif cue.dep_ == "acl" and head.lower_ in indirect.MESSAGES and head.dep_ == "dobj":
            author = self._by_parse(head.head)
            if author is not None and self._page.narrative[author.i]:
                head, speaker = author, self._speaker(author)
        if speaker.kind == "named" or (
            speaker.kind == "pronoun" and head.lower_ not in indirect.QUANTIFIERS
        ):
            return speaker
        end = speaker.end
        for token in self._page.doc[head.i + 1 : min(head.right_edge.i + 1, head.i + _MAX_ASIDE)]:
            if not self._page.narrative[token.i] or token.text in ",;:()–—-":
                break
            if token.tag_ in ("WP", "WDT") or token.i == cue.i:
                break
            end = max(end, token.idx + len(token))
        if end == speaker.end:
            return speaker
        return speaker._replace(end=end, kind="description")

    def _subject(self, items: list[_Item], number: int) -> tuple[str, Token | None]:
        cue = items[number]
        assert isinstance(cue, Token)
        before = [item for item in items[max(0, number - 2) : number] if _is_solid(item)]
        opens = number == 0 and cue.tag_ in cues.FINITE_TAGS
        if opens or (before and isinstance(before[-1], Segment)):
            head = _head_right(items, number + 1)
            if head is not None:
                return "inverted", head
        head = self._by_parse(cue)
        if head is not None and self._page.narrative[head.i]:
            return "subject", head
        return "beside", _head_left(items, number - 1)

    def _is_unsaid(self, verb: Token) -> bool:
        """Whether a verb is passive and does not say by whom: "a class called", "he was warned"."""
        passive = verb.i in self._page.passives or (verb.tag_ == "VBN" and verb.dep_ == "acl")
        return passive and verb.i not in self._page.agents and verb.lower_ != "quoted"

    def _by_parse(self, cue: Token) -> Token | None:
        verb = cue
        for _ in range(_MAX_CLIMB):
            if verb.i in self._page.agents:
                return self._page.objects.get(self._page.agents[verb.i].i)
            subject = self._page.subjects.get(verb.i)
            if subject is not None and subject.lower_ not in cues.OBJECT_PRONOUNS:
                if subject.lower_ in cues.RELATIVE and verb.dep_ == "relcl":
                    return verb.head
                return subject
            if verb.dep_ == "acl" and verb.head.tag_ in cues.NOUN_TAGS:
                return verb.head
            if verb.dep_ not in cues.CLIMBED:
                return None
            verb = verb.head
        return None

    def _before_colon(self, items: list[_Item], colon: int) -> Token | None:
        for item in reversed(items[max(0, colon - _MAX_ASIDE) : colon]):
            if isinstance(item, Token) and item.i in self._page.subjects:
                subject = self._page.subjects[item.i]
                return subject if self._page.narrative[subject.i] else None
        return _head_left(items, colon - 1)

    def _reported(self, verb: Token, cue: _Cue, known: dict[int, _Cue]) -> _Cue:
        """The cue, or that of the clause above: "X said she hoped", "X condemned what he called".

        What X reports of X, or of a mind, is X's word; what X reports that Y said is left to Y.
        """
        if cue.method == "according-to":
            return cue
        if (
            cue.verb not in cues.MENTAL
            and self._page.text[cue.speaker.start : cue.speaker.end].lower() not in cues.THIRD
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


class _Choice:
    """The cues of a sentence, and which of them a quote goes with."""

    def __init__(self, unit: _Unit, cues: list[_Cue]) -> None:
        relays = [cue for cue in cues if cue.is_relay]
        said = [cue for cue in cues if not cue.is_relay]
        self.cues = said or relays
        self.via = relays[0].speaker if said and relays else None
        self.starts = [cue.start for cue in self.cues]
        self.opening = next(
            (n for n, i in enumerate(unit.items) if isinstance(i, Token) and i.text[0].isalnum()),
            len(unit.items),
        )
        """Place of the first word outside quotes."""

    def of(self, place: int, segment: Segment) -> _Attribution:
        """The nearest cue before a segment; the next one after it if none is, or it opens."""
        following = bisect_left(self.starts, segment.left)
        before = self.cues[following - 1] if following else None
        after = self.cues[following] if following < len(self.cues) else None
        if after and after.verb == ":":
            after = None
        if after and (before is None or place < self.opening or before.verb in cues.MENTAL):
            return self._made(after)
        return self._made(before) if before else _UNKNOWN

    def last(self) -> _Attribution:
        """What a sentence says about who speaks after it."""
        return self._made(self.cues[-1]) if self.cues else _UNKNOWN

    def _made(self, cue: _Cue) -> _Attribution:
        return _Attribution(cue.method, cue.start, cue.end, cue.speaker, self.via)


def _is_cue(token: Token) -> bool:
    return token.lower_ in cues.CUES and (
        token.tag_[:2] == "VB" or token.lower_ in cues.SPEECH_ONLY
    )


def _is_title(item: _Item, ending: str = "") -> bool:
    return isinstance(item, Token) and item.lower_ + ending in cues.ADDRESSES


def _is_solid(item: _Item) -> bool:
    return isinstance(item, Segment) or item.text != ","


def _head_right(items: list[_Item], first: int) -> Token | None:
    """The head of the noun phrase that begins at ``first``."""
    head: Token | None = None
    for item in items[first : first + _MAX_NAME]:
        whole = head is None or head.tag_ in cues.NOUN_TAGS
        if isinstance(item, Segment) or (whole and item.ent_type_ in cues.TIMES):
            break
        if item.tag_ == "PRP":
            return head or item
        if item.tag_ not in cues.PHRASE_TAGS and (whole or item.tag_ != "VBG"):
            break
        if item.tag_ in cues.NOUN_TAGS or head is None or head.tag_ not in cues.NOUN_TAGS:
            head = item
    return head


def _head_left(items: list[_Item], last: int) -> Token | None:
    """The head of the noun phrase that ends at ``last``, verbs and asides skipped."""
    floor = max(0, last - _MAX_ASIDE)
    while last >= floor:
        item = items[last]
        if isinstance(item, Segment):
            return None
        if (item.tag_ in cues.NOUN_TAGS and item.ent_type_ not in cues.TIMES) or item.tag_ == "PRP":
            return item
        if item.text in (",", ")"):
            opening = "," if item.text == "," else "("
            last -= 1
            while last >= floor and getattr(items[last], "text", "") != opening:
                last -= 1
        elif item.tag_ not in cues.SKIPPED_TAGS:
            return None
        last -= 1
    return None


# -------------------------------------------------------------------------------------- records


def find_quotes(
    doc: Doc,
    text: str,
    *,
    entities: Sequence[Entity],
    article_id: str,
    run_id: str,
    day: dt.date,
) -> list[Quote]:
    """The quotes and the indirect speech of ``text``, in order."""
    analysed = len(doc.text)
    segments = quoted_segments(text)
    page = _Page(doc, text, [s for s in segments if s.right <= analysed])
    reader = _Reader(page, _Speakers(page, entities))
    readings = reader.read()
    found: dict[tuple[int, int], _Reading] = {}
    for segment in segments:
        beyond = _Reading(_UNKNOWN, "direct") if segment.right > analysed else None
        reading = readings.get(segment, beyond)
        if reading is None:
            continue
        if reading.attribution.method != "none" or page.is_clause(segment):
            found[segment.start, segment.end] = reading
    contents = indirect.Contents(doc, [(s.left, s.right) for s in segments])
    for index, cue in sorted(reader.heard.items()):
        content = contents.of(doc[index])
        if content:
            said = _Attribution(content.method, cue.start, cue.end, cue.speaker)
            found.setdefault((content.start, content.end), _Reading(said, "indirect"))
    return [
        Quote(
            quote_id=stable_id(article_id, start, end),
            article_id=article_id,
            run_id=run_id,
            day=day,
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
            confidence=_CONFIDENCE[said.method],
            topics=[],
        )
        for (start, end), (said, kind) in sorted(found.items())
    ]
