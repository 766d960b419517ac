"""Roles that a text gives to people and organisations: "senator", "council".

Input: a description such as "the former senator", a name such as "Skerray Council", or the place of
a name in a parsed text. Output: roles, each a head noun in one spelling, its modifiers, and the
gender that it implies. The head is the last word of the phrase. Tags show which words beside a name
are such a phrase.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from transforms.language.document import Document
from transforms.language.quotes import cue_words
from transforms.language.tokens import Token
from transforms.language.word_lists import word_set

WORDS_BY_GENDER: Final = {
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
"""Titles and roles by the gender they imply. "chairman" and "spokesman" are not among them, as
texts use them of women, too."""

ROLE_SYNONYMS: Final = {
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
"""The common form of roles that have several names."""

LAST_WORDS_BY_KIND: Final = {
    "newspaper": word_set(
        "times post journal tribune herald gazette chronicle guardian inquirer globe"
    ),
}
"""Kinds of organisations by the last word of their names: the Herald is a newspaper."""

OFFICES: Final = word_set("""
    billionaire business-person candidate congressman contender democrat front-runner governor
    hopeful justice lawmaker magnate mayor mogul nominee pontiff pope premier president prince
    representative republican secretary senator tycoon
    """)
"""Roles whose holder a text mostly names first, so "the governor" is rarely an unnamed person."""

NOT_ROLES: Final = word_set("one other others people")

ROLE_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_FORMER = frozenset(("former", "ex", "late", "then", "outgoing", "retired"))
_DEPUTY = frozenset(("assistant", "deputy", "vice"))
_ROLE_TAGS = cue_words.NOUN_TAGS | frozenset(("JJ", "HYPH", "VBN"))
_MAX_ROLE = 8
"""Tokens of a phrase that states a role."""


class Role(NamedTuple):
    """A role that an article states of a person or an organisation."""

    head: str
    """The head noun in its common form; with "deputy" and the like, two words."""
    modifiers: frozenset[str]
    """The other words of the phrase."""
    is_former: bool
    gender: str | None
    """The gender that the head implies: "m", "f" or None."""


def strip_postmodifiers(phrase: str) -> str:
    """Return a noun phrase up to its head.

    >>> strip_postmodifiers("the mayor of Skerray")
    'the mayor'
    """
    return re.split(r"\s(?:of|for|in|from|at|who|with|on)\s|,", phrase, maxsplit=1)[0]


def parse_role(phrase: Sequence[str]) -> Role | None:
    """Return the role in the words of a noun phrase, whose last word is the head.

    >>> parse_role(["former", "Ohio", "Sen."])
    Role(head='senator', modifiers=frozenset({'ohio'}), is_former=True, gender=None)
    """
    words = [word for word in (w.lower().strip(".-") for w in phrase) if word]
    if not words or words[-1] in NOT_ROLES:
        return None
    head = ROLE_SYNONYMS.get(words[-1], words[-1])
    if len(words) > 1 and words[-2] in _DEPUTY:
        head = f"{words[-2]} {head}"
    is_former = bool(_FORMER.intersection(words))
    return Role(head, frozenset(words[:-1]) - _FORMER, is_former, find_gender(words[-1]))


def find_gender(word: str) -> str | None:
    """Return the gender that a title or a role implies: "m", "f" or None."""
    return next((gender for gender, words in WORDS_BY_GENDER.items() if word in words), None)


def find_roles_in_name(name: str) -> Iterator[Role]:
    """Yield the roles in an organisation's name: "Skerray Council", "University of Skerray"."""
    words = [word.lower() for word in ROLE_WORD.findall(name)]
    modifiers = frozenset(words)
    if len(words) < 2:
        return
    yield Role(ROLE_SYNONYMS.get(words[-1], words[-1]), modifiers, False, None)
    for word, following in pairwise(words):
        if following == "of":
            yield Role(word, modifiers, False, None)
    for kind, endings in LAST_WORDS_BY_KIND.items():
        if words[-1] in endings:
            yield Role(kind, modifiers, False, None)


def find_roles_beside(document: Document, start: int, end: int) -> Iterator[Role]:
    """Yield the roles that stand beside the name from ``start`` to ``end``, in code points."""
    named = document.tokens_between(start, end)
    if not named:
        return
    tokens = document.tokens
    first, after = named[0].i, named[-1].i + 1
    phrases = [_words_before(tokens, first)]
    # "Lena Maris, the mayor," and "Lena Maris is the mayor"
    if after + 1 < len(tokens) and (tokens[after].lower_ in (",", "is", "was")):
        phrases.append(_words_after_article(tokens, after + 1))
    # "The mayor, Lena Maris,"
    if first > 1 and tokens[first - 1].text == ",":
        head = tokens[first - 2]
        if any(token.dep_ == "appos" and token.head == head for token in named):
            phrases.append(_words_before(tokens, first - 1))
    yield from filter(None, map(parse_role, phrases))


def _words_before(tokens: Sequence[Token], end: int) -> list[str]:
    """Return the nouns right before a token, with the words that modify them."""
    start = end
    while start and end - start < _MAX_ROLE and tokens[start - 1].tag_ in _ROLE_TAGS:
        start -= 1
    return [token.text for token in tokens[start:end]]


def _words_after_article(tokens: Sequence[Token], start: int) -> list[str]:
    """Return the words of an apposition or a predicate that begins with an article."""
    if tokens[start].tag_ not in ("DT", "PRP$"):
        return []
    words = []
    for token in tokens[start + 1 : start + 1 + _MAX_ROLE]:
        if token.tag_ not in cue_words.NOUN_PHRASE_TAGS or token.tag_ == "DT":
            return []
        words.append(token.text)
        if token.dep_ in ("appos", "attr"):
            return words
    return []
