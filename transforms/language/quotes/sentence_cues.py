"""The cues of a sentence: what attributes quotes or reports, and to whom, by syntax and position.

Marks often mislead the parser, so its word is taken only where it points outside them;
elsewhere the words beside the cue decide.
"""

from bisect import bisect_left
from typing import Final

from transforms.language.quotes import cue_words, indirect_speech
from transforms.language.quotes.attribution import UNKNOWN, Attribution, Cue
from transforms.language.quotes.noun_phrases import (
    MAX_ASIDE,
    MAX_NOUN_PHRASE,
    find_head_after,
    find_head_before,
    is_name,
)
from transforms.language.quotes.quotation_marks import QuotedSegment
from transforms.language.quotes.sentences import QuotedText, Sentence, SentenceItem, is_cue
from transforms.language.quotes.speaker_mentions import SpeakerMention, SpeakerMentionFinder
from transforms.language.tokens import Token

_MAX_CLIMB: Final = 8
_OF_QUOTES: Final = frozenset(("inverted", "colon", "dash", "signature"))


class CueFinder:
    """Finds the cues of the sentences of a text."""

    def __init__(self, quoted_text: QuotedText, mention_finder: SpeakerMentionFinder) -> None:
        self._quoted_text = quoted_text
        self._find_mention = mention_finder.find_mention
        self.cues_by_token: dict[int, Cue] = {}
        """Every cue that was found by the index of its token, whoever it is the word of."""

    def find_cues(self, unit: Sentence) -> list[Cue]:
        """What may attribute the quotes of a sentence, in order."""
        found: list[Cue] = []
        by_token: dict[int, Cue] = {}
        items = unit.items
        for number, item in enumerate(items):
            if isinstance(item, QuotedSegment):
                continue
            following = items[number + 1] if number + 1 < len(items) else None
            head: Token | None = None
            end = item
            if item.lower_ in cue_words.CUE_PHRASES:
                if (
                    not isinstance(following, Token)
                    or following.lower_ != cue_words.CUE_PHRASES[item.lower_]
                ):
                    continue
                end = following
            if item.lower_ == "according":
                method, head = "according-to", find_head_after(items, number + 2)
            elif is_cue(item) or end is not item or item.lower_ in indirect_speech.INDIRECT_CUES:
                if self._is_unsaid(item):
                    continue
                method, head = self._subject(items, number)
            elif item.lower_ in cue_words.CUE_NOUNS and item.i in self._quoted_text.possessors:
                method, head = "owner", self._quoted_text.possessors[item.i]
                if not self._quoted_text.is_unquoted[head.i]:
                    continue
            elif item.text == ":" and not isinstance(following, Token) and not found:
                method, head = "colon", self._before_colon(items, number)
            elif item.text[-1] in cue_words.DASHES and not number and is_name(items[1:]):
                method, head = "signature", find_head_after(items, 1)
            elif (
                item.text[-1] in cue_words.DASHES
                and number
                and isinstance(items[number - 1], QuotedSegment)
                and isinstance(following, Token)
                and following.text[0].isupper()
                and len(items) - number <= MAX_NOUN_PHRASE
            ):
                method, head = "dash", find_head_after(items, number + 1)
            else:
                continue
            if head is not None:
                start = self._quoted_text.find_cue_start(item)
                speaker = self._find_mention(head)
                cue = Cue(start, end.end, item.lower_, method, speaker)
                if method not in _OF_QUOTES:  # such a cue belongs to the quote beside it
                    speaker = self._reporting(item, head, cue.speaker)
                    self.cues_by_token[item.i] = cue._replace(speaker=speaker)
                if item.lower_ in indirect_speech.INDIRECT_CUES or method == "owner":
                    continue
                by_token[item.i] = cue = self._reported(item, cue, by_token)
                found.append(cue)
        return found

    def _reporting(self, cue: Token, head: Token, speaker: SpeakerMention) -> SpeakerMention:
        """Who says what a cue reports; a description is taken whole: "people near the talks"."""
        if cue.lower_ == "according":
            named = self._quoted_text.prepositional_objects.get(cue.i + 1)
            if named is not None and self._quoted_text.is_unquoted[named.i] and named.i != head.i:
                head, speaker = named, self._find_mention(named)
        elif cue.dep_ == "acl" and head.lower_ in indirect_speech.MESSAGES and head.dep_ == "dobj":
            author = self._by_parse(head.head)
            if author is not None and self._quoted_text.is_unquoted[author.i]:
                head, speaker = author, self._find_mention(author)
        if speaker.kind == "named" or (
            speaker.kind == "pronoun" and head.lower_ not in indirect_speech.QUANTIFIERS
        ):
            return speaker
        end = speaker.end
        for token in self._quoted_text.tokens[
            head.i + 1 : min(head.right_edge.i + 1, head.i + MAX_ASIDE)
        ]:
            if not self._quoted_text.is_unquoted[token.i] or token.text in ",;:()–—-":
                break
            if token.tag_ in ("WP", "WDT") or token.i == cue.i:
                break
            end = max(end, token.end)
        if end == speaker.end:
            return speaker
        return speaker._replace(end=end, kind="description")

    def _subject(self, items: list[SentenceItem], number: int) -> tuple[str, Token | None]:
        cue = items[number]
        assert isinstance(cue, Token)
        before = [item for item in items[max(0, number - 2) : number] if _is_solid(item)]
        opens = number == 0 and cue.tag_ in cue_words.FINITE_VERB_TAGS
        if opens or (before and isinstance(before[-1], QuotedSegment)):
            head = find_head_after(items, number + 1)
            if head is not None:
                return "inverted", head
        head = self._by_parse(cue)
        if head is not None and self._quoted_text.is_unquoted[head.i]:
            return "subject", head
        return "beside", find_head_before(items, number - 1)

    def _is_unsaid(self, verb: Token) -> bool:
        """Whether a verb is passive and does not say by whom: "a class called", "he was warned"."""
        quoted_text = self._quoted_text
        bare = verb.i not in quoted_text.verbs_with_auxiliary and verb.i not in quoted_text.subjects
        passive = verb.i in quoted_text.passive_verbs or (
            verb.tag_ == "VBN" and (verb.dep_ == "acl" or (verb.dep_ == "advcl" and bare))
        )
        return passive and verb.i not in quoted_text.agents and verb.lower_ != "quoted"

    def _by_parse(self, cue: Token) -> Token | None:
        verb = cue
        for _ in range(_MAX_CLIMB):
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

    def _before_colon(self, items: list[SentenceItem], colon: int) -> Token | None:
        for item in reversed(items[max(0, colon - MAX_ASIDE) : colon]):
            if isinstance(item, Token) and item.i in self._quoted_text.subjects:
                subject = self._quoted_text.subjects[item.i]
                return subject if self._quoted_text.is_unquoted[subject.i] else None
        return find_head_before(items, colon - 1)

    def _reported(self, verb: Token, cue: Cue, known: dict[int, Cue]) -> Cue:
        """The cue, or that of the clause above: "X said she hoped", "X condemned what he called".

        What X reports of X, or of a mind, is X's word; what X reports that Y said is left to Y.
        """
        if cue.method == "according-to":
            return cue
        if (
            cue.lower not in cue_words.MENTAL_CUES
            and self._quoted_text.text[cue.speaker.start : cue.speaker.end].lower()
            not in cue_words.THIRD_PERSON_PRONOUNS
        ):
            return cue
        free_relative = verb.i in self._quoted_text.verbs_with_what
        above = verb
        for _ in range(_MAX_CLIMB):
            if above.dep_ == "ROOT" or above.dep_ == "relcl":
                break
            above = above.head
            outer = known.get(above.i)
            if outer:
                return outer._replace(method="reported")
            subject = self._quoted_text.subjects.get(above.i)
            if free_relative and subject is not None and self._quoted_text.is_unquoted[subject.i]:
                return cue._replace(method="reported", speaker=self._find_mention(subject))
        return cue


class SentenceCues:
    """The cues of a sentence, and which of them a quote goes with."""

    def __init__(self, unit: Sentence, cues: list[Cue]) -> None:
        relays = [cue for cue in cues if cue.is_relay]
        said = [cue for cue in cues if not cue.is_relay]
        self.cues = said or relays
        self.relay = relays[0].speaker if said and relays else None
        self.starts = [cue.start for cue in self.cues]
        self.first_word_position = next(
            (n for n, i in enumerate(unit.items) if isinstance(i, Token) and i.text[0].isalnum()),
            len(unit.items),
        )
        """Place of the first word outside quotes."""

    def attribute_segment(self, place: int, segment: QuotedSegment) -> Attribution:
        """The nearest cue before a segment; the next one after it if none is, or it opens."""
        following = bisect_left(self.starts, segment.outer_start)
        before = self.cues[following - 1] if following else None
        after = self.cues[following] if following < len(self.cues) else None
        if after and after.lower == ":":
            after = None
        if after and (
            before is None
            or place < self.first_word_position
            or before.lower in cue_words.MENTAL_CUES
        ):
            return self._made(after)
        return self._made(before) if before else UNKNOWN

    def first_attribution(self) -> Attribution:
        """What a sentence says about who speaks before it."""
        return self._made(self.cues[0]) if self.cues else UNKNOWN

    def add_relay(self, said: Attribution) -> Attribution:
        """An attribution with who passes it on, if that is somebody else."""
        relay = self.relay if said.speaker and said.cue_start is not None else None
        return said._replace(via=relay if relay != said.speaker else None)

    def last_attribution(self) -> Attribution:
        """What a sentence says about who speaks after it."""
        return self._made(self.cues[-1]) if self.cues else UNKNOWN

    def _made(self, cue: Cue) -> Attribution:
        return Attribution(cue.method, cue.start, cue.end, cue.speaker, self.relay)


def _is_solid(item: SentenceItem) -> bool:
    return isinstance(item, QuotedSegment) or item.text != ","
