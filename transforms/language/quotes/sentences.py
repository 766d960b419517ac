"""A text in sentences whose quoted parts are taken whole, and what the parser says about it."""

from typing import Final, NamedTuple, TypeAlias

from transforms.language.document import Document
from transforms.language.quotes import cue_words
from transforms.language.quotes.quotation_marks import SENTENCE_ENDS, WORD, Segment
from transforms.language.tokens import Token

_MAX_AFTERTHOUGHT: Final = 16
_OF_SOURCES: Final = frozenset(("by", "from", "of"))
_MAX_DENIAL: Final = 3
_SHORT: Final = 4
_LONG: Final = 10

Item: TypeAlias = Token | Segment


class Unit(NamedTuple):
    """A sentence, its quoted parts taken whole."""

    paragraph: int
    items: list[Item]


class Page:
    """A text in sentences, and what the parser says about it."""

    def __init__(self, document: Document, segments: list[Segment]) -> None:
        self.text = document.text
        self.tokens = document.tokens
        self.segments = segments
        self.narrative = [False] * len(self.tokens)
        """Which tokens stand outside quotes."""
        self.clausal: set[int] = set()
        """Starts of the segments that have a finite verb."""
        # By the index of the head, so that nothing searches a tree.
        self.subjects: dict[int, Token] = {}
        self.agents: dict[int, Token] = {}
        self.objects: dict[int, Token] = {}
        self.conjuncts: dict[int, Token] = {}
        self.owners: dict[int, Token] = {}
        """Possessors by the index of what they own."""
        self.sources: dict[int, Token] = {}
        """Objects of "by", "of" and "from" by the index of the noun before."""
        self.whats: set[int] = set()
        """Verbs of which "what" is the object."""
        self.passives: set[int] = set()
        self.helped: set[int] = set()
        """Verbs with an auxiliary."""
        self.negations: dict[int, Token] = {}
        self.quoted: dict[Segment, list[Token]] = {segment: [] for segment in segments}
        """The words of each segment."""
        self.units = self._cut(self._paragraphs())
        prepositions = []
        for token in self.tokens:
            if token.dep_ in ("nsubjpass", "auxpass"):
                self.passives.add(token.head.i)
            if token.dep_ in cue_words.SUBJECTS:
                self.subjects[token.head.i] = token
            elif token.dep_ == "agent":
                self.agents[token.head.i] = token
            elif token.dep_ == "pobj":
                self.objects.setdefault(token.head.i, token)
            elif token.dep_ == "conj":
                self.conjuncts.setdefault(token.head.i, token)
            elif token.dep_ == "aux":
                self.helped.add(token.head.i)
            elif token.dep_ == "neg":
                self.negations.setdefault(token.head.i, token)
            elif token.dep_ == "poss":
                self.owners.setdefault(token.head.i, token)
            elif token.dep_ == "prep" and token.lower_ in _OF_SOURCES:
                prepositions.append(token)
            elif token.lower_ == "what":
                self.whats.add(token.head.i)
        for token in prepositions:
            if token.i in self.objects and token.head.tag_ in cue_words.NOUN_TAGS:
                self.sources.setdefault(token.head.i, self.objects[token.i])

    def _paragraphs(self) -> list[list[Item]]:
        paragraphs: list[list[Item]] = [[]]
        segments, position = self.segments, 0
        for token in self.tokens:
            while position < len(segments) and segments[position].left <= token.idx:
                paragraphs[-1].append(segments[position])
                position += 1
            # A word may stand across a mark: then it counts as quoted if it has quoted words.
            segment = None
            if position and token.idx < segments[position - 1].right:
                segment = segments[position - 1]
            if (segment is None or not segment.holds(token.idx, token.end)) and (
                position < len(segments) and segments[position].left < token.end
            ):
                segment = segments[position]
            if segment and not segment.holds(token.idx, token.end):
                segment = None
            if segment:
                self.quoted[segment].append(token)
                if token.tag_ in cue_words.FINITE_TAGS:
                    self.clausal.add(segment.start)
            elif token.is_space:
                if "\n" in token.text:
                    paragraphs.append([])
            else:
                self.narrative[token.i] = True
                paragraphs[-1].append(token)
        return paragraphs

    def _cut(self, paragraphs: list[list[Item]]) -> list[Unit]:
        units = []
        for number, items in enumerate(paragraphs):
            start = 0
            for last in range(len(items)):
                if last + 1 == len(items) or self._ends(items, last):
                    units.append(Unit(number, items[start : last + 1]))
                    start = last + 1
        return units

    def _ends(self, items: list[Item], last: int) -> bool:
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

    def _is_afterthought(self, items: list[Item], first: int, end: str) -> bool:
        """Whether "Smith asked" or the like follows a quote and belongs to it."""
        for number in range(first, min(first + _MAX_AFTERTHOUGHT, len(items))):
            item = items[number]
            if isinstance(item, Segment) or item.text in ".!?;:":
                return False
            if is_cue(item):
                following = items[number + 1] if number + 1 < len(items) else None
                if following is None:
                    return True
                if isinstance(following, Segment):
                    return False
                return following.text in ".," or (
                    end != "." and following.text not in (":", "that")
                )
        return False

    def cue_start(self, verb: Token) -> int:
        """Where a cue starts, with what denies it: "did not say" is another cue than "say"."""
        first = self.negations.get(verb.i, verb)
        if not verb.i - _MAX_DENIAL <= first.i < verb.i or not self.narrative[first.i]:
            return verb.idx
        before = self.tokens[first.i - 1] if first.i else first
        is_aux = before.dep_ in ("aux", "auxpass") and before.head.i == verb.i
        return before.idx if is_aux and self.narrative[before.i] else first.idx

    def final_mark(self, segment: Segment) -> str:
        end = segment.end
        while end > segment.start and self.text[end - 1] in "'’‘)] ":
            end -= 1
        return self.text[end - 1]

    def is_clause(self, segment: Segment) -> bool:
        words = len(WORD.findall(self.text, segment.start, segment.end))
        return words >= _LONG or (words >= _SHORT and segment.start in self.clausal)


def is_cue(token: Token) -> bool:
    """Whether a word is one by which speech is attributed, used as a verb."""
    return token.lower_ in cue_words.CUES and (
        token.tag_[:2] == "VB" or token.lower_ in cue_words.SPEECH_ONLY
    )


def _is_title(item: Item, ending: str = "") -> bool:
    return isinstance(item, Token) and item.lower_ + ending in cue_words.ADDRESSES
