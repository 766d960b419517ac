"""Trim mentions to the name itself, and normalise names so that they can be compared.

The input is a span of text with a label, the output a `NameMention`. The method is regular
expressions and the tables in `rules`. Imports neither Beam nor spaCy.
"""

import re
import unicodedata
from collections.abc import Set
from functools import lru_cache
from typing import Final, NamedTuple

from transforms.language.entities.rules import (
    GENERATIONAL_SUFFIXES,
    LABEL_RULES,
    NAME_VARIANTS,
    NAMES_WITH_POSSESSIVE,
    ORGANISATION_WORDS,
    PERSONAL_TITLES,
    TITLES,
)

MAX_NAME_LENGTH: Final = 100
"""The maximum length of a name, in code points. A longer mention is an error of the model."""

_MAX_CACHED_NAMES: Final = 1 << 12
"""The maximum number of names whose key or label is cached: those of some hundred articles."""

_NAME_OF_VARIANT = {variant: rule.name for rule in NAME_VARIANTS for variant in rule.variants}
_LABEL_RULES = [(re.compile(rule.pattern), rule) for rule in LABEL_RULES]
_TITLE_KEYS = {form: title for title, forms in TITLES.items() for form in forms}
_TITLE_FORMS = "|".join(
    form.replace(" ", r"\.?\s+") for form in sorted(_TITLE_KEYS, key=len, reverse=True)
)
_ONE_TITLE = rf"(?:(?:former|then|ex|acting|late)[\s-]+)?({_TITLE_FORMS})(?:-elect)?(?:\.\s*|\s+)"
_TITLES = re.compile(rf"(?:{_ONE_TITLE})+", re.IGNORECASE)
_TITLE_BEFORE = re.compile(rf"(?<!\w){_ONE_TITLE}$", re.IGNORECASE)
_TITLE_ENDINGS = ("elect", *{re.split(r"[\s-]", form)[-1] for form in _TITLE_KEYS})
_MAX_TITLE_LENGTH = 40

_DETERMINER = re.compile(r"(?:(?i:the|a|an|this|that|these|those)\s+)?(?:(?:federal|state)\s+)?")
# The characters at which any name ends, and those at which a person's name ends as well.
_NAME_END = re.compile(
    r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029()\[\]{}<>|•…—]|--|\s[–-]\s|[:;]\s"
    r"|\s[@#]|\s\d[\d.]*\sper ?cent"
)
_PERSON_NAME_END = re.compile(r",(?!\s*[JS]r\b)|['’ʼ]s\b|\s(?=\d)", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’ʼ]s\b|(?<=s)['’ʼ]\s", re.IGNORECASE)
# "pro-Brook", "Anti-Harbor Watch".
_PREFIX = re.compile(r"(?:pro|anti|post|pre|non|ex|then)[-‑](?=[A-Z])", re.IGNORECASE)
# "un-American" is no name, whereas "al-Qaida" is one.
_LOWER_CASE_PREFIX = re.compile(r"(?!al-|el-|ul-)[a-z]+-[A-Z]")
# "Adam Brook, Jr.", and the "War" of "Korean War" after a place.
_GENERATION_AFTER = re.compile(r",? (?:[JS]r\b\.?|I{2,3}\b|IV\b)")
_WAR_AFTER = re.compile(r" War\b")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\ud800-\udfff]+")
_UNITED_STATES = re.compile(r"(?:U\.\s?S\.|US|United States)\s+(?=[A-Z])")
_SEPARATORS = re.compile(r"[\W_]+")
_SPACE_BETWEEN_INITIALS = re.compile(r"\b([^\W\d_]) (?=[^\W\d_]\b)")
SILENT_MARKS = re.compile(r"['’ʼ.]")
"""The marks within words that do not count when names are compared."""


class NameMention(NamedTuple):
    """A mention of a name, trimmed to the name.

    Attributes:
        start: the first code point of the name in the text.
        end: the end of the name, exclusive.
        label: the label of the entity, such as PERSON.
        name: the name as printed, with single spaces.
        key: the normalised name, see `normalise`.
        title: the key in `TITLES` of a title before the name, or None.
    """

    start: int
    end: int
    label: str
    name: str
    key: str
    title: str | None


def make_mention(
    text: str, start: int, end: int, label: str, title: str | None = None
) -> NameMention:
    """Return the mention of the name between two offsets, in code points."""
    name = " ".join(text[start:end].split())
    if not name.isprintable():
        name = _UNPRINTABLE.sub(" ", name).strip()
    return NameMention(start, end, label, name, normalise(name), title)


def trim_mention(text: str, start: int, end: int, label: str, dots: Set[int]) -> NameMention | None:
    """Return the name within a mention that the model found, or None if there is none.

    Titles, determiners, possessives, punctuation and the words after a person's name are cut off.

    Args:
        text: the text of the article.
        start: the first code point of the mention.
        end: the end of the mention, exclusive.
        label: the label by the model.
        dots: the offsets of dots that are part of an abbreviation, as in "U.S.".
    """
    start = _skip_marks(text, start, end)
    if text[max(0, start - 1) : start] in ("@", "#") or _is_end_of_title(text, start, end):
        return None
    if match := _PREFIX.match(text, start, end):
        start = match.end()
    elif label != "NORP" and _LOWER_CASE_PREFIX.match(text, start, end):  # "un-American"
        return None
    if label not in ("PERSON", "NORP") and _has_personal_title(text, start, end):
        label = "PERSON"
    limit = end = min(end, start + 2 * MAX_NAME_LENGTH)
    if not text[start:end].replace(" ", "").isalpha():
        end = _find_first_cut(text, start, end, label)
    end = _end_without_marks(text, start, end)
    if end < limit and end in dots:
        end += 1
    if label == "PERSON" and end == limit and (suffix := _GENERATION_AFTER.match(text, end)):
        end = suffix.end()
    elif label == "GPE" and (suffix := _WAR_AFTER.match(text, end)):
        end, label = suffix.end(), "EVENT"
    if match := _DETERMINER.match(text, start, end):
        start = _skip_marks(text, match.end(), end)
    title = None
    if label == "PERSON":
        title = find_title_before(text, start)
        if match := _TITLES.match(text, start, end):
            start, title = _skip_marks(text, match.end(), end), _title_key(match[1])
        elif normalise(text[start:end]) in _TITLE_KEYS:
            return None
    name = text[start:end]
    if len(name) > MAX_NAME_LENGTH or sum(map(str.isalpha, name)) < 2:
        return None
    if name.islower() and label != "NORP":  # a stray "n't"
        return None
    return make_mention(text, start, end, label, title)


def _find_first_cut(text: str, start: int, end: int, label: str) -> int:
    """Return the offset at which a name ends by the marks, numbers or possessives after it."""
    for cut in (_NAME_END, _PERSON_NAME_END) if label == "PERSON" else (_NAME_END,):
        if match := cut.search(text, start, end):
            end = match.start()
    for match in _POSSESSIVE.finditer(text, start, end):
        if text[match.end() : end] and not any(map(str.isupper, text[match.end() : end])):
            return match.start()  # "Smith's plan", "Smith's 2020"
    return end


def _skip_marks(text: str, start: int, end: int) -> int:
    while start < end and not text[start].isalnum():
        start += 1
    return start


def _end_without_marks(text: str, start: int, end: int) -> int:
    """Return the end of a name without a possessive and punctuation at its end."""
    end = _end_of_last_letter(text, start, end)
    if text[max(start, end - 2) : end].lower() in ("'s", "’s", "ʼs"):
        words = text[start : end - 2].lower().split()
        if words and words[-1] not in NAMES_WITH_POSSESSIVE:
            end = _end_of_last_letter(text, start, end - 2)
    return end


def _end_of_last_letter(text: str, start: int, end: int) -> int:
    while end > start and not (
        text[end - 1].isalnum() or unicodedata.category(text[end - 1]).startswith("M")
    ):
        end -= 1
    return end


def _title_key(form: str) -> str | None:
    # Without case, "ı" and "ſ" match "i" and "s", and "Vıce President" is no form in the table.
    return _TITLE_KEYS.get(" ".join(form.lower().replace(".", "").split()))


def find_title_before(text: str, start: int) -> str | None:
    """Return the key in `TITLES` of the title right before an offset, or None."""
    match = _match_title_at_end(text[max(0, start - _MAX_TITLE_LENGTH) : start])
    return _title_key(match[1]) if match else None


def _match_title_at_end(before: str) -> re.Match[str] | None:
    """Return the match of the title with which a text ends, before a dot or space."""
    # The search is slow, and few texts end with the last word of a title.
    if not before.rstrip().removesuffix(".").lower().endswith(_TITLE_ENDINGS):
        return None
    return _TITLE_BEFORE.search(before)


def _has_personal_title(text: str, start: int, end: int) -> bool:
    """Return whether a mention begins with, or follows, a title that only people have."""
    match = _TITLES.match(text, start, end) or _match_title_at_end(
        text[max(0, start - _MAX_TITLE_LENGTH) : start]
    )
    if not match or not match[1][0].isupper() or "\n" in match[0]:
        return False
    words = normalise(text[start:end]).split()
    return _title_key(match[1]) in PERSONAL_TITLES and ORGANISATION_WORDS.isdisjoint(words)


def _is_end_of_title(text: str, start: int, end: int) -> bool:
    """Return whether a mention is only the end of a title: the "Justice" of "Chief Justice".

    The "State" of "Secretary of State" is a department, so it is a name.
    """
    first = max(0, end - _MAX_TITLE_LENGTH)
    match = _match_title_at_end(f"{text[first:end]} ")
    return (
        match is not None and first + match.start(1) < start and _title_key(match[1]) != "secretary"
    )


def is_of_united_states(name: str) -> bool:
    """Return whether a name begins with the United States: "U.S. Senate"."""
    return _UNITED_STATES.match(name) is not None


@lru_cache(maxsize=_MAX_CACHED_NAMES)
def normalise(name: str) -> str:
    """Return the key of a name. Names with the same key are taken for the same name.

    The key has no capitals, accents, punctuation or leading "the", no "U.S." before another word,
    and the full name instead of a variant in `NAME_VARIANTS`.

    >>> normalise("The López-Obrador"), normalise("U.S."), normalise("J. R. Doe")
    ('lopez obrador', 'united states', 'jr doe')
    """
    bare = _UNITED_STATES.sub("", name) if is_of_united_states(name) else name
    plain = SILENT_MARKS.sub("", strip_accents(bare).replace(". ", " ")).casefold()
    spaced = _SEPARATORS.sub(" ", plain).strip()
    key = _SPACE_BETWEEN_INITIALS.sub(r"\1", spaced).removeprefix("the ")
    return _NAME_OF_VARIANT.get(key, key) or name.casefold()


def is_acronym_of(acronym: str, key: str) -> bool:
    """Return whether the letters of an acronym occur in this order in a normalised longer name."""
    if " " not in key:
        return False
    letters = acronym.replace(".", "").replace("&", "").casefold()
    rest_of_key = iter(key)
    return letters[0] == key[0] and all(letter in rest_of_key for letter in letters)


def split_person_name(key: str) -> list[str]:
    """Return the words of a normalised name without generational suffixes such as "jr"."""
    return [word for word in key.split() if word not in GENERATIONAL_SUFFIXES]


def strip_accents(name: str) -> str:
    """Return a name with its accented letters replaced by plain ones."""
    if name.isascii():
        return name
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))


@lru_cache(maxsize=_MAX_CACHED_NAMES)
def apply_label_rules(key: str, label: str) -> str | None:
    """Return the label of a name by the first rule in `LABEL_RULES` that fits.

    Args:
        key: the normalised name.
        label: the label by the model.

    Returns:
        The label, "" if the rule says that this is not an entity, or None if no rule fits.
    """
    for pattern, rule in _LABEL_RULES:
        if label in rule.instead_of and pattern.fullmatch(key):
            return rule.label
    return None
