"""Heads of the noun phrases beside an item of a sentence, found by tags, without the parse."""

from typing import Final

from transforms.language.quotes import cue_words
from transforms.language.quotes.quotation_marks import QuotedSegment
from transforms.language.quotes.sentences import SentenceItem
from transforms.language.tokens import Token

MAX_NOUN_PHRASE: Final = 12
"""Items of a noun phrase that are looked at."""
MAX_ASIDE: Final = 30
"""Items of an aside that are looked at: an apposition, or what stands in commas or brackets."""


def find_head_after(items: list[SentenceItem], first: int) -> Token | None:
    """Return the head of the noun phrase that begins at an item, None if none begins there.

    Args:
        items: The items of a sentence.
        first: The index of the item.
    """
    head: Token | None = None
    for number, item in enumerate(items[first : first + MAX_NOUN_PHRASE], first):
        may_end = head is None or head.tag_ in cue_words.NOUN_TAGS
        if isinstance(item, QuotedSegment):
            if head is None or may_end or not _is_noun(items, number + 1):
                break
            continue  # the “Medicare for all” document
        if may_end and item.ent_type_ in cue_words.TIME_ENTITY_LABELS:
            break
        if item.tag_ == "PRP":
            return head or item
        if item.tag_ not in cue_words.NOUN_PHRASE_TAGS and (may_end or item.tag_ != "VBG"):
            break
        if item.tag_ in cue_words.NOUN_TAGS or head is None or head.tag_ not in cue_words.NOUN_TAGS:
            head = item
    return head


def find_head_before(items: list[SentenceItem], last: int) -> Token | None:
    """Return the head of the noun phrase that ends at an item, or before verbs and asides there.

    Args:
        items: The items of a sentence.
        last: The index of the item.

    Returns:
        The head; None if something else stands in between.
    """
    first = max(0, last - MAX_ASIDE)
    while last >= first:
        item = items[last]
        if isinstance(item, QuotedSegment):
            return None
        if (
            item.tag_ in cue_words.NOUN_TAGS and item.ent_type_ not in cue_words.TIME_ENTITY_LABELS
        ) or item.tag_ == "PRP":
            return item
        if item.text in (",", ")"):
            opening = "," if item.text == "," else "("
            last -= 1
            while last >= first and getattr(items[last], "text", "") != opening:
                last -= 1
        elif item.tag_ not in cue_words.ADVERB_AND_VERB_TAGS:
            return None
        last -= 1
    return None


def is_name_only(items: list[SentenceItem]) -> bool:
    """Return whether items are a name, or a name and an aside: "Anna Lowe, tailor"."""
    name = [
        i
        for i in items[: MAX_NOUN_PHRASE + 1]
        if not isinstance(i, QuotedSegment) and i.text not in ".,"
    ]
    first = items[0] if items else None
    return (
        len(items) <= MAX_NOUN_PHRASE
        and len(name) > 0
        and name[0] is first
        and all(i.tag_[:2] != "VB" and i.tag_ != "MD" for i in name)
        and name[0].tag_ == "NNP"
    )


def _is_noun(items: list[SentenceItem], number: int) -> bool:
    item = items[number] if number < len(items) else None
    return isinstance(item, Token) and item.tag_ in cue_words.NOUN_TAGS
