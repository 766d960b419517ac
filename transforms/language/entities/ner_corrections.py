"""Correct the names that the model found: cut and split them, and add names that are certain.

Certain are the names of the gazetteer, the states of politicians ("R-Tenn.") and the places of
datelines. The corrections are rules over the text and the part-of-speech tags.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import chain
from typing import Final, NamedTuple

from transforms.language.document import Document, NamedSpan
from transforms.language.entities.gazetteer import Gazetteer, GazetteerMatch
from transforms.language.entities.names import (
    NameMention,
    find_title_before,
    make_mention,
    normalise,
    strip_accents,
    trim,
)
from transforms.language.entities.rules import (
    LABELS,
    NOT_DATELINES,
    ORGANISATION_WORDS,
    STATES,
)
from transforms.language.given_names import GIVEN_NAMES
from transforms.language.quotes.cue_words import CUES, PERSON_TITLES
from transforms.language.tokens import Token

_CLOSING_MARKS: Final = frozenset("”\"’'»")
_CLAUSE_TAGS: Final = frozenset({"MD", "PRP", "VBD", "VBP", "VBZ", "WP"})
_JOINING_TAGS: Final = frozenset({"CC", "DT", "IN", "PRP$", "RB", "TO"})

_JOINED = re.compile(r"(?<=[^\W\d_]{2})/(?=[^\W\d_]{3})")
_OWNER = re.compile(r"(?:['’ʼ]s|(?<=s)['’ʼ]) ([A-Z][^\W_]+)(?= [A-Z])")
_THE = re.compile(r"the\s+", re.IGNORECASE)
_JOINT = re.compile(r"['’ʼ]s |(?<=s)['’ʼ] |[-‑–/]|, ")
_JOINT_BEFORE = re.compile(rf"(?:{_JOINT.pattern})\Z")
_NEXT_WORD = re.compile(r"[ \xa0-]([^\W_]+\.?)")
_WORD_BEFORE = re.compile(r"([^\W_]+)[ \xa0]\Z")
_MORE_BEFORE = re.compile(r"(?:[\w@#/&-]|\w[.'’ʼ])\Z")
_MORE_AFTER = re.compile(r"[\w@/&-]|[.'’ʼ](?!s\b)\w", re.IGNORECASE)
_PREFIXED = re.compile(r"(?<![\w.:/@#-])(?:[a-z]+-|(?:[A-Z][\w-]* ){0,3}[A-Z][\w-]*/)\Z")
_SUFFIXED = re.compile(r"-[a-z]|/[A-Z][\w-]*(?![\w.:/@#])")
_STATE = r"(?P<state>[A-Z][\w.]+(?: [A-Z]\w+)?)"
_STATE_AFTER = re.compile(r", ([A-Z][\w.]+(?: [A-Z][a-z]+)?)")
_PARTY = re.compile(rf"(?:\(|, )[DRI]-{_STATE}|\((?P<short>[A-Z][\w.]{{1,6}}\.)\)")
_CAPITALS = r"[A-Z][A-Z'’-]*[A-Z]\.?"
_DATELINE = re.compile(
    rf"^[“\"]?(?P<place>(?:[A-Z]\. ?)*{_CAPITALS}(?: {_CAPITALS}){{0,3}})"
    rf"(?:, {_STATE})?(?:, [A-Z][a-z]{{2,8}}\.? \d{{1,2}})?(?: ?\([\w ./]{{2,30}}\))?"
    r" ?(?:--|[-–—―])(?: |$)",
    re.MULTILINE,
)


class CorrectedNames(NamedTuple):
    """The names of a text after correction.

    Attributes:
        mentions: the mentions in order, without overlaps.
        single_words: the matches of one-word names of the gazetteer, which may be other words too.
    """

    mentions: list[NameMention]
    single_words: list[GazetteerMatch]


def find_names(document: Document, gazetteer: Gazetteer | None) -> CorrectedNames:
    """Return the names of a document, corrected."""
    text = document.text
    read = (s for n in document.named_spans if n.label in LABELS for s in _read(document, n))
    found: list[NameMention] = []
    for name in read:
        if not found or name.start >= found[-1].end:  # not the "Jr." that the last one took in
            found.append(name)
    found = [*_with_states(text, found)]
    single_words: list[GazetteerMatch] = []
    if gazetteer:
        known = [_without_the(text, known) for known in gazetteer.find(text, document.analysed_end)]
        parts = (_split(document, s, inner) for inner, s in _with_inner(found, known))
        found = [*chain.from_iterable(parts)]
        sure = [_known(document, k) for k in known if _is_distinctive(text, k)]
        single_words = [k for k in known if " " not in text[k.start : k.end]]
        found = _overlay(found, [s for s in sure if _stands_apart(document, s)], cut=False)
    signs = sorted(
        [*_states(text, document.analysed_end), *_datelines(text, document.analysed_end)]
    )
    return CorrectedNames(_overlay(found, signs, cut=True), single_words)


def _read(document: Document, named: NamedSpan) -> Iterator[NameMention]:
    """Yield the names within a span that the model marked."""
    text, dots, label = document.text, document.index.dots, named.label
    span = document.tokens[named.first : named.end]
    if len(span) == 1 and label == "GPE" and span[0].tag_ == "JJ":
        label = "NORP"  # "Ukrainian"
    start, end = _start(text, span, named.label), _end(span, named.label)
    if start == span[0].idx and (label == "PERSON" or (len(span) > 1 and _is_given(span[0].text))):
        start = _start_of_given_name(document, span[0])
    for joint in _JOINED.finditer(text, start, end):
        if name := trim(text, start, joint.start(), label, dots):
            yield name
        start = joint.end()
    if label != "PERSON":
        for owner in _OWNER.finditer(text, start, end):
            if owner[1].lower() in GIVEN_NAMES:  # "Harbor Watch's Ann Lee"
                if name := trim(text, start, owner.start(), label, dots):
                    yield name
                start, label = owner.start(1), "PERSON"
                break
    if name := trim(text, start, end, label, dots):
        yield name


def _start(text: str, span: Sequence[Token], label: str) -> int:
    """Return the start of a span without a verb that begins its sentence ("Said Ann Lee")."""
    first = span[0]
    if label != "PERSON" or len(span) == 1:
        return first.idx
    is_cue = first.lower_ in CUES
    before = text[max(0, first.idx - 3) : first.idx].rstrip()
    is_verb = first.is_sent_start and first.tag_[:2] == "VB"
    headed = (is_cue and before[-1:] in _CLOSING_MARKS) or (is_verb and (is_cue or len(span) > 2))
    return span[1].idx if headed else first.idx


def _start_of_given_name(document: Document, first: Token) -> int:
    """Return the start of a person's name, with a given name that the model left out."""
    if not first.i:
        return first.idx
    before = document.tokens[first.i - 1]
    is_given = _is_given(before.text) and before.text.istitle() and not before.ent_type_
    is_apart = before.end < first.idx
    return before.idx if is_given and before.tag_ == "NNP" and is_apart else first.idx


def _is_given(word: str) -> bool:
    return strip_accents(word).lower() in GIVEN_NAMES


def _end(span: Sequence[Token], label: str) -> int:
    """Return the end of a span without words after the name that the model included."""
    last = len(span)
    if label == "PERSON" and last > 1 and span[-1].tag_ == "VBZ":  # in headings
        last -= 1
    for number in range(1, last):
        token = span[number]
        if token.tag_ in _CLAUSE_TAGS and token.text.islower():  # "Harbor Board voted last"
            last = number
            break
    while last > 1 and span[last - 1].tag_ in _JOINING_TAGS and span[last - 1].text.islower():
        last -= 1
    return span[last - 1].end


def _without_the(text: str, known: GazetteerMatch) -> GazetteerMatch:
    match = _THE.match(text, known.start, known.end)
    return known._replace(start=match.end()) if match else known


def _known(document: Document, known: GazetteerMatch) -> NameMention:
    text = document.text
    title = find_title_before(text, known.start) if known.entry.label == "PERSON" else None
    end = known.end + (known.end in document.index.dots)
    return make_mention(text, known.start, end, known.entry.label, title)


def _with_inner(
    found: Iterable[NameMention], known: Sequence[GazetteerMatch]
) -> Iterator[tuple[list[GazetteerMatch], NameMention]]:
    """Yield each mention with the gazetteer's names within it, none if it is such a name itself."""
    number = 0
    for name in found:
        while number < len(known) and known[number].start < name.start:
            number += 1
        inner = []
        while number < len(known) and known[number].end <= name.end:
            inner.append(known[number])
            number += 1
        whole = any(k.start == name.start and k.end == name.end for k in inner)
        yield [] if whole else inner, name


def _split(
    document: Document, name: NameMention, inner: Sequence[GazetteerMatch]
) -> Iterator[NameMention]:
    """Yield the parts of a mention that joins names of the gazetteer to something else."""
    text, dots = document.text, document.index.dots
    position = name.start
    starts = {known.start for known in inner}
    for known in inner:
        following = _end_of_joint(text, name, known, starts)
        before = _JOINT_BEFORE.search(text, position, known.start)
        if following is None or (position < known.start and not before):
            continue
        if before and (part := trim(text, position, before.start(), name.label, dots)):
            yield part
        yield _known(document, known)
        position = following
    if position == name.start:
        yield name
    elif part := trim(text, position, name.end, name.label, dots):
        yield part


def _end_of_joint(
    text: str, name: NameMention, known: GazetteerMatch, starts: Set[int]
) -> int | None:
    """Return where a mention continues after a known name, None if nothing joins it to the rest."""
    if known.end == name.end:
        return known.end
    joint = _JOINT.match(text, known.end, name.end)
    if not joint or (joint[0] == ", " and name.label != "ORG"):
        return None
    # "Wick-Ellery" may be one name where "Harbor Watch-Ellery Post" is not.
    is_tight = joint[0] in "-‑–/" and " " not in text[known.start : known.end]
    return None if is_tight and joint.end() not in starts else joint.end()


def _is_distinctive(text: str, known: GazetteerMatch) -> bool:
    """Return whether a name is unambiguous: of two words, or like "NYPD" and "PolitiFact"."""
    printed = text[known.start : known.end]
    return " " in printed or (len(printed) > 2 and sum(map(str.isupper, printed)) > 1)


def _stands_apart(document: Document, name: NameMention) -> bool:
    """Return whether a name that the model did not find is not part of a longer one."""
    text, index = document.text, document.index
    first, last = index.first.get(name.start), index.last.get(name.end)
    if first is None or last is None or is_part_of_word(text, name.start, name.end):
        return False
    following = _NEXT_WORD.match(text, name.end)
    if " " not in name.name and name.name.isupper():  # "WHO WILL WIN"
        before = _WORD_BEFORE.search(text, max(0, name.start - 20), name.start)
        if any(word and len(word[1]) > 1 and word[1].isupper() for word in (before, following)):
            return False
    if following and following[1].casefold().rstrip(".") in ORGANISATION_WORDS:
        return False
    if name.label == "PERSON" or (following and following[1].lower() in PERSON_TITLES):
        return True
    return not index.is_proper(first - 1) and not index.is_proper(last + 1)


def is_part_of_word(text: str, start: int, end: int) -> bool:
    """Return whether a span is only part of a word, as in "Half-Poe", "@poe" and "poe.org".

    "anti-Poe", "Poe-led" and "Wick/Poe" do name Poe.
    """
    before = text[max(0, start - 30) : start]
    if _MORE_BEFORE.search(before) and not _PREFIXED.search(before):
        return True
    return bool(_MORE_AFTER.match(text, end)) and not _SUFFIXED.match(text, end)


def _overlay(
    base: Sequence[NameMention], over: Sequence[NameMention], *, cut: bool
) -> list[NameMention]:
    """Return ``base`` with the mentions of ``over`` in place of those that they overlap.

    Args:
        base: mentions in order.
        over: the mentions that replace them, in order.
        cut: whether they also replace longer mentions that contain them.
    """
    result: list[NameMention] = []
    number = 0
    for sign in over:
        while number < len(base) and base[number].end <= sign.start:
            result.append(base[number])
            number += 1
        stop = number
        while stop < len(base) and base[stop].start < sign.end:
            stop += 1
        overlapped = base[number:stop]
        if cut or not any(b.start <= sign.start and sign.end <= b.end for b in overlapped):
            if not result or result[-1].end <= sign.start:
                result.append(sign)
            number = stop
    return [*result, *base[number:]]


def _states(text: str, end: int) -> Iterator[NameMention]:
    """Yield the states of politicians: "(D-Ohio)", "(Vt.)", "R-Tenn."."""
    for match in _PARTY.finditer(text, 0, end):
        yield from _state(text, *match.span("state" if match["state"] else "short"))


def _state(text: str, start: int, end: int) -> Iterator[NameMention]:
    for stop in (end, end - 1):  # the dot may be that of the sentence
        if text[start:stop] in STATES:
            yield _place(text, start, stop, STATES[text[start:stop]])
            return


def is_in_state(text: str, end: int) -> bool:
    """Return whether the name of a state follows at an offset: "Paris, Texas"."""
    match = _STATE_AFTER.match(text, end)
    return match is not None and (match[1] in STATES or match[1].rstrip(".") in STATES)


def _with_states(text: str, found: Sequence[NameMention]) -> Iterator[NameMention]:
    """Yield the mentions; shortened states ("N.C.", "Ellery, VA") get the key of the full name."""
    before: NameMention | None = None
    for name in found:
        is_short = name.label == "GPE" and "." in name.name
        if name.name in STATES and (
            is_short or (before and before.label == "GPE" and text[before.end : name.start] == ", ")
        ):
            yield _place(text, name.start, name.end, STATES[name.name])
        else:
            yield name
        before = name


def _place(text: str, start: int, end: int, full: str) -> NameMention:
    return make_mention(text, start, end, "GPE")._replace(key=normalise(full))


def _datelines(text: str, end: int) -> Iterator[NameMention]:
    """Yield the places of datelines: in capitals at the start of a line, before a dash."""
    for match in _DATELINE.finditer(text, 0, end):
        start, stop = match.span("place")
        if NOT_DATELINES.isdisjoint(match["place"].lower().split()):
            yield make_mention(text, start, stop, "GPE")
            yield from _state(text, *match.span("state"))
