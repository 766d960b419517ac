"""The check that a page is the article that its feed lists.

A server often answers 200 with something else: a consent wall, a check for bots, an empty app, a
notice that the page is gone, the front page. A page is compared with what is known of the entry
(its link, title, summary and full text) and with the phrases of such pages. Agreement with the
entry outweighs a phrase, since articles may be about cookies too. Imports no Beam.
"""

import re
from typing import Final

from transforms.core.errors import ItemError
from transforms.extraction.entry_agreement import Agreement, ExpectedArticle, compare_with_entry
from transforms.extraction.redirect_check import find_other_page
from transforms.extraction.wall_rules import count_words, find_wall_sentences, match_wall

NOT_THE_ARTICLE: Final = "NotTheArticle"
"""The error type of a page that is something else than the article. Another attempt may succeed."""

_MIN_WALL_SHARE: Final = 0.5
"""The minimum share of words in sentences with phrases of walls, in a page that is one."""
_MIN_PHRASES: Final = 2
_MIN_PHRASES_OF_CONFIRMED: Final = 3
_NOTICE_WORDS: Final = 15
"""The maximum length of a page that one phrase makes a wall."""
_MAX_WALL_WORDS: Final = 600
"""The maximum length of a wall."""
_MAX_CONFIRMED_WALL_WORDS: Final = 250
"""The same for a page that agrees with its entry, or has no entry."""
_SHORT_WORDS: Final = 100
"""A page with fewer words is refused if it has no word of its entry."""
_MENU_WORDS_PER_LINE: Final = 4
_ATTEMPTS_UNTIL_ACCEPTED: Final = 3
"""The number of attempts after which a short page without a word of its entry is accepted."""
_TEASER: Final = "shorter than the text that the feed has"
_SENTENCE_END: Final = re.compile("[.!?…:;。！？؟।۔։።။॥]|[」』）]$", re.MULTILINE)


def check_article(
    title: str, text: str, *, url: str | None, expected: ExpectedArticle | None
) -> Agreement | None:
    """Check that what was extracted from a page is an article, and the one that was listed.

    Args:
        title: the title of the page.
        text: its text.
        url: the address that it was fetched from, after redirects.
        expected: what the feed says of it; None if nothing is known.

    Returns:
        How far the page agrees with its entry; None if nothing is known of that.

    Raises:
        ItemError: if it is not, with what it is instead.
    """
    agreement = compare_with_entry(title, text, expected) if expected else None
    problem = _find_wall(title, text, agreement)
    if expected and agreement and not problem:
        problem = find_other_page(expected.link, url or expected.link, agreement)
        problem = problem or _find_difference(text, expected, agreement)
    if problem is not None:
        # Teasers mostly stay teasers: a few more attempts are enough.
        is_temporary = problem != _TEASER
        raise ItemError(NOT_THE_ARTICLE, f"the page is {problem}", temporary=is_temporary)
    return agreement


def _find_wall(title: str, text: str, agreement: Agreement | None) -> str | None:
    """Return what kind of wall a page is, or None if it is none."""
    words = count_words(text)
    is_confirmed = agreement is not None and agreement.known > 0 and agreement.is_confirmed
    is_doubtful = agreement is not None and not is_confirmed
    longest = _MAX_WALL_WORDS if is_doubtful else _MAX_CONFIRMED_WALL_WORDS
    found = find_wall_sentences(text) if words <= longest else []
    if found and sum(sentence.words for sentence in found) >= _MIN_WALL_SHARE * words:
        phrases = {phrase for sentence in found for phrase in sentence.phrases}
        least = _MIN_PHRASES_OF_CONFIRMED if is_confirmed else _MIN_PHRASES
        is_notice = words <= _NOTICE_WORDS and not is_confirmed
        if is_notice or len(phrases) >= least:
            return max(found, key=lambda sentence: sentence.words).rule.description
    # A title of a wall needs fewer phrases in the text.
    rule = match_wall(title)
    if rule and len(found) >= _MIN_PHRASES and not (agreement and agreement.has_title):
        return rule.description
    if rule and not is_confirmed:
        is_gone = rule.rule_id == "missing" and agreement is not None
        if found or is_gone or words <= 2 * _NOTICE_WORDS:
            return rule.description
    # A "page not found" may list other stories below, whatever their number of words.
    beginning = match_wall("\n".join(text.split("\n", 2)[:2]))
    if beginning and beginning.rule_id == "missing" and agreement and not is_confirmed:
        return beginning.description
    lines = text.count("\n") + 1
    is_menu = words <= _NOTICE_WORDS or words <= _MENU_WORDS_PER_LINE * lines
    if is_menu and not _SENTENCE_END.search(text) and not (agreement and agreement.has_title):
        return "without a sentence"
    return None


def _find_difference(text: str, expected: ExpectedArticle, agreement: Agreement) -> str | None:
    """Return how a page contradicts the feed, or None if it does not."""
    words = count_words(text)
    if agreement.words_of_full_text:
        if 2 * words < agreement.words_of_full_text:
            return _TEASER
        if not (agreement.has_full_text or agreement.has_title):
            return "another text than the feed has"
    elif (
        words < _SHORT_WORDS
        and agreement.is_doubtful
        and not agreement.text_fits_title
        and expected.attempts < _ATTEMPTS_UNTIL_ACCEPTED
    ):
        return "short, and has no word of the title in the feed"
    return None
