"""Rules that find the indirect speech that a cue reports.

Input: the parsed text, the spans of its quotes, and a cue such as "said". Output: the content of
the cue, a span outside quotation marks. In "Lee said the pier is shut", Lee is the source, "said"
the cue and "the pier is shut" the content (the terms of PolNeAR). The rules read the parse: the
clause that the cue governs, the clause that the cue interrupts or follows, or the object that a few
verbs take instead of a clause. `sentence_cues` finds the cue and the speaker.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from transforms.language.document import Document
from transforms.language.quotes import cue_words
from transforms.language.tokens import Token
from transforms.language.word_lists import word_set

INDIRECT_CONFIDENCE: Final = {
    "clause": 0.8,
    "clause-before": 0.89,
    "parenthesis": 0.76,
    "according-to-clause": 0.78,
    "as-clause": 0.82,
    "infinitive": 0.64,
    "object": 0.64,
    "call-for": 0.61,
}
"""The share of results in which a rule is right about content and speaker: `benchmarks.quotes
--rules` over PolNeAR's training and development articles."""

CLAUSE_METHODS: Final = frozenset(
    ("clause", "clause-before", "parenthesis", "according-to-clause", "as-clause")
)
"""Rules whose content is a whole clause."""
INDIRECT_CUES: Final = word_set(
    """
    criticise criticises criticised criticising criticize criticizes criticized criticizing
    """
)
"""Verbs that report indirect speech but attribute no quotes."""
QUANTIFIERS: Final = word_set("one some others many both several those")
"""Pronouns whose complement is part of the speaker: "many of her neighbours"."""
MESSAGES: Final = word_set("email letter memo message note post release statement tweet video")
"""Texts whose author is the speaker: "Lee issued a statement saying that"."""

# Verbs whose complement, if it is not a clause, is mostly the content.
_INFINITIVE_CUES: Final = word_set(
    """
    ask asks asked asking call calls called calling promise promises promised promising say says
    said saying vow vows vowed vowing
    """
)
_OBJECT_CUES: Final = INDIRECT_CUES | word_set(
    """
    accuse accuses accused accusing announce announces announced announcing declare declares
    declared declaring describe describes described describing emphasise emphasises emphasised
    emphasising emphasize emphasizes emphasized emphasizing mention mentions mentioned mentioning
    note notes noted noting
    """
)
_CALL_CUES: Final = word_set("call calls called calling")
_AS_CUES: Final = word_set("note notes noted report reports reported")
_COMPLEMENTS: Final = word_set("xcomp dobj prep oprd")
_SUBORDINATE: Final = word_set("ccomp pcomp")
_MAX_HEADS: Final = 8
"""Heads that are followed from "according" up to the verb of its sentence."""
_MAX_CONTENT: Final = 250
"""Tokens of a content; sentences are not longer."""


class IndirectContent(NamedTuple):
    """The content of a cue: offsets in code points, and the rule that found it."""

    start: int
    end: int
    method: str


class TokenSpan(NamedTuple):
    """The indices of the first and the last token of a span, and the rule that found it."""

    first: int
    last: int
    method: str


class IndirectContentFinder:
    """The rules, applied to one text; a content never overlaps a quote.

    Args:
        document: The parsed text.
        quote_spans: The starts and ends of the quotes with their marks, in code points, in order.
    """

    def __init__(self, document: Document, quote_spans: Sequence[tuple[int, int]]) -> None:
        self.tokens = document.tokens
        self.quote_spans = quote_spans
        self.quote_starts = [start for start, _ in quote_spans]
        heads = [token.head.i for token in document.tokens]
        # Few tokens are asked for their children, so there is no list per head.
        self._by_head = sorted(range(len(heads)), key=heads.__getitem__)
        """The indices of the tokens in the order of their heads."""
        self._heads = sorted(heads)
        """The indices of the heads of these tokens."""
        self.verbs_with_subject = {
            token.head.i for token in document.tokens if token.dep_ in cue_words.SUBJECT_DEPS
        }
        """The indices of verbs that have their own subject."""

    def children_of(self, token: Token) -> list[Token]:
        """Return the tokens whose head is ``token``, in order."""
        first, end = bisect_left(self._heads, token.i), bisect_right(self._heads, token.i)
        return [self.tokens[i] for i in self._by_head[first:end] if i != token.i]

    def find_content(self, cue: Token) -> IndirectContent | None:
        """Return the content of ``cue`` by rule; None if it has none."""
        span = self.match_rule(cue)
        bounds = self.trim_span(span.first, span.last) if span else None
        if span is None or bounds is None:
            return None
        return IndirectContent(*self.offsets_of(*bounds), span.method)

    def trim_span(self, first: int, last: int) -> tuple[int, int] | None:
        """Return a span without the marks, spaces and conjunctions at its ends.

        Args:
            first: The index of the first token.
            last: The index of the last token.

        Returns:
            The indices of the first and the last token that are left; None if none is left, if
            the span overlaps a quote, or if it is longer than sentences are.
        """
        while first <= last and _is_edge(self.tokens[first]):
            first += 1
        while last >= first and (_is_edge(self.tokens[last]) or self.tokens[last].tag_ == "CC"):
            last -= 1
        if not first <= last < first + _MAX_CONTENT:
            return None
        return None if self.overlaps_quote(*self.offsets_of(first, last)) else (first, last)

    def offsets_of(self, first: int, last: int) -> tuple[int, int]:
        """Return the start and the end of a span of tokens, in code points."""
        return self.tokens[first].idx, self.tokens[last].end

    def overlaps_quote(self, start: int, end: int) -> bool:
        """Return whether a quote has characters between two offsets."""
        before = bisect_right(self.quote_starts, end - 1) - 1
        return before >= 0 and self.quote_spans[before][1] > start

    def match_rule(self, cue: Token) -> TokenSpan | None:
        """Return the content of ``cue`` by rule, before `trim_span`."""
        if cue.lower_ == "according":
            return self._match_according(cue)
        children = self.children_of(cue)
        is_denied = any(map(is_negation, children))
        is_subordinate = cue.dep_ in _SUBORDINATE and cue.head.lower_ not in cue_words.RELAY_CUES
        if is_denied or is_subordinate or cue.lower_ in cue_words.MENTAL_CUES:
            return None
        clauses = [child for child in children if child.dep_ == "ccomp"]
        after = [clause for clause in clauses if clause.i > cue.i]
        if after:
            earliest = clauses[0]
            if earliest.i < cue.i and self.overlaps_quote(earliest.idx, earliest.end):
                return None
            return self._match_clause_after(cue, children, after)
        if clauses:
            return self._match_clause_before(cue, children, clauses[-1])
        if cue.dep_ == "parataxis":
            return _span_around(cue.head, cue, "parenthesis")
        if (
            cue.dep_ == "advcl"
            and cue.lower_ in _AS_CUES
            and any(c.lower_ == "as" for c in children)
        ):
            return _span_around(cue.head, cue, "as-clause")
        return _match_complement(cue, [child for child in children if child.i > cue.i])

    def _match_clause_after(
        self, cue: Token, children: list[Token], clauses: list[Token]
    ) -> TokenSpan:
        first, last = clauses[0].left_edge.i, clauses[-1].right_edge.i
        for child in children:
            if cue.i < child.i < clauses[0].i and child.dep_ in ("advcl", "mark", "nsubj"):
                first = min(first, child.left_edge.i)
        return TokenSpan(
            max(first, cue.i + 1), self._end_before_next_cue(clauses[0], last), "clause"
        )

    def _end_before_next_cue(self, verb: Token, last: int) -> int:
        """Return the last token of a clause before the next cue in it: "... and warned that"."""
        for child in self.children_of(verb):
            if child.i > verb.i and child.dep_ == "conj" and child.lower_ in cue_words.CUES:
                edge = child.left_edge.i
                return min(last, (edge if edge > verb.i else child.i) - 1)
        return last

    def _match_clause_before(
        self, cue: Token, children: list[Token], clause: Token
    ) -> TokenSpan | None:
        first, last = clause.left_edge.i, clause.right_edge.i
        if first <= cue.i <= last:
            return _span_around(clause, cue, "parenthesis")
        between = (c.left_edge.i for c in children if last < c.i < cue.i and not c.is_punct)
        comma = min((cue.i, *between)) - 1
        if self.tokens[comma].text != ",":
            return None
        return TokenSpan(cue.left_edge.i, comma, "clause-before")

    def _match_according(self, cue: Token) -> TokenSpan | None:
        verb = cue.head
        for _ in range(_MAX_HEADS):
            if verb.head.i == verb.i or self._is_main_verb(verb):
                break
            verb = verb.head
        if verb.i == cue.i or not _is_verb(verb):
            return None
        method = "according-to-clause"
        if verb.i < cue.left_edge.i:
            return TokenSpan(verb.left_edge.i, cue.left_edge.i - 1, method)
        return TokenSpan(cue.right_edge.i + 1, verb.right_edge.i, method)

    def _is_main_verb(self, verb: Token) -> bool:
        """Return whether a verb is the head of a clause that could be a sentence."""
        is_joined_clause = verb.dep_ == "conj" and verb.i in self.verbs_with_subject
        return _is_verb(verb) and (verb.dep_ == "ccomp" or is_joined_clause)


def is_negation(token: Token) -> bool:
    """Return whether a token denies its head: "did not say", "never said"."""
    return token.dep_ == "neg" or token.lower_ == "never"


def _is_verb(token: Token) -> bool:
    return token.tag_[:2] == "VB" or token.tag_ == "MD"


def _is_edge(token: Token) -> bool:
    return token.is_space or (token.is_punct and token.text not in "#%@")


def _span_around(content: Token, cue: Token, method: str) -> TokenSpan:
    """Return the clause in which a cue stands, without the cue if that opens or closes it."""
    first, last = content.left_edge.i, content.right_edge.i
    left, right = cue.left_edge.i, cue.right_edge.i
    if left <= content.i <= right:
        left = right = cue.i
    if first >= left:
        return TokenSpan(right + 1, last, method)
    return TokenSpan(first, left - 1 if last <= right else last, method)


def _match_complement(cue: Token, after: list[Token]) -> TokenSpan | None:
    """Return the complement of a verb without a clause: "vowed to stay", "accused her of theft"."""
    complements = [child for child in after if child.dep_ in _COMPLEMENTS]
    for dep, verbs, method in (
        ("xcomp", _INFINITIVE_CUES, "infinitive"),
        ("dobj", _OBJECT_CUES, "object"),
    ):
        child = next((c for c in complements if c.dep_ == dep), None)
        if child is not None:
            if cue.lower_ not in verbs:
                return None
            last = max(c.right_edge.i for c in complements)
            return TokenSpan(child.left_edge.i, last, method)
    if cue.lower_ in _CALL_CUES:
        child = next((c for c in complements if c.dep_ == "prep" and c.lower_ == "for"), None)
        if child is not None:
            return TokenSpan(child.i + 1, child.right_edge.i, "call-for")
    return None
