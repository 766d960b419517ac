"""Roles: what descriptions such as "the senator" and names such as "Skerray Council" say."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from transforms.language.document import Document
from transforms.language.quotes import cue_words
from transforms.language.tokens import Token
from transforms.language.word_lists import word_set

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

ROLE_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_FORMER = frozenset(("former", "ex", "late", "then", "outgoing", "retired"))
_SECOND = frozenset(("assistant", "deputy", "vice"))
_ROLE_TAGS = cue_words.NOUN_TAGS | frozenset(("JJ", "HYPH", "VBN"))
_MAX_ROLE = 8
"""Tokens of a role."""


class Role(NamedTuple):
    """What an article says somebody is."""

    head: str
    modifiers: frozenset[str]
    former: bool
    gender: str | None


def head_part(phrase: str) -> str:
    """A noun phrase without what follows its head: "the mayor of Skerray"."""
    return re.split(r"\s(?:of|for|in|from|at|who|with|on)\s|,", phrase, maxsplit=1)[0]


def read_role(words: Sequence[str]) -> Role | None:
    """What a noun phrase says somebody is: its last word is the head."""
    plain = [word for word in (w.lower().strip(".-") for w in words) if word]
    if not plain or plain[-1] in NOT_ROLES:
        return None
    head = ROLES.get(plain[-1], plain[-1])
    if len(plain) > 1 and plain[-2] in _SECOND:
        head = f"{plain[-2]} {head}"
    former = bool(_FORMER.intersection(plain))
    return Role(head, frozenset(plain[:-1]) - _FORMER, former, gender_of(plain[-1]))


def gender_of(word: str) -> str | None:
    """Return the gender that a title or a role implies: "m", "f" or None."""
    return next((gender for gender, words in GENDERED.items() if word in words), None)


def named_kinds(name: str) -> Iterator[Role]:
    """What the name of an organisation says it is: "Skerray Council", "University of Skerray"."""
    words = [word.lower() for word in ROLE_WORD.findall(name)]
    modifiers = frozenset(words)
    if len(words) < 2:
        return
    yield Role(ROLES.get(words[-1], words[-1]), modifiers, False, None)
    for word, following in pairwise(words):
        if following == "of":
            yield Role(word, modifiers, False, None)
    for kind, endings in NAMED_KINDS.items():
        if words[-1] in endings:
            yield Role(kind, modifiers, False, None)


def roles_beside(document: Document, start: int, end: int) -> Iterator[Role]:
    """Yield the roles that stand beside the name from ``start`` to ``end``."""
    named = document.tokens_between(start, end)
    if not named:
        return
    tokens = document.tokens
    first, after = named[0].i, named[-1].i + 1
    phrases = [_words_before(tokens, first)]
    # "Lena Maris, the mayor," and "Lena Maris is the mayor"
    if after + 1 < len(tokens) and (tokens[after].lower_ in (",", "is", "was")):
        phrases.append(_phrase(tokens, after + 1))
    # "The mayor, Lena Maris,"
    if first > 1 and tokens[first - 1].text == ",":
        head = tokens[first - 2]
        if any(token.dep_ == "appos" and token.head == head for token in named):
            phrases.append(_words_before(tokens, first - 1))
    yield from filter(None, map(read_role, phrases))


def _words_before(tokens: Sequence[Token], end: int) -> list[str]:
    """The nouns right before a token, with what qualifies them."""
    start = end
    while start and end - start < _MAX_ROLE and tokens[start - 1].tag_ in _ROLE_TAGS:
        start -= 1
    return [token.text for token in tokens[start:end]]


def _phrase(tokens: Sequence[Token], start: int) -> list[str]:
    """The words of an apposition or a predicate that begins with an article."""
    if tokens[start].tag_ not in ("DT", "PRP$"):
        return []
    words = []
    for token in tokens[start + 1 : start + 1 + _MAX_ROLE]:
        if token.tag_ not in cue_words.PHRASE_TAGS or token.tag_ == "DT":
            return []
        words.append(token.text)
        if token.dep_ in ("appos", "attr"):
            return words
    return []
