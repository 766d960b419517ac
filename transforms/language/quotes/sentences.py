"""A text in sentences in which each quoted segment is one item, and indexes of its parse.

Tokens inside quotation marks belong to another sentence than those around them. Taken as one item,
they do not disturb the analysis of the tokens outside.
"""

import sys
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from transforms.language.document import Document
from transforms.language.quotes import cue_words
from transforms.language.quotes.quotation_marks import SENTENCE_ENDS, WORD, QuotedSegment
from transforms.language.tokens import Token

_MAX_TRAILING_CUE: Final = 16
"""Items after a quote in which the cue of the same sentence is searched: "Smith asked"."""
_SOURCE_PREPOSITIONS: Final = frozenset(("by", "from", "of"))
_MAX_NEGATION_GAP: Final = 3
"""Tokens between the start of a negation and its verb."""
_MIN_CLAUSE_WORDS: Final = 4
"""A segment of at least so many words is a clause if it has a finite verb."""
_MIN_CLAUSE_WORDS_WITHOUT_VERB: Final = 10
"""A segment of at least so many words is a clause, even if the tagger finds no finite verb."""

SentenceItem: TypeAlias = Token | QuotedSegment
"""A token outside quotes, or a quoted segment."""


class Sentence(NamedTuple):
    """A sentence in which each quoted segment is one item.

    Attributes:
        paragraph: The number of its paragraph, from 0.
        items: Its tokens and quoted segments in order, without spaces.
    """

    paragraph: int
    items: list[SentenceItem]


class QuotedText:
    """A text with its quoted segments, its sentences, and indexes of its parse.

    The indexes have the token index of the head as key, so that nothing searches a tree.

    Args:
        document: The parsed text.
        segments: The quoted segments within the parsed part, in order.

    Attributes:
        is_unquoted: Per token, whether it stands outside the quoted segments and is no space.
        sentences: The sentences in order.
        tokens_by_segment: The tokens of each segment.
        subjects: Subjects by verb.
        agents: The "by" of passive verbs, by verb.
        prepositional_objects: Objects of prepositions, by preposition.
        conjuncts: The first token that "and" or "or" joins to a token.
        negations: "not" and the like, by verb.
        possessors: Possessors, by the noun that they own.
        sources: Objects of "by", "from" and "of", by the noun before: "chants by fans".
        passive_verbs: The token indices of passive verbs.
        verbs_with_auxiliary: The token indices of verbs with an auxiliary.
        verbs_with_what: The token indices of verbs with "what" as object: "what Lee called".
    """

    def __init__(self, document: Document, segments: list[QuotedSegment]) -> None:
        self.text = document.text
        self.tokens = document.tokens
        self.segments = segments
        self.is_unquoted = [False] * len(self.tokens)
        self.tokens_by_segment: dict[QuotedSegment, list[Token]] = {
            segment: [] for segment in segments
        }
        self._finite_starts: set[int] = set()
        """Starts of the segments with a finite verb."""
        self.sentences = self._split_sentences(self._split_paragraphs())
        self.subjects: dict[int, Token] = {}
        self.agents: dict[int, Token] = {}
        self.prepositional_objects: dict[int, Token] = {}
        self.conjuncts: dict[int, Token] = {}
        self.negations: dict[int, Token] = {}
        self.possessors: dict[int, Token] = {}
        self.sources: dict[int, Token] = {}
        self.passive_verbs: set[int] = set()
        self.verbs_with_auxiliary: set[int] = set()
        self.verbs_with_what: set[int] = set()
        self._index_parse()

    def _index_parse(self) -> None:
        prepositions = []
        first_dependents = {
            "pobj": self.prepositional_objects,
            "conj": self.conjuncts,
            "neg": self.negations,
            "poss": self.possessors,
        }
        for token in self.tokens:
            dep = token.dep_
            if dep in first_dependents:
                first_dependents[dep].setdefault(token.head.i, token)
            elif dep in cue_words.SUBJECT_DEPS:
                self.subjects[token.head.i] = token
                if dep == "nsubjpass":
                    self.passive_verbs.add(token.head.i)
            elif dep == "agent":
                self.agents[token.head.i] = token
            elif dep == "auxpass":
                self.passive_verbs.add(token.head.i)
            elif dep == "aux":
                self.verbs_with_auxiliary.add(token.head.i)
            elif dep == "prep" and token.lower_ in _SOURCE_PREPOSITIONS:
                prepositions.append(token)
            elif token.lower_ == "what":
                self.verbs_with_what.add(token.head.i)
        for token in prepositions:
            if token.i in self.prepositional_objects and token.head.tag_ in cue_words.NOUN_TAGS:
                self.sources.setdefault(token.head.i, self.prepositional_objects[token.i])

    def _split_paragraphs(self) -> list[list[SentenceItem]]:
        """Return the items of each paragraph, and note which tokens are quoted."""
        paragraphs: list[list[SentenceItem]] = [[]]
        before: QuotedSegment | None = None
        segments = iter(self.segments)
        following = next(segments, None)
        before_end, following_start = 0, following.outer_start if following else sys.maxsize
        for token in self.tokens:
            while following and following_start <= token.idx:
                paragraphs[-1].append(following)
                before, before_end = following, following.outer_end
                following = next(segments, None)
                following_start = following.outer_start if following else sys.maxsize
            # A token across a mark counts as quoted if it overlaps the quoted text.
            segment = before if token.idx < before_end else None
            if segment and not segment.covers(token.idx, token.end):
                segment = None
            if segment is None and following and following_start < token.end:
                segment = following if following.covers(token.idx, token.end) else None
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

    def _split_sentences(self, paragraphs: list[list[SentenceItem]]) -> list[Sentence]:
        sentences = []
        for number, items in enumerate(paragraphs):
            start = 0
            for last, item in enumerate(items):
                # Most items end no sentence, and their last character shows it.
                if last + 1 == len(items) or (
                    (isinstance(item, QuotedSegment) or item.text[-1] in ".!?")
                    and self._ends_sentence(items, last)
                ):
                    sentences.append(Sentence(number, items[start : last + 1]))
                    start = last + 1
        return sentences

    def _ends_sentence(self, items: list[SentenceItem], last: int) -> bool:
        """Return whether a sentence ends with the item at index ``last``, which is not the last."""
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
        return following.text[0].isupper() and not self._has_trailing_cue(items, last + 1, end)

    def _has_trailing_cue(self, items: list[SentenceItem], first: int, end: str) -> bool:
        """Return whether a cue such as "Smith asked" follows a quote and belongs to its sentence.

        Args:
            items: The items of the paragraph.
            first: The index of the item after the quote.
            end: The final mark of the quote.
        """
        for number in range(first, min(first + _MAX_TRAILING_CUE, len(items))):
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
        """Return the start of a cue in code points, with its negation.

        "did not say" is another cue than "say".
        """
        first = self.negations.get(verb.i, verb)
        if not verb.i - _MAX_NEGATION_GAP <= first.i < verb.i or not self.is_unquoted[first.i]:
            return verb.idx
        before = self.tokens[first.i - 1] if first.i else first
        is_aux = before.dep_ in ("aux", "auxpass") and before.head.i == verb.i
        return before.idx if is_aux and self.is_unquoted[before.i] else first.idx

    def find_final_mark(self, segment: QuotedSegment) -> str:
        """Return the last character of a segment, before closing quotes and brackets."""
        end = segment.end
        while end > segment.start and self.text[end - 1] in "'’‘)] ":
            end -= 1
        return self.text[end - 1]

    def has_finite_verb(self, segment: QuotedSegment) -> bool:
        """Return whether a segment has a finite verb by its tags."""
        return segment.start in self._finite_starts

    def is_clause(self, segment: QuotedSegment) -> bool:
        """Return whether a segment is long enough for a clause, and a short one has a verb."""
        words = len(WORD.findall(self.text, segment.start, segment.end))
        return words >= _MIN_CLAUSE_WORDS_WITHOUT_VERB or (
            words >= _MIN_CLAUSE_WORDS and self.has_finite_verb(segment)
        )


def is_in_title_case(words: Sequence[str]) -> bool:
    """Return whether words are written as in the title of a work: “Salt and Iron”."""
    return all(
        word[0].isupper() or word[0].isdigit() or word in cue_words.SMALL_TITLE_WORDS
        for word in words
    )


def is_cue(token: Token) -> bool:
    """Return whether a token is a cue: a word of `cue_words.CUES` that is or must be a verb."""
    return token.lower_ in cue_words.CUES and (
        token.tag_[:2] == "VB" or token.lower_ in cue_words.UNAMBIGUOUS_CUES
    )


def _is_title(item: SentenceItem, ending: str = "") -> bool:
    """Return whether a token, with ``ending``, is a title or honorific such as "Mr."."""
    return isinstance(item, Token) and item.lower_ + ending in cue_words.TITLES_AND_HONORIFICS
