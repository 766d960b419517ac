"""Signs that a page does not show its whole article to everybody."""

from typing import Final

from transforms.extraction.json_ld import JsonLdArticle, states_false
from transforms.extraction.metas import Metas

_TIERS: Final = ("article:content_tier", "og:article:content_tier", "content_tier")
_CLOSED_TIERS: Final = frozenset({"locked", "metered", "premium", "paid", "subscriber"})
_MIN_EXCESS: Final = 1.5
_MIN_EXCESS_WORDS: Final = 40


def is_paywalled(article: JsonLdArticle, metas: Metas) -> bool:
    """Return whether the article's JSON-LD, its microdata or a ``<meta>`` says it is not free."""
    if article.is_free is not None:
        return not article.is_free
    if any(map(states_false, metas.get("isaccessibleforfree", ()))):
        return True
    tiers = (tier.lower() for key in _TIERS for tier in metas.get(key, ()))
    return not _CLOSED_TIERS.isdisjoint(tiers)


def is_truncated(text: str, article_body: str | None) -> bool:
    """Return whether a text is much shorter than that which the JSON-LD has of the article."""
    missing = len((article_body or "").split()) - len(text.split())
    return missing >= max(_MIN_EXCESS_WORDS, (_MIN_EXCESS - 1) * len(text.split()))
