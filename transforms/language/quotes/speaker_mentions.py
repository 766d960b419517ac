"""Mentions of speakers: the extent of a name or a description, and the role beside it."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from schemas import Entity, SpeakerKind
from transforms.language.quotes import cue_words
from transforms.language.quotes.phrase_heads import MAX_ASIDE, MAX_NOUN_PHRASE
from transforms.language.quotes.quotation_marks import QuotedSegment
from transforms.language.quotes.sentences import QuotedText, is_cue
from transforms.language.tokens import Token


class SpeakerMention(NamedTuple):
    """The mention of a speaker.

    Attributes:
        start: The start in code points.
        end: The end in code points, exclusive.
        kind: Its form; never `SpeakerKind.NONE`.
        role: The title or the description beside a name, as printed.
        name: The canonical name of the entity.
    """

    start: int
    end: int
    kind: SpeakerKind
    role: str | None
    name: str | None


class _EntityMention(NamedTuple):
    """A mention of an entity: offsets in code points, canonical name and label."""

    start: int
    end: int
    name: str
    label: str


class _EntityMentionIndex:
    """The mentions of entities that can speak, by offset."""

    def __init__(self, entities: Sequence[Entity], segments: list[QuotedSegment]) -> None:
        mentions = sorted(
            _EntityMention(mention.start, mention.end, entity.name, entity.label)
            for entity in entities
            if entity.label in cue_words.SPEAKER_ENTITY_LABELS
            for mention in entity.mentions
        )
        # A mention that overlaps a quote names no speaker of it.
        segment_starts = [segment.outer_start for segment in segments]
        self._mentions = [
            mention
            for mention in mentions
            if bisect_left(segment_starts, mention.end)
            == (before := bisect_right(segment_starts, mention.start))
            and (not before or segments[before - 1].outer_end <= mention.start)
        ]
        self._starts = [mention.start for mention in self._mentions]

    def find_at(self, offset: int) -> _EntityMention | None:
        """Return the last mention that starts no later than ``offset``, if it covers that."""
        number = bisect_right(self._starts, offset) - 1
        if number >= 0 and offset < self._mentions[number].end:
            return self._mentions[number]
        return None


class SpeakerMentionFinder:
    """The finder of the extent, the kind and the role of a speaker's mention.

    Args:
        quoted_text: The text.
        entities: The entities of the text, which give speakers their canonical names.
    """

    def __init__(self, quoted_text: QuotedText, entities: Sequence[Entity]) -> None:
        self._quoted_text = quoted_text
        self._text = quoted_text.text
        self._tokens = quoted_text.tokens
        self._is_unquoted = quoted_text.is_unquoted
        self._entity_mentions = _EntityMentionIndex(entities, quoted_text.segments)

    def find_mention(self, head: Token) -> SpeakerMention:
        """Return the mention whose head is ``head``.

        A named mention is the name alone, and its titles, descriptions and appositions are the
        role: in "the mayor, Ann Lowe, said", "Ann Lowe" and "the mayor".
        """
        conjunct = self._quoted_text.conjuncts.get(head.i)
        if head.lower_ in cue_words.PRONOUNS and (
            conjunct is None or not self._is_joined(head.i, conjunct)
        ):
            return SpeakerMention(head.idx, head.end, SpeakerKind.PRONOUN, None, None)
        first, last = self._find_extent(head)
        following = self._tokens[last + 1] if last + 1 < len(self._tokens) else head
        after = self._entity_mentions.find_at(following.idx)
        if after and after.start == following.idx and self._is_unquoted[following.i]:
            tokens = self._tokens[following.i : following.i + MAX_NOUN_PHRASE]
            if any(t.dep_ == "appos" and t.head == head and t.idx < after.end for t in tokens):
                return self._describe_person(first, following.i, after)
        entity = self._entity_mentions.find_at(head.idx)
        start, end = self._tokens[first].idx, self._tokens[last].end
        if conjunct is not None and self._is_joined(last, conjunct):
            last = self._find_extent(conjunct)[1]
            end = self._tokens[last].end
            is_name = head.tag_ in ("NNP", "NNPS")
            kind = SpeakerKind.NAMED if is_name else SpeakerKind.DESCRIPTION
            return SpeakerMention(start, end, kind, None, None)
        if entity and entity.label == "PERSON":
            return self._describe_person(first, last, entity)
        name = entity.name if entity and entity.end >= head.end else None
        if name or (head.tag_ in ("NNP", "NNPS") and head.text[0].isupper()):
            name_start = entity.start if name and entity else end
            titles = [
                n
                for n in range(first, last)
                if self._tokens[n].idx < name_start
                and self._tokens[n].lower_ in cue_words.PERSON_TITLES
            ]
            start = self._tokens[titles[-1] + 1].idx if titles else start
            role = self._text[self._tokens[first].idx : start].strip()
            return SpeakerMention(
                start, end, SpeakerKind.NAMED, role or self._find_role_after(last), name
            )
        name_after = self._find_name_after(last)
        if name_after:
            return name_after._replace(role=self._text[start:end])
        end = self._find_description_end(head, end)
        return SpeakerMention(start, end, SpeakerKind.DESCRIPTION, None, None)

    def _describe_person(self, first: int, last: int, person: _EntityMention) -> SpeakerMention:
        """Return the mention of a person, with an honorific and without a possessive ending.

        Args:
            first: The index of the first token of the noun phrase.
            last: The index of its last token.
            person: The mention of the entity.
        """
        start, end = person.start, person.end
        before = next((n for n in range(first, last) if self._tokens[n + 1].idx >= start), None)
        if before is not None and self._tokens[before].lower_ in cue_words.HONORIFICS:
            start = self._tokens[before].idx
        possessive = re.search(r"(?<=\w)['’]s?\Z", self._text[start:end])
        end -= len(possessive[0]) if possessive else 0
        role = self._text[self._tokens[first].idx : start].strip() or None
        while last + 1 < len(self._tokens) and self._tokens[last + 1].idx < end:
            last += 1
        return SpeakerMention(
            start, end, SpeakerKind.NAMED, role or self._find_role_after(last), person.name
        )

    def _find_extent(self, head: Token) -> tuple[int, int]:
        """Return the first and last token of a noun phrase up to its head's name, by index."""
        all_tokens, first, last = self._tokens, head.i, head.i
        while (
            head.i - first < MAX_NOUN_PHRASE
            and first
            and self._is_unquoted[first - 1]
            and all_tokens[first - 1].tag_ in cue_words.NOUN_PHRASE_TAGS
            and all_tokens[first - 1].ent_type_ not in cue_words.TIME_ENTITY_LABELS
            and not (all_tokens[first - 1].tag_ == "VBN" and is_cue(all_tokens[first - 1]))
        ):
            first -= 1
        while all_tokens[first].tag_ in ("POS", "HYPH") and first < head.i:
            first += 1
        first = self._find_ratio_start(first)
        entity = self._entity_mentions.find_at(head.idx)
        while (
            last + 1 < len(all_tokens)
            and last - head.i < MAX_NOUN_PHRASE
            and self._is_unquoted[last + 1]
            and entity
            and all_tokens[last + 1].idx < entity.end
            and all_tokens[last + 1].tag_ != "POS"
        ):
            last += 1
        return first, last

    def _find_ratio_start(self, first: int) -> int:
        """Return the first token of a share of people: "about three in 10 voters"."""
        all_tokens = self._tokens
        if first < 2 or not (all_tokens[first].tag_ == all_tokens[first - 2].tag_ == "CD"):
            return first
        if all_tokens[first - 1].lower_ not in cue_words.RATIO_PREPOSITIONS:
            return first
        first -= 2
        if (
            first
            and all_tokens[first - 1].lower_ in cue_words.APPROXIMATORS
            and self._is_unquoted[first - 1]
        ):
            first -= 1
        return first

    def _is_joined(self, last: int, conjunct: Token) -> bool:
        """Return whether "and" joins two speakers: the last token of one, the head of the other."""
        between = self._tokens[last + 1 : conjunct.i]
        return (
            0 < len(between) <= 5
            and between[0].tag_ == "CC"
            and conjunct.tag_ in cue_words.NOUN_TAGS
            and all(self._is_unquoted[token.i] for token in (*between, conjunct))
        )

    def _find_description_end(self, head: Token, end: int) -> int:
        """Return the end of a description with its complement: "a nurse from Skerray".

        Args:
            head: The head of the description.
            end: The end without a complement, in code points.
        """
        after = head.i + 1
        if (
            after >= len(self._tokens)
            or self._tokens[after].tag_ != "IN"
            or self._tokens[after].head != head
        ):
            return end
        for token in self._tokens[
            after : min(self._tokens[after].right_edge.i + 1, after + MAX_ASIDE)
        ]:
            if (
                not self._is_unquoted[token.i]
                or (token.is_punct and token.tag_ != "HYPH")
                or token.is_space
                or is_cue(token)
            ):
                break
            if token.tag_ in cue_words.NOUN_TAGS:
                end = token.end
        return end

    def _find_role_after(self, last: int) -> str | None:
        """Return the role in the apposition after a token: "Mairi Gow, a nurse, said"."""
        tokens = self._find_aside_after(last)
        if (
            not tokens
            or tokens[0].tag_ not in cue_words.NOUN_PHRASE_TAGS
            or tokens[0].ent_type_ in cue_words.TIME_ENTITY_LABELS
        ):
            return None
        if not any(
            t.tag_ in ("NN", "NNS") or t.lower_ in cue_words.PERSON_TITLES
            for t in tokens[:MAX_NOUN_PHRASE]
        ):
            return None
        if any(t.tag_ in cue_words.FINITE_VERB_TAGS for t in tokens):
            return None
        return self._text[tokens[0].idx : tokens[-1].end]

    def _find_name_after(self, last: int) -> SpeakerMention | None:
        """Return the name in the apposition after a token: "the mayor, Ann Lowe, said"."""
        tokens = self._find_aside_after(last)
        if not tokens or len(tokens) > 4:
            return None
        person = self._entity_mentions.find_at(tokens[-1].idx)
        if person and person.label == "PERSON" and person.start == tokens[0].idx:
            return SpeakerMention(person.start, person.end, SpeakerKind.NAMED, None, person.name)
        return None

    def _find_aside_after(self, last: int) -> list[Token]:
        """Return the tokens between the commas after a token, without an age."""
        all_tokens = self._tokens
        for _ in range(2):
            if (
                last + 1 >= len(all_tokens)
                or all_tokens[last + 1].text != ","
                or not self._is_unquoted[last + 1]
            ):
                return []
            tokens: list[Token] = []
            for token in all_tokens[last + 2 : last + 2 + MAX_ASIDE]:
                if token.text in ",.;:()" or not self._is_unquoted[token.i] or token.is_space:
                    break
                if token.tag_ in ("WP", "WDT") or (token.tag_[:2] == "VB" and is_cue(token)):
                    break
                tokens.append(token)
            if len(tokens) != 1 or tokens[0].tag_ != "CD":
                return tokens
            last = tokens[0].i
        return []
