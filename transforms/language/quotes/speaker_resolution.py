"""From "he" and "the senator" to the person of the article who is meant, where it is clear.

One pass over what stands outside quotes, left to right. Names, pronouns and unnamed people leave
traces that fade from sentence to sentence; a pronoun goes to the freshest person who fits it, if
nobody else comes near. A description goes to the only entity of which the article states it.
"""

from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from schemas import Entity, Quote
from transforms.language.document import Document
from transforms.language.given_names import MEN, WOMEN
from transforms.language.quotes import cue_words
from transforms.language.quotes.roles import (
    OFFICES,
    ROLE_WORD,
    Role,
    gender_of,
    head_part,
    named_kinds,
    read_role,
    roles_beside,
)
from transforms.language.tokens import Token

PRONOUNS: Final = {
    "he": "m", "him": "m", "his": "m", "himself": "m",
    "she": "f", "her": "f", "hers": "f", "herself": "f",
}  # fmt: skip

WEIGHTS: Final = {"speaker": 3.0, "subject": 2.5, "other": 1.0, "pronoun": 0.6}
"""What a trace counts in its own sentence, by its part in it."""

SENTENCE_FADE: Final = 0.55
"""What is left of a trace after a sentence outside quotes."""
PARAGRAPH_FADE: Final = 0.85
"""What is left of a trace after a paragraph, besides."""
UNKNOWN_GENDER: Final = 0.7
"""How far to trust that a person of unknown gender fits a pronoun."""
QUOTED: Final = 0.3
"""How far to trust that those named in a quote are its speaker: few say their own name."""
LEAST: Final = 0.5
"""Traces fainter than this mean nobody."""
LEAD: Final = 1.4
"""How many times as strong as the next the traces of the person meant must be."""
LEAD_OF_OFFICE: Final = 2.5
"""The same for a description of which the article does not state whose it is."""
REPEATED: Final = 0.2
"""What traces of the same person besides the strongest add to it."""

_MEMORY = 60
"""Traces that are looked at: older ones have faded."""
_MAX_JOINED = 4
"""Names joined by "and" of which the last is still seen to be a subject."""
_MAX_HOLDERS = 100
"""Statements that are compared with a description: of more, it is not clear who is meant."""
_UNNAMED = -1

_DEFINITE = frozenset(("the", "this", "that"))
_SEVERAL = frozenset(("NNS", "NNPS", "CD"))


class _Trace(NamedTuple):
    who: int
    """Place of an entity, or `_UNNAMED`."""
    sentence: int
    paragraph: int
    weight: float
    gender: str | None


class _Mention(NamedTuple):
    start: int
    end: int
    who: int
    """Place of the entity."""


def resolve_speakers(
    document: Document, quotes: Sequence[Quote], entities: Sequence[Entity]
) -> list[Quote]:
    """The quotes with the names of those speakers that are pronouns or descriptions.

    A name is given only where it is clear who of the article is meant. Quotes of
    speakers given by name stay as they are.
    """
    if not entities or not any(map(_is_open, quotes)):
        return list(quotes)
    names = _Page(document, quotes, entities).resolve()
    return [
        replace(quote, speaker_name=names.get(quote.speaker_start)) if _is_open(quote) else quote
        for quote in quotes
    ]


def _is_open(quote: Quote) -> bool:
    return quote.speaker_name is None and quote.speaker_kind in ("pronoun", "description")


class _Page:
    """An article while it is read."""

    def __init__(
        self, document: Document, quotes: Sequence[Quote], entities: Sequence[Entity]
    ) -> None:
        self._document = document
        self._entities = entities
        self._mentions = sorted(
            _Mention(mention.start, mention.end, who)
            for who, entity in enumerate(entities)
            for mention in entity.mentions
        )
        self._mention_starts = [mention.start for mention in self._mentions]
        self._spans = sorted((quote.start, quote.end) for quote in quotes)
        self._quoted = [number is not None for number in self._covering(self._spans)]
        covering = self._covering([(mention.start, mention.end) for mention in self._mentions])
        self._named = [None if n is None else self._mentions[n] for n in covering]
        """The mention that covers each word."""
        self._speakers = {
            quote.speaker_start: quote
            for quote in quotes
            if quote.speaker_start is not None and quote.speaker_end is not None
        }
        self._said: dict[int, set[int]] = defaultdict(set)
        """By the start of a speaker: who is named in that speaker's quotes."""
        for quote in quotes:
            if quote.speaker_start is not None:
                self._said[quote.speaker_start].update(
                    mention.who for mention in self._within(quote.start, quote.end)
                )
        self._roles = self._stated_roles(quotes)
        self._holders: dict[str, list[tuple[int, Role]]] = defaultdict(list)
        for who, roles in enumerate(self._roles):
            for role in roles:
                self._holders[role.head].append((who, role))
        self._surnames: dict[str, set[int]] = defaultdict(set)
        for who, entity in enumerate(entities):
            if entity.label == "PERSON":
                self._surnames[entity.name.lower().split()[-1]].add(who)
        self._genders = self._all_genders()
        self._traces: deque[_Trace] = deque(maxlen=_MEMORY)

    def resolve(self) -> dict[int | None, str]:
        """Names by the start of the speaker."""
        found: dict[int | None, str] = {}
        sentence = paragraph = covered = 0
        for token, quoted, mention in zip(
            self._document.tokens, self._quoted, self._named, strict=True
        ):
            if token.is_space:
                paragraph += "\n" in token.text
                continue
            if quoted:
                continue
            sentence += bool(token.is_sent_start)
            quote = self._speakers.get(token.idx)
            who: int | None = None
            part = "speaker"
            gender = PRONOUNS.get(token.lower_)
            place = (sentence, paragraph)
            if quote and quote.speaker_kind == "description" and quote.speaker_end:
                covered = max(covered, quote.speaker_end)
                who = self._described(token.idx, quote.speaker_end, place)
                who, gender = _UNNAMED if who is None else who, None
            elif gender:
                said = self._said.get(token.idx, set())
                who = self._meant(gender, place, said, LEAD)
                if not quote:
                    part = "subject" if _part(token) == "subject" else "pronoun"
            elif mention and mention.start >= covered:
                covered = mention.end
                if self._entities[mention.who].label == "PERSON":
                    who, part = mention.who, self._part_of(mention)
                    gender = self._title_gender(mention)
            elif token.idx >= covered and self._is_unnamed(token):
                who, part = _UNNAMED, part if quote else _part(token)
            if who is not None:
                self._traces.append(_Trace(who, *place, WEIGHTS[part], gender))
                if quote and who != _UNNAMED:
                    found[token.idx] = self._entities[who].name
        return found

    # ------------------------------------------------------------------------------ places

    def _covering(self, spans: Sequence[tuple[int, int]]) -> Iterator[int | None]:
        """For each word the number of the span it starts in, the last of those that begin there."""
        number = -1
        for word in self._document.tokens:
            while number + 1 < len(spans) and spans[number + 1][0] <= word.idx:
                number += 1
            yield number if number >= 0 and word.idx < spans[number][1] else None

    def _within(self, start: int, end: int) -> list[_Mention]:
        first = bisect_right(self._mention_starts, start - 1)
        return self._mentions[first : bisect_right(self._mention_starts, end - 1)]

    def _part_of(self, mention: _Mention) -> str:
        for quote in (self._speakers.get(mention.start), self._speaker_before(mention)):
            if quote and quote.speaker_kind == "named":
                return "speaker"
        parts = {
            _part(token) for token in self._document.tokens_between(mention.start, mention.end)
        }
        return "subject" if "subject" in parts else "other"

    def _speaker_before(self, mention: _Mention) -> Quote | None:
        """The quote whose speaker's mention begins at a title right before the name."""
        for token in self._document.tokens_between(max(0, mention.start - 2), mention.start):
            quote = self._speakers.get(token.idx)
            if quote and (quote.speaker_end or 0) >= mention.end:
                return quote
        return None

    def _is_unnamed(self, token: Token) -> bool:
        """Whether a token stands for a person who is none of the entities."""
        if token.dep_ not in cue_words.SUBJECTS or self._named[token.i]:
            return False
        if token.tag_ == "NNP":
            return True
        return token.tag_ == "NN" and token.head.lower_ in cue_words.CUES

    # ------------------------------------------------------------------------------ pronouns

    def _meant(
        self, gender: str | None, place: tuple[int, int], said: set[int], lead: float
    ) -> int | None:
        """Whose traces are the strongest here, of those who fit; None if it is not clear."""
        strengths: dict[int, list[float]] = defaultdict(list)
        for trace in self._traces:
            known = trace.gender or (self._genders[trace.who] if trace.who >= 0 else None)
            if gender and known and known != gender:
                continue
            strength = trace.weight * SENTENCE_FADE ** (place[0] - trace.sentence)
            strength *= PARAGRAPH_FADE ** (place[1] - trace.paragraph)
            strength *= UNKNOWN_GENDER if gender and not known else 1.0
            strengths[trace.who].append(strength * (QUOTED if trace.who in said else 1.0))
        scores = {
            who: max(found) * (1 - REPEATED) + sum(found) * REPEATED
            for who, found in strengths.items()
        }
        best = max(scores, key=lambda who: scores[who], default=_UNNAMED)
        rival = max((score for who, score in scores.items() if who != best), default=0.0)
        clear = best != _UNNAMED and scores[best] >= max(LEAST, lead * rival)
        return best if clear else None

    def _title_gender(self, mention: _Mention) -> str | None:
        """The gender of the title before a name, as of "Mrs." where a couple has one name."""
        before = self._document.text[max(0, mention.start - 6) : mention.start]
        words = ROLE_WORD.findall(before)
        return gender_of(words[-1].lower()) if words else None

    def _all_genders(self) -> list[str | None]:
        votes = self._votes()
        return [
            _stated_gender(roles) or _named_gender(entity) or _majority(votes[who])
            for who, (entity, roles) in enumerate(zip(self._entities, self._roles, strict=True))
        ]

    def _votes(self) -> dict[int, Counter[str]]:
        """Pronouns that follow a person in a sentence that names nobody else before them."""
        votes: dict[int, Counter[str]] = defaultdict(Counter)
        people: set[int] = set()
        for token, quoted, mention in zip(
            self._document.tokens, self._quoted, self._named, strict=True
        ):
            if token.is_space or quoted:
                continue
            if token.is_sent_start:
                people = set()
            gender = PRONOUNS.get(token.lower_)
            if mention and self._entities[mention.who].label == "PERSON":
                people.add(mention.who)
            elif gender and len(people) == 1:
                votes[next(iter(people))][gender] += 1
        return votes

    # ------------------------------------------------------------------------------ roles

    def _stated_roles(self, quotes: Sequence[Quote]) -> list[set[Role]]:
        roles: list[set[Role]] = [set() for _ in self._entities]
        places = {entity.name: who for who, entity in enumerate(self._entities)}
        for mention in self._mentions:
            entity = self._entities[mention.who]
            if entity.label in ("PERSON", "ORG"):
                roles[mention.who].update(roles_beside(self._document, mention.start, mention.end))
        for who, entity in enumerate(self._entities):
            if entity.label == "ORG":
                roles[who].update(named_kinds(entity.name))
        for quote in quotes:
            if quote.speaker_role and quote.speaker_name in places:
                role = read_role(ROLE_WORD.findall(head_part(quote.speaker_role)))
                if role:
                    roles[places[quote.speaker_name]].add(role)
        return roles

    def _described(self, start: int, end: int, place: tuple[int, int]) -> int | None:
        """The only entity that is what a description says, or to all appearance is."""
        printed = self._document.text[start:end]
        if " " not in printed and printed[:1].isupper():
            namesakes = self._surnames.get(printed.lower(), set())
            return next(iter(namesakes)) if len(namesakes) == 1 else None
        named = head_part(printed)
        if any(
            t.tag_ in _SEVERAL for t in self._document.tokens_between(start, start + len(named))
        ):
            return None
        words = ROLE_WORD.findall(named)
        role = read_role(words[1:]) if words and words[0].lower() in _DEFINITE else None
        if role is None:
            return None
        fits: dict[int, int] = {}
        holders = self._holders.get(role.head, [])
        for who, stated in holders if len(holders) <= _MAX_HOLDERS else ():
            if (
                stated.former == role.former
                and self._entities[who].first_start < start
                and not (role.gender and self._genders[who] not in (role.gender, None))
            ):
                shared = len(stated.modifiers & role.modifiers)
                fits[who] = max(shared, fits.get(who, 0))
        best = max(fits.values(), default=0)
        meant = [who for who, shared in fits.items() if shared == best]
        if fits or role.head not in OFFICES:
            return meant[0] if len(meant) == 1 else None
        return self._meant(role.gender, place, self._said.get(start, set()), LEAD_OF_OFFICE)


def _part(token: Token) -> str:
    head = token
    for _ in range(_MAX_JOINED):
        if head.dep_ != "conj":
            break
        head = head.head
    named = token.tag_ in cue_words.NOUN_TAGS and head.tag_ in cue_words.NOUN_TAGS
    return "subject" if (head if named else token).dep_ in cue_words.SUBJECTS else "other"


def _stated_gender(roles: Iterable[Role]) -> str | None:
    return _majority(Counter(role.gender for role in roles if role.gender))


def _named_gender(entity: Entity) -> str | None:
    votes: Counter[str] = Counter()
    for form in {mention.text for mention in entity.mentions} | {entity.name}:
        words = [word.lower() for word in ROLE_WORD.findall(form)]
        if len(words) < 2 and form != entity.name:
            continue
        given = next((word for word in words if len(word) > 1), "")
        votes["m"] += given in MEN
        votes["f"] += given in WOMEN
    return _majority(votes)


def _majority(votes: Counter[str]) -> str | None:
    men, women = votes["m"], votes["f"]
    if men > 2 * women:
        return "m"
    return "f" if women > 2 * men else None
