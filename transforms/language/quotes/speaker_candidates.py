"""Who may have said a quote: the cues and speakers near it, and what speaks for each of them.

A candidate is described by features, short strings such as ``verb=said``, so that the table of
their weights (see `ranker`) can be read. What is looked at is bounded, however long a sentence.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from transforms.language.quotes import cue_words
from transforms.language.quotes.attribution import Attribution, Reading
from transforms.language.quotes.features import at, group, kind, plain, size
from transforms.language.quotes.noun_phrases import head_left, head_right
from transforms.language.quotes.quotation_marks import WORD, Segment
from transforms.language.quotes.sentence_cues import Choice
from transforms.language.quotes.sentences import Item, Page, Unit, is_cue
from transforms.language.quotes.speaker_mentions import Speaker, Speakers
from transforms.language.tokens import Token

_NEAR: Final = 7
"""Verbs looked at on either side of a quote."""
_FAR: Final = 60
"""Items beyond which a cue is too far from a quote."""
_CLIMB: Final = 8
_SEGMENTS_NEAR: Final = 20
_CONTRASTS: Final = frozenset(("while", "whereas"))
_BEFORE_NAMES: Final = frozenset(",—–-")


class Candidate(NamedTuple):
    """One way to attribute a quote."""

    attribution: Attribution
    features: list[str]


class Site(NamedTuple):
    """A quoted segment with what may be said of it."""

    segment: Segment
    rule: Reading
    """What the rules say."""
    features: list[str]
    candidates: list[Candidate]


class Context(NamedTuple):
    """Who speaks around a sentence."""

    spoken: Attribution
    """Of the last quote of the paragraph."""
    lead: Attribution
    """Of the sentence before, if that has no quote."""
    previous: Attribution
    """Of the last quote of the paragraph before."""
    following: Attribution
    """Of the first cue of the sentence after."""


class Candidates:
    """The candidates of the quotes of one page."""

    def __init__(self, page: Page, speakers: Speakers) -> None:
        self._page = page
        self._speakers = speakers
        self._mentions: dict[int, Speaker] = {}
        self._roots = _roots(page)

    def cue_places(self, unit: Unit) -> list[int]:
        """Where in a sentence verbs stand, and nouns such as "claim" in "the mayor's claim"."""
        return [
            number
            for number, item in enumerate(unit.items)
            if isinstance(item, Token)
            and (
                item.tag_[:2] == "VB"
                or (
                    item.tag_ in ("NN", "NNS")
                    and (item.i in self._page.owners or item.i in self._page.sources)
                )
            )
        ]

    def site(
        self,
        unit: Unit,
        place: int,
        cue_places: list[int],
        choice: Choice,
        rule: Reading,
        context: Context,
    ) -> Site:
        """What may be said of the segment at ``place`` of a sentence."""
        segment = unit.items[place]
        assert isinstance(segment, Segment)
        said = rule.attribution
        features = self._segment_features(unit, place, segment, choice)
        features += [f"rule={said.method}", f"rulekind={rule.kind}"]
        shared = [f for f in features if f.startswith(_SHARED)]
        candidates = [
            Candidate(said if made.speaker == said.speaker else made, [*own, *shared])
            for made, own in (
                *self._in_sentence(unit, place, cue_places, said, context),
                *self._around(unit, place, cue_places, choice, said, context),
            )
            if self._is_open(made, said, choice)
        ]
        return Site(segment, rule, features, candidates)

    def _is_open(self, made: Attribution, rule: Attribution, choice: Choice) -> bool:
        """Whether the text leaves it open that a candidate speaks.

        Who goes on speaking in the next paragraph does, and who passes on what another says
        is not the speaker.
        """
        if rule.method in _CERTAIN:
            return made.speaker == rule.speaker
        return choice.relay is None or made.speaker != choice.relay

    # ------------------------------------------------------------------------- the segment itself

    def _segment_features(
        self, unit: Unit, place: int, segment: Segment, choice: Choice
    ) -> list[str]:
        page, items = self._page, unit.items
        words = WORD.findall(page.text, segment.start, segment.end)
        end = page.final_mark(segment)
        names = all(w[0].isupper() or w[0].isdigit() or w in cue_words.SMALL for w in words)
        before, after = at(items, place - 1), at(items, place + 1)
        further = at(items, place - 2)
        root = self._roots.get(segment)
        near = items[max(0, place - _SEGMENTS_NEAR) : place + _SEGMENTS_NEAR]
        flags = {
            "capital": page.text[segment.start].isupper(),
            "clausal": segment.start in page.clausal,
            "unclosed": not segment.closed,
            "goeson": segment.continued,
            "opens": place < choice.opening,
            "alone": choice.opening == len(items),
            "capital-after": isinstance(after, Token) and after.text[0].isupper(),
        }
        features = [f"is={name}" for name, holds in flags.items() if holds]
        features += [
            f"length={size(len(words))}",
            f"end={'word' if end.isalnum() else end}",
            f"before={kind(before)}",
            f"after={kind(after)}",
            f"between={kind(before)}|{kind(after)}",
            f"further={kind(further)}",
            f"segments={size(sum(isinstance(item, Segment) for item in near))}",
        ]
        if names:
            features.append(f"names={'one' if len(words) == 1 else 'more'}")
        for name, item in (("w-1", before), ("w+1", after), ("w-2", further)):
            if isinstance(item, Token):
                features.append(f"{name}={plain(item)}")
        if root is not None:
            governor = "cue" if root.head.lower_ in cue_words.CUES else root.head.tag_
            features += [f"dep={root.dep_}", f"tag={root.tag_}", f"governor={governor}"]
        return features

    # --------------------------------------------------------------------- cues in its sentence

    def _in_sentence(
        self, unit: Unit, place: int, cue_places: list[int], rule: Attribution, context: Context
    ) -> Iterator[tuple[Attribution, list[str]]]:
        items, segment = unit.items, unit.items[place]
        assert isinstance(segment, Segment)
        spoken = context.spoken.speaker
        last_spoken = self._page.text[spoken.start : spoken.end].split()[-1] if spoken else None
        for number, how, head in self._pairs(items, place, cue_places):
            cue = items[number]
            assert isinstance(cue, Token)
            if _is_broken(items[number + 1 : place]):
                continue
            speaker = self._mention(head)
            end = cue.end
            following = at(items, number + 1)
            second = cue_words.PHRASES.get(cue.lower_)
            if isinstance(following, Token) and following.lower_ == second:
                end = following.end
            agrees = rule.speaker is not None and (
                rule.speaker.start <= head.idx < rule.speaker.end
            )
            same_cue = rule.cue_start is not None and (
                rule.cue_start <= cue.idx < (rule.cue_end or 0)
            )
            features = [
                *_cue_features(cue, following),
                *_way_features(items, number, place),
                *self._tree_features(cue, number < place, segment),
                *self._head_features(cue, head),
                f"how={how}",
                f"how+group={how}|{group(cue)}",
                f"rule-{'agrees' if agrees else 'differs'}={rule.method}",
            ]
            if same_cue:
                features.append("rule-cue")
            if last_spoken == head.text:
                features.append("speaks-before")
            method = how.rstrip("0123456789")
            yield Attribution(method, self._page.cue_start(cue), end, speaker), features

    def _pairs(
        self, items: list[Item], place: int, cue_places: list[int]
    ) -> Iterator[tuple[int, str, Token]]:
        """Places of cues, ways from them to heads of mentions, and the heads."""
        middle = bisect_left(cue_places, place)
        for number in cue_places[max(0, middle - _NEAR) : middle + _NEAR]:
            cue = items[number]
            assert isinstance(cue, Token)
            if abs(number - place) > _FAR:
                continue
            ways = self._from_noun(cue) if cue.tag_[0] == "N" else self._from_verb(items, number)
            if cue.tag_[0] == "N" and number > place:
                continue
            seen = {cue.i}
            for how, head in ways:
                if head.i not in seen and self._page.narrative[head.i]:
                    seen.add(head.i)
                    yield number, how, head
        for number in range(max(0, place - _FAR), min(len(items), place + _FAR)):
            item = items[number]
            if isinstance(item, Segment):
                continue
            found: tuple[str, Token | None] | None = None
            if item.lower_ == "according":
                found = "according-to", head_right(items, number + 2)
            elif item.text == ":" and number == place - 1:
                found = "colon", head_left(items, number - 1)
            elif item.text[-1] in cue_words.DASHES and number == place + 1:
                found = "dash", head_right(items, number + 1)
            if found and found[1] is not None:
                yield number, found[0], found[1]

    def _from_noun(self, noun: Token) -> Iterator[tuple[str, Token]]:
        """Whose claim, whose chants: "the mayor's claim that", "chants by fans"."""
        if noun.i in self._page.owners:
            yield "owner", self._page.owners[noun.i]
        if noun.i in self._page.sources:
            yield "source", self._page.sources[noun.i]

    def _from_verb(self, items: list[Item], number: int) -> Iterator[tuple[str, Token]]:
        page, cue, before = self._page, items[number], at(items, number - 1)
        assert isinstance(cue, Token)
        if not isinstance(before, Token) or before.text[-1] in _BEFORE_NAMES:
            head = head_right(items, number + 1)
            if head is not None:
                yield "inverted", head
        if cue.i in page.agents:
            agent = page.objects.get(page.agents[cue.i].i)
            if agent is not None:
                yield "agent", agent
        if cue.dep_ == "acl" and cue.tag_ == "VBN":  # a class called so says nothing
            return
        verb = cue
        for steps in range(_CLIMB):
            subject = page.subjects.get(verb.i)
            if subject is not None and subject.i != cue.i:
                if subject.lower_ in cue_words.RELATIVE and verb.dep_ == "relcl":
                    yield from self._owned(f"relative{min(steps, 2)}", verb.head)
                elif subject.lower_ not in cue_words.OBJECT_PRONOUNS:
                    how = f"subject-above{min(steps, 3)}" if steps else "subject"
                    yield from self._owned(how, subject)
                break
            if verb.dep_ == "acl" and verb.head.tag_ in cue_words.NOUN_TAGS:
                yield from self._owned(f"modified{min(steps, 1)}", verb.head)
            if verb.head.i == verb.i:
                break
            verb = verb.head
        head = head_left(items, number - 1)
        if head is not None:
            yield "beside", head

    def _owned(self, how: str, head: Token) -> Iterator[tuple[str, Token]]:
        yield how, head
        if head.i in self._page.owners:
            yield f"{how.rstrip('0123456789')}-owner", self._page.owners[head.i]

    def _mention(self, head: Token) -> Speaker:
        if head.i not in self._mentions:
            self._mentions[head.i] = self._speakers.of(head)
        return self._mentions[head.i]

    def _tree_features(self, cue: Token, leads: bool, segment: Segment) -> Iterator[str]:
        side = "B" if leads else "A"
        root, above = self._roots.get(segment), "no"
        if root is not None:
            token = root
            for steps in range(1, _CLIMB):
                if token.head.i == cue.i:
                    above = size(steps)
                    yield f"governed={token.dep_}"
                    break
                token = token.head
        yield f"above={side}{above}"
        chain: list[str] = []
        token, within = cue, "no"
        while len(chain) < 6 and token.head.i != token.i:
            chain.append(token.dep_)
            token = token.head
            if self._page.narrative[token.i] and is_cue(token) and token.tag_[:2] == "VB":
                within = "+".join(chain[:2])
                break
        yield f"within={within}"
        for name, verbs in (
            ("what", self._page.whats),
            ("not", self._page.negations),
            ("passive", self._page.passives),
        ):
            if cue.i in verbs:
                yield name

    def _head_features(self, cue: Token, head: Token) -> Iterator[str]:
        word = head.lower_
        yield f"entity={head.ent_type_ or 'none'}"
        yield f"headtag={head.tag_}"
        yield f"headdep={head.dep_}"
        yield f"headgap={'B' if head.i < cue.i else 'A'}{size(abs(head.i - cue.i))}"
        if word in cue_words.PRONOUNS or head.tag_ in ("PRP", "PRP$", "WP", "WDT", "DT"):
            yield f"pronoun={word}"
        elif head.tag_ in ("NN", "NNS"):
            yield f"noun={plain(head)}"
            yield f"nounkind={_noun_kind(word)}"
        if head.dep_ == "pobj":
            yield f"prep={head.head.lower_}"

    # ------------------------------------------------------------------- speakers around it

    def _around(
        self,
        unit: Unit,
        place: int,
        cue_places: list[int],
        choice: Choice,
        rule: Attribution,
        context: Context,
    ) -> Iterator[tuple[Attribution, list[str]]]:
        segment = unit.items[place]
        assert isinstance(segment, Segment)
        ways = [
            ("same-paragraph", context.spoken),
            ("sentence-before", context.lead),
            ("paragraph-before", context.previous),
            ("sentence-after", context.following),
        ]
        if rule.method in _RULES_OWN:
            ways.append((rule.method, rule))
        flags = {
            "cues": bool(choice.cues),
            "opens": place < choice.opening,
            "alone": choice.opening == len(unit.items),
            "clause": self._page.is_clause(segment),
            "goeson": segment.continued,
        }
        for how, said in ways:
            if said.speaker is None:
                continue
            agrees = "agrees" if rule.speaker == said.speaker else "differs"
            features = [
                f"how={how}",
                f"from={said.method}",
                f"rule-{agrees}={rule.method}",
                f"kind={said.speaker.kind}",
                f"how+verbs={how}|{size(len(cue_places))}",
                *(f"how+{name}={how}" for name, holds in flags.items() if holds),
            ]
            cued = how in _RULES_OWN
            made = said if cued else Attribution(how, speaker=said.speaker)
            if how in ("sentence-before", "sentence-after", "same-paragraph"):
                made = said._replace(method=how)
            yield made, features


_SHARED: Final = (
    "length=", "before=", "after=", "is=opens", "is=alone", "is=clausal", "is=goeson",
    "names=", "dep=", "governor=",
)  # fmt: skip
"""Features of the segment that count for its candidates as well."""
_CERTAIN: Final = frozenset(("continued", "signature", "transcript"))
_RULES_OWN: Final = _CERTAIN | {
    "sentence-after", "colon", "sentence-before", "paragraph-before", "reported",
}  # fmt: skip


def _roots(page: Page) -> dict[Segment, Token]:
    """For each segment the first of its words that hangs on one outside."""
    roots: dict[Segment, Token] = {}
    for segment, words in page.quoted.items():
        for word in words:
            if not (word.is_punct or segment.left <= word.head.idx < segment.right):
                roots[segment] = word
                break
    return roots


def _noun_kind(word: str) -> str:
    return "human" if word in cue_words.PEOPLE else "text" if word in cue_words.TEXTS else "other"


def _cue_features(cue: Token, following: Item | None) -> Iterator[str]:
    yield f"verb={cue.lower_}"
    yield f"group={group(cue)}"
    yield f"cuetag={cue.tag_}"
    yield f"cuedep={cue.dep_}"
    yield f"cuenext={kind(following)}"


def _way_features(items: list[Item], cue: int, place: int) -> Iterator[str]:
    """What stands between a cue and a quote."""
    side = "A" if cue > place else "B"
    between = items[min(cue, place) + 1 : max(cue, place)]
    tokens = [item for item in between if isinstance(item, Token)]
    yield f"gap={side}{size(len(between))}"
    for name, count in (
        ("cues", sum(map(is_cue, tokens))),
        ("verbs", sum(token.tag_[:2] == "VB" for token in tokens)),
        ("quotes", len(between) - len(tokens)),
        ("commas", sum(token.text == "," for token in tokens)),
    ):
        yield f"{name}={side}{size(count)}"
    if side == "A":
        yield f"quotenext={kind(items[place + 1])}"
    marks = {token.text for token in tokens}
    yield from _present(marks)


def _is_broken(between: list[Item]) -> bool:
    """Whether a clause with a cue of its own begins after a quote: "..., but Lee called it"."""
    for number, item in enumerate(between[1:], 1):
        if isinstance(item, Token) and (item.tag_ == "CC" or item.lower_ in _CONTRASTS):
            before = between[number - 1]
            if isinstance(before, Segment) or before.text == ",":
                speech = (i for i in between[number:] if isinstance(i, Token) and is_cue(i))
                return any(word.lower_ not in cue_words.MENTAL for word in speech)
    return False


def _present(marks: Iterable[str]) -> Iterator[str]:
    if ";" in marks:
        yield "semicolon"
    if not {".", "!", "?"}.isdisjoint(marks):
        yield "stop"
