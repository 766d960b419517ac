"""A text in sentences whose quoted parts are taken whole, and what the parser says about it."""

from typing import Final, NamedTuple, TypeAlias

from transforms.language.document import Document
from transforms.language.quotes import cue_words
from transforms.language.quotes.quotation_marks import SENTENCE_ENDS, WORD, QuotedSegment
from transforms.language.tokens import Token

_MAX_AFTERTHOUGHT: Final = 16
_OF_SOURCES: Final = frozenset(("by", "from", "of"))
_MAX_DENIAL: Final = 3
_SHORT: Final = 4
_LONG: Final = 10

SentenceItem: TypeAlias = Token | QuotedSegment


class Sentence(NamedTuple):
    """A sentence, its quoted parts taken whole."""

    paragraph: int
    items: list[SentenceItem]


class QuotedText:
    """A text in sentences, and what the parser says about it."""

    def __init__(self, document: Document, segments: list[QuotedSegment]) -> None:
        self.text = document.text
        self.tokens = document.tokens
        self.segments = segments
        self.is_unquoted = [False] * len(self.tokens)
        """Which tokens stand outside quotes."""
        self._finite_starts: set[int] = set()
        """Starts of the segments that have a finite verb."""
        # By the index of the head, so that nothing searches a tree.
        self.subjects: dict[int, Token] = {}
        self.agents: dict[int, Token] = {}
        self.prepositional_objects: dict[int, Token] = {}
        self.conjuncts: dict[int, Token] = {}
        self.possessors: dict[int, Token] = {}
        """Possessors by the index of what they own."""
        self.sources: dict[int, Token] = {}
        """Objects of "by", "of" and "from" by the index of the noun before."""
        self.verbs_with_what: set[int] = set()
        """Verbs of which "what" is the object."""
        self.passive_verbs: set[int] = set()
        self.verbs_with_auxiliary: set[int] = set()
        """Verbs with an auxiliary."""
        self.negations: dict[int, Token] = {}
        self.tokens_by_segment: dict[QuotedSegment, list[Token]] = {
            segment: [] for segment in segments
        }
        """The words of each segment."""
        self.sentences = self._cut(self._paragraphs())
        prepositions = []
        for token in self.tokens:
            if token.dep_ in ("nsubjpass", "auxpass"):
                self.passive_verbs.add(token.head.i)
            if token.dep_ in cue_words.SUBJECT_DEPS:
                self.subjects[token.head.i] = token
            elif token.dep_ == "agent":
                self.agents[token.head.i] = token
            elif token.dep_ == "pobj":
                self.prepositional_objects.setdefault(token.head.i, token)
            elif token.dep_ == "conj":
                self.conjuncts.setdefault(token.head.i, token)
            elif token.dep_ == "aux":
                self.verbs_with_auxiliary.add(token.head.i)
            elif token.dep_ == "neg":
                self.negations.setdefault(token.head.i, token)
            elif token.dep_ == "poss":
                self.possessors.setdefault(token.head.i, token)
            elif token.dep_ == "prep" and token.lower_ in _OF_SOURCES:
                prepositions.append(token)
            elif token.lower_ == "what":
                self.verbs_with_what.add(token.head.i)
        for token in prepositions:
            if token.i in self.prepositional_objects and token.head.tag_ in cue_words.NOUN_TAGS:
                self.sources.setdefault(token.head.i, self.prepositional_objects[token.i])

    def _paragraphs(self) -> list[list[SentenceItem]]:
        paragraphs: list[list[SentenceItem]] = [[]]
        segments, position = self.segments, 0
        for token in self.tokens:
            while position < len(segments) and segments[position].outer_start <= token.idx:
                paragraphs[-1].append(segments[position])
                position += 1
            # A word may stand across a mark: then it counts as quoted if it has quoted words.
            segment = None
            if position and token.idx < segments[position - 1].outer_end:
                segment = segments[position - 1]
            if (segment is None or not segment.covers(token.idx, token.end)) and (
                position < len(segments) and segments[position].outer_start < token.end
            ):
                segment = segments[position]
            if segment and not segment.covers(token.idx, token.end):
                segment = None
            if segment:
                self.tokens_by_segment[segment].append(token)
                if token.tag_ in cue_words.FINITE_VERB_TAGS:
                    self._finite_starts.add(segment.start)
            elif token.is_space:
                if "\n" in token.text:
                    paragraphs.append([])
            else:
                self.is_unquoted[token.i] = True
                paragraphs[-1].append(token)
        return paragraphs

    def _cut(self, paragraphs: list[list[SentenceItem]]) -> list[Sentence]:
        units = []
        for number, items in enumerate(paragraphs):
            start = 0
            for last in range(len(items)):
                if last + 1 == len(items) or self._ends(items, last):
                    units.append(Sentence(number, items[start : last + 1]))
                    start = last + 1
        return units

    def _ends(self, items: list[SentenceItem], last: int) -> bool:
        item, following = items[last], items[last + 1]
        if isinstance(item, Token):
            if item.text == "." and last and _is_title(items[last - 1], "."):
                return False
            if item.text in ".!?":
                return isinstance(following, QuotedSegment) or following.text not in ")]"
            return (
                item.text.endswith(".")
                and not _is_title(item)
                and isinstance(following, Token)
                and following.text[0].isupper()
                and bool(following.is_sent_start)
            )
        end = self.find_final_mark(item)
        if end not in SENTENCE_ENDS:
            return False
        if isinstance(following, QuotedSegment):
            return True
        return following.text[0].isupper() and not self._is_afterthought(items, last + 1, end)

    def _is_afterthought(self, items: list[SentenceItem], first: int, end: str) -> bool:
        """Whether "Smith asked" or the like follows a quote and belongs to it."""
        for number in range(first, min(first + _MAX_AFTERTHOUGHT, len(items))):
            item = items[number]
            if isinstance(item, QuotedSegment) or item.text in ".!?;:":
                return False
            if is_cue(item):
                following = items[number + 1] if number + 1 < len(items) else None
                if following is None:
                    return True
                if isinstance(following, QuotedSegment):
                    return False
                return following.text in ".," or (
                    end != "." and following.text not in (":", "that")
                )
        return False

    def find_cue_start(self, verb: Token) -> int:
        """Where a cue starts, with what denies it: "did not say" is another cue than "say"."""
        first = self.negations.get(verb.i, verb)
        if not verb.i - _MAX_DENIAL <= first.i < verb.i or not self.is_unquoted[first.i]:
            return verb.idx
        before = self.tokens[first.i - 1] if first.i else first
        is_aux = before.dep_ in ("aux", "auxpass") and before.head.i == verb.i
        return before.idx if is_aux and self.is_unquoted[before.i] else first.idx

    def find_final_mark(self, segment: QuotedSegment) -> str:
        end = segment.end
        while end > segment.start and self.text[end - 1] in "'’‘)] ":
            end -= 1
        return self.text[end - 1]

    def has_finite_verb(self, segment: QuotedSegment) -> bool:
        """Return whether a finite verb stands in a segment."""
        return segment.start in self._finite_starts

    def is_clause(self, segment: QuotedSegment) -> bool:
        words = len(WORD.findall(self.text, segment.start, segment.end))
        return words >= _LONG or (words >= _SHORT and self.has_finite_verb(segment))


def is_cue(token: Token) -> bool:
    """Whether a word is one by which speech is attributed, used as a verb."""
    return token.lower_ in cue_words.CUES and (
        token.tag_[:2] == "VB" or token.lower_ in cue_words.UNAMBIGUOUS_CUES
    )


def _is_title(item: SentenceItem, ending: str = "") -> bool:
    return isinstance(item, Token) and item.lower_ + ending in cue_words.TITLES_AND_HONORIFICS
