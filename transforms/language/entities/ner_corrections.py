"""Correct the names that the model found: cut and split them, and add names that are certain.

The input is a `Document` with the spans by the model, the output is `NameMention`s in order without
overlaps. Certain names are those of the gazetteer, the states of politicians ("R-Tenn.") and the
places of datelines. The corrections are rules over the text and the part-of-speech tags.
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
    trim_mention,
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
"""Tags of words with which a clause goes on after a name: verbs and pronouns."""
_JOINING_TAGS: Final = frozenset({"CC", "DT", "IN", "PRP$", "RB", "TO"})
"""Tags of words that may join the words of a name, but do not end one."""

# "Harbor Watch/Ellery Post", but not "AC/DC".
_SLASH_BETWEEN_NAMES = re.compile(r"(?<=[^\W\d_]{2})/(?=[^\W\d_]{3})")
# The "Ann" of "Harbor Watch's Ann Lee".
_NAME_AFTER_POSSESSIVE = re.compile(r"(?:['’ʼ]s|(?<=s)['’ʼ]) ([A-Z][^\W_]+)(?= [A-Z])")
_THE = re.compile(r"the\s+", re.IGNORECASE)
# The separators between a name of the gazetteer and the rest of a mention.
_JOINT = re.compile(r"['’ʼ]s |(?<=s)['’ʼ] |[-‑–/]|, ")
_JOINT_BEFORE = re.compile(rf"(?:{_JOINT.pattern})\Z")
_NEXT_WORD = re.compile(r"[ \xa0-]([^\W_]+\.?)")
WORD_BEFORE = re.compile(r"([^\W_]+)[ \xa0]\Z")
"""The word right before an offset, for a search that ends at the offset."""
# A name is part of a longer word if these match around it, as in "@poe" and "poe.org", unless the
# next two match: "anti-Poe", "Wick/Poe", "Poe-led".
_MORE_BEFORE = re.compile(r"(?:[\w@#/&-]|\w[.'’ʼ])\Z")
_MORE_AFTER = re.compile(r"[\w@/&-]|[.'’ʼ](?!s\b)\w", re.IGNORECASE)
_PREFIXED = re.compile(r"(?<![\w.:/@#-])(?:[a-z]+-|(?:[A-Z][\w-]* ){0,3}[A-Z][\w-]*/)\Z")
_SUFFIXED = re.compile(r"-[a-z]|/[A-Z][\w-]*(?![\w.:/@#])")
# The state in "Paris, Texas", in "(D-Ohio)" or ", R-Tenn.", and alone as in "(Vt.)".
_STATE = r"(?P<state>[A-Z][\w.]+(?: [A-Z]\w+)?)"
_STATE_AFTER = re.compile(r", ([A-Z][\w.]+(?: [A-Z][a-z]+)?)")
_PARTY = re.compile(rf"(?:\(|, )[DRI]-{_STATE}|\((?P<short>[A-Z][\w.]{{1,6}}\.)\)")
# A place in capitals, with or without a state, a date and an agency, before a dash:
# "PORT ELLERY, Ohio, Sept. 3 (Wire) — ".
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
        one_word_matches: the matches of one-word names of the gazetteer. They are not certain.
    """

    mentions: list[NameMention]
    one_word_matches: list[GazetteerMatch]


def find_names(document: Document, gazetteer: Gazetteer | None) -> CorrectedNames:
    """Return the corrected names of a document.

    Args:
        document: the document with the names that the model found.
        gazetteer: the well-known names; None for no gazetteer.
    """
    text, end = document.text, document.analysed_end
    mentions: list[NameMention] = []
    for span in document.named_spans:
        if span.label in LABELS:
            for mention in _correct_span(document, span):
                # A name may have absorbed the "Jr." that is the next span.
                if not mentions or mention.start >= mentions[-1].end:
                    mentions.append(mention)
    mentions = [*_expand_states(text, mentions)]
    one_word_matches: list[GazetteerMatch] = []
    if gazetteer:
        matches = [_without_the(text, match) for match in gazetteer.find_matches(text, end)]
        parts = (
            _split_at_matches(document, mention, inner)
            for inner, mention in _pair_with_inner_matches(mentions, matches)
        )
        mentions = [*chain.from_iterable(parts)]
        distinctive = [_make_mention_of(document, m) for m in matches if _is_distinctive(text, m)]
        one_word_matches = [m for m in matches if " " not in text[m.start : m.end]]
        mentions = _replace_overlapped(
            mentions, [m for m in distinctive if _stands_apart(document, m)], cut=False
        )
    places = sorted([*_find_party_states(text, end), *_find_datelines(text, end)])
    return CorrectedNames(_replace_overlapped(mentions, places, cut=True), one_word_matches)


def _correct_span(document: Document, span: NamedSpan) -> Iterator[NameMention]:
    """Yield the names within a span that the model found."""
    text, dots, label = document.text, document.index.abbreviation_dots, span.label
    tokens = document.tokens[span.first : span.end]
    first = tokens[0]
    if len(tokens) == 1 and label == "GPE" and first.tag_ == "JJ":
        label = "NORP"  # "Ukrainian"
    start, end = _find_start(text, tokens, span.label), _find_end(tokens, span.label)
    if start == first.idx and (
        label == "PERSON" or (len(tokens) > 1 and _is_given_name(first.text))
    ):
        start = _find_start_of_given_name(document, first)
    for joint in _SLASH_BETWEEN_NAMES.finditer(text, start, end):
        if name := trim_mention(text, start, joint.start(), label, dots):
            yield name
        start = joint.end()
    if label != "PERSON":
        for match in _NAME_AFTER_POSSESSIVE.finditer(text, start, end):
            if match[1].lower() in GIVEN_NAMES:  # "Harbor Watch's Ann Lee"
                if name := trim_mention(text, start, match.start(), label, dots):
                    yield name
                start, label = match.start(1), "PERSON"
                break
    if name := trim_mention(text, start, end, label, dots):
        yield name


def _find_start(text: str, span: Sequence[Token], label: str) -> int:
    """Return the start of a span without a verb before the name ("Said Ann Lee")."""
    first = span[0]
    if label != "PERSON" or len(span) == 1:
        return first.idx
    is_cue = first.lower_ in CUES
    before = text[max(0, first.idx - 3) : first.idx].rstrip()
    is_verb = first.is_sent_start and first.tag_[:2] == "VB"
    after_quote = before[-1:] in _CLOSING_MARKS
    is_no_name = (is_cue and after_quote) or (is_verb and (is_cue or len(span) > 2))
    return span[1].idx if is_no_name else first.idx


def _find_start_of_given_name(document: Document, first: Token) -> int:
    """Return the start of a person's name, with a given name that the model left out."""
    if not first.i:
        return first.idx
    before = document.tokens[first.i - 1]
    is_left_out = (
        _is_given_name(before.text)
        and before.text.istitle()
        and not before.ent_type_
        and before.tag_ == "NNP"
        and before.end < first.idx
    )
    return before.idx if is_left_out else first.idx


def _is_given_name(word: str) -> bool:
    return strip_accents(word).lower() in GIVEN_NAMES


def _find_end(span: Sequence[Token], label: str) -> int:
    """Return the end of a span without words after the name that the model included."""
    length = len(span)
    if label == "PERSON" and length > 1 and span[-1].tag_ == "VBZ":  # "Brook Says" in a heading
        length -= 1
    for number in range(1, length):
        token = span[number]
        if token.tag_ in _CLAUSE_TAGS and token.text.islower():  # "Harbor Board voted last"
            length = number
            break
    while length > 1 and span[length - 1].tag_ in _JOINING_TAGS and span[length - 1].text.islower():
        length -= 1
    return span[length - 1].end


def _without_the(text: str, match: GazetteerMatch) -> GazetteerMatch:
    the = _THE.match(text, match.start, match.end)
    return match._replace(start=the.end()) if the else match


def _make_mention_of(document: Document, match: GazetteerMatch) -> NameMention:
    text = document.text
    title = find_title_before(text, match.start) if match.entry.label == "PERSON" else None
    end = match.end + (match.end in document.index.abbreviation_dots)
    return make_mention(text, match.start, end, match.entry.label, title)


def _pair_with_inner_matches(
    mentions: Iterable[NameMention], matches: Sequence[GazetteerMatch]
) -> Iterator[tuple[list[GazetteerMatch], NameMention]]:
    """Yield each mention with the matches within it, or with none if it is a match as a whole."""
    number = 0
    for mention in mentions:
        while number < len(matches) and matches[number].start < mention.start:
            number += 1
        inner = []
        while number < len(matches) and matches[number].end <= mention.end:
            inner.append(matches[number])
            number += 1
        is_match = any(m.start == mention.start and m.end == mention.end for m in inner)
        yield [] if is_match else inner, mention


def _split_at_matches(
    document: Document, mention: NameMention, inner: Sequence[GazetteerMatch]
) -> Iterator[NameMention]:
    """Yield the parts of a mention that joins names of the gazetteer to something else."""
    text, dots = document.text, document.index.abbreviation_dots
    position = mention.start
    starts = {match.start for match in inner}
    for match in inner:
        next_position = _find_end_of_joint(text, mention, match, starts)
        joint_before = _JOINT_BEFORE.search(text, position, match.start)
        if next_position is None or (position < match.start and not joint_before):
            continue
        if joint_before and (
            part := trim_mention(text, position, joint_before.start(), mention.label, dots)
        ):
            yield part
        yield _make_mention_of(document, match)
        position = next_position
    if position == mention.start:
        yield mention
    elif part := trim_mention(text, position, mention.end, mention.label, dots):
        yield part


def _find_end_of_joint(
    text: str, mention: NameMention, match: GazetteerMatch, starts: Set[int]
) -> int | None:
    """Return the end of the joint that separates a match from the rest of a mention.

    Args:
        text: the text of the article.
        mention: the mention by the model.
        match: a match within the mention.
        starts: the starts of all matches within the mention.

    Returns:
        An offset in code points, the end of the mention if the match is its end, or None if nothing
        separates them.
    """
    if match.end == mention.end:
        return match.end
    joint = _JOINT.match(text, match.end, mention.end)
    if not joint or (joint[0] == ", " and mention.label != "ORG"):
        return None
    # "Wick-Ellery" may be one name, whereas "Harbor Watch-Ellery Post" is two.
    may_be_one_name = joint[0] in "-‑–/" and " " not in text[match.start : match.end]
    return None if may_be_one_name and joint.end() not in starts else joint.end()


def _is_distinctive(text: str, match: GazetteerMatch) -> bool:
    """Return whether a name is unambiguous: of two words, or like "NYPD" and "PolitiFact"."""
    printed = text[match.start : match.end]
    return " " in printed or (len(printed) > 2 and sum(map(str.isupper, printed)) > 1)


def _stands_apart(document: Document, name: NameMention) -> bool:
    """Return whether a name that the model did not find is not part of a longer one."""
    text, index = document.text, document.index
    first, last = index.number_by_start.get(name.start), index.number_by_end.get(name.end)
    if first is None or last is None or is_part_of_word(text, name.start, name.end):
        return False
    following = _NEXT_WORD.match(text, name.end)
    if " " not in name.name and name.name.isupper():  # "WHO WILL WIN"
        before = WORD_BEFORE.search(text, max(0, name.start - 20), name.start)
        if any(word and len(word[1]) > 1 and word[1].isupper() for word in (before, following)):
            return False
    if following and following[1].casefold().rstrip(".") in ORGANISATION_WORDS:
        return False
    if name.label == "PERSON" or (following and following[1].lower() in PERSON_TITLES):
        return True
    return not index.is_proper_noun(first - 1) and not index.is_proper_noun(last + 1)


def is_part_of_word(text: str, start: int, end: int) -> bool:
    """Return whether a span is only part of a word, as in "Half-Poe", "@poe" and "poe.org".

    "anti-Poe", "Poe-led" and "Wick/Poe" do name Poe.
    """
    before = text[max(0, start - 30) : start]
    if _MORE_BEFORE.search(before) and not _PREFIXED.search(before):
        return True
    return bool(_MORE_AFTER.match(text, end)) and not _SUFFIXED.match(text, end)


def _replace_overlapped(
    mentions: Sequence[NameMention], replacements: Sequence[NameMention], *, cut: bool
) -> list[NameMention]:
    """Return mentions in order, with replacements instead of the mentions that they overlap.

    Args:
        mentions: the mentions in order.
        replacements: the mentions that replace them, in order.
        cut: whether a replacement also replaces a longer mention that contains it.
    """
    result: list[NameMention] = []
    number = 0
    for replacement in replacements:
        while number < len(mentions) and mentions[number].end <= replacement.start:
            result.append(mentions[number])
            number += 1
        end = number
        while end < len(mentions) and mentions[end].start < replacement.end:
            end += 1
        is_contained = any(
            m.start <= replacement.start and replacement.end <= m.end for m in mentions[number:end]
        )
        if cut or not is_contained:
            if not result or result[-1].end <= replacement.start:
                result.append(replacement)
            number = end
    return [*result, *mentions[number:]]


def _find_party_states(text: str, end: int) -> Iterator[NameMention]:
    """Yield the states of politicians: "(D-Ohio)", "(Vt.)", "R-Tenn."."""
    for match in _PARTY.finditer(text, 0, end):
        yield from _read_state(text, *match.span("state" if match["state"] else "short"))


def _read_state(text: str, start: int, end: int) -> Iterator[NameMention]:
    """Yield the mention of a state between two offsets, if it is one."""
    for state_end in (end, end - 1):  # the last character may be the full stop of the sentence
        if text[start:state_end] in STATES:
            yield _make_state_mention(text, start, state_end)
            return


def is_in_state(text: str, end: int) -> bool:
    """Return whether the name of a state follows at an offset: "Paris, Texas"."""
    match = _STATE_AFTER.match(text, end)
    return match is not None and (match[1] in STATES or match[1].rstrip(".") in STATES)


def _expand_states(text: str, mentions: Sequence[NameMention]) -> Iterator[NameMention]:
    """Yield the mentions; shortened states ("N.C.", "Ellery, VA") get the key of the full name."""
    before: NameMention | None = None
    for mention in mentions:
        is_shortened = mention.label == "GPE" and "." in mention.name
        follows_place = (
            before and before.label == "GPE" and text[before.end : mention.start] == ", "
        )
        if mention.name in STATES and (is_shortened or follows_place):
            yield _make_state_mention(text, mention.start, mention.end)
        else:
            yield mention
        before = mention


def _make_state_mention(text: str, start: int, end: int) -> NameMention:
    mention = make_mention(text, start, end, "GPE")
    return mention._replace(key=normalise(STATES[mention.name]))


def _find_datelines(text: str, end: int) -> Iterator[NameMention]:
    """Yield the places of datelines: in capitals at the start of a line, before a dash."""
    for match in _DATELINE.finditer(text, 0, end):
        start, place_end = match.span("place")
        if NOT_DATELINES.isdisjoint(match["place"].lower().split()):
            yield make_mention(text, start, place_end, "GPE")
            yield from _read_state(text, *match.span("state"))
