"""The cues of a sentence with their speakers, found by syntax and position.

Input: a sentence in which each quoted segment is one item. Output: its cues, and the one that
attributes a segment. Quotation marks often mislead the parser. So its result counts only if it is
outside of them, and otherwise the words beside the cue decide. `RULE_CONFIDENCE` lists the ids of
the rules.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas import SpeakerKind
from transforms.language.quotes import cue_words, indirect_speech
from transforms.language.quotes.attribution import UNKNOWN, Attribution, Cue
from transforms.language.quotes.phrase_heads import (
    MAX_ASIDE,
    MAX_NOUN_PHRASE,
    find_head_after,
    find_head_before,
    is_name_only,
)
from transforms.language.quotes.quotation_marks import QuotedSegment
from transforms.language.quotes.sentences import QuotedText, Sentence, SentenceItem, is_cue
from transforms.language.quotes.speaker_mentions import SpeakerMention, SpeakerMentionFinder
from transforms.language.tokens import Token

_MAX_HEADS: Final = 8
"""Heads that are followed from a cue up to its subject, or up to the cue above it."""
_CUE_TOKENS: Final = frozenset((":", *cue_words.CUE_PHRASES)).union(
    cue_words.CUES, cue_words.CUE_NOUNS, indirect_speech.INDIRECT_CUES
)
"""Tokens in lower case that may be a cue, apart from dashes."""
_METHODS_OF_QUOTES: Final = frozenset(("inverted", "colon", "dash", "signature"))
"""Rules whose cue belongs to the quote beside it, and reports no indirect speech."""


class _CueMatch(NamedTuple):
    """A cue that a rule matched: its last token, the id of the rule and the speaker's head."""

    last: Token
    method: str
    head: Token


class CueFinder:
    """The finder of the cues of a text, sentence by sentence.

    Args:
        quoted_text: The text.
        mention_finder: The finder of the mentions of speakers.

    Attributes:
        cues_by_token: The cues found so far that can report indirect speech, by the index of their
            token. Their speakers are those of indirect speech.
    """

    def __init__(self, quoted_text: QuotedText, mention_finder: SpeakerMentionFinder) -> None:
        self._quoted_text = quoted_text
        self._is_unquoted = quoted_text.is_unquoted
        self._find_mention = mention_finder.find_mention
        self.cues_by_token: dict[int, Cue] = {}

    def find_cues(self, sentence: Sentence) -> list[Cue]:
        """Return the cues of a sentence that can attribute quotes, in order."""
        cues: list[Cue] = []
        by_token: dict[int, Cue] = {}
        for position, item in enumerate(sentence.items):
            # Few tokens may be cues, so this test spares most of them the rules.
            if isinstance(item, QuotedSegment) or not (
                item.lower_ in _CUE_TOKENS or item.text[-1] in cue_words.DASHES
            ):
                continue
            match = self._match_cue(sentence.items, position, item, is_first=not cues)
            if match is None:
                continue
            start = self._quoted_text.find_cue_start(item)
            speaker = self._find_mention(match.head)
            cue = Cue(start, match.last.end, item.lower_, match.method, speaker)
            if match.method not in _METHODS_OF_QUOTES:
                speaker = self._find_indirect_speaker(item, match.head, speaker)
                self.cues_by_token[item.i] = cue._replace(speaker=speaker)
            if item.lower_ not in indirect_speech.INDIRECT_CUES and match.method != "owner":
                by_token[item.i] = cue = self._find_reporting_cue(item, cue, by_token)
                cues.append(cue)
        return cues

    def _match_cue(
        self, items: list[SentenceItem], position: int, token: Token, is_first: bool
    ) -> _CueMatch | None:
        """Return the match of the token at ``position``; None if it is no cue or has no speaker.

        Args:
            items: The items of the sentence.
            position: The index of the token among them.
            token: The token.
            is_first: Whether the sentence has no cue before it.
        """
        following = items[position + 1] if position + 1 < len(items) else None
        last = token
        if token.lower_ in cue_words.CUE_PHRASES:
            second = cue_words.CUE_PHRASES[token.lower_]
            if not isinstance(following, Token) or following.lower_ != second:
                return None
            last = following
        is_verb = is_cue(token) or token.lower_ in indirect_speech.INDIRECT_CUES
        is_dash = token.text[-1] in cue_words.DASHES
        head: Token | None
        if token.lower_ == "according":
            method, head = "according-to", find_head_after(items, position + 2)
        elif is_verb or last is not token:
            if self._is_agentless_passive(token):
                return None
            method, head = self._find_head_of_verb(items, position, token)
        elif token.lower_ in cue_words.CUE_NOUNS and token.i in self._quoted_text.possessors:
            method, head = "owner", self._quoted_text.possessors[token.i]
            if not self._is_unquoted[head.i]:
                return None
        elif token.text == ":" and not isinstance(following, Token) and is_first:
            method, head = "colon", self._find_head_before_colon(items, position)
        elif is_dash and not position and is_name_only(items[1:]):
            method, head = "signature", find_head_after(items, 1)
        elif (
            is_dash
            and position
            and isinstance(items[position - 1], QuotedSegment)
            and isinstance(following, Token)
            and following.text[0].isupper()
            and len(items) - position <= MAX_NOUN_PHRASE
        ):
            method, head = "dash", find_head_after(items, position + 1)
        else:
            return None
        return None if head is None else _CueMatch(last, method, head)

    def _find_indirect_speaker(
        self, cue: Token, head: Token, speaker: SpeakerMention
    ) -> SpeakerMention:
        """Return the speaker of the indirect speech that a cue reports.

        A description is taken with its complements: "people near the talks". The speaker of a
        message is its author: "Lee issued a statement saying that".

        Args:
            cue: The first token of the cue.
            head: The head of the speaker for quotes.
            speaker: The mention with that head.
        """
        if cue.lower_ == "according":
            source = self._quoted_text.prepositional_objects.get(cue.i + 1)
            if source is not None and self._is_unquoted[source.i] and source.i != head.i:
                head, speaker = source, self._find_mention(source)
        elif cue.dep_ == "acl" and head.lower_ in indirect_speech.MESSAGES and head.dep_ == "dobj":
            author = self._find_subject_by_parse(head.head)
            if author is not None and self._is_unquoted[author.i]:
                head, speaker = author, self._find_mention(author)
        if speaker.kind == SpeakerKind.NAMED or (
            speaker.kind == SpeakerKind.PRONOUN and head.lower_ not in indirect_speech.QUANTIFIERS
        ):
            return speaker
        end = speaker.end
        limit = min(head.right_edge.i + 1, head.i + MAX_ASIDE)
        for token in self._quoted_text.tokens[head.i + 1 : limit]:
            if not self._is_unquoted[token.i] or token.text in ",;:()–—-":
                break
            if token.tag_ in ("WP", "WDT") or token.i == cue.i:
                break
            end = max(end, token.end)
        if end == speaker.end:
            return speaker
        return speaker._replace(end=end, kind=SpeakerKind.DESCRIPTION)

    def _find_head_of_verb(
        self, items: list[SentenceItem], position: int, cue: Token
    ) -> tuple[str, Token | None]:
        """Return the id of the rule for a verb at ``position``, and the head of its speaker."""
        before = [item for item in items[max(0, position - 2) : position] if not _is_comma(item)]
        opens = position == 0 and cue.tag_ in cue_words.FINITE_VERB_TAGS
        if opens or (before and isinstance(before[-1], QuotedSegment)):
            head = find_head_after(items, position + 1)
            if head is not None:
                return "inverted", head
        head = self._find_subject_by_parse(cue)
        if head is not None and self._is_unquoted[head.i]:
            return "subject", head
        return "beside", find_head_before(items, position - 1)

    def _is_agentless_passive(self, verb: Token) -> bool:
        """Return whether a verb is passive without a "by": "a class called", "he was warned"."""
        quoted_text = self._quoted_text
        is_bare = (
            verb.i not in quoted_text.verbs_with_auxiliary and verb.i not in quoted_text.subjects
        )
        is_passive = verb.i in quoted_text.passive_verbs or (
            verb.tag_ == "VBN" and (verb.dep_ == "acl" or (verb.dep_ == "advcl" and is_bare))
        )
        return is_passive and verb.i not in quoted_text.agents and verb.lower_ != "quoted"

    def _find_subject_by_parse(self, cue: Token) -> Token | None:
        """Return the agent or the subject of a verb, or of the verbs above that share it."""
        verb = cue
        for _ in range(_MAX_HEADS):
            if verb.i in self._quoted_text.agents:
                return self._quoted_text.prepositional_objects.get(
                    self._quoted_text.agents[verb.i].i
                )
            subject = self._quoted_text.subjects.get(verb.i)
            if subject is not None and subject.lower_ not in cue_words.OBJECT_PRONOUNS:
                if subject.lower_ in cue_words.RELATIVE_PRONOUNS and verb.dep_ == "relcl":
                    return verb.head
                return subject
            if verb.dep_ == "acl" and verb.head.tag_ in cue_words.NOUN_TAGS:
                return verb.head
            if verb.dep_ not in cue_words.SHARED_SUBJECT_DEPS:
                return None
            verb = verb.head
        return None

    def _find_head_before_colon(self, items: list[SentenceItem], colon: int) -> Token | None:
        """Return the subject of the clause before a colon, or the noun phrase before it."""
        for item in reversed(items[max(0, colon - MAX_ASIDE) : colon]):
            if isinstance(item, Token) and item.i in self._quoted_text.subjects:
                subject = self._quoted_text.subjects[item.i]
                return subject if self._is_unquoted[subject.i] else None
        return find_head_before(items, colon - 1)

    def _find_reporting_cue(self, token: Token, cue: Cue, by_token: Mapping[int, Cue]) -> Cue:
        """Return a cue, or the cue of the clause above that reports it.

        In "Lee said she hoped" and "Lee condemned what he called", Lee is the speaker. A clause
        above counts only over a verb of thought, or over a pronoun that may mean its subject: in
        "Lee said that Marsh called it", Marsh is the speaker.

        Args:
            token: The token of the cue.
            cue: The cue.
            by_token: The cues before it in the sentence, by the index of their token.
        """
        if cue.method == "according-to":
            return cue
        if (
            cue.lower not in cue_words.MENTAL_CUES
            and self._quoted_text.text[cue.speaker.start : cue.speaker.end].lower()
            not in cue_words.THIRD_PERSON_PRONOUNS
        ):
            return cue
        is_free_relative = token.i in self._quoted_text.verbs_with_what
        above = token
        for _ in range(_MAX_HEADS):
            if above.dep_ == "ROOT" or above.dep_ == "relcl":
                break
            above = above.head
            cue_above = by_token.get(above.i)
            if cue_above:
                return cue_above._replace(method="reported")
            subject = self._quoted_text.subjects.get(above.i)
            if is_free_relative and subject is not None and self._is_unquoted[subject.i]:
                return cue._replace(method="reported", speaker=self._find_mention(subject))
        return cue


class SentenceCues:
    """The cues of a sentence, and the choice of one for each of its quoted segments.

    Args:
        sentence: The sentence.
        cues: Its cues, in order.

    Attributes:
        cues: The cues of speakers; those of relays only if there are no others.
        relay: The source that relays what the speakers say, if there is one.
        first_word_position: The index of the first item that is a word outside quotes.
    """

    def __init__(self, sentence: Sentence, cues: list[Cue]) -> None:
        items = sentence.items
        relays = [cue for cue in cues if cue.is_relay]
        others = [cue for cue in cues if not cue.is_relay]
        self.cues = others or relays
        self.relay = relays[0].speaker if others and relays else None
        self._starts = [cue.start for cue in self.cues]
        self.first_word_position = next(
            (n for n, i in enumerate(items) if isinstance(i, Token) and i.text[0].isalnum()),
            len(items),
        )

    def attribute_segment(self, position: int, segment: QuotedSegment) -> Attribution:
        """Return the attribution of a segment by the nearest cue before it, or else after it.

        The cue after it also counts if no word stands before the segment, or if the cue before is
        a verb of thought: "They want to “stay,” Lee said".

        Args:
            position: The index of the segment among the items of the sentence.
            segment: The segment.
        """
        following = bisect_left(self._starts, segment.outer_start)
        before = self.cues[following - 1] if following else None
        after = self.cues[following] if following < len(self.cues) else None
        if after and after.lower == ":":
            after = None
        if after and (
            before is None
            or position < self.first_word_position
            or before.lower in cue_words.MENTAL_CUES
        ):
            return self._attribute_to(after)
        return self._attribute_to(before)

    def first_attribution(self) -> Attribution:
        """Return the attribution of a quote in the sentence before, by the first cue."""
        return self._attribute_to(self.cues[0] if self.cues else None)

    def last_attribution(self) -> Attribution:
        """Return the attribution of a quote in the sentence after, by the last cue."""
        return self._attribute_to(self.cues[-1] if self.cues else None)

    def add_relay(self, attribution: Attribution) -> Attribution:
        """Return an attribution by a cue with the relay of the sentence, unless that speaks."""
        has_cue = attribution.speaker and attribution.cue_start is not None
        relay = self.relay if has_cue else None
        return attribution._replace(via=relay if relay != attribution.speaker else None)

    def _attribute_to(self, cue: Cue | None) -> Attribution:
        if cue is None:
            return UNKNOWN
        return Attribution(cue.method, cue.start, cue.end, cue.speaker, self.relay)


def _is_comma(item: SentenceItem) -> bool:
    return isinstance(item, Token) and item.text == ","
