"""What a cue may report in indirect speech: clauses and phrases near it, and what speaks for each.

As in `candidates`, an option is described by short strings, and what is looked at is bounded.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from transforms.language.document import Document
from transforms.language.quotes import cue_words
from transforms.language.quotes.attribution import Cue
from transforms.language.quotes.features import plain, size
from transforms.language.quotes.indirect_speech import CLAUSES, Contents, TokenSpan
from transforms.language.tokens import Token
from transforms.language.word_lists import word_set

_COMPLEMENTS: Final = frozenset(("ccomp", "xcomp", "dobj", "oprd", "advcl", "attr", "acomp"))
_AFTER: Final = _COMPLEMENTS | {"prep", "dative", "acl", "nsubj", "pcomp"}
_WITH_PERSON: Final = frozenset(("for", "on", "upon"))
"""What follows such a word may be called on to do something: "called on Lee to resign"."""
_BREAKS: Final = frozenset((",", "—", "–", "-", "--", ";", ":", "("))
_MAX_COMPLEMENTS: Final = 8
_MAX_BREAKS: Final = 3
_MAX_CONJUNCTS: Final = 2
_MAX_CLIMB: Final = 8
_NEAR: Final = 80
"""Tokens of a content that are looked at."""
_SMALL_TAGS: Final = word_set("IN TO DT CC WDT PRP$ POS WP WRB PRP MD RP")
_INSIDE: Final = frozenset(("parenthesis", "as-clause", "according-to-clause"))
"""Rules whose content may have the cue in it."""
_METHODS: Final[Mapping[str, str]] = {
    "acl": "clause", "ccomp": "clause", "advcl": "clause", "all": "clause", "all-prep": "clause",
    "xcomp": "infinitive", "dobj": "object", "oprd": "object", "attr": "object",
    "acomp": "object", "dative": "object", "nsubj": "object",
    "pcomp": "object",
}  # fmt: skip


class Option(NamedTuple):
    """A possible content, in code points."""

    start: int
    end: int
    method: str
    is_firm: bool
    """It is a clause, and the rules say so too."""
    features: list[str]


class Options:
    """The possible contents of the cues of a text."""

    def __init__(self, document: Document, contents: Contents, heard: Mapping[int, Cue]) -> None:
        self._contents = contents
        self._tokens = document.tokens
        self._heard = heard
        self._starts = [token.idx for token in document.tokens]
        self._sentences = [*document.sentence_starts, document.analysed_end]

    def of(self, index: int) -> list[Option]:
        """What the cue at the token ``index`` may report, each span once."""
        token = self._tokens[index]
        if token.lower_ in cue_words.MENTAL and not self._is_of_text(self._heard[index]):
            return []
        rule = self._contents.by_rule(token)
        found: dict[tuple[int, int], list[tuple[str, str]]] = {}
        for span in self._spans(token, rule):
            for cut, last in self._ends(span):
                bounds = self._contents.trimmed(span.first, last)
                if bounds and self._may_be_said(bounds, index, span.method):
                    found.setdefault(bounds, []).append((span.method, cut))
        if not found:
            return []
        by_rule = self._contents.trimmed(rule.first, rule.last) if rule else None
        shared = [*self._cue_features(token), *self._speaker_features(token)]
        shared.append(f"rule={rule.method if rule else 'no'}")
        crossed = {"denied", "within"}.intersection(shared)
        return [
            Option(
                *self._contents.offsets(*bounds),
                _public(made[0][0]),
                bounds == by_rule and made[0][0] in CLAUSES,
                [
                    *shared,
                    *self._content_features(token, bounds, made, crossed),
                    "by-rule" if bounds == by_rule else "not-by-rule",
                ],
            )
            for bounds, made in found.items()
        ]

    def _may_be_said(self, bounds: tuple[int, int], cue: int, method: str) -> bool:
        """Whether a span can be a content: more than "it", and without its cue in most cases."""
        first, last = bounds
        if first == last and self._tokens[first].tag_ in ("PRP", "DT"):
            return False
        return method in _INSIDE or not first <= cue <= last

    def _is_of_text(self, cue: Cue) -> bool:
        """Whether a text says it: people find what they think, surveys what they tell."""
        number = bisect_left(self._starts, cue.speaker.end) - 1
        return self._tokens[number].lower_ in cue_words.TEXTS

    # ---------------------------------------------------------------------------- the options

    def _spans(self, cue: Token, rule: TokenSpan | None) -> Iterator[TokenSpan]:
        """What the rules say, and whatever hangs on the cue and stands behind it."""
        if rule:
            yield rule
        after = [c for c in self._contents.children(cue) if c.i > cue.i and c.dep_ in _AFTER]
        after = after[:_MAX_COMPLEMENTS]
        for child in after:
            last = child.right_edge.i
            if child.dep_ != "prep":
                yield TokenSpan(max(child.left_edge.i, cue.i + 1), last, child.dep_)
                continue
            yield TokenSpan(child.i + 1, last, f"prep-{child.lower_}")
            asked = [c for c in after if c.i > child.i and c.dep_ in ("xcomp", "advcl")]
            if child.lower_ in _WITH_PERSON and asked:
                yield TokenSpan(child.i + 1, asked[-1].right_edge.i, f"prep-{child.lower_}-to")
        for name, together in (
            ("all", [c for c in after if c.dep_ in _COMPLEMENTS]),
            ("all-prep", [c for c in after if c.dep_ in _COMPLEMENTS or c.dep_ == "prep"]),
        ):
            if len(together) > 1 and together[0].dep_ != "prep":
                first = max(together[0].left_edge.i, cue.i + 1)
                yield TokenSpan(first, max(c.right_edge.i for c in together), name)

    def _ends(self, span: TokenSpan) -> Iterator[tuple[str, int]]:
        """Where a content may end: where its tree does, at a mark, before a second clause."""
        yield "full", span.last
        near = self._tokens[span.first : min(span.last, span.first + _NEAR) + 1]
        breaks = [t for t in near[2:-1] if t.text in _BREAKS][:_MAX_BREAKS]
        for number, token in enumerate(breaks):
            yield f"{'comma' if token.text == ',' else 'mark'}{number}", token.i - 1
        joined = [t for t in near if t.dep_ == "conj" and t.i in self._contents.with_subject]
        verbs = [t for t in joined if t.tag_[:2] in ("VB", "MD")]
        for token in verbs[:_MAX_CONJUNCTS]:
            yield "clause", token.left_edge.i - 1

    # --------------------------------------------------------------------------- the features

    def _cue_features(self, cue: Token) -> Iterator[str]:
        children = self._contents.children(cue)[: 4 * _MAX_COMPLEMENTS]
        yield f"verb={cue.lower_}"
        yield f"dep={cue.dep_}"
        yield f"tag={cue.tag_}"
        yield f"head={cue.head.tag_}|{cue.dep_}"
        yield f"prev={self._word(cue.i - 1)}"
        yield f"cuenext={self._word(cue.i + 1)}"
        for child in children:
            if child.dep_ in ("aux", "auxpass") and child.i < cue.i:
                yield f"aux={child.lower_}"
            elif child.dep_ == "mark":
                yield f"mark={child.lower_}"
            elif child.i > cue.i and child.dep_ in _AFTER:
                yield f"has={child.dep_}"
        if any(child.dep_ == "neg" or child.lower_ == "never" for child in children):
            yield "denied"
        if any(
            child.i > cue.i
            and child.dep_ in ("ccomp", "xcomp", "dobj")
            and self._contents.touches_quote(
                *self._contents.offsets(child.left_edge.i, child.right_edge.i)
            )
            for child in children
        ):
            yield "quotes-too"
        above = self._above(cue)
        yield f"within={above or 'no'}"
        if above:
            yield "within"
        quoted = self._contents.quoted
        before = bisect_left(self._contents.lefts, cue.idx) - 1
        start = self._sentences[bisect_left(self._sentences, cue.idx + 1) - 1]
        if before >= 0 and quoted[before][1] > start:
            yield f"quote-before={size((cue.idx - quoted[before][1]) // 6)}"
        else:
            yield "quote-before=no"

    def _above(self, cue: Token) -> str | None:
        """What another cue makes of this one: "she denied that he had said so"."""
        token = cue
        for _ in range(_MAX_CLIMB):
            if token.head.i == token.i:
                break
            dep, token = token.dep_, token.head
            above = self._heard.get(token.i)
            if above and not above.is_relay:
                return f"{dep}|{'mental' if token.lower_ in cue_words.MENTAL else 'cue'}"
        return None

    def _speaker_features(self, token: Token) -> Iterator[str]:
        cue = self._heard[token.i]
        yield f"speaker={cue.speaker.kind}"
        yield f"how={cue.method}"
        near = self._tokens[max(0, token.i - 60) : token.i + 30]
        end = cue.speaker.end
        last = next((t for t in near if t.idx < end <= t.end), None)
        if last is not None:
            yield f"sword={'NAME' if cue.speaker.kind == 'named' else plain(last)}"
            yield f"stag={last.tag_}"
            yield f"sent={last.ent_type_}"
            yield f"sgap={'B' if last.i < token.i else 'A'}{size(abs(last.i - token.i))}"
            yield f"how+stag={cue.method}|{last.tag_}"

    def _content_features(
        self,
        cue: Token,
        bounds: tuple[int, int],
        made: list[tuple[str, str]],
        crossed: Iterable[str],
    ) -> Iterator[str]:
        tokens, (first, last) = self._tokens, bounds
        way = made[0][0]
        cut = "full" if any(c == "full" for _, c in made) else made[0][1]
        start, end = self._contents.offsets(first, last)
        near = tokens[first : min(last + 1, first + _NEAR)]
        root = next((t for t in near if not first <= t.head.i <= last), tokens[first])
        finite = any(t.tag_ in cue_words.FINITE_TAGS for t in near)
        length = size(last - first + 1)
        yield from (
            f"way={way}", f"cut={cut}", f"way+cut={way}|{cut}", f"verb+way={cue.lower_}|{way}",
            f"dep+way={cue.dep_}|{way}", f"length={length}", f"way+length={way}|{length}",
            f"gap={size(first - cue.i) if first > cue.i else 'B'}",
            f"finite={finite}", f"way+finite={way}|{finite}",
            f"first={self._word(first)}", f"firsttag={tokens[first].tag_}",
            f"way+first={way}|{tokens[first].tag_}", f"firstent={tokens[first].ent_type_}",
            f"before={self._word(first - 1)}", f"next={self._word(last + 1)}",
            f"next2={self._word(last + 2)}", f"cut+next={cut[:4]}|{self._word(last + 2)}",
            f"rootdep={root.dep_}", f"roottag={root.tag_}", f"rootent={root.ent_type_}",
            f"of-cue={root.head.i == cue.i}",
            f"commas={size(sum(t.text == ',' for t in near))}",
            f"ends={last + 1 == len(tokens) or tokens[last + 1].text in '.!?'}",
        )  # fmt: skip
        if root.tag_[:2] in ("NN", "VB"):
            yield f"root={plain(root)}"
        if last + 1 < len(tokens):
            yield f"nextdep={tokens[last + 1].dep_}"
        yield from (f"{feature}+way={way}" for feature in crossed)
        lefts = self._contents.lefts
        after = bisect_left(lefts, end)
        stop = self._sentences[bisect_left(self._sentences, start + 1)]
        if after < len(lefts) and lefts[after] < stop:
            yield f"quote-after={size((lefts[after] - end) // 4)}"
            yield f"quote-after+way={way}|{size((lefts[after] - end) // 4)}"
        else:
            yield "quote-after=no"

    def _word(self, index: int) -> str:
        """A mark or a small word as such, the tag of another word."""
        if not 0 <= index < len(self._tokens):
            return "edge"
        token = self._tokens[index]
        as_such = token.is_punct or token.tag_ in _SMALL_TAGS
        return token.lower_[:12] if as_such else token.tag_


def _public(way: str) -> str:
    return "preposition" if way.startswith("prep-") else _METHODS.get(way, way)
