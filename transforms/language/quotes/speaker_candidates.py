"""Candidate speakers of a quoted segment.

Input: a sentence, a quoted segment of it, the attribution by rule and the attributions nearby.
Output: candidates, that is, attributions with their features (see `speaker_features`), from which
the ranker chooses one. Candidates are the noun phrases that the parse or the position connects with
a verb or a noun near the segment, and the speakers of the sentences and paragraphs around it. The
search is bounded, however long a sentence is.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple

from transforms.language.quotes import cue_words
from transforms.language.quotes.attribution import Attribution, QuoteReading
from transforms.language.quotes.features import bin_count, classify_cue, item_at
from transforms.language.quotes.phrase_heads import find_head_after, find_head_before
from transforms.language.quotes.quotation_marks import QuotedSegment
from transforms.language.quotes.sentence_cues import SentenceCues
from transforms.language.quotes.sentences import QuotedText, Sentence, SentenceItem, is_cue
from transforms.language.quotes.speaker_features import SHARED_PREFIXES, SpeakerFeatures
from transforms.language.quotes.speaker_mentions import SpeakerMention, SpeakerMentionFinder
from transforms.language.tokens import Token

_MAX_CUES_PER_SIDE: Final = 7
"""Possible cues that are looked at on either side of a quote."""
_MAX_DISTANCE: Final = 60
"""Items beyond which a cue is too far from a quote."""
_MAX_HEADS: Final = 8
"""Heads that are followed from a verb up to its subject."""
_CONTRASTS: Final = frozenset(("while", "whereas"))
_BEFORE_INVERTED: Final = frozenset(",—–-")
"""Marks after which a verb stands before its subject: "..., said Lee"."""
_CERTAIN_METHODS: Final = frozenset(("continued", "signature", "transcript"))
"""Rules that the ranker cannot overrule."""
_RULE_METHODS: Final = _CERTAIN_METHODS | {
    "sentence-after", "colon", "sentence-before", "paragraph-before", "reported",
}  # fmt: skip
"""Rules whose attribution is a candidate in itself, as no cue of the sentence leads to it."""
_NEARBY_METHODS: Final = frozenset(("same-paragraph", "sentence-before", "sentence-after"))


class SpeakerCandidate(NamedTuple):
    """A possible attribution of a quote, and its features."""

    attribution: Attribution
    features: list[str]


class DescribedSegment(NamedTuple):
    """A quoted segment with its features and its candidate speakers, as the ranker takes it."""

    segment: QuotedSegment
    rule: QuoteReading
    """The attribution by rule."""
    features: list[str]
    candidates: list[SpeakerCandidate]


class NearbyAttributions(NamedTuple):
    """The attributions around a sentence."""

    same_paragraph: Attribution
    """The attribution of the last quote before it in the paragraph."""
    sentence_before: Attribution
    """The attribution of the sentence before it, if that has no quote."""
    paragraph_before: Attribution
    """The attribution of the last quote of the paragraph before it."""
    sentence_after: Attribution
    """The attribution by the first cue of the sentence after it."""


class SpeakerCandidateFinder:
    """The finder of candidate speakers for the quotes of a text."""

    def __init__(self, quoted_text: QuotedText, mention_finder: SpeakerMentionFinder) -> None:
        self._quoted_text = quoted_text
        self._mention_finder = mention_finder
        self._features = SpeakerFeatures(quoted_text)
        self._mentions: dict[int, SpeakerMention] = {}
        """Mentions of speakers by the index of their heads."""

    def find_cue_positions(self, sentence: Sentence) -> list[int]:
        """Return the positions of verbs, and of nouns such as "claim" in "the mayor's claim"."""
        return [
            position
            for position, item in enumerate(sentence.items)
            if isinstance(item, Token)
            and (
                item.tag_[:2] == "VB"
                or (
                    item.tag_ in ("NN", "NNS")
                    and (
                        item.i in self._quoted_text.possessors
                        or item.i in self._quoted_text.sources
                    )
                )
            )
        ]

    def describe_segment(
        self,
        sentence: Sentence,
        position: int,
        cue_positions: list[int],
        sentence_cues: SentenceCues,
        rule: QuoteReading,
        nearby: NearbyAttributions,
    ) -> DescribedSegment:
        """Return a quoted segment with its features and its candidate speakers.

        Args:
            sentence: The sentence of the segment.
            position: The index of the segment among the items of the sentence.
            cue_positions: The result of `find_cue_positions` for the sentence.
            sentence_cues: The cues that the rules found in the sentence.
            rule: The attribution of the segment by rule.
            nearby: The attributions around the sentence.
        """
        segment = sentence.items[position]
        assert isinstance(segment, QuotedSegment)
        by_rule = rule.attribution
        features = self._features.describe_segment(sentence, position, segment, sentence_cues)
        features += [f"rule={by_rule.method}", f"rulekind={rule.kind}"]
        shared = [f for f in features if f.startswith(SHARED_PREFIXES)]
        found = (
            *self._find_in_sentence(
                sentence, position, segment, cue_positions, by_rule, nearby.same_paragraph
            ),
            *self._find_nearby(
                sentence, position, segment, len(cue_positions), sentence_cues, by_rule, nearby
            ),
        )
        candidates = [
            SpeakerCandidate(
                by_rule if attribution.speaker == by_rule.speaker else attribution,
                [*own, *shared],
            )
            for attribution, own in found
            if _is_possible(attribution, by_rule, sentence_cues)
        ]
        return DescribedSegment(segment, rule, features, candidates)

    # ---------------------------------------------------------------- cues of the same sentence

    def _find_in_sentence(
        self,
        sentence: Sentence,
        position: int,
        segment: QuotedSegment,
        cue_positions: list[int],
        rule: Attribution,
        same_paragraph: Attribution,
    ) -> Iterator[tuple[Attribution, list[str]]]:
        """Yield an attribution and its features per pair of a cue and a noun phrase."""
        items = sentence.items
        last = same_paragraph.speaker
        last_word = self._quoted_text.text[last.start : last.end].split()[-1] if last else None
        for cue_position, relation, head in self._find_pairs(items, position, cue_positions):
            cue = items[cue_position]
            assert isinstance(cue, Token)
            if _has_contrasting_cue(items[cue_position + 1 : position]):
                continue
            end = cue.end
            following = item_at(items, cue_position + 1)
            second = cue_words.CUE_PHRASES.get(cue.lower_)
            if isinstance(following, Token) and following.lower_ == second:
                end = following.end
            agrees = rule.speaker is not None and (
                rule.speaker.start <= head.idx < rule.speaker.end
            )
            is_rule_cue = rule.cue_start is not None and (
                rule.cue_start <= cue.idx < (rule.cue_end or 0)
            )
            features = [
                *self._features.describe_cue(items, cue_position, position, segment, head),
                f"how={relation}",
                f"how+group={relation}|{classify_cue(cue)}",
                f"rule-{'agrees' if agrees else 'differs'}={rule.method}",
            ]
            if is_rule_cue:
                features.append("rule-cue")
            if last_word == head.text:
                features.append("speaks-before")
            method = _strip_steps(relation)
            start = self._quoted_text.find_cue_start(cue)
            yield Attribution(method, start, end, self._find_mention(head)), features

    def _find_pairs(
        self, items: list[SentenceItem], position: int, cue_positions: list[int]
    ) -> Iterator[tuple[int, str, Token]]:
        """Yield the position of a cue, its relation to a noun phrase, and the phrase's head."""
        middle = bisect_left(cue_positions, position)
        near = slice(max(0, middle - _MAX_CUES_PER_SIDE), middle + _MAX_CUES_PER_SIDE)
        for cue_position in cue_positions[near]:
            cue = items[cue_position]
            assert isinstance(cue, Token)
            is_noun = cue.tag_[0] == "N"
            if abs(cue_position - position) > _MAX_DISTANCE or (
                is_noun and cue_position > position
            ):
                continue
            seen = {cue.i}
            for relation, head in (
                self._find_heads_of_noun(cue)
                if is_noun
                else self._find_heads_of_verb(items, cue_position)
            ):
                if head.i not in seen and self._quoted_text.is_unquoted[head.i]:
                    seen.add(head.i)
                    yield cue_position, relation, head
        start, end = max(0, position - _MAX_DISTANCE), min(len(items), position + _MAX_DISTANCE)
        for number in range(start, end):
            item = items[number]
            if isinstance(item, QuotedSegment):
                continue
            pair: tuple[str, Token | None] | None = None
            if item.lower_ == "according":
                pair = "according-to", find_head_after(items, number + 2)
            elif item.text == ":" and number == position - 1:
                pair = "colon", find_head_before(items, number - 1)
            elif item.text[-1] in cue_words.DASHES and number == position + 1:
                pair = "dash", find_head_after(items, number + 1)
            if pair and pair[1] is not None:
                yield number, pair[0], pair[1]

    def _find_heads_of_noun(self, noun: Token) -> Iterator[tuple[str, Token]]:
        """Yield the owner and the source of a noun: "the mayor's claim that", "chants by fans"."""
        if noun.i in self._quoted_text.possessors:
            yield "owner", self._quoted_text.possessors[noun.i]
        if noun.i in self._quoted_text.sources:
            yield "source", self._quoted_text.sources[noun.i]

    def _find_heads_of_verb(
        self, items: list[SentenceItem], position: int
    ) -> Iterator[tuple[str, Token]]:
        """Yield the noun phrases that may be the subject or the agent of a verb.

        A number at the end of a relation counts the verbs between the cue and the subject.
        """
        quoted_text, cue, before = self._quoted_text, items[position], item_at(items, position - 1)
        assert isinstance(cue, Token)
        if not isinstance(before, Token) or before.text[-1] in _BEFORE_INVERTED:
            head = find_head_after(items, position + 1)
            if head is not None:
                yield "inverted", head
        if cue.i in quoted_text.agents:
            agent = quoted_text.prepositional_objects.get(quoted_text.agents[cue.i].i)
            if agent is not None:
                yield "agent", agent
        if cue.dep_ == "acl" and cue.tag_ == "VBN":  # in "a class called ...", the class is silent
            return
        verb = cue
        for steps in range(_MAX_HEADS):
            subject = quoted_text.subjects.get(verb.i)
            if subject is not None and subject.i != cue.i:
                if subject.lower_ in cue_words.RELATIVE_PRONOUNS and verb.dep_ == "relcl":
                    yield from self._with_owner(f"relative{min(steps, 2)}", verb.head)
                elif subject.lower_ not in cue_words.OBJECT_PRONOUNS:
                    relation = f"subject-above{min(steps, 3)}" if steps else "subject"
                    yield from self._with_owner(relation, subject)
                break
            if verb.dep_ == "acl" and verb.head.tag_ in cue_words.NOUN_TAGS:
                yield from self._with_owner(f"modified{min(steps, 1)}", verb.head)
            if verb.head.i == verb.i:
                break
            verb = verb.head
        head = find_head_before(items, position - 1)
        if head is not None:
            yield "beside", head

    def _with_owner(self, relation: str, head: Token) -> Iterator[tuple[str, Token]]:
        """Yield a head and its owner: the wife and Lee in "Lee's wife said"."""
        yield relation, head
        if head.i in self._quoted_text.possessors:
            yield f"{_strip_steps(relation)}-owner", self._quoted_text.possessors[head.i]

    def _find_mention(self, head: Token) -> SpeakerMention:
        if head.i not in self._mentions:
            self._mentions[head.i] = self._mention_finder.find_mention(head)
        return self._mentions[head.i]

    # --------------------------------------------------------- speakers of other sentences

    def _find_nearby(
        self,
        sentence: Sentence,
        position: int,
        segment: QuotedSegment,
        cue_count: int,
        sentence_cues: SentenceCues,
        rule: Attribution,
        nearby: NearbyAttributions,
    ) -> Iterator[tuple[Attribution, list[str]]]:
        """Yield the attributions of the sentences and paragraphs around, with their features."""
        sources = [
            ("same-paragraph", nearby.same_paragraph),
            ("sentence-before", nearby.sentence_before),
            ("paragraph-before", nearby.paragraph_before),
            ("sentence-after", nearby.sentence_after),
        ]
        if rule.method in _RULE_METHODS:
            sources.append((rule.method, rule))
        flags = {
            "cues": bool(sentence_cues.cues),
            "opens": position < sentence_cues.first_word_position,
            "alone": sentence_cues.first_word_position == len(sentence.items),
            "clause": self._quoted_text.is_clause(segment),
            "goeson": segment.is_continued,
        }
        for source, attribution in sources:
            if attribution.speaker is None:
                continue
            agrees = "agrees" if rule.speaker == attribution.speaker else "differs"
            features = [
                f"how={source}",
                f"from={attribution.method}",
                f"rule-{agrees}={rule.method}",
                f"kind={attribution.speaker.kind}",
                f"how+verbs={source}|{bin_count(cue_count)}",
                *(f"how+{name}={source}" for name, is_set in flags.items() if is_set),
            ]
            if source in _NEARBY_METHODS:
                attribution = attribution._replace(method=source)
            yield attribution, features


def _is_possible(candidate: Attribution, rule: Attribution, sentence_cues: SentenceCues) -> bool:
    """Return whether the text allows a candidate.

    A speaker who goes on in the next paragraph, signs or has a turn in a transcript is certain.
    A person who passes on the words of another is not their speaker.
    """
    if rule.method in _CERTAIN_METHODS:
        return candidate.speaker == rule.speaker
    return sentence_cues.relay is None or candidate.speaker != sentence_cues.relay


def _strip_steps(relation: str) -> str:
    """Return a relation without the count of steps at its end."""
    return relation.rstrip("0123456789")


def _has_contrasting_cue(between: list[SentenceItem]) -> bool:
    """Return whether a clause with a cue of its own begins in between: "..., but Lee called it"."""
    for number, item in enumerate(between[1:], 1):
        if isinstance(item, Token) and (item.tag_ == "CC" or item.lower_ in _CONTRASTS):
            before = between[number - 1]
            if isinstance(before, QuotedSegment) or before.text == ",":
                cues = (i for i in between[number:] if isinstance(i, Token) and is_cue(i))
                return any(cue.lower_ not in cue_words.MENTAL_CUES for cue in cues)
    return False
