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
from transforms.language.quotes.attribution import Attribution, Reading
from transforms.language.quotes.features import bin_count, classify_cue, item_at
from transforms.language.quotes.noun_phrases import head_left, head_right
from transforms.language.quotes.quotation_marks import Segment
from transforms.language.quotes.sentence_cues import Choice
from transforms.language.quotes.sentences import Item, Page, Unit, is_cue
from transforms.language.quotes.speaker_features import SHARED_PREFIXES, SpeakerFeatures
from transforms.language.quotes.speaker_mentions import Speaker, Speakers
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

    segment: Segment
    rule: Reading
    """The attribution by rule."""
    features: list[str]
    candidates: list[SpeakerCandidate]


class NearbyAttributions(NamedTuple):
    """The attributions around a sentence."""

    same_paragraph: Attribution
    """Of the last quote before in the paragraph."""
    sentence_before: Attribution
    """Of the sentence before, if that has no quote."""
    paragraph_before: Attribution
    """Of the last quote of the paragraph before."""
    sentence_after: Attribution
    """Of the first cue of the sentence after."""


class SpeakerCandidateFinder:
    """The finder of candidate speakers for the quotes of a text."""

    def __init__(self, page: Page, speakers: Speakers) -> None:
        self._page = page
        self._speakers = speakers
        self._features = SpeakerFeatures(page)
        self._mentions: dict[int, Speaker] = {}
        """Mentions of speakers by the index of their heads."""

    def find_cue_positions(self, sentence: Unit) -> list[int]:
        """Return the positions of verbs, and of nouns such as "claim" in "the mayor's claim"."""
        return [
            position
            for position, item in enumerate(sentence.items)
            if isinstance(item, Token)
            and (
                item.tag_[:2] == "VB"
                or (
                    item.tag_ in ("NN", "NNS")
                    and (item.i in self._page.owners or item.i in self._page.sources)
                )
            )
        ]

    def describe_segment(
        self,
        sentence: Unit,
        position: int,
        cue_positions: list[int],
        choice: Choice,
        rule: Reading,
        nearby: NearbyAttributions,
    ) -> DescribedSegment:
        """Return a quoted segment with its features and its candidate speakers.

        Args:
            sentence: The sentence of the segment.
            position: The index of the segment among the items of the sentence.
            cue_positions: The result of `find_cue_positions` for the sentence.
            choice: The cues that the rules found in the sentence.
            rule: The attribution of the segment by rule.
            nearby: The attributions around the sentence.
        """
        segment = sentence.items[position]
        assert isinstance(segment, Segment)
        by_rule = rule.attribution
        features = self._features.describe_segment(sentence, position, segment, choice)
        features += [f"rule={by_rule.method}", f"rulekind={rule.kind}"]
        shared = [f for f in features if f.startswith(SHARED_PREFIXES)]
        found = (
            *self._find_in_sentence(
                sentence, position, segment, cue_positions, by_rule, nearby.same_paragraph
            ),
            *self._find_nearby(
                sentence, position, segment, len(cue_positions), choice, by_rule, nearby
            ),
        )
        candidates = [
            SpeakerCandidate(
                by_rule if attribution.speaker == by_rule.speaker else attribution,
                [*own, *shared],
            )
            for attribution, own in found
            if _is_possible(attribution, by_rule, choice)
        ]
        return DescribedSegment(segment, rule, features, candidates)

    # ---------------------------------------------------------------- cues of the same sentence

    def _find_in_sentence(
        self,
        sentence: Unit,
        position: int,
        segment: Segment,
        cue_positions: list[int],
        rule: Attribution,
        same_paragraph: Attribution,
    ) -> Iterator[tuple[Attribution, list[str]]]:
        """Yield an attribution and its features per pair of a cue and a noun phrase."""
        items = sentence.items
        last = same_paragraph.speaker
        last_word = self._page.text[last.start : last.end].split()[-1] if last else None
        for cue_position, relation, head in self._find_pairs(items, position, cue_positions):
            cue = items[cue_position]
            assert isinstance(cue, Token)
            if _has_contrasting_cue(items[cue_position + 1 : position]):
                continue
            end = cue.end
            following = item_at(items, cue_position + 1)
            second = cue_words.PHRASES.get(cue.lower_)
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
            start = self._page.cue_start(cue)
            yield Attribution(method, start, end, self._find_mention(head)), features

    def _find_pairs(
        self, items: list[Item], position: int, cue_positions: list[int]
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
                if head.i not in seen and self._page.narrative[head.i]:
                    seen.add(head.i)
                    yield cue_position, relation, head
        start, end = max(0, position - _MAX_DISTANCE), min(len(items), position + _MAX_DISTANCE)
        for number in range(start, end):
            item = items[number]
            if isinstance(item, Segment):
                continue
            pair: tuple[str, Token | None] | None = None
            if item.lower_ == "according":
                pair = "according-to", head_right(items, number + 2)
            elif item.text == ":" and number == position - 1:
                pair = "colon", head_left(items, number - 1)
            elif item.text[-1] in cue_words.DASHES and number == position + 1:
                pair = "dash", head_right(items, number + 1)
            if pair and pair[1] is not None:
                yield number, pair[0], pair[1]

    def _find_heads_of_noun(self, noun: Token) -> Iterator[tuple[str, Token]]:
        """Yield the owner and the source of a noun: "the mayor's claim that", "chants by fans"."""
        if noun.i in self._page.owners:
            yield "owner", self._page.owners[noun.i]
        if noun.i in self._page.sources:
            yield "source", self._page.sources[noun.i]

    def _find_heads_of_verb(self, items: list[Item], position: int) -> Iterator[tuple[str, Token]]:
        """Yield the noun phrases that may be the subject or the agent of a verb.

        A number at the end of a relation counts the verbs between the cue and the subject.
        """
        page, cue, before = self._page, items[position], item_at(items, position - 1)
        assert isinstance(cue, Token)
        if not isinstance(before, Token) or before.text[-1] in _BEFORE_INVERTED:
            head = head_right(items, position + 1)
            if head is not None:
                yield "inverted", head
        if cue.i in page.agents:
            agent = page.objects.get(page.agents[cue.i].i)
            if agent is not None:
                yield "agent", agent
        if cue.dep_ == "acl" and cue.tag_ == "VBN":  # in "a class called ...", the class is silent
            return
        verb = cue
        for steps in range(_MAX_HEADS):
            subject = page.subjects.get(verb.i)
            if subject is not None and subject.i != cue.i:
                if subject.lower_ in cue_words.RELATIVE and verb.dep_ == "relcl":
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
        head = head_left(items, position - 1)
        if head is not None:
            yield "beside", head

    def _with_owner(self, relation: str, head: Token) -> Iterator[tuple[str, Token]]:
        """Yield a head and its owner: the wife and Lee in "Lee's wife said"."""
        yield relation, head
        if head.i in self._page.owners:
            yield f"{_strip_steps(relation)}-owner", self._page.owners[head.i]

    def _find_mention(self, head: Token) -> Speaker:
        if head.i not in self._mentions:
            self._mentions[head.i] = self._speakers.of(head)
        return self._mentions[head.i]

    # --------------------------------------------------------- speakers of other sentences

    def _find_nearby(
        self,
        sentence: Unit,
        position: int,
        segment: Segment,
        cue_count: int,
        choice: Choice,
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
            "cues": bool(choice.cues),
            "opens": position < choice.opening,
            "alone": choice.opening == len(sentence.items),
            "clause": self._page.is_clause(segment),
            "goeson": segment.continued,
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


def _is_possible(candidate: Attribution, rule: Attribution, choice: Choice) -> bool:
    """Return whether the text allows a candidate.

    A speaker who goes on in the next paragraph, signs or has a turn in a transcript is certain.
    A person who passes on the words of another is not their speaker.
    """
    if rule.method in _CERTAIN_METHODS:
        return candidate.speaker == rule.speaker
    return choice.relay is None or candidate.speaker != choice.relay


def _strip_steps(relation: str) -> str:
    """Return a relation without the count of steps at its end."""
    return relation.rstrip("0123456789")


def _has_contrasting_cue(between: list[Item]) -> bool:
    """Return whether a clause with a cue of its own begins in between: "..., but Lee called it"."""
    for number, item in enumerate(between[1:], 1):
        if isinstance(item, Token) and (item.tag_ == "CC" or item.lower_ in _CONTRASTS):
            before = between[number - 1]
            if isinstance(before, Segment) or before.text == ",":
                cues = (i for i in between[number:] if isinstance(i, Token) and is_cue(i))
                return any(cue.lower_ not in cue_words.MENTAL for cue in cues)
    return False
