"""How candidates are described for the ranker: short words for sizes, marks and kinds of words."""

from typing import Final

from transforms.language.quotes import cue_words
from transforms.language.quotes.quotation_marks import Segment
from transforms.language.quotes.sentences import Item
from transforms.language.tokens import Token


def at(items: list[Item], number: int) -> Item | None:
    """The item at a place, None beyond either end."""
    return items[number] if 0 <= number < len(items) else None


def size(number: int) -> str:
    """A number by its order.

    >>> size(3), size(10), size(300)
    ('3', '7-12', '26+')
    """
    for limit, name in ((4, str(number)), (7, "4-6"), (13, "7-12"), (26, "13-25")):
        if number < limit:
            return name
    return "26+"


def plain(word: Token) -> str:
    """A word as such, the tag of a name: nobody's name speaks for or against anything."""
    capital = word.tag_ in cue_words.NOUN_TAGS and word.text[0].isupper()
    return word.tag_ if capital or word.ent_type_ in cue_words.NAMED_LABELS else word.lower_


def kind(item: Item | None) -> str:
    """What stands somewhere: a quote, a verb, a mark, a small word as such, or a tag."""
    if item is None:
        return "edge"
    if isinstance(item, Segment):
        return "quote"
    if item.tag_[:2] == "VB":
        return "cue" if item.lower_ in cue_words.CUES else "verb"
    if item.is_punct or not item.text[0].isalnum():
        return item.text[:2]
    return item.lower_ if item.tag_ in _CLOSED else item.tag_


_CLOSED: Final = frozenset(["IN", "TO", "DT", "CC", "WDT", "PRP$", "POS"])


def group(cue: Token) -> str:
    """Which list of cues a word is in."""
    word = cue.lower_
    for name, listed in (
        ("said", cue_words.SPEECH_ONLY), ("mental", cue_words.MENTAL), ("relay", cue_words.RELAYS),
        ("cue", cue_words.CUES),
    ):  # fmt: skip
        if word in listed:
            return name
    return "other"
