"""From "he" and "the senator" to the person of the article who is meant, where it is clear.

One pass over what stands outside quotes, left to right. Names, pronouns and unnamed people leave
traces that fade from sentence to sentence; a pronoun goes to the freshest person who fits it, if
nobody else comes near. A description goes to the only entity of which the article states it.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from schemas import Entity, Quote
from transforms.language.document import Document
from transforms.language.given_names import MEN, WOMEN
from transforms.language.quotes import cue_words
from transforms.language.tokens import Token
from transforms.language.word_lists import word_set

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
_MAX_ROLE = 8
"""Tokens of a role."""
_MAX_JOINED = 4
"""Names joined by "and" of which the last is still seen to be a subject."""
_MAX_HOLDERS = 100
"""Statements that are compared with a description: of more, it is not clear who is meant."""
_UNNAMED = -1

GENDERED: Final = {
    "m": word_set("""
        mr mister sir lord king prince duke baron pope father brother son husband widower uncle
        grandfather nephew man boy gentleman actor congressman businessman
        councilman policeman fireman salesman clergyman bishop imam rabbi cardinal
        """),
    "f": word_set("""
        mrs ms miss madam lady dame queen princess duchess baroness mother sister daughter wife
        widow aunt grandmother niece woman girl actress congresswoman businesswoman spokeswoman
        chairwoman councilwoman policewoman nun
        """),
}
"""Titles and roles of men and of women; women are called "chairman" and "spokesman" as well."""

ROLES: Final = {
    "sen": "senator", "rep": "representative", "congressman": "representative",
    "congresswoman": "representative", "gov": "governor", "pres": "president", "dr": "doctor",
    "prof": "professor", "gen": "general", "col": "colonel", "capt": "captain",
    "lt": "lieutenant", "sgt": "sergeant", "maj": "major", "det": "detective",
    "rev": "reverend", "atty": "attorney", "lawyer": "attorney", "spokeswoman": "spokesperson",
    "spokesman": "spokesperson", "chairwoman": "chair", "chairman": "chair",
    "councilwoman": "councillor", "councilman": "councillor", "councilor": "councillor",
    "businesswoman": "business-person", "businessman": "business-person",
    "frontrunner": "front-runner", "runner": "front-runner", "firm": "company",
    "paper": "newspaper", "daily": "newspaper", "corporation": "company", "corp": "company",
    "inc": "company", "ltd": "company", "co": "company", "plc": "company",
    "policewoman": "officer", "policeman": "officer", "organisation": "organization",
}  # fmt: skip
"""Words for roles that count as one."""

NAMED_KINDS: Final = {
    "newspaper": word_set(
        "times post journal tribune herald gazette chronicle guardian inquirer globe"
    ),
}
"""Last words of the names of organisations that say what they are."""

OFFICES: Final = word_set("""
    billionaire business-person candidate congressman contender democrat front-runner governor
    hopeful justice lawmaker magnate mayor mogul nominee pontiff pope premier president prince
    representative republican secretary senator tycoon
    """)
"""Roles of those who are named before they are described, so that no unnamed person is meant."""

NOT_ROLES: Final = word_set("one other others people")

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_FORMER = frozenset(("former", "ex", "late", "then", "outgoing", "retired"))
_SECOND = frozenset(("assistant", "deputy", "vice"))
_ROLE_TAGS = cue_words.NOUN_TAGS | frozenset(("JJ", "HYPH", "VBN"))
_SEVERAL = frozenset(("NNS", "NNPS", "CD"))
_DEFINITE = frozenset(("the", "this", "that"))


class _Role(NamedTuple):
    """What an article says somebody is."""

    head: str
    modifiers: frozenset[str]
    former: bool
    gender: str | None


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
        self._words = document.tokens
        self._token_starts = [token.idx for token in self._words]
        self._text = document.text
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
        self._holders: dict[str, list[tuple[int, _Role]]] = defaultdict(list)
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
        for token, quoted, mention in zip(self._words, self._quoted, self._named, strict=True):
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
        for word in self._words:
            while number + 1 < len(spans) and spans[number + 1][0] <= word.idx:
                number += 1
            yield number if number >= 0 and word.idx < spans[number][1] else None

    def _within(self, start: int, end: int) -> list[_Mention]:
        first = bisect_right(self._mention_starts, start - 1)
        return self._mentions[first : bisect_right(self._mention_starts, end - 1)]

    def _tokens(self, start: int, end: int) -> list[Token]:
        """The tokens that reach into a stretch of the text."""
        first = max(0, bisect_right(self._token_starts, start) - 1)
        tokens = self._words[first : bisect_left(self._token_starts, end)]
        return [token for token in tokens if token.end > start]

    def _part_of(self, mention: _Mention) -> str:
        for quote in (self._speakers.get(mention.start), self._speaker_before(mention)):
            if quote and quote.speaker_kind == "named":
                return "speaker"
        parts = {_part(token) for token in self._tokens(mention.start, mention.end)}
        return "subject" if "subject" in parts else "other"

    def _speaker_before(self, mention: _Mention) -> Quote | None:
        """The quote whose speaker's mention begins at a title right before the name."""
        for token in self._tokens(max(0, mention.start - 2), mention.start):
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
        words = _WORD.findall(self._text[max(0, mention.start - 6) : mention.start])
        return _gender_of(words[-1].lower()) if words else None

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
        for token, quoted, mention in zip(self._words, self._quoted, self._named, strict=True):
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

    def _stated_roles(self, quotes: Sequence[Quote]) -> list[set[_Role]]:
        roles: list[set[_Role]] = [set() for _ in self._entities]
        places = {entity.name: who for who, entity in enumerate(self._entities)}
        for mention in self._mentions:
            entity = self._entities[mention.who]
            if entity.label in ("PERSON", "ORG"):
                roles[mention.who].update(self._roles_beside(mention))
        for who, entity in enumerate(self._entities):
            if entity.label == "ORG":
                roles[who].update(_kinds(entity.name))
        for quote in quotes:
            if quote.speaker_role and quote.speaker_name in places:
                role = _role(_WORD.findall(_head_part(quote.speaker_role)))
                if role:
                    roles[places[quote.speaker_name]].add(role)
        return roles

    def _roles_beside(self, mention: _Mention) -> Iterator[_Role]:
        tokens = self._tokens(mention.start, mention.end)
        if not tokens:
            return
        first, after = tokens[0].i, tokens[-1].i + 1
        phrases = [self._words_before(first)]
        # "Lena Maris, the mayor," and "Lena Maris is the mayor"
        if after + 1 < len(self._words) and (self._words[after].lower_ in (",", "is", "was")):
            phrases.append(self._phrase(after + 1))
        # "The mayor, Lena Maris,"
        if first > 1 and self._words[first - 1].text == ",":
            head = self._words[first - 2]
            if any(token.dep_ == "appos" and token.head == head for token in tokens):
                phrases.append(self._words_before(first - 1))
        yield from filter(None, map(_role, phrases))

    def _words_before(self, end: int) -> list[str]:
        """The nouns right before a token, with what qualifies them."""
        start = end
        while start and end - start < _MAX_ROLE and self._words[start - 1].tag_ in _ROLE_TAGS:
            start -= 1
        return [token.text for token in self._words[start:end]]

    def _phrase(self, start: int) -> list[str]:
        """The words of an apposition or a predicate that begins with an article."""
        if self._words[start].tag_ not in ("DT", "PRP$"):
            return []
        words = []
        for token in self._words[start + 1 : start + 1 + _MAX_ROLE]:
            if token.tag_ not in cue_words.PHRASE_TAGS or token.tag_ == "DT":
                return []
            words.append(token.text)
            if token.dep_ in ("appos", "attr"):
                return words
        return []

    def _described(self, start: int, end: int, place: tuple[int, int]) -> int | None:
        """The only entity that is what a description says, or to all appearance is."""
        printed = self._text[start:end]
        if " " not in printed and printed[:1].isupper():
            namesakes = self._surnames.get(printed.lower(), set())
            return next(iter(namesakes)) if len(namesakes) == 1 else None
        named = _head_part(printed)
        if any(t.tag_ in _SEVERAL for t in self._tokens(start, start + len(named))):
            return None
        words = _WORD.findall(named)
        role = _role(words[1:]) if words and words[0].lower() in _DEFINITE else None
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


def _head_part(phrase: str) -> str:
    """A noun phrase without what follows its head: "the mayor of Skerray"."""
    return re.split(r"\s(?:of|for|in|from|at|who|with|on)\s|,", phrase, maxsplit=1)[0]


def _role(words: Sequence[str]) -> _Role | None:
    """What a noun phrase says somebody is: its last word is the head."""
    plain = [word for word in (w.lower().strip(".-") for w in words) if word]
    if not plain or plain[-1] in NOT_ROLES:
        return None
    head = ROLES.get(plain[-1], plain[-1])
    if len(plain) > 1 and plain[-2] in _SECOND:
        head = f"{plain[-2]} {head}"
    former = bool(_FORMER.intersection(plain))
    return _Role(head, frozenset(plain[:-1]) - _FORMER, former, _gender_of(plain[-1]))


def _gender_of(word: str) -> str | None:
    return next((gender for gender, words in GENDERED.items() if word in words), None)


def _kinds(name: str) -> Iterator[_Role]:
    """What the name of an organisation says it is: "Skerray Council", "University of Skerray"."""
    words = [word.lower() for word in _WORD.findall(name)]
    modifiers = frozenset(words)
    if len(words) < 2:
        return
    yield _Role(ROLES.get(words[-1], words[-1]), modifiers, False, None)
    for word, following in pairwise(words):
        if following == "of":
            yield _Role(word, modifiers, False, None)
    for kind, endings in NAMED_KINDS.items():
        if words[-1] in endings:
            yield _Role(kind, modifiers, False, None)


def _stated_gender(roles: Iterable[_Role]) -> str | None:
    return _majority(Counter(role.gender for role in roles if role.gender))


def _named_gender(entity: Entity) -> str | None:
    votes: Counter[str] = Counter()
    for form in {mention.text for mention in entity.mentions} | {entity.name}:
        words = [word.lower() for word in _WORD.findall(form)]
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
