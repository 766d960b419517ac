"""The check that a page is the article that its feed lists.

A server often answers 200 with something else: a consent wall, a check for bots, an empty app, a
notice that the page is gone, the front page. A page is compared with what is known of the entry
(its link, title, summary and full text) and with the phrases of such pages. Imports no Beam.
"""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import unquote, urlsplit

from w3lib.html import remove_tags, replace_entities

from transforms.core.errors import ItemError
from transforms.extraction.wall_rules import match_walls

NOT_THE_ARTICLE: Final = "NotTheArticle"
"""The error type of a page that is something else than the article. Another attempt may succeed."""

_MAX_WALL_WORDS: Final = 400
_MAX_UNKNOWN_WALL_WORDS: Final = 250
"""The limit for a page of which nothing is known."""
_MIN_WALL_SHARE: Final = 0.5
"""The minimum share of words in lines with phrases of walls, in a page that is one."""
_SHORT_WORDS: Final = 100
"""A text of fewer words needs no further sign against it if it shares no word with the feed's."""
_MIN_KNOWN_WORDS: Final = 3
_MIN_FULL_TEXT_WORDS: Final = 50
_MIN_SHARED_TEXT: Final = 0.1
_SHINGLE_WORDS: Final = 3
_MAX_WORDS: Final = 2000
_MAX_SUMMARY_WORDS: Final = 40
_WORD: Final = re.compile(r"\w+")
_CONTENT_WORD: Final = re.compile(r"[^\W_]{4,}")
_PREFIX_LETTERS: Final = 6
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff]")
"""Scripts without spaces between words (Thai, Lao, Burmese, Japanese, Chinese)."""
_SENTENCE_END: Final = re.compile(r"[.!?…。！？؟।:;][\"'”’»)\]]*(?:\s|$)")
_INDEX: Final = re.compile(r"^(?:index|default|home)(?:\.\w{2,5})?$", re.IGNORECASE)
_LANGUAGE: Final = re.compile(r"^[a-z]{2}(?:[-_][a-z]{2})?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ExpectedArticle:
    """The facts of an entry with which its page is compared.

    Attributes:
        link: the address that was asked for.
        title: its title; may be empty.
        summary: its summary as plain text; may be empty.
        content: the full text in HTML, if the feed has it.
        language: the language that the feed declares.
    """

    link: str
    title: str
    summary: str
    content: str | None
    language: str | None = None

    def count_words(self, title: str, text: str) -> tuple[int, int]:
        """Return how many content words of title and summary a page has, and their number."""
        if _UNSPACED.search(self.title):
            return 0, 0
        words = _content_words(self.title)
        words |= _content_words(self.summary, _MAX_SUMMARY_WORDS)
        page = f"{title}\n{text}".lower()
        return sum(word in page for word in words), len(words)

    def agrees_with_title(self, title: str) -> bool:
        """Return whether half of the content words of the title are in another title."""
        words, other = _content_words(self.title), title.lower()
        return bool(words) and 2 * sum(word in other for word in words) >= len(words)


def check_article(
    title: str, text: str, *, url: str | None, expected: ExpectedArticle | None
) -> None:
    """Check that what was extracted from a page is an article, and the one that was listed.

    Args:
        title: the title of the page.
        text: its text.
        url: the address that it was fetched from, after redirects.
        expected: what the feed says of it; None if nothing is known.

    Raises:
        ItemError: if it is something else; the error is temporary.
    """
    problem = _find_wall(title, text, expected)
    if problem is None and expected is not None:
        problem = _find_redirect(title, url or expected.link, expected) or _find_difference(
            title, text, expected
        )
    if problem is not None:
        raise ItemError(NOT_THE_ARTICLE, f"the page is {problem}", temporary=True)


def is_confirmed(title: str, text: str, expected: ExpectedArticle) -> bool:
    """Return whether a page has a word of what the feed says, if the feed says anything."""
    shared, known = expected.count_words(title, text)
    return shared > 0 or known == 0


def _find_wall(title: str, text: str, expected: ExpectedArticle | None) -> str | None:
    """Return the description of the wall that a page is, or None."""
    words = len(text.split())
    shared, known = expected.count_words("", text) if expected else (0, 0)
    own_title = expected is not None and expected.agrees_with_title(title)
    for _, rule in match_walls(title):
        # An article may have such a title too: then the feed knows it, or the text has its words.
        if rule and not own_title and (words < _SHORT_WORDS or (expected and not shared)):
            return rule.description
    is_teaser = words < _SHORT_WORDS or 2 * shared < known
    if words <= _MAX_WALL_WORDS and (is_teaser if known else words <= _MAX_UNKNOWN_WALL_WORDS):
        matches = [(len(line.split()), rule) for line, rule in match_walls(text)]
        matched = sum(count for count, rule in matches if rule)
        if matched and matched >= _MIN_WALL_SHARE * words:
            _, rule = max(((n, rule) for n, rule in matches if rule), key=lambda match: match[0])
            return rule.description
    if words < _SHORT_WORDS and not _SENTENCE_END.search(text) and not own_title:
        return "without a sentence"
    return None


def _find_redirect(title: str, url: str, expected: ExpectedArticle) -> str | None:
    """Return what a redirect led to, if it is not another address of the article."""
    asked, answered = urlsplit(expected.link), urlsplit(url)
    if asked._replace(scheme="", fragment="") == answered._replace(scheme="", fragment=""):
        return None
    asked_parts, parts = _path_parts(asked.path), _path_parts(answered.path)
    if len(asked.path) > 1 and asked.path in unquote(answered.query):
        return "a step before the article, with the address of the article in its own"
    if not asked_parts or (asked_parts == parts):
        return None
    if not parts and not answered.query:
        return "the front page"
    is_above = parts == asked_parts[: len(parts)] and len(parts) < len(asked_parts)
    if is_above and not answered.query and not expected.agrees_with_title(title):
        return f"one above the listed address: {answered.path[:200]}"
    is_section = len(parts) < len(asked_parts) and not re.search(r"\d|[-_]\w+[-_]", parts[-1])
    if is_section and not expected.agrees_with_title(title):
        return f"of a section: {answered.path[:200]}"
    return None


def _find_difference(title: str, text: str, expected: ExpectedArticle) -> str | None:
    """Return how a page differs from what the feed says, if it cannot be the article."""
    words = _words(text)
    shared, known = expected.count_words(title, text)
    if expected.content:
        listed = _words(replace_entities(remove_tags(expected.content)))
        if len(listed) >= _MIN_FULL_TEXT_WORDS:
            listed_shingles = _shingles(listed)
            common = len(listed_shingles & _shingles(words)) / len(listed_shingles)
            if 2 * len(words) < len(listed) and shared:
                return "shorter than the text that the feed has"
            if common < _MIN_SHARED_TEXT and (not shared or len(words) < len(listed)):
                return "another text than the feed has"
            return None
    if known >= _MIN_KNOWN_WORDS and not shared and len(words) < _SHORT_WORDS:
        return "short, and has no word of the title in the feed"
    return None


def _content_words(text: str, limit: int = 100) -> set[str]:
    """Return the beginnings of the words of four letters or more, in lower case."""
    matches = islice(_CONTENT_WORD.finditer(text.lower()), limit)
    return {match[0][:_PREFIX_LETTERS] for match in matches}


def _words(text: str) -> list[str]:
    return [match[0] for match in islice(_WORD.finditer(text.lower()), _MAX_WORDS)]


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    return set(zip(*(words[n:] for n in range(_SHINGLE_WORDS)), strict=False))


def _path_parts(path: str) -> list[str]:
    """Return the parts of a path, without an index page and a language at its end."""
    parts = [part for part in path.split("/") if part]
    while parts and (_INDEX.match(parts[-1]) or (len(parts) == 1 and _LANGUAGE.match(parts[0]))):
        parts.pop()
    return parts
