"""Heads of noun phrases beside a place in a sentence, found by tags."""

from typing import Final

from transforms.language.quotes import cue_words
from transforms.language.quotes.quotation_marks import QuotedSegment
from transforms.language.quotes.sentences import SentenceItem
from transforms.language.tokens import Token

MAX_NOUN_PHRASE: Final = 12
"""Items of a noun phrase."""
MAX_ASIDE: Final = 30
"""Items that are skipped between a noun phrase and what it belongs to."""


def find_head_after(items: list[SentenceItem], first: int) -> Token | None:
    """The head of the noun phrase that begins at ``first``."""
    head: Token | None = None
    for number, item in enumerate(items[first : first + MAX_NOUN_PHRASE], first):
        whole = head is None or head.tag_ in cue_words.NOUN_TAGS
        if isinstance(item, QuotedSegment):
            if head is None or whole or not _is_noun(items, number + 1):
                break
            continue  # the “Medicare for all” document
        if whole and item.ent_type_ in cue_words.TIME_ENTITY_LABELS:
            break
        if item.tag_ == "PRP":
            return head or item
        if item.tag_ not in cue_words.NOUN_PHRASE_TAGS and (whole or item.tag_ != "VBG"):
            break
        if item.tag_ in cue_words.NOUN_TAGS or head is None or head.tag_ not in cue_words.NOUN_TAGS:
            head = item
    return head


def find_head_before(items: list[SentenceItem], last: int) -> Token | None:
    """The head of the noun phrase that ends at ``last``, verbs and asides skipped."""
    floor = max(0, last - MAX_ASIDE)
    while last >= floor:
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
            while last >= floor and getattr(items[last], "text", "") != opening:
                last -= 1
        elif item.tag_ not in cue_words.ADVERB_AND_VERB_TAGS:
            return None
        last -= 1
    return None


def is_name(items: list[SentenceItem]) -> bool:
    """Whether nothing but a name stands there, or a name and an aside: "Anna Lowe, tailor"."""
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
