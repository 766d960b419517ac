"""Heads of noun phrases beside a place in a sentence, found by tags."""

from typing import Final

from transforms.language.quotes import cue_words
from transforms.language.quotes.quotation_marks import Segment
from transforms.language.quotes.sentences import Item
from transforms.language.tokens import Token

MAX_NAME: Final = 12
"""Items of a noun phrase."""
MAX_ASIDE: Final = 30
"""Items that are skipped between a noun phrase and what it belongs to."""


def head_right(items: list[Item], first: int) -> Token | None:
    """The head of the noun phrase that begins at ``first``."""
    head: Token | None = None
    for number, item in enumerate(items[first : first + MAX_NAME], first):
        whole = head is None or head.tag_ in cue_words.NOUN_TAGS
        if isinstance(item, Segment):
            if head is None or whole or not _is_noun(items, number + 1):
                break
            continue  # the “Medicare for all” document
        if whole and item.ent_type_ in cue_words.TIMES:
            break
        if item.tag_ == "PRP":
            return head or item
        if item.tag_ not in cue_words.PHRASE_TAGS and (whole or item.tag_ != "VBG"):
            break
        if item.tag_ in cue_words.NOUN_TAGS or head is None or head.tag_ not in cue_words.NOUN_TAGS:
            head = item
    return head


def head_left(items: list[Item], last: int) -> Token | None:
    """The head of the noun phrase that ends at ``last``, verbs and asides skipped."""
    floor = max(0, last - MAX_ASIDE)
    while last >= floor:
        item = items[last]
        if isinstance(item, Segment):
            return None
        if (
            item.tag_ in cue_words.NOUN_TAGS and item.ent_type_ not in cue_words.TIMES
        ) or item.tag_ == "PRP":
            return item
        if item.text in (",", ")"):
            opening = "," if item.text == "," else "("
            last -= 1
            while last >= floor and getattr(items[last], "text", "") != opening:
                last -= 1
        elif item.tag_ not in cue_words.SKIPPED_TAGS:
            return None
        last -= 1
    return None


def is_name(items: list[Item]) -> bool:
    """Whether nothing but a name stands there, or a name and an aside: "Anna Lowe, tailor"."""
    name = [i for i in items[: MAX_NAME + 1] if not isinstance(i, Segment) and i.text not in ".,"]
    first = items[0] if items else None
    return (
        len(items) <= MAX_NAME
        and len(name) > 0
        and name[0] is first
        and all(i.tag_[:2] != "VB" and i.tag_ != "MD" for i in name)
        and name[0].tag_ == "NNP"
    )


def _is_noun(items: list[Item], number: int) -> bool:
    item = items[number] if number < len(items) else None
    return isinstance(item, Token) and item.tag_ in cue_words.NOUN_TAGS
