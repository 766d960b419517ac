"""Mentions of speakers, as printed: how far a name or a description reaches, and the role."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas import Entity
from transforms.language.quotes import cue_words
from transforms.language.quotes.quotation_marks import QuotedSegment
from transforms.language.quotes.sentences import QuotedText, is_cue
from transforms.language.tokens import Token

_MAX_NAME: Final = 12
_MAX_ASIDE: Final = 30


class SpeakerMention(NamedTuple):
    """A mention of who speaks; offsets are code points."""

    start: int
    end: int
    kind: str
    role: str | None
    name: str | None


class _Mentions:
    """Which entity is named at an offset."""

    def __init__(self, entities: Sequence[Entity], segments: list[QuotedSegment]) -> None:
        found = sorted(
            (mention.start, mention.end, entity.name, entity.label)
            for entity in entities
            if entity.label in cue_words.SPEAKER_ENTITY_LABELS
            for mention in entity.mentions
        )
        lefts = [segment.outer_start for segment in segments]
        # What reaches into a quote or across one is not the name of who says it.
        self._found = [
            mention
            for mention in found
            if bisect_left(lefts, mention[1]) == (last := bisect_right(lefts, mention[0]))
            and (not last or segments[last - 1].outer_end <= mention[0])
        ]
        self._starts = [mention[0] for mention in self._found]

    def at(self, offset: int) -> tuple[int, int, str, str] | None:
        """Start, end, canonical name and label of the mention that covers ``offset``."""
        number = bisect_right(self._starts, offset) - 1
        if number >= 0 and offset < self._found[number][1]:
            return self._found[number]
        return None


class SpeakerMentionFinder:
    """Mentions of speakers, as printed."""

    def __init__(self, quoted_text: QuotedText, entities: Sequence[Entity]) -> None:
        self._quoted_text = quoted_text
        self._tokens = quoted_text.tokens
        self._mentions = _Mentions(entities, quoted_text.segments)

    def find_mention(self, head: Token) -> SpeakerMention:
        """The mention of which ``head`` is the head, as printed, with its role."""
        joint = self._quoted_text.conjuncts.get(head.i)
        if head.lower_ in cue_words.PRONOUNS and (joint is None or not self._joins(head.i, joint)):
            return SpeakerMention(head.idx, head.end, "pronoun", None, None)
        first, last = self._extent(head)
        follows = self._tokens[last + 1] if last + 1 < len(self._tokens) else head
        named = self._mentions.at(follows.idx)
        if named and named[0] == follows.idx and self._quoted_text.is_unquoted[follows.i]:
            tokens = self._tokens[follows.i : follows.i + _MAX_NAME]
            if any(t.dep_ == "appos" and t.head == head and t.idx < named[1] for t in tokens):
                return self._person(first, follows.i, named)
        mention = self._mentions.at(head.idx)
        start, end = self._tokens[first].idx, self._tokens[last].end
        if joint is not None and self._joins(last, joint):
            last = self._extent(joint)[1]
            end = self._tokens[last].end
            kind = "named" if head.tag_ in ("NNP", "NNPS") else "description"
            return SpeakerMention(start, end, kind, None, None)
        if mention and mention[3] == "PERSON":
            return self._person(first, last, mention)
        name = mention[2] if mention and mention[1] >= head.end else None
        if name or (head.tag_ in ("NNP", "NNPS") and head.text[0].isupper()):
            inside = mention[0] if name and mention else end
            titles = [
                n
                for n in range(first, last)
                if self._tokens[n].idx < inside
                and self._tokens[n].lower_ in cue_words.PERSON_TITLES
            ]
            start = self._tokens[titles[-1] + 1].idx if titles else start
            role = self._quoted_text.text[self._tokens[first].idx : start].strip() or self._aside(
                last
            )
            return SpeakerMention(start, end, "named", role, name)
        aside = self._named_aside(last)
        if aside:
            return aside._replace(role=self._quoted_text.text[start:end])
        return SpeakerMention(start, self._described_end(head, end), "description", None, None)

    def _person(self, first: int, last: int, mention: tuple[int, int, str, str]) -> SpeakerMention:
        start, end, name, _ = mention
        before = next((n for n in range(first, last) if self._tokens[n + 1].idx >= start), None)
        if before is not None and self._tokens[before].lower_ in cue_words.HONORIFICS:
            start = self._tokens[before].idx
        possessive = re.search(r"(?<=\w)['’]s?\Z", self._quoted_text.text[start:end])
        end -= len(possessive[0]) if possessive else 0
        role = self._quoted_text.text[self._tokens[first].idx : start].strip() or None
        while last + 1 < len(self._tokens) and self._tokens[last + 1].idx < end:
            last += 1
        return SpeakerMention(start, end, "named", role or self._aside(last), name)

    def _extent(self, head: Token) -> tuple[int, int]:
        """Indices of the first and last token of the noun phrase up to its head's name."""
        all_tokens, first, last = self._tokens, head.i, head.i
        while (
            head.i - first < _MAX_NAME
            and first
            and self._quoted_text.is_unquoted[first - 1]
            and all_tokens[first - 1].tag_ in cue_words.NOUN_PHRASE_TAGS
            and all_tokens[first - 1].ent_type_ not in cue_words.TIME_ENTITY_LABELS
            and not (all_tokens[first - 1].tag_ == "VBN" and is_cue(all_tokens[first - 1]))
        ):
            first -= 1
        while all_tokens[first].tag_ in ("POS", "HYPH") and first < head.i:
            first += 1
        first = self._ratio_start(first)
        mention = self._mentions.at(head.idx)
        while (
            last + 1 < len(all_tokens)
            and last - head.i < _MAX_NAME
            and self._quoted_text.is_unquoted[last + 1]
            and mention
            and all_tokens[last + 1].idx < mention[1]
            and all_tokens[last + 1].tag_ != "POS"
        ):
            last += 1
        return first, last

    def _ratio_start(self, first: int) -> int:
        """Where a share of people begins: "about three in 10 voters"."""
        all_tokens = self._tokens
        if first < 2 or not (all_tokens[first].tag_ == all_tokens[first - 2].tag_ == "CD"):
            return first
        if all_tokens[first - 1].lower_ not in cue_words.RATIO_PREPOSITIONS:
            return first
        first -= 2
        if (
            first
            and all_tokens[first - 1].lower_ in cue_words.APPROXIMATORS
            and self._quoted_text.is_unquoted[first - 1]
        ):
            first -= 1
        return first

    def _joins(self, last: int, joint: Token) -> bool:
        between = self._tokens[last + 1 : joint.i]
        return (
            0 < len(between) <= 5
            and between[0].tag_ == "CC"
            and joint.tag_ in cue_words.NOUN_TAGS
            and all(self._quoted_text.is_unquoted[token.i] for token in (*between, joint))
        )

    def _described_end(self, head: Token, end: int) -> int:
        """The end of a description with what qualifies it: "a nurse from Skerray"."""
        after = head.i + 1
        if (
            after >= len(self._tokens)
            or self._tokens[after].tag_ != "IN"
            or self._tokens[after].head != head
        ):
            return end
        for token in self._tokens[
            after : min(self._tokens[after].right_edge.i + 1, after + _MAX_ASIDE)
        ]:
            if (
                not self._quoted_text.is_unquoted[token.i]
                or (token.is_punct and token.tag_ != "HYPH")
                or token.is_space
                or is_cue(token)
            ):
                break
            if token.tag_ in cue_words.NOUN_TAGS:
                end = token.end
        return end

    def _aside(self, last: int) -> str | None:
        """An apposition that says what somebody is."""
        tokens = self._aside_tokens(last)
        if (
            not tokens
            or tokens[0].tag_ not in cue_words.NOUN_PHRASE_TAGS
            or tokens[0].ent_type_ in cue_words.TIME_ENTITY_LABELS
        ):
            return None
        if not any(
            t.tag_ in ("NN", "NNS") or t.lower_ in cue_words.PERSON_TITLES
            for t in tokens[:_MAX_NAME]
        ):
            return None
        if any(t.tag_ in cue_words.FINITE_VERB_TAGS for t in tokens):
            return None
        return self._quoted_text.text[tokens[0].idx : tokens[-1].end]

    def _named_aside(self, last: int) -> SpeakerMention | None:
        """The name in "the mayor, Ann Lowe, said"."""
        tokens = self._aside_tokens(last)
        if not tokens or len(tokens) > 4:
            return None
        mention = self._mentions.at(tokens[-1].idx)
        if mention and mention[3] == "PERSON" and mention[0] == tokens[0].idx:
            return SpeakerMention(mention[0], mention[1], "named", None, mention[2])
        return None

    def _aside_tokens(self, last: int) -> list[Token]:
        """The tokens between the commas after a name, without an age."""
        all_tokens = self._tokens
        for _ in range(2):
            if (
                last + 1 >= len(all_tokens)
                or all_tokens[last + 1].text != ","
                or not self._quoted_text.is_unquoted[last + 1]
            ):
                return []
            tokens: list[Token] = []
            for token in all_tokens[last + 2 : last + 2 + _MAX_ASIDE]:
                if (
                    token.text in ",.;:()"
                    or not self._quoted_text.is_unquoted[token.i]
                    or token.is_space
                ):
                    break
                if token.tag_ in ("WP", "WDT") or (token.tag_[:2] == "VB" and is_cue(token)):
                    break
                tokens.append(token)
            if len(tokens) != 1 or tokens[0].tag_ != "CD":
                return tokens
            last = tokens[0].i
        return []
