"""Parts of features for the ranker: binned counts, and short forms of tokens and items.

Input: a number, a token or an item of a sentence. Output: the string that represents it in a
feature such as ``gap=B4-6`` or ``before=cue``.
"""

from typing import Final

from transforms.language.quotes import cue_words
from transforms.language.quotes.quotation_marks import QuotedSegment
from transforms.language.quotes.sentences import SentenceItem
from transforms.language.tokens import Token

_FUNCTION_WORD_TAGS: Final = frozenset(["IN", "TO", "DT", "CC", "WDT", "PRP$", "POS"])


def item_at(items: list[SentenceItem], position: int) -> SentenceItem | None:
    """Return the item at an index; None beyond either end."""
    return items[position] if 0 <= position < len(items) else None


def bin_count(count: int) -> str:
    """Return the bin of a count; the bins get wider as counts grow.

    >>> bin_count(3), bin_count(10), bin_count(300)
    ('3', '7-12', '26+')
    """
    for limit, name in ((4, str(count)), (7, "4-6"), (13, "7-12"), (26, "13-25")):
        if count < limit:
            return name
    return "26+"


def describe_token(token: Token) -> str:
    """Return a token in lower case, or the tag of a name, so that no name has a weight."""
    is_capital_noun = token.tag_ in cue_words.NOUN_TAGS and token.text[0].isupper()
    is_name = is_capital_noun or token.ent_type_ in cue_words.SPEAKER_ENTITY_LABELS
    return token.tag_ if is_name else token.lower_


def describe_item(item: SentenceItem | None) -> str:
    """Return "quote", "cue" or "verb", a mark, a function word in lower case, or a tag."""
    if item is None:
        return "edge"
    if isinstance(item, QuotedSegment):
        return "quote"
    if item.tag_[:2] == "VB":
        return "cue" if item.lower_ in cue_words.CUES else "verb"
    if item.is_punct or not item.text[0].isalnum():
        return item.text[:2]
    return item.lower_ if item.tag_ in _FUNCTION_WORD_TAGS else item.tag_


def classify_cue(cue: Token) -> str:
    """Return which list of cue words a token is in, or "other"."""
    word = cue.lower_
    for name, listed in (
        ("said", cue_words.UNAMBIGUOUS_CUES),
        ("mental", cue_words.MENTAL_CUES),
        ("relay", cue_words.RELAY_CUES),
        ("cue", cue_words.CUES),
    ):
        if word in listed:
            return name
    return "other"
