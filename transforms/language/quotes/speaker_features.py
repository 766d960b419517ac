"""Features of quoted segments and of their candidate speakers, for the ranker.

Input: a sentence, a quoted segment of it and, for a candidate, a cue and the head of a mention.
Output: short strings such as ``verb=said``, so that people can read the table of weights (see
`ranker`). They come from the tags and the parse near the segment. The search is bounded, however
long a sentence is.
"""

from collections.abc import Iterator
from typing import Final

from transforms.language.quotes import cue_words
from transforms.language.quotes.features import (
    bin_count,
    classify_cue,
    describe_item,
    describe_token,
    item_at,
)
from transforms.language.quotes.quotation_marks import WORD, QuotedSegment
from transforms.language.quotes.sentence_cues import SentenceCues
from transforms.language.quotes.sentences import (
    QuotedText,
    Sentence,
    SentenceItem,
    is_cue,
    is_in_title_case,
)
from transforms.language.tokens import Token

SHARED_PREFIXES: Final = (
    "length=", "before=", "after=", "is=opens", "is=alone", "is=clausal", "is=goeson",
    "names=", "dep=", "governor=",
)  # fmt: skip
"""How the features of a segment begin that its candidates have as well."""

_MAX_HEADS: Final = 8
"""Heads that are followed from a quoted token up to its cue."""
_MAX_HEADS_OF_CUE: Final = 6
"""Heads that are followed from a cue up to the cue above it."""
_SEGMENTS_NEAR: Final = 20
"""Items on either side of a segment in which other segments are counted."""


class SpeakerFeatures:
    """The features of the segments of a text and of their candidate speakers."""

    def __init__(self, quoted_text: QuotedText) -> None:
        self._quoted_text = quoted_text
        self._roots = _find_roots(quoted_text)

    def describe_segment(
        self, sentence: Sentence, position: int, segment: QuotedSegment, sentence_cues: SentenceCues
    ) -> list[str]:
        """Return the features of the segment at ``position`` among the items of a sentence."""
        quoted_text, items = self._quoted_text, sentence.items
        words = WORD.findall(quoted_text.text, segment.start, segment.end)
        end = quoted_text.find_final_mark(segment)
        before, after = item_at(items, position - 1), item_at(items, position + 1)
        second_before = item_at(items, position - 2)
        root = self._roots.get(segment)
        near = items[max(0, position - _SEGMENTS_NEAR) : position + _SEGMENTS_NEAR]
        flags = {
            "capital": quoted_text.text[segment.start].isupper(),
            "clausal": quoted_text.has_finite_verb(segment),
            "unclosed": not segment.is_closed,
            "goeson": segment.is_continued,
            "opens": position < sentence_cues.first_word_position,
            "alone": sentence_cues.first_word_position == len(items),
            "capital-after": isinstance(after, Token) and after.text[0].isupper(),
        }
        features = [f"is={name}" for name, is_set in flags.items() if is_set]
        features += [
            f"length={bin_count(len(words))}",
            f"end={'word' if end.isalnum() else end}",
            f"before={describe_item(before)}",
            f"after={describe_item(after)}",
            f"between={describe_item(before)}|{describe_item(after)}",
            f"further={describe_item(second_before)}",
            f"segments={bin_count(sum(isinstance(item, QuotedSegment) for item in near))}",
        ]
        if is_in_title_case(words):
            features.append(f"names={'one' if len(words) == 1 else 'more'}")
        for name, item in (("w-1", before), ("w+1", after), ("w-2", second_before)):
            if isinstance(item, Token):
                features.append(f"{name}={describe_token(item)}")
        if root is not None:
            governor = "cue" if root.head.lower_ in cue_words.CUES else root.head.tag_
            features += [f"dep={root.dep_}", f"tag={root.tag_}", f"governor={governor}"]
        return features

    def describe_cue(
        self,
        items: list[SentenceItem],
        cue_position: int,
        position: int,
        segment: QuotedSegment,
        head: Token,
    ) -> Iterator[str]:
        """Yield the features of a cue, of its way to a segment and of the speaker's head.

        Args:
            items: The items of the sentence.
            cue_position: The index of the cue among them.
            position: The index of the segment among them.
            segment: The quoted segment.
            head: The head of the mention of the speaker.
        """
        cue = items[cue_position]
        assert isinstance(cue, Token)
        yield f"verb={cue.lower_}"
        yield f"group={classify_cue(cue)}"
        yield f"cuetag={cue.tag_}"
        yield f"cuedep={cue.dep_}"
        yield f"cuenext={describe_item(item_at(items, cue_position + 1))}"
        yield from _describe_between(items, cue_position, position)
        yield from self._describe_parse(cue, cue_position < position, segment)
        yield from _describe_head(cue, head)

    def _describe_parse(self, cue: Token, is_before: bool, segment: QuotedSegment) -> Iterator[str]:
        """Yield where the parse puts a cue: above the segment, and below another cue."""
        root, steps_up = self._roots.get(segment), "no"
        if root is not None:
            token = root
            for steps in range(1, _MAX_HEADS):
                if token.head.i == cue.i:
                    steps_up = bin_count(steps)
                    yield f"governed={token.dep_}"
                    break
                token = token.head
        yield f"above={'B' if is_before else 'A'}{steps_up}"
        labels: list[str] = []
        token, within = cue, "no"
        while len(labels) < _MAX_HEADS_OF_CUE and token.head.i != token.i:
            labels.append(token.dep_)
            token = token.head
            if self._quoted_text.is_unquoted[token.i] and is_cue(token) and token.tag_[:2] == "VB":
                within = "+".join(labels[:2])
                break
        yield f"within={within}"
        for name, verbs in (
            ("what", self._quoted_text.verbs_with_what),
            ("not", self._quoted_text.negations),
            ("passive", self._quoted_text.passive_verbs),
        ):
            if cue.i in verbs:
                yield name


def _describe_between(items: list[SentenceItem], cue_position: int, position: int) -> Iterator[str]:
    """Yield what stands between a cue and a segment; "B" is before the segment, "A" after it."""
    side = "A" if cue_position > position else "B"
    between = items[min(cue_position, position) + 1 : max(cue_position, position)]
    tokens = [item for item in between if isinstance(item, Token)]
    yield f"gap={side}{bin_count(len(between))}"
    for name, count in (
        ("cues", sum(map(is_cue, tokens))),
        ("verbs", sum(token.tag_[:2] == "VB" for token in tokens)),
        ("quotes", len(between) - len(tokens)),
        ("commas", sum(token.text == "," for token in tokens)),
    ):
        yield f"{name}={side}{bin_count(count)}"
    if side == "A":
        yield f"quotenext={describe_item(items[position + 1])}"
    texts = {token.text for token in tokens}
    if ";" in texts:
        yield "semicolon"
    if not {".", "!", "?"}.isdisjoint(texts):
        yield "stop"


def _describe_head(cue: Token, head: Token) -> Iterator[str]:
    """Yield the features of the head of a speaker's mention, and of its distance to the cue."""
    word = head.lower_
    yield f"entity={head.ent_type_ or 'none'}"
    yield f"headtag={head.tag_}"
    yield f"headdep={head.dep_}"
    yield f"headgap={'B' if head.i < cue.i else 'A'}{bin_count(abs(head.i - cue.i))}"
    if word in cue_words.PRONOUNS or head.tag_ in ("PRP", "PRP$", "WP", "WDT", "DT"):
        yield f"pronoun={word}"
    elif head.tag_ in ("NN", "NNS"):
        yield f"noun={describe_token(head)}"
        yield f"nounkind={_classify_noun(word)}"
    if head.dep_ == "pobj":
        yield f"prep={head.head.lower_}"


def _classify_noun(word: str) -> str:
    return (
        "human"
        if word in cue_words.PERSON_NOUNS
        else "text"
        if word in cue_words.TEXT_NOUNS
        else "other"
    )


def _find_roots(quoted_text: QuotedText) -> dict[QuotedSegment, Token]:
    """Return the first token of each segment whose head is outside the segment."""
    roots: dict[QuotedSegment, Token] = {}
    for segment, tokens in quoted_text.tokens_by_segment.items():
        for token in tokens:
            if not (token.is_punct or segment.outer_start <= token.head.idx < segment.outer_end):
                roots[segment] = token
                break
    return roots
