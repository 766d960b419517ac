"""The names of persons in bylines, as feeds and pages write them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import Final

from w3lib.html import replace_entities

from transforms.extraction.cleaning import clean_line

MAX_NAMES: Final = 100
_MAX_LENGTH: Final = 2000
_MAX_WORDS: Final = 6
_MAX_NAME_LENGTH: Final = 80
_AGENCY: Final = re.compile(
    r"(?<=\w) (?:(?:the )?associated press|agence france-presse|press association|pa media|reuters|"
    r"afp|ap|upi|dpa|efe|bloomberg(?: news)?|(?:bbc|cnn|cbs|nbc|abc|fox|sky)(?: news)?)"
    r"(?: (?:news|writer|staff))*$",
    re.IGNORECASE,
)


def _to_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CREDIT: Final = re.compile(
    r"^(?:(?:(?:written|posted|reported|reporting|words|story|text|analysis|report) )?by:? |"
    r"(?:authors?|text|words): |"
    r"(?:von|par|por|door|di|av|af) (?=\S+ \S))",  # "Von Miller" and "Di Caprio" are names
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"@|://|^www\.|^/", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]*>")  # also "<dana@post.example>"; linear
_PARENTHESIS: Final = re.compile(r"\(([^()]*)\)")
_SEPARATOR: Final = re.compile(
    r" ?[;|,、，؛•] ?| ?[/&] ?| [-–—·] | (?:(?i:and|with|via)|und|et|og|och|и) |"
    r" [ye] (?=[^\s,;]+ [^\s,;])"  # "Ortega y Gasset" is one name
)
_SUFFIX: Final = re.compile(r", ?(?=(?:jr|sr|ii|iii|iv)\b)", re.IGNORECASE)
_DEGREES: Final = _to_set("ba bsc dds dphil esq jd llb llm ma mba md mp mph msc np phd rn")
_INITIALS: Final = re.compile(r"(?:[A-Z]\. ?){1,4}")
_PLACE: Final = re.compile(r" (?:in|[Ff]or|at|from|of the|of The|reports|updated|published)\b.*")
_SPECIAL: Final = re.compile(r"special (?:to|for) ", re.IGNORECASE)  # "Special to the Courier"
_DATE_WORDS: Final = re.compile(
    r"(?: (?:last|on|updated|published|mon|tues?|wed|thurs?|fri|sat|sun|jan|feb|mar|apr|may|june?"
    r"|july?|aug|sept?|oct|nov|dec|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april"
    r"|august|september|october|november|december)[.:]?)+$",
    re.IGNORECASE,
)
_ROLES: Final = _to_set(
    """
    analyst anchor author blogger chief columnist contributor correspondent critic desk director
    editor editors fellow freelancer host intern journalist meteorologist photographer
    photojournalist producer publisher reporter reporters researcher staff team writer writers
    """
)
_ROLE_WORDS: Final = _ROLES | _to_set(
    """
    affairs africa and arts asia assistant associate breaking business chief city climate
    contributing court crime culture data defence defense deputy digital diplomatic economics
    editorial education europe entertainment environment executive features finance financial
    foreign general guest head health home editor in international investigations investigative
    junior lead legal lifestyle local managing media multimedia national news newsroom of online
    opinion our political politics principal publishing regional religion science security
    senior social society special sports sport technology tech the transport travel video web
    white house world
    """
)
_NOBODY: Final = _to_set(
    """
    admin administrator afp agence france-presse agencies agency ani ansa ap associated press
    bloomberg contributed contributors dpa editor editorial board editors efe guest anonymous
    author ians newsdesk newsroom none null pa media press pti reuters root staff tass team
    undefined unknown upi user webmaster wire wires with xinhua report reports
    """
)
_ANONYMOUS: Final = (_ROLE_WORDS | _NOBODY) - _to_set(
    """
    afp agence france-presse agency ani ansa ap associated press bloomberg dpa efe ians media pa pti
    reuters tass upi xinhua
    """
)
_ORGANISATIONS: Final = _to_set(
    """
    agency blog bureau chronicle courier daily gazette group herald images inc journal ltd
    magazine media network news newspaper newspapers observer online post press radio review
    service services standard times today tribune tv weekly
    """
)


def clean_names(bylines: Iterable[str]) -> list[str]:
    """Return the names of the persons in bylines, once each, in their order.

    Addresses, handles, roles, agencies and dates are no names.

    >>> clean_names(["desk@post.media (Dana Whitlock)", "By Dana Whitlock and OMAR REYES, Staff"])
    ['Dana Whitlock', 'Omar Reyes']
    """
    names: dict[str, str] = {}
    for byline in islice(bylines, MAX_NAMES):
        for name in _split_byline(byline[:_MAX_LENGTH]):
            key = _make_key(name)
            # "Sophie Foster" is better than "Sophie-Foster".
            if name.count(" ") > names.get(key, "").count(" ") or key not in names:
                names[key] = name
    return list(names.values())[:MAX_NAMES]


def clean_organisations(bylines: Iterable[str]) -> list[str]:
    """Return the agencies, outlets and desks that bylines name, for articles without a person.

    >>> clean_organisations(["By Associated Press", "admin"])
    ['Associated Press']
    """
    names: dict[str, str] = {}
    for byline in islice(bylines, MAX_NAMES):
        text = _drop_addresses(clean_line(_TAG.sub(" ", byline[:_MAX_LENGTH])))
        for part in islice(_SEPARATOR.split(text), MAX_NAMES):
            name = _CREDIT.sub("", part).strip(" .,:-")
            words = name.lower().split()
            if (
                name[:1].isupper()
                and not any(map(str.isdigit, name))
                and not _SPECIAL.match(name)
                and len(words) <= _MAX_WORDS
                and not _ANONYMOUS.issuperset(words)
            ):
                names.setdefault(_make_key(name), name)
    return list(names.values())


def _make_key(name: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", name.casefold())))


def _split_byline(byline: str) -> Iterator[str]:
    text = clean_line(_TAG.sub(" ", replace_entities(byline)).replace('"', " "))
    bare = _drop_addresses(_PARENTHESIS.sub(" ", text))
    if not bare:  # "desk@courier.example (Dana Whitlock)"
        bare = _drop_addresses(" ".join(_PARENTHESIS.findall(text)))
    bare = _SUFFIX.sub(" ", _CREDIT.sub("", bare))
    parts = _SEPARATOR.split(bare)
    if bare.count(",") == 1 and len(parts) == 2 and all(p.isalpha() and p.istitle() for p in parts):
        parts = [" ".join(reversed(parts))]  # "Whitlock, Dana"
    for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        if _INITIALS.fullmatch(after) and part.isalpha():
            part = f"{after} {part}"  # "Falk, I. M.", as scientific journals write
        elif _INITIALS.fullmatch(part) or (_PLACE.search(f" {before}") and " " not in part):
            continue  # "Ines Falk in Bergen, Norway"
        name = _clean_name(part)
        if name and not (before and _is_organisation(name)):
            yield name


def _drop_addresses(text: str) -> str:
    return " ".join(word for word in text.split() if not _ADDRESS.search(word))


def _is_organisation(name: str) -> bool:
    words = name.lower().split()
    return words[0] == "the" or words[-1] in _ORGANISATIONS


def _clean_name(text: str) -> str:
    """Return the name of a person without role, place and date; empty if it is none."""
    text = _CREDIT.sub("", text)
    before = list(takewhile(lambda word: not any(map(str.isdigit, word)), text.split()))
    is_cut = len(before) < len(text.split())
    text = " ".join(["", *before])
    text = _PLACE.sub("", _DATE_WORDS.sub("", text) if is_cut else text)
    words = _drop_affiliation(text.strip(" .,:-–—*'’_").split())
    if words and words[-1].lower() in _ROLES:
        while words and words[-1].lower() in _ROLE_WORDS:
            words.pop()
        words = words if len(words) > 1 else []  # "Westminster Correspondent"
    name = " ".join(words)
    lower = name.lower().replace(".", "")
    if (
        not 0 < len(words) <= _MAX_WORDS
        or len(name) > _MAX_NAME_LENGTH
        or all(word in _NOBODY for word in lower.split())
        or lower in _DEGREES
        or _SPECIAL.match(lower)
        or (len(words) == 1 and (name.islower() or "_" in name))  # a login
        or not any(map(str.isalpha, name))
    ):
        return ""
    return name.title() if len(words) > 1 and name.isupper() and name.isascii() else name


def _drop_affiliation(words: list[str]) -> list[str]:
    """Return the words of a name without those of the agency or outlet after it.

    >>> _drop_affiliation("INES FALK Harbor Post".split())
    ['INES', 'FALK']
    """
    capitals = list(takewhile(str.isupper, words))
    if 1 < len(capitals) < len(words) and all(len(word) > 2 for word in capitals):
        return capitals
    shorter = _AGENCY.sub("", " ".join(words)).split()
    return shorter if len(shorter) > 1 else words
