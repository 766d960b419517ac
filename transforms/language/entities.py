"""Entities of an article: the model's names trimmed, mended and grouped, each under one name.

`find_entities` goes through these steps, each linear in the text:

1. `_sightings`: what the model found, trimmed to the name, and acronyms stated in brackets.
2. `_people` and `_acronyms`: which forms of a name stand for which fuller form.
3. `_missed`: further places at which a name now known is printed.
"""

import datetime as dt
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from typing import Final, NamedTuple

from spacy.tokens import Doc, Span

from schemas import Entity, Mention, stable_id
from transforms.language.cues import CUES

LABELS: Final = frozenset({"PERSON", "ORG", "GPE", "LOC", "NORP", "EVENT", "LAW", "FAC"})

MAX_LENGTH: Final = 100
"""Characters of a name; a longer mention is a mistake of the model."""

MAX_PERSON_WORDS: Final = 6
"""A person's name of more words is a mistake, and nothing is concluded from it."""


_CLOSING_MARKS: Final = frozenset("”\"’'»")


class LabelRule(NamedTuple):
    """The label of names that the model is known to get wrong, whatever it says."""

    id: str
    pattern: str
    """Regular expression for the whole normalised name."""
    label: str


class SameName(NamedTuple):
    """Normalised names that stand for one another in every article."""

    id: str
    name: str
    variants: tuple[str, ...]


LABEL_RULES: Final = (
    LabelRule("agency", r"border patrol|secret service|coast guard|national guard|interpol", "ORG"),
    LabelRule("platform", r"twitter|facebook|instagram|youtube|tiktok|reddit|snapchat", "ORG"),
    LabelRule("wire", r"ap|afp|upi|reuters|associated press", "ORG"),
    LabelRule("party", r"gop|.+ party", "ORG"),
    LabelRule("party-member", r"(?:democrat|republican)s?|democratic", "NORP"),
    LabelRule(
        "body",
        r".+ (?:agency|association|bureau|commission|committee|corps?|corporation|council"
        r"|court|department|enforcement|federation|foundation|inc|institute|ministry|news"
        r"|parliament|police|service|times|union|university)"
        r"|(?:department|ministry|university) of .+",
        "ORG",
    ),
    LabelRule("law", r".+ (?:act|amendment|treaty)", "LAW"),
    LabelRule("county", r".+ county", "GPE"),
    LabelRule("structure", r".+ (?:airport|avenue|boulevard|bridge|highway|street)", "FAC"),
)

SAME_NAMES: Final = (
    SameName("us", "united states", ("us", "usa", "united states of america")),
    SameName("uk", "united kingdom", ("uk",)),
    SameName("un", "united nations", ("un",)),
    SameName("eu", "european union", ("eu",)),
)

TITLES: Final = {
    "ambassador": ("ambassador", "amb"),
    "archbishop": ("archbishop",),
    "attorney general": ("attorney general",),
    "captain": ("captain", "capt"),
    "chancellor": ("chancellor",),
    "chief": ("chief", "police chief", "chief justice"),
    "colonel": ("colonel", "col"),
    "commissioner": ("commissioner",),
    "congressman": ("congressman",),
    "congresswoman": ("congresswoman",),
    "councillor": ("councillor", "cllr", "councilman", "councilwoman"),
    "doctor": ("doctor", "dr"),
    "general": ("general", "gen"),
    "governor": ("governor", "gov"),
    "judge": ("judge", "justice"),
    "lieutenant": ("lieutenant", "lt", "lt gov", "lt col", "lt gen"),
    "mayor": ("mayor",),
    "minister": ("minister", "foreign minister"),
    "miss": ("miss", "ms", "mrs"),
    "mister": ("mister", "mr"),
    "officer": ("officer", "detective", "sgt", "sergeant", "sheriff", "agent"),
    "president": ("president", "pres"),
    "prime minister": ("prime minister",),
    "professor": ("professor", "prof"),
    "representative": ("representative", "rep", "reps"),
    "reverend": ("reverend", "rev"),
    "secretary": ("secretary", "secretary of state", "secretary general"),
    "senator": ("senator", "sen", "sens"),
    "sir": ("sir",),
    "speaker": ("speaker",),
    "superintendent": ("superintendent", "supt"),
    "vice president": ("vice president",),
}
"""What stands before a person's name and is no part of it."""

GENERATIONS: Final = frozenset({"jr", "sr", "ii", "iii", "iv"})

NAMED_THE: Final = frozenset(
    {"associated press", "atlantic", "economist", "gambia", "guardian", "hague", "hill"}
    | {"independent", "intercept", "new york post", "new york times", "times"}
    | {"wall street journal", "washington post"}
)
"""Names whose capital "The" belongs to them; elsewhere it is the article."""

NAMED_WITH_S: Final = frozenset({"domino", "kohl", "lloyd", "lowe", "macy", "mcdonald", "wendy"})
"""Firms whose final 's belongs to the name."""

_LINK_WORDS: Final = frozenset({"a", "an", "and", "at", "by", "de", "for", "in", "of", "on", "the"})

_LABEL_RULES = [(re.compile(rule.pattern), rule.label) for rule in LABEL_RULES]
_SAME = {variant: same.name for same in SAME_NAMES for variant in same.variants}
_TITLE_OF = {form: title for title, forms in TITLES.items() for form in forms}
_TITLE_FORMS = "|".join(
    form.replace(" ", r"\.?\s+") for form in sorted(_TITLE_OF, key=len, reverse=True)
)
_ONE_TITLE = rf"(?:(?:former|then|ex|acting|late)[\s-]+)?({_TITLE_FORMS})(?:-elect)?(?:\.\s*|\s+)"
_TITLES = re.compile(rf"(?:{_ONE_TITLE})+", re.IGNORECASE)
_TITLE_BEFORE = re.compile(rf"(?<!\w){_ONE_TITLE}$", re.IGNORECASE)
_LONGEST_TITLE = 40

_DETERMINER = re.compile(r"(?:(?i:the|a|an|this|that|these|those)\s+)?(?:(?:federal|state)\s+)?")
_CUT = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029()\[\]{}<>|•…—]|--|\s[–-]\s|[:;]\s")
_PERSON_CUT = re.compile(r",(?!\s*[JS]r\b)|['’ʼ]s\b", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’ʼ]s\b|(?<=s)['’ʼ]\s", re.IGNORECASE)
_STATED = re.compile(r"\s?\(([A-Z][A-Za-z.&]{1,9})\)")
_LOCATIVE = re.compile(r"\b(?:in|near|outside|across|throughout)\s$", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\ud800-\udfff]+")
_UNITED_STATES = re.compile(r"(?:U\.\s?S\.|US|United States)\s+(?=[A-Z])")
_SEPARATORS = re.compile(r"[\W_]+")
_INITIALS = re.compile(r"\b([^\W\d_]) (?=[^\W\d_]\b)")
_WORD = re.compile(r"[^\W_]+")
_PART_OF_MORE_BEFORE = re.compile(r"(?:[\w@#/&-]|\w[.'’ʼ])$")
_PART_OF_MORE_AFTER = re.compile(r"[\w@/&-]|[.'’ʼ](?!s\b)\w", re.IGNORECASE)


class _Sighting(NamedTuple):
    """A trimmed mention."""

    start: int
    end: int
    label: str
    name: str
    """As printed, white space normalised."""
    key: str
    """As compared: see `_normalise`."""
    title: str | None
    """Key of `TITLES` for a title in front of it."""


class _Person(NamedTuple):
    """The people of an article."""

    homes: dict[str, list[str]]
    """For each form of a person's name the full names that it may stand for."""
    surnames: dict[str, dict[str, None]]
    """For each ending or shortening of a name the full names that have it."""


_Forms = dict[str, list[_Sighting]]


def find_entities(
    doc: Doc, text: str, *, article_id: str, run_id: str, day: dt.date
) -> list[Entity]:
    """The entities of an article in the order of their first mention.

    ``doc`` is ``text`` as analysed by `analyse_texts`.
    """
    forms: _Forms = {}
    stated: dict[str, str] = {}
    for sighting, acronym in _sightings(doc, text):
        forms.setdefault(sighting.key, []).append(sighting)
        if acronym:
            forms.setdefault(acronym.key, []).append(acronym)
            stated.setdefault(acronym.key, sighting.key)
    labels = {key: _label(key, seen) for key, seen in forms.items()}
    for key in [key for key in forms if _is_muddle(key, forms, labels)]:
        del forms[key], labels[key]
    people = _people(forms, labels, text)
    expansions = _acronyms(forms, labels, stated)
    groups = _group(forms, people, expansions)

    # A person's surname may be mislabelled more often than not, so the full name decides.
    group_labels = {
        head: "PERSON" if head in people.homes else _label(head, seen)
        for head, seen in groups.items()
    }
    for head, sighting in _missed(doc, text, groups, group_labels, people, expansions):
        groups[head].append(sighting)
    entities = []
    for head, seen in groups.items():
        mentions = [Mention(s.start, s.end, text[s.start : s.end]) for s in sorted(seen)]
        name = _canonical(seen)
        entities.append(
            Entity(
                entity_id=stable_id(article_id, name, group_labels[head]),
                article_id=article_id,
                run_id=run_id,
                day=day,
                name=name,
                label=group_labels[head],
                wikidata_id=None,
                mentions=mentions,
                count=len(mentions),
                first_start=mentions[0].start,
            )
        )
    return sorted(entities, key=lambda entity: entity.first_start)


def _sightings(doc: Doc, text: str) -> Iterator[tuple[_Sighting, _Sighting | None]]:
    """The model's names, trimmed, each with the acronym that is stated after it in brackets."""
    # The tokenizer leaves the dot to a word where it is part of an abbreviation.
    dots = {token.idx + len(token) - 1 for token in doc if token.text[1:].endswith(".")}
    trimmed = (
        _trim(text, _start(span), _end(span), span.label_, dots)
        for span in doc.ents
        if span.label_ in LABELS
    )
    last_end = 0
    found = [sighting for sighting in trimmed if sighting]
    for sighting, following in zip(found, [*found[1:], None], strict=False):
        if sighting.start < last_end:  # the acronym that was just read
            continue
        acronym = None
        last_end = sighting.end
        match = _STATED.match(text, sighting.end)
        if match and sighting.label != "PERSON" and _abbreviates(match[1], sighting.key):
            start, end = match.span(1)
            # What the model sees there is read as the acronym, unless it sees more than that.
            if not following or following.start >= end or following.end <= end:
                acronym = _sighting(text, start, end, sighting.label, None)
                last_end = end
        yield sighting, acronym


def _start(span: Span) -> int:
    """The start of a mention, without the verb that begins its sentence ("Said Ann Lee")."""
    first = span[0]
    if span.label_ != "PERSON" or len(span) == 1:
        return span.start_char
    is_cue = first.lower_ in CUES
    after_quote = span.doc.text[: first.idx].rstrip()[-1:] in _CLOSING_MARKS
    is_verb = bool(first.is_sent_start) and first.tag_[:2] == "VB"
    headed = (is_cue and after_quote) or (is_verb and (is_cue or len(span) > 2))
    return (span[1:] if headed else span).start_char


def _end(span: Span) -> int:
    """The end of a mention, without the verb that the model adds to names in headings."""
    headed = span.label_ == "PERSON" and len(span) > 1 and span[-1].tag_ == "VBZ"
    return (span[:-1] if headed else span).end_char


def _sighting(text: str, start: int, end: int, label: str, title: str | None) -> _Sighting:
    name = _UNPRINTABLE.sub(" ", " ".join(text[start:end].split())).strip()
    return _Sighting(start, end, label, name, _normalise(name), title)


def _trim(text: str, start: int, end: int, label: str, dots: Set[int]) -> _Sighting | None:
    """The name within a mention, or None if there is none. At ``dots`` abbreviations end."""
    start = _skip(text, start, end)
    limit = end = min(end, start + 2 * MAX_LENGTH)
    for cut in (_CUT, _PERSON_CUT) if label == "PERSON" else (_CUT,):
        if match := cut.search(text, start, end):
            end = match.start()
    for match in _POSSESSIVE.finditer(text, start, end):
        if text[match.end() : end] and not any(map(str.isupper, text[match.end() : end])):
            end = match.start()  # "Smith's plan", "Smith's 2020"
            break
    end = _unpunctuated(text, start, end)
    if end < limit and end in dots:
        end += 1
    if match := _DETERMINER.match(text, start, end):
        named = text[start:end].startswith("The") and (
            _normalise(text[match.end() : end]) in NAMED_THE
        )
        start = start if named else _skip(text, match.end(), end)
    title = None
    if label == "PERSON":
        title = _title_before(text, start)
        if match := _TITLES.match(text, start, end):
            start, title = _skip(text, match.end(), end), _title(match[1])
        elif _normalise(text[start:end]) in _TITLE_OF:
            return None
    name = text[start:end]
    if len(name) > MAX_LENGTH or sum(map(str.isalpha, name)) < 2:
        return None
    if name.islower() and label != "NORP":  # a stray "n't"
        return None
    return _sighting(text, start, end, label, title)


def _skip(text: str, start: int, end: int) -> int:
    while start < end and not text[start].isalnum():
        start += 1
    return start


def _unpunctuated(text: str, start: int, end: int) -> int:
    """Where a name ends without possessive and punctuation."""
    end = _last_letter(text, start, end)
    if text[max(start, end - 2) : end].lower() in ("'s", "’s", "ʼs"):
        words = text[start : end - 2].lower().split()
        if words and words[-1] not in NAMED_WITH_S:
            end = _last_letter(text, start, end - 2)
    return end


def _last_letter(text: str, start: int, end: int) -> int:
    while end > start and not (
        text[end - 1].isalnum() or unicodedata.category(text[end - 1]).startswith("M")
    ):
        end -= 1
    return end


def _title(form: str) -> str:
    return _TITLE_OF[" ".join(form.lower().replace(".", "").split())]


def _title_before(text: str, start: int) -> str | None:
    match = _TITLE_BEFORE.search(text[max(0, start - _LONGEST_TITLE) : start])
    return _title(match[1]) if match else None


def _normalise(name: str) -> str:
    """The form in which names are compared: no case, accents, punctuation or leading "the".

    >>> _normalise("The López-Obrador"), _normalise("U.S."), _normalise("J. R. Doe")
    ('lopez obrador', 'united states', 'jr doe')
    """
    bare = _UNITED_STATES.sub("", name) if _UNITED_STATES.match(name) else name
    plain = "".join(c for c in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(c))
    plain = re.sub(r"['’ʼ.]", "", plain.replace(". ", " ")).casefold()
    key = _INITIALS.sub(r"\1", _SEPARATORS.sub(" ", plain).strip()).removeprefix("the ")
    return _SAME.get(key, key) or name.casefold()


def _label(key: str, seen: list[_Sighting]) -> str:
    """The label by rule, or else of most sightings; of equals, the one seen first."""
    for pattern, label in _LABEL_RULES:
        if pattern.fullmatch(key):
            return label
    return Counter(sighting.label for sighting in seen).most_common(1)[0][0]


def _is_muddle(key: str, forms: _Forms, labels: Mapping[str, str]) -> bool:
    """A full name with another, or with a stray word before it, as the model reads headings.

    `_missed` finds again what is a name in it.
    """
    words = key.split()
    if labels[key] != "PERSON" or not 3 <= len(words) <= MAX_PERSON_WORDS:
        return False
    rest = forms.get(" ".join(words[1:]), ())
    return (len(words[0]) > 1 and len(rest) > len(forms[key])) or any(
        " ".join(words[:cut]) in forms and " ".join(words[cut:]) in forms
        for cut in range(2, len(words) - 1)
    )


def _people(forms: _Forms, labels: Mapping[str, str], text: str) -> _Person:
    """Which forms may stand for which full names; the longest names come first."""
    full = [
        key
        for key in forms
        if labels[key] == "PERSON" and 2 <= _name_words(key) <= MAX_PERSON_WORDS
    ]
    full.sort(key=lambda key: (-len(key.split()), -len(key)))
    endings: dict[str, dict[str, None]] = defaultdict(dict)
    openings: dict[str, dict[str, None]] = defaultdict(dict)
    homes: dict[str, list[str]] = {}
    for key in full:
        longer = list(endings.get(key, ()))
        head = longer[0] if len(longer) == 1 else key
        homes[key] = [head]
        words = key.split()
        if words[-1] in GENERATIONS:
            for first in range(len(words) - 1):
                endings[" ".join(words[first:])][head] = None
            words.pop()
            if " ".join(words) in forms:  # the father, whose name it is
                continue
            endings[" ".join(words)][head] = None
        for ending in _shorter(words):
            endings[ending][head] = None
        for last in range(1, len(words)):
            openings[" ".join(words[:last])][head] = None
    for key, seen in forms.items():
        if key in homes or (labels[key] in ("GPE", "LOC") and _is_place(seen, text)):
            continue
        if found := endings.get(key) or (openings.get(key) if labels[key] == "PERSON" else None):
            homes[key] = list(found)
    return _Person(homes, endings)


def _name_words(key: str) -> int:
    return sum(word not in GENERATIONS for word in key.split())


def _shorter(words: list[str]) -> Iterator[str]:
    """Other forms of a full name: its endings, and fewer or shorter words before the last."""
    for first in range(1, len(words)):
        yield " ".join(words[first:])
    initials = "".join(word[0] for word in words[:-1])
    yield f"{words[0]} {words[-1]}"
    yield f"{initials[0]} {words[-1]}"
    yield f"{initials} {words[-1]}"
    if len(words) > 2:
        yield f"{words[0]} {initials[1:]} {words[-1]}"


def _is_place(seen: list[_Sighting], text: str) -> bool:
    places = sum(bool(_LOCATIVE.search(text[max(0, s.start - 12) : s.start])) for s in seen)
    return 3 * places >= len(seen)


def _acronyms(
    forms: _Forms, labels: Mapping[str, str], stated: Mapping[str, str]
) -> dict[str, str]:
    """The expansion of each acronym: the one stated, or the only name with these initials."""
    by_initials: dict[str, dict[str, None]] = defaultdict(dict)
    for key in forms:
        words = key.split()
        if len(words) > 1 and labels[key] not in ("PERSON", "NORP"):
            by_initials["".join(w[0] for w in words)][key] = None
            by_initials["".join(w[0] for w in words if w not in _LINK_WORDS)][key] = None
    expansions = {acronym: key for acronym, key in stated.items() if acronym != key}
    for key, seen in forms.items():
        found = list(by_initials.get(key, ()))
        if len(found) == 1 and len(key) > 1 and all(s.name.isupper() for s in seen):
            expansions.setdefault(key, found[0])
    return expansions


def _abbreviates(acronym: str, key: str) -> bool:
    """Whether the letters of ``acronym`` occur in this order in ``key``, a name of more words."""
    if " " not in key:
        return False
    letters = iter(key)
    wanted = acronym.replace(".", "").replace("&", "").casefold()
    return wanted[0] == key[0] and all(letter in letters for letter in wanted)


def _group(forms: _Forms, people: _Person, expansions: Mapping[str, str]) -> _Forms:
    """Sightings by the key of the fullest form."""
    titles: dict[str, set[str | None]] = defaultdict(set)
    for key, heads in people.homes.items():
        if len(heads) == 1:
            titles[heads[0]].update(sighting.title for sighting in forms[key])
    groups: _Forms = {}
    for key, seen in forms.items():
        heads = people.homes.get(key) or [expansions.get(key, key)]
        by_title: dict[str | None, str] = {None: key if len(heads) > 1 else heads[0]}
        for sighting in seen:
            if sighting.title not in by_title:
                fitting = [head for head in heads if sighting.title in titles[head]]
                only = fitting if len(fitting) == 1 else [by_title[None]]
                by_title[sighting.title] = only[0]
            groups.setdefault(by_title[sighting.title], []).append(sighting)
    return groups


def _missed(
    doc: Doc,
    text: str,
    groups: _Forms,
    labels: Mapping[str, str],
    people: _Person,
    expansions: Mapping[str, str],
) -> Iterator[tuple[str, _Sighting]]:
    """Places where the text has a known name that the model missed, with the group's key.

    Names of two words and more, acronyms with their expansion, and surnames that only one
    person has. All but people's full names must stand apart from other proper nouns: the
    "Smith" of "Smith Foundation" is nobody.
    """
    known: dict[str, str] = {}
    for head, seen in groups.items():
        for name, key in {(sighting.name, sighting.key): None for sighting in seen}:
            if " " in name or key in expansions:
                known.setdefault(name, head)
            if labels[head] == "PERSON" and _name_words(key) > 1:
                *_, surname = (w for w in name.split() if _normalise(w) not in GENERATIONS)
                owners = people.surnames.get(_normalise(surname), ())
                if len(owners) == 1 and head in owners and _normalise(surname) not in groups:
                    known.setdefault(surname, head)
    lengths: dict[str, set[int]] = defaultdict(set)
    for name in known:
        if word := _WORD.match(name):
            lengths[word[0]].add(len(name))
    taken = bytearray(len(text))
    for seen in groups.values():
        for sighting in seen:
            taken[sighting.start : sighting.end] = b"\1" * (sighting.end - sighting.start)
    tokens = [token for token in doc if not token.is_space]
    proper = [token.tag_ in ("NNP", "NNPS") for token in tokens]
    first = {token.idx: i for i, token in enumerate(tokens)}
    last = {token.idx + len(token): i for i, token in enumerate(tokens)}
    for word in _WORD.finditer(text, 0, len(doc.text)):
        start = word.start()
        for length in sorted(lengths.get(word[0], ()), reverse=True):
            end = start + length
            name = text[start:end]
            head = known.get(name, "")
            if not head or 1 in taken[start:end] or start not in first or end not in last:
                continue
            if _PART_OF_MORE_BEFORE.search(text[max(0, start - 2) : start]) or (
                _PART_OF_MORE_AFTER.match(text, end)
            ):
                continue
            title = _title_before(text, start)
            if " " not in name or labels[head] != "PERSON":
                i, j = first[start], last[end]
                beside = (i > 0 and proper[i - 1] and not title) or any(proper[j + 1 : j + 2])
                if beside or not proper[j]:
                    continue
            yield head, _sighting(text, start, end, labels[head], title)
            taken[start:end] = b"\1" * length
            break


def _canonical(seen: list[_Sighting]) -> str:
    """The fullest form as printed, in capitals only if there is no other; of equals the first."""
    return min(
        sorted(seen),
        key=lambda s: (-len(s.key.split()), s.name.isupper(), -sum(map(str.isalpha, s.name))),
    ).name
