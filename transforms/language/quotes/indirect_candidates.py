"""Candidate contents of a cue: the spans that it may report in indirect speech.

Input: the parsed text, its cues, and the rules of `indirect_speech`. Output: per cue, candidate
spans with their features, from which the ranker chooses one or none. A candidate is the content by
rule, a complement of the cue, or several complements together. Each may also end earlier, at a mark
or before a second clause. The search is bounded.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from schemas import SpeakerKind
from transforms.language.document import Document
from transforms.language.quotes import cue_words
from transforms.language.quotes.attribution import Cue
from transforms.language.quotes.features import bin_count, describe_token
from transforms.language.quotes.indirect_speech import (
    CLAUSE_METHODS,
    IndirectContentFinder,
    TokenSpan,
    is_negation,
)
from transforms.language.tokens import Token
from transforms.language.word_lists import word_set

_COMPLEMENTS: Final = frozenset(("ccomp", "xcomp", "dobj", "oprd", "advcl", "attr", "acomp"))
_COMPLEMENTS_AND_MORE: Final = _COMPLEMENTS | {"prep", "dative", "acl", "nsubj", "pcomp"}
_PREPOSITIONS_WITH_PERSON: Final = frozenset(("for", "on", "upon"))
"""Prepositions before the person who is asked to do something: "called on Lee to resign"."""
_BREAKS: Final = frozenset((",", "—", "–", "-", "--", ";", ":", "("))
_MAX_COMPLEMENTS: Final = 8
_MAX_BREAKS: Final = 3
_MAX_CONJUNCTS: Final = 2
_MAX_HEADS: Final = 8
"""Heads that are followed from a cue up to the cue above it."""
_MAX_TOKENS: Final = 80
"""Tokens of a content that are looked at."""
_TOKENS_BEFORE_CUE: Final = 60
_TOKENS_AFTER_CUE: Final = 30
"""Tokens near a cue among which its speaker's last token is searched."""
_FUNCTION_WORD_TAGS: Final = word_set("IN TO DT CC WDT PRP$ POS WP WRB PRP MD RP")
_METHODS_AROUND_CUE: Final = frozenset(("parenthesis", "as-clause", "according-to-clause"))
"""Rules whose content may have the cue in it."""
_METHODS: Final[Mapping[str, str]] = {
    "acl": "clause", "ccomp": "clause", "advcl": "clause", "all": "clause", "all-prep": "clause",
    "xcomp": "infinitive", "dobj": "object", "oprd": "object", "attr": "object",
    "acomp": "object", "dative": "object", "nsubj": "object",
    "pcomp": "object",
}  # fmt: skip
"""The `method` of the record by the dependency label of the complement."""


class IndirectCandidate(NamedTuple):
    """A span that a cue may report; offsets are code points."""

    start: int
    end: int
    method: str
    is_rule_clause: bool
    """The span is a clause, and it is the content by rule."""
    features: list[str]


class IndirectCandidateFinder:
    """The finder of the spans that the cues of a text may report.

    Args:
        document: The parsed text.
        content_finder: The rules that find contents in the text.
        cues: The cues of the text by the index of their tokens.
    """

    def __init__(
        self, document: Document, content_finder: IndirectContentFinder, cues: Mapping[int, Cue]
    ) -> None:
        self._content_finder = content_finder
        self._tokens = document.tokens
        self._cues = cues
        self._token_starts = document.token_starts
        tokens, with_subject = document.tokens, content_finder.verbs_with_subject
        self._breaks = [token.i for token in tokens if token.text in _BREAKS]
        """The indices of the marks before which a content may end."""
        self._second_clauses = [
            token.i
            for token in tokens
            if token.dep_ == "conj" and token.i in with_subject and token.tag_[:2] in ("VB", "MD")
        ]
        """The indices of the verbs of the clauses before which a content may end."""
        self._sentence_starts = [*document.sentence_starts, document.analysed_end]

    def find_candidates(self, index: int) -> list[IndirectCandidate]:
        """Return the spans that the cue at the token ``index`` may report, each span once."""
        token = self._tokens[index]
        if token.lower_ in cue_words.MENTAL_CUES and not self._has_text_as_speaker(
            self._cues[index]
        ):
            return []
        rule = self._content_finder.match_rule(token)
        origins: dict[tuple[int, int], list[tuple[str, str]]] = {}
        """By the indices of the first and last token: the relations and the ends that gave them."""
        for span in self._find_spans(token, rule):
            for end, last in self._find_ends(span):
                bounds = self._content_finder.trim_span(span.first, last)
                if bounds and self._is_possible(bounds, index, span.method):
                    origins.setdefault(bounds, []).append((span.method, end))
        if not origins:
            return []
        by_rule = self._content_finder.trim_span(rule.first, rule.last) if rule else None
        shared = [*self._describe_cue(token), *self._describe_speaker(token)]
        shared.append(f"rule={rule.method if rule else 'no'}")
        crossed = {"denied", "within"}.intersection(shared)
        return [
            IndirectCandidate(
                *self._content_finder.offsets_of(*bounds),
                _method_of(found[0][0]),
                bounds == by_rule and found[0][0] in CLAUSE_METHODS,
                [
                    *shared,
                    *self._describe_content(token, bounds, found, crossed),
                    "by-rule" if bounds == by_rule else "not-by-rule",
                ],
            )
            for bounds, found in origins.items()
        ]

    def _is_possible(self, bounds: tuple[int, int], cue: int, method: str) -> bool:
        """Return whether a span is more than a pronoun and, in most cases, without its cue."""
        first, last = bounds
        if first == last and self._tokens[first].tag_ in ("PRP", "DT"):
            return False
        return method in _METHODS_AROUND_CUE or not first <= cue <= last

    def _has_text_as_speaker(self, cue: Cue) -> bool:
        """Return whether a text speaks: with "found", a survey reports and a person thinks."""
        last = bisect_left(self._token_starts, cue.speaker.end) - 1
        return self._tokens[last].lower_ in cue_words.TEXT_NOUNS

    # -------------------------------------------------------------------------- the candidates

    def _find_spans(self, cue: Token, rule: TokenSpan | None) -> Iterator[TokenSpan]:
        """Yield the content by rule, and each complement after the cue, alone and together."""
        if rule:
            yield rule
        after = [
            child
            for child in self._content_finder.children_of(cue)
            if child.i > cue.i and child.dep_ in _COMPLEMENTS_AND_MORE
        ]
        after = after[:_MAX_COMPLEMENTS]
        for child in after:
            last = child.right_edge.i
            if child.dep_ != "prep":
                yield TokenSpan(max(child.left_edge.i, cue.i + 1), last, child.dep_)
                continue
            yield TokenSpan(child.i + 1, last, f"prep-{child.lower_}")
            requests = [c for c in after if c.i > child.i and c.dep_ in ("xcomp", "advcl")]
            if child.lower_ in _PREPOSITIONS_WITH_PERSON and requests:
                yield TokenSpan(child.i + 1, requests[-1].right_edge.i, f"prep-{child.lower_}-to")
        for name, together in (
            ("all", [c for c in after if c.dep_ in _COMPLEMENTS]),
            ("all-prep", [c for c in after if c.dep_ in _COMPLEMENTS or c.dep_ == "prep"]),
        ):
            if len(together) > 1 and together[0].dep_ != "prep":
                first = max(together[0].left_edge.i, cue.i + 1)
                yield TokenSpan(first, max(c.right_edge.i for c in together), name)

    def _find_ends(self, span: TokenSpan) -> Iterator[tuple[str, int]]:
        """Yield the possible ends of a span: its own, before a mark, before a second clause."""
        yield "full", span.last
        tokens, end = self._tokens, min(span.last, span.first + _MAX_TOKENS) + 1
        for number, i in enumerate(_select(self._breaks, span.first + 2, end - 1, _MAX_BREAKS)):
            yield f"{'comma' if tokens[i].text == ',' else 'mark'}{number}", i - 1
        for i in _select(self._second_clauses, span.first, end, _MAX_CONJUNCTS):
            yield "clause", tokens[i].left_edge.i - 1

    # --------------------------------------------------------------------------- the features

    def _describe_cue(self, cue: Token) -> Iterator[str]:
        finder = self._content_finder
        children = finder.children_of(cue)[: 4 * _MAX_COMPLEMENTS]
        yield f"verb={cue.lower_}"
        yield f"dep={cue.dep_}"
        yield f"tag={cue.tag_}"
        yield f"head={cue.head.tag_}|{cue.dep_}"
        yield f"prev={self._describe_at(cue.i - 1)}"
        yield f"cuenext={self._describe_at(cue.i + 1)}"
        for child in children:
            if child.dep_ in ("aux", "auxpass") and child.i < cue.i:
                yield f"aux={child.lower_}"
            elif child.dep_ == "mark":
                yield f"mark={child.lower_}"
            elif child.i > cue.i and child.dep_ in _COMPLEMENTS_AND_MORE:
                yield f"has={child.dep_}"
        if any(map(is_negation, children)):
            yield "denied"
        if any(
            child.i > cue.i
            and child.dep_ in ("ccomp", "xcomp", "dobj")
            and finder.overlaps_quote(*finder.offsets_of(child.left_edge.i, child.right_edge.i))
            for child in children
        ):
            yield "quotes-too"
        above = self._describe_cue_above(cue)
        yield f"within={above or 'no'}"
        if above:
            yield "within"
        quotes = finder.quote_spans
        before = bisect_left(finder.quote_starts, cue.idx) - 1
        start = self._sentence_starts[bisect_left(self._sentence_starts, cue.idx + 1) - 1]
        if before >= 0 and quotes[before][1] > start:
            yield f"quote-before={bin_count((cue.idx - quotes[before][1]) // 6)}"
        else:
            yield "quote-before=no"

    def _describe_cue_above(self, cue: Token) -> str | None:
        """Return the relation to the cue above this one: "she denied that he had said so"."""
        token = cue
        for _ in range(_MAX_HEADS):
            if token.head.i == token.i:
                break
            dep, token = token.dep_, token.head
            above = self._cues.get(token.i)
            if above and not above.is_relay:
                return f"{dep}|{'mental' if token.lower_ in cue_words.MENTAL_CUES else 'cue'}"
        return None

    def _describe_speaker(self, token: Token) -> Iterator[str]:
        cue = self._cues[token.i]
        yield f"speaker={cue.speaker.kind}"
        yield f"how={cue.method}"
        last = self._tokens[bisect_left(self._token_starts, cue.speaker.end) - 1]
        if (
            cue.speaker.end <= last.end
            and token.i - _TOKENS_BEFORE_CUE <= last.i < token.i + _TOKENS_AFTER_CUE
        ):
            is_name = cue.speaker.kind == SpeakerKind.NAMED
            yield f"sword={'NAME' if is_name else describe_token(last)}"
            yield f"stag={last.tag_}"
            yield f"sent={last.ent_type_}"
            yield f"sgap={'B' if last.i < token.i else 'A'}{bin_count(abs(last.i - token.i))}"
            yield f"how+stag={cue.method}|{last.tag_}"

    def _describe_content(
        self,
        cue: Token,
        bounds: tuple[int, int],
        origins: list[tuple[str, str]],
        crossed: Iterable[str],
    ) -> Iterator[str]:
        """Yield the features of a span.

        Args:
            cue: The cue.
            bounds: The indices of the first and the last token of the span.
            origins: The relations to the cue that gave the span, with the kinds of its end.
            crossed: Features of the cue that are combined with the relation.
        """
        tokens, (first, last) = self._tokens, bounds
        way = origins[0][0]
        cut = "full" if any(end == "full" for _, end in origins) else origins[0][1]
        start, end = self._content_finder.offsets_of(first, last)
        near = tokens[first : min(last + 1, first + _MAX_TOKENS)]
        root = next((t for t in near if not first <= t.head.i <= last), tokens[first])
        finite = not cue_words.FINITE_VERB_TAGS.isdisjoint([t.tag_ for t in near])
        length = bin_count(last - first + 1)
        yield from (
            f"way={way}", f"cut={cut}", f"way+cut={way}|{cut}", f"verb+way={cue.lower_}|{way}",
            f"dep+way={cue.dep_}|{way}", f"length={length}", f"way+length={way}|{length}",
            f"gap={bin_count(first - cue.i) if first > cue.i else 'B'}",
            f"finite={finite}", f"way+finite={way}|{finite}",
            f"first={self._describe_at(first)}", f"firsttag={tokens[first].tag_}",
            f"way+first={way}|{tokens[first].tag_}", f"firstent={tokens[first].ent_type_}",
            f"before={self._describe_at(first - 1)}", f"next={self._describe_at(last + 1)}",
            f"next2={self._describe_at(last + 2)}",
            f"cut+next={cut[:4]}|{self._describe_at(last + 2)}",
            f"rootdep={root.dep_}", f"roottag={root.tag_}", f"rootent={root.ent_type_}",
            f"of-cue={root.head.i == cue.i}",
            f"commas={bin_count([t.text for t in near].count(','))}",
            f"ends={last + 1 == len(tokens) or tokens[last + 1].text in '.!?'}",
        )  # fmt: skip
        if root.tag_[:2] in ("NN", "VB"):
            yield f"root={describe_token(root)}"
        if last + 1 < len(tokens):
            yield f"nextdep={tokens[last + 1].dep_}"
        yield from (f"{feature}+way={way}" for feature in crossed)
        quote_starts = self._content_finder.quote_starts
        after = bisect_left(quote_starts, end)
        sentence_end = self._sentence_starts[bisect_left(self._sentence_starts, start + 1)]
        if after < len(quote_starts) and quote_starts[after] < sentence_end:
            distance = bin_count((quote_starts[after] - end) // 4)
            yield f"quote-after={distance}"
            yield f"quote-after+way={way}|{distance}"
        else:
            yield "quote-after=no"

    def _describe_at(self, index: int) -> str:
        """Return the mark or function word at an index, or the tag of another token."""
        if not 0 <= index < len(self._tokens):
            return "edge"
        token = self._tokens[index]
        is_literal = token.is_punct or token.tag_ in _FUNCTION_WORD_TAGS
        return token.lower_[:12] if is_literal else token.tag_


def _select(indices: list[int], first: int, end: int, count: int) -> list[int]:
    """Return the first ``count`` of sorted indices from ``first`` to ``end``, exclusive."""
    start = bisect_left(indices, first)
    return indices[start : min(bisect_left(indices, end), start + count)]


def _method_of(relation: str) -> str:
    """Return the `method` of the record for a relation of a cue to a span."""
    return "preposition" if relation.startswith("prep-") else _METHODS.get(relation, relation)
