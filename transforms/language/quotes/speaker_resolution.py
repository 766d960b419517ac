"""Coreference of speakers: the names that "he" and "the senator" stand for.

Input: the quotes and entities of a parsed text. Output: the quotes, with the name of the entity
that a pronoun or description means, where that is clear. One pass reads the text outside quotes
from left to right. Names, pronouns and unnamed people are possible antecedents, whose salience
decays from sentence to sentence (as in Lappin and Leass, 1994). A pronoun gets the most salient
person of its gender, if that person leads by enough. A description gets the only entity to which
the text gives that role.
"""

import sys
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from schemas import Entity, Quote, SpeakerKind
from transforms.language.document import Document
from transforms.language.given_names import FEMALE_GIVEN_NAMES, MALE_GIVEN_NAMES
from transforms.language.quotes import cue_words
from transforms.language.quotes.roles import (
    OFFICES,
    ROLE_WORD,
    Role,
    find_gender,
    find_roles_beside,
    find_roles_in_name,
    parse_role,
    strip_postmodifiers,
)
from transforms.language.tokens import Token

PRONOUN_GENDERS: Final = {
    "he": "m", "him": "m", "his": "m", "himself": "m",
    "she": "f", "her": "f", "hers": "f", "herself": "f",
}  # fmt: skip

SALIENCE: Final = {"speaker": 3.0, "subject": 2.5, "other": 1.0, "pronoun": 0.6}
"""The salience of an antecedent in its own sentence, by its part there."""

SENTENCE_DECAY: Final = 0.55
"""The factor on salience per sentence outside quotes."""
PARAGRAPH_DECAY: Final = 0.85
"""The further factor per paragraph."""
UNKNOWN_GENDER_FACTOR: Final = 0.7
"""The factor for a person of unknown gender, who may not fit a pronoun."""
NAMED_IN_QUOTE_FACTOR: Final = 0.3
"""The factor for people named in the quote: few speakers say their own name."""
MIN_SALIENCE: Final = 0.5
"""Antecedents with less are not meant."""
MIN_LEAD: Final = 1.4
"""The ratio of the best entity's salience to the next, from which a pronoun is clear."""
MIN_OFFICE_LEAD: Final = 2.5
"""The same for a description of an office whose holder the text does not state."""
REPEATED_SHARE: Final = 0.2
"""The share of the salience of an entity's other antecedents that adds to its strongest."""

_MAX_ANTECEDENTS = 60
"""Antecedents that are looked at; the salience of older ones is next to nothing."""
_MAX_JOINED = 4
"""Names joined by "and" of which the last is still recognised as a subject."""
_MAX_HOLDERS = 100
"""Statements of a role that are compared with a description; if there are more, it is unclear."""
_MAX_TITLE = 6
"""Code points before a name in which a title such as "Mrs." is searched."""
_MAX_TITLE_GAP = 2
"""Code points before a name in which the token before it ends."""
_UNNAMED = -1
"""Stands for the index of an entity, for a person who is none of the entities."""

_DEFINITE = frozenset(("the", "this", "that"))
_PLURAL_TAGS = frozenset(("NNS", "NNPS", "CD"))


class _Position(NamedTuple):
    """A place in the text, in sentences and paragraphs outside quotes."""

    sentence: int
    paragraph: int


class _Antecedent(NamedTuple):
    """A person at a place of the text, to whom a later pronoun may refer."""

    entity: int
    """The index of the entity, or `_UNNAMED`."""
    position: _Position
    salience: float
    """In its own sentence."""
    gender: str | None


class _Mention(NamedTuple):
    """A mention of an entity; offsets are code points."""

    start: int
    end: int
    entity: int
    """The index of the entity."""


def resolve_speakers(
    document: Document, quotes: Sequence[Quote], entities: Sequence[Entity]
) -> list[Quote]:
    """Return the quotes, with the names of speakers that are pronouns or descriptions.

    A speaker gets a name only if it is clear which entity is meant. A quote whose speaker has a
    name already stays as it is.

    Args:
        document: The parsed text.
        quotes: The quotes of the text.
        entities: The entities of the text.
    """
    if not entities or not any(map(_is_unresolved, quotes)):
        return list(quotes)
    names = _SpeakerResolver(document, quotes, entities).resolve()
    return [
        replace(quote, speaker_name=names.get(quote.speaker_start))
        if _is_unresolved(quote)
        else quote
        for quote in quotes
    ]


def _is_unresolved(quote: Quote) -> bool:
    return quote.speaker_name is None and quote.speaker_kind in (
        SpeakerKind.PRONOUN,
        SpeakerKind.DESCRIPTION,
    )


class _SpeakerResolver:
    """The pass over a text that resolves its speakers, with the indices that it needs."""

    def __init__(
        self, document: Document, quotes: Sequence[Quote], entities: Sequence[Entity]
    ) -> None:
        self._document = document
        self._entities = entities
        self._mentions = sorted(
            _Mention(mention.start, mention.end, index)
            for index, entity in enumerate(entities)
            for mention in entity.mentions
        )
        self._mention_starts = [mention.start for mention in self._mentions]
        quote_spans = sorted((quote.start, quote.end) for quote in quotes)
        self._is_quoted = [number is not None for number in self._match_spans(quote_spans)]
        """True for each token in a quote, by index."""
        mention_spans = [(mention.start, mention.end) for mention in self._mentions]
        self._mention_at = [
            None if number is None else self._mentions[number]
            for number in self._match_spans(mention_spans)
        ]
        """The mention that covers a token, by the index of the token."""
        self._quote_by_speaker = {
            quote.speaker_start: quote
            for quote in quotes
            if quote.speaker_start is not None and quote.speaker_end is not None
        }
        """Quotes by the start of the speaker's mention."""
        self._named_in_quotes: dict[int, set[int]] = defaultdict(set)
        """The entities that a speaker's quotes name, by the start of the speaker's mention."""
        for quote in quotes:
            if quote.speaker_start is not None:
                self._named_in_quotes[quote.speaker_start].update(
                    mention.entity for mention in self._mentions_between(quote.start, quote.end)
                )
        self._roles = self._collect_roles(quotes)
        """The roles of each entity."""
        self._holders: dict[str, list[tuple[int, Role]]] = defaultdict(list)
        """Entities and their roles by the head of the role."""
        for index, roles in enumerate(self._roles):
            for role in roles:
                self._holders[role.head].append((index, role))
        self._surnames: dict[str, set[int]] = defaultdict(set)
        """People by their last name."""
        for index, entity in enumerate(entities):
            if entity.label == "PERSON":
                self._surnames[entity.name.lower().split()[-1]].add(index)
        self._genders = self._guess_genders()
        self._antecedents: deque[_Antecedent] = deque(maxlen=_MAX_ANTECEDENTS)

    def resolve(self) -> dict[int | None, str]:
        """Return the names of speakers by the start of their mention."""
        names: dict[int | None, str] = {}
        sentence = paragraph = covered = 0
        for token, is_quoted, mention in zip(
            self._document.tokens, self._is_quoted, self._mention_at, strict=True
        ):
            if token.is_space:
                paragraph += "\n" in token.text
                continue
            if is_quoted:
                continue
            sentence += bool(token.is_sent_start)
            quote = self._quote_by_speaker.get(token.idx)
            gender = PRONOUN_GENDERS.get(token.lower_)
            if not (quote or gender or mention or token.dep_ in cue_words.SUBJECT_DEPS):
                continue
            entity: int | None = None
            part = "speaker"
            position = _Position(sentence, paragraph)
            if quote and quote.speaker_kind == SpeakerKind.DESCRIPTION and quote.speaker_end:
                covered = max(covered, quote.speaker_end)
                entity = self._resolve_description(token.idx, quote.speaker_end, position)
                entity, gender = _UNNAMED if entity is None else entity, None
            elif gender:
                in_quotes = self._named_in_quotes.get(token.idx, set())
                entity = self._find_antecedent(gender, position, in_quotes, MIN_LEAD)
                if not quote:
                    part = "subject" if _part_of_token(token) == "subject" else "pronoun"
            elif mention and mention.start >= covered:
                covered = mention.end
                if self._entities[mention.entity].label == "PERSON":
                    entity, part = mention.entity, self._part_of_mention(mention)
                    gender = self._find_title_gender(mention)
            elif token.idx >= covered and self._is_unnamed_person(token):
                entity, part = _UNNAMED, part if quote else _part_of_token(token)
            if entity is not None:
                self._antecedents.append(_Antecedent(entity, position, SALIENCE[part], gender))
                if quote and entity != _UNNAMED:
                    names[token.idx] = self._entities[entity].name
        return names

    # ---------------------------------------------------------------- mentions and their parts

    def _match_spans(self, spans: Sequence[tuple[int, int]]) -> list[int | None]:
        """Return per token the number of the last span that starts no later, if it covers it."""
        token_starts = self._document.token_starts
        numbers: list[int | None] = [None] * len(token_starts)
        next_starts = [*(start for start, _ in spans[1:]), sys.maxsize]
        for number, ((start, end), next_start) in enumerate(zip(spans, next_starts, strict=False)):
            first = bisect_left(token_starts, start)
            last = bisect_left(token_starts, min(end, next_start), lo=first)
            numbers[first:last] = [number] * (last - first)
        return numbers

    def _mentions_between(self, start: int, end: int) -> list[_Mention]:
        first = bisect_right(self._mention_starts, start - 1)
        return self._mentions[first : bisect_right(self._mention_starts, end - 1)]

    def _part_of_mention(self, mention: _Mention) -> str:
        quotes = (
            self._quote_by_speaker.get(mention.start),
            self._find_quote_of_titled(mention),
        )
        if any(quote and quote.speaker_kind == SpeakerKind.NAMED for quote in quotes):
            return "speaker"
        tokens = self._document.tokens_between(mention.start, mention.end)
        return "subject" if "subject" in map(_part_of_token, tokens) else "other"

    def _find_quote_of_titled(self, mention: _Mention) -> Quote | None:
        """Return the quote whose speaker is a name with the title right before it."""
        start = max(0, mention.start - _MAX_TITLE_GAP)
        for token in self._document.tokens_between(start, mention.start):
            quote = self._quote_by_speaker.get(token.idx)
            if quote and (quote.speaker_end or 0) >= mention.end:
                return quote
        return None

    def _is_unnamed_person(self, token: Token) -> bool:
        """Return whether a token is a subject that may be a person, but no entity."""
        if token.dep_ not in cue_words.SUBJECT_DEPS or self._mention_at[token.i]:
            return False
        if token.tag_ == "NNP":
            return True
        return token.tag_ == "NN" and token.head.lower_ in cue_words.CUES

    # ------------------------------------------------------------------------------ pronouns

    def _find_antecedent(
        self, gender: str | None, position: _Position, in_quotes: set[int], min_lead: float
    ) -> int | None:
        """Return the most salient entity that fits; None if that is not clear.

        Args:
            gender: The gender of the pronoun, if known.
            position: The place of the pronoun or description.
            in_quotes: The entities that the quotes of the speaker name.
            min_lead: The ratio to the salience of the next entity that makes it clear.
        """
        saliences: dict[int, list[float]] = defaultdict(list)
        for antecedent in self._antecedents:
            entity, place = antecedent.entity, antecedent.position
            known = antecedent.gender or (self._genders[entity] if entity >= 0 else None)
            if gender and known and known != gender:
                continue
            salience = antecedent.salience * SENTENCE_DECAY ** (position.sentence - place.sentence)
            salience *= PARAGRAPH_DECAY ** (position.paragraph - place.paragraph)
            salience *= UNKNOWN_GENDER_FACTOR if gender and not known else 1.0
            salience *= NAMED_IN_QUOTE_FACTOR if entity in in_quotes else 1.0
            saliences[entity].append(salience)
        scores = {
            entity: max(values) * (1 - REPEATED_SHARE) + sum(values) * REPEATED_SHARE
            for entity, values in saliences.items()
        }
        best = max(scores, key=lambda entity: scores[entity], default=_UNNAMED)
        rival = max((score for entity, score in scores.items() if entity != best), default=0.0)
        is_clear = best != _UNNAMED and scores[best] >= max(MIN_SALIENCE, min_lead * rival)
        return best if is_clear else None

    # ------------------------------------------------------------------------------- genders

    def _find_title_gender(self, mention: _Mention) -> str | None:
        """Return the gender of the title before a name; it tells apart couples of one name."""
        before = self._document.text[max(0, mention.start - _MAX_TITLE) : mention.start]
        words = ROLE_WORD.findall(before)
        return find_gender(words[-1].lower()) if words else None

    def _guess_genders(self) -> list[str | None]:
        """Return the gender of each entity: from its roles, its given name, or its pronouns."""
        votes = self._count_pronouns()
        return [
            _find_role_gender(roles) or _find_name_gender(entity) or _majority(votes[index])
            for index, (entity, roles) in enumerate(zip(self._entities, self._roles, strict=True))
        ]

    def _count_pronouns(self) -> dict[int, Counter[str]]:
        """Count the pronouns after a person, in sentences that name nobody else before them."""
        votes: dict[int, Counter[str]] = defaultdict(Counter)
        people: set[int] = set()
        for token, is_quoted, mention in zip(
            self._document.tokens, self._is_quoted, self._mention_at, strict=True
        ):
            if token.is_space or is_quoted:
                continue
            if token.is_sent_start:
                people = set()
            gender = PRONOUN_GENDERS.get(token.lower_)
            if mention and self._entities[mention.entity].label == "PERSON":
                people.add(mention.entity)
            elif gender and len(people) == 1:
                votes[next(iter(people))][gender] += 1
        return votes

    # -------------------------------------------------------------------------- descriptions

    def _collect_roles(self, quotes: Sequence[Quote]) -> list[set[Role]]:
        """Return the roles that the text states of each entity."""
        roles: list[set[Role]] = [set() for _ in self._entities]
        index_by_name = {entity.name: index for index, entity in enumerate(self._entities)}
        for mention in self._mentions:
            if self._entities[mention.entity].label in ("PERSON", "ORG"):
                beside = find_roles_beside(self._document, mention.start, mention.end)
                roles[mention.entity].update(beside)
        for index, entity in enumerate(self._entities):
            if entity.label == "ORG":
                roles[index].update(find_roles_in_name(entity.name))
        for quote in quotes:
            if quote.speaker_role and quote.speaker_name in index_by_name:
                role = parse_role(ROLE_WORD.findall(strip_postmodifiers(quote.speaker_role)))
                if role:
                    roles[index_by_name[quote.speaker_name]].add(role)
        return roles

    def _resolve_description(self, start: int, end: int, position: _Position) -> int | None:
        """Return the only entity that a description fits; None if that is not clear.

        A single capitalised word is a surname. For an office that the text states of nobody, the
        most salient person is meant.
        """
        description = self._document.text[start:end]
        if " " not in description and description[:1].isupper():
            namesakes = self._surnames.get(description.lower(), set())
            return next(iter(namesakes)) if len(namesakes) == 1 else None
        phrase = strip_postmodifiers(description)
        if any(
            token.tag_ in _PLURAL_TAGS
            for token in self._document.tokens_between(start, start + len(phrase))
        ):
            return None
        words = ROLE_WORD.findall(phrase)
        role = parse_role(words[1:]) if words and words[0].lower() in _DEFINITE else None
        if role is None:
            return None
        # Per entity, the most modifiers that one of its roles shares with the description.
        shared_modifiers: dict[int, int] = {}
        holders = self._holders.get(role.head, [])
        for entity, stated in holders if len(holders) <= _MAX_HOLDERS else ():
            if (
                stated.is_former == role.is_former
                and self._entities[entity].first_start < start
                and not (role.gender and self._genders[entity] not in (role.gender, None))
            ):
                shared = len(stated.modifiers & role.modifiers)
                shared_modifiers[entity] = max(shared, shared_modifiers.get(entity, 0))
        if shared_modifiers or role.head not in OFFICES:
            most = max(shared_modifiers.values(), default=0)
            best = [entity for entity, shared in shared_modifiers.items() if shared == most]
            return best[0] if len(best) == 1 else None
        in_quotes = self._named_in_quotes.get(start, set())
        return self._find_antecedent(role.gender, position, in_quotes, MIN_OFFICE_LEAD)


def _part_of_token(token: Token) -> str:
    """Return "subject" or "other"; names joined by "and" have the part of the first."""
    head = token
    for _ in range(_MAX_JOINED):
        if head.dep_ != "conj":
            break
        head = head.head
    are_nouns = token.tag_ in cue_words.NOUN_TAGS and head.tag_ in cue_words.NOUN_TAGS
    return "subject" if (head if are_nouns else token).dep_ in cue_words.SUBJECT_DEPS else "other"


def _find_role_gender(roles: Iterable[Role]) -> str | None:
    return _majority(Counter(role.gender for role in roles if role.gender))


def _find_name_gender(entity: Entity) -> str | None:
    """Return the gender of the given names in the forms of a name."""
    votes: Counter[str] = Counter()
    for form in {mention.text for mention in entity.mentions} | {entity.name}:
        words = [word.lower() for word in ROLE_WORD.findall(form)]
        if len(words) < 2 and form != entity.name:
            continue
        given_name = next((word for word in words if len(word) > 1), "")
        votes["m"] += given_name in MALE_GIVEN_NAMES
        votes["f"] += given_name in FEMALE_GIVEN_NAMES
    return _majority(votes)


def _majority(votes: Counter[str]) -> str | None:
    """Return the gender with more than twice the votes of the other, if any."""
    men, women = votes["m"], votes["f"]
    if men > 2 * women:
        return "m"
    return "f" if women > 2 * men else None
