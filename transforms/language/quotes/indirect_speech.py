"""Indirect speech: which words outside quotation marks are what a cue reports.

The content of a cue is found by the parse: the clause it governs, the clause it stands in or
behind, or what a few verbs take instead of a clause. Who says it is decided elsewhere.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from transforms.language.document import Document
from transforms.language.quotes import cue_words
from transforms.language.tokens import Token
from transforms.language.word_lists import word_set

CONFIDENCE: Final = {
    "clause": 0.8,
    "clause-before": 0.89,
    "parenthesis": 0.76,
    "according-to-clause": 0.78,
    "as-clause": 0.82,
    "infinitive": 0.64,
    "object": 0.64,
    "call-for": 0.61,
}
"""How often a rule is right about the content and the speaker: `benchmarks.quotes --rules` over
PolNeAR's training and development articles."""

CLAUSES: Final = frozenset(
    ("clause", "clause-before", "parenthesis", "according-to-clause", "as-clause")
)
"""The rules that find whole clauses."""
CUES: Final = word_set(
    """
    criticise criticises criticised criticising criticize criticizes criticized criticizing
    """
)
"""Verbs that report but attribute no quotes."""
QUANTIFIERS: Final = word_set("one some others many both several those")
MESSAGES: Final = word_set("email letter memo message note post release statement tweet video")

# Verbs whose complement, when it is no clause, mostly gives what was said.
_INFINITIVE: Final = word_set(
    """
    ask asks asked asking call calls called calling promise promises promised promising say says
    said saying vow vows vowed vowing
    """
)
_OBJECT: Final = CUES | word_set(
    """
    accuse accuses accused accusing announce announces announced announcing declare declares
    declared declaring describe describes described describing emphasise emphasises emphasised
    emphasising emphasize emphasizes emphasized emphasizing mention mentions mentioned mentioning
    note notes noted noting
    """
)
_CALL: Final = word_set("call calls called calling")
_AS: Final = word_set("note notes noted report reports reported")
_COMPLEMENTS: Final = word_set("xcomp dobj prep oprd")
_BELOW: Final = word_set("ccomp pcomp")
_MAX_CLIMB: Final = 8
_MAX_CONTENT: Final = 250


class Content(NamedTuple):
    """What a cue reports, in code points, and the rule that found it."""

    start: int
    end: int
    method: str


class TokenSpan(NamedTuple):
    """Indices of the first and last token, and how the span was found."""

    first: int
    last: int
    method: str


class Contents:
    """What the cues of a parsed text report; whatever touches a quoted span is left out."""

    def __init__(self, document: Document, quoted: Sequence[tuple[int, int]]) -> None:
        self.tokens = document.tokens
        self.quoted = quoted
        self.lefts = [left for left, _ in quoted]
        # By the index of the head: Token.children searches the whole sentence each time.
        self._children: dict[int, list[Token]] = {}
        self.with_subject: set[int] = set()
        """Verbs that have a subject of their own."""
        for token in document.tokens:
            if token.head.i != token.i:
                self._children.setdefault(token.head.i, []).append(token)
            if token.dep_ in cue_words.SUBJECTS:
                self.with_subject.add(token.head.i)

    def children(self, token: Token) -> list[Token]:
        """The tokens that hang on ``token``, in order."""
        return self._children.get(token.i, [])

    def of(self, cue: Token) -> Content | None:
        """The content of ``cue`` by rule, from its first word to its last; None if it has none."""
        found = self.by_rule(cue)
        bounds = self.trimmed(found.first, found.last) if found else None
        if found is None or bounds is None:
            return None
        return Content(*self.offsets(*bounds), found.method)

    def trimmed(self, first: int, last: int) -> tuple[int, int] | None:
        """A span of tokens from its first word to its last; None if a quote is in it, or
        if it is longer than sentences are."""
        while first <= last and _is_edge(self.tokens[first]):
            first += 1
        while last >= first and (_is_edge(self.tokens[last]) or self.tokens[last].tag_ == "CC"):
            last -= 1
        if not first <= last < first + _MAX_CONTENT:
            return None
        return None if self.touches_quote(*self.offsets(first, last)) else (first, last)

    def offsets(self, first: int, last: int) -> tuple[int, int]:
        """Where a span of tokens starts and ends in the text, in code points."""
        return self.tokens[first].idx, self.tokens[last].end

    def touches_quote(self, start: int, end: int) -> bool:
        """Whether a quoted span has characters between two offsets."""
        before = bisect_right(self.lefts, end - 1) - 1
        return before >= 0 and self.quoted[before][1] > start

    def by_rule(self, cue: Token) -> TokenSpan | None:
        """What ``cue`` reports by rule, untrimmed."""
        if cue.lower_ == "according":
            return self._according(cue)
        children = self.children(cue)
        denied = any(child.dep_ == "neg" or child.lower_ == "never" for child in children)
        below = cue.dep_ in _BELOW and cue.head.lower_ not in cue_words.RELAYS
        if denied or below or cue.lower_ in cue_words.MENTAL:
            return None
        clauses = [child for child in children if child.dep_ == "ccomp"]
        after = [clause for clause in clauses if clause.i > cue.i]
        if after:
            other = clauses[0]
            if other.i < cue.i and self.touches_quote(other.idx, other.end):
                return None
            return self._clause_after(cue, children, after)
        if clauses:
            return self._clause_before(cue, children, clauses[-1])
        if cue.dep_ == "parataxis":
            return _around(cue.head, cue, "parenthesis")
        if cue.dep_ == "advcl" and cue.lower_ in _AS and any(c.lower_ == "as" for c in children):
            return _around(cue.head, cue, "as-clause")
        return _complement(cue, [child for child in children if child.i > cue.i])

    def _clause_after(self, cue: Token, children: list[Token], clauses: list[Token]) -> TokenSpan:
        first, last = clauses[0].left_edge.i, clauses[-1].right_edge.i
        for child in children:
            if cue.i < child.i < clauses[0].i and child.dep_ in ("advcl", "mark", "nsubj"):
                first = min(first, child.left_edge.i)
        return TokenSpan(max(first, cue.i + 1), self._before_next_cue(clauses[0], last), "clause")

    def _before_next_cue(self, verb: Token, last: int) -> int:
        """The last token of a clause without what is said next: "... and warned that"."""
        for child in self.children(verb):
            if child.i > verb.i and child.dep_ == "conj" and child.lower_ in cue_words.CUES:
                edge = child.left_edge.i
                return min(last, (edge if edge > verb.i else child.i) - 1)
        return last

    def _clause_before(self, cue: Token, children: list[Token], clause: Token) -> TokenSpan | None:
        first, last = clause.left_edge.i, clause.right_edge.i
        if first <= cue.i <= last:
            return _around(clause, cue, "parenthesis")
        between = (c.left_edge.i for c in children if last < c.i < cue.i and not c.is_punct)
        comma = min(cue.i, *between, cue.i) - 1
        if self.tokens[comma].text != ",":
            return None
        return TokenSpan(cue.left_edge.i, comma, "clause-before")

    def _according(self, cue: Token) -> TokenSpan | None:
        verb = cue.head
        for _ in range(_MAX_CLIMB):
            if verb.head.i == verb.i or self._is_sentence(verb):
                break
            verb = verb.head
        if verb.i == cue.i or not _is_verb(verb):
            return None
        method = "according-to-clause"
        if verb.i < cue.left_edge.i:
            return TokenSpan(verb.left_edge.i, cue.left_edge.i - 1, method)
        return TokenSpan(cue.right_edge.i + 1, verb.right_edge.i, method)

    def _is_sentence(self, verb: Token) -> bool:
        own = verb.dep_ == "conj" and verb.i in self.with_subject
        return _is_verb(verb) and (verb.dep_ == "ccomp" or own)


def _is_verb(token: Token) -> bool:
    return token.tag_[:2] == "VB" or token.tag_ == "MD"


def _is_edge(token: Token) -> bool:
    return token.is_space or (token.is_punct and token.text not in "#%@")


def _around(content: Token, cue: Token, method: str) -> TokenSpan:
    """The clause in which a cue stands, whole; without the cue if that opens or closes it."""
    first, last = content.left_edge.i, content.right_edge.i
    left, right = cue.left_edge.i, cue.right_edge.i
    if left <= content.i <= right:
        left = right = cue.i
    if first >= left:
        return TokenSpan(right + 1, last, method)
    return TokenSpan(first, left - 1 if last <= right else last, method)


def _complement(cue: Token, after: list[Token]) -> TokenSpan | None:
    """What a verb without a clause takes: "vowed to stay", "accused her of theft"."""
    complements = [child for child in after if child.dep_ in _COMPLEMENTS]
    for dep, verbs, method in (
        ("xcomp", _INFINITIVE, "infinitive"),
        ("dobj", _OBJECT, "object"),
    ):
        child = next((c for c in complements if c.dep_ == dep), None)
        if child is not None:
            if cue.lower_ not in verbs:
                return None
            last = max(c.right_edge.i for c in complements)
            return TokenSpan(child.left_edge.i, last, method)
    if cue.lower_ in _CALL:
        child = next((c for c in complements if c.dep_ == "prep" and c.lower_ == "for"), None)
        if child is not None:
            return TokenSpan(child.i + 1, child.right_edge.i, "call-for")
    return None
