"""The comparison of a page with what the feed says of its entry. Imports no Beam."""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Final

from w3lib.html import remove_tags, replace_entities

from transforms.extraction.wall_rules import UNSPACED

_MIN_KNOWN_WORDS: Final = 3
_MIN_FITTING_WORDS: Final = 2
_MIN_FULL_TEXT_WORDS: Final = 50
_MAX_FULL_TEXT_CHARACTERS: Final = 6000
_MIN_SHARED_TEXT: Final = 0.3
_SHINGLE_WORDS: Final = 3
_MAX_WORDS: Final = 2000
_MAX_SUMMARY_WORDS: Final = 40
_WORD: Final = re.compile(r"\w+")
_UNSPACED_PAIR: Final = re.compile(f"(?=([{UNSPACED}]{{2}}))")
_CONTENT_WORD: Final = re.compile(rf"[^\W_{UNSPACED}]{{3,}}")
_FUNCTION_WORDS: Final = frozenset(
    {
        *("about", "after", "all", "and", "are", "before", "but", "can", "could", "das", "der"),
        *("des", "die", "ein", "eine", "for", "from", "had", "has", "have", "her", "his", "how"),
        *("into", "its", "las", "les", "los", "more", "new", "not", "off", "one", "out", "over"),
        *("than", "that", "the", "their", "they", "this", "und", "une", "was", "were", "what"),
        *("when", "who", "why", "will", "with", "would", "you", "your"),
    }
)
_PREFIX_LETTERS: Final = 6


@dataclass(frozen=True, slots=True)
class ExpectedArticle:
    """The facts of an entry with which its page is compared.

    Attributes:
        link: the address that was requested.
        title: its title; may be empty.
        summary: its summary as plain text; may be empty.
        content: the full text in HTML, if the feed has it.
        language: the language that the feed declares.
        attempts: the number of failed attempts so far.
    """

    link: str
    title: str
    summary: str
    content: str | None
    language: str | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a page agrees with its entry.

    Attributes:
        shared: the number of content words of title and summary that the page has.
        known: the number of content words of title and summary.
        has_title: whether the title of the page has half of the content words of the entry's title.
        text_fits_title: whether the page's text has two content words of its own title, as articles
            have and walls have not.
        words_of_full_text: the number of words in the beginning of the feed's full text; 0 if it
            has none.
        shared_text: the share of the word sequences of the feed's full text that the page has.
    """

    shared: int
    known: int
    has_title: bool
    text_fits_title: bool
    words_of_full_text: int
    shared_text: float

    @property
    def has_full_text(self) -> bool:
        """Tell whether the page has enough of the feed's full text to be another form of it."""
        return self.shared_text >= _MIN_SHARED_TEXT

    @property
    def is_confirmed(self) -> bool:
        """Tell whether the page agrees with its entry. An entry without words agrees with any."""
        has_words = 2 * self.shared >= self.known
        return self.has_title or has_words or self.has_full_text

    @property
    def is_doubtful(self) -> bool:
        """Tell whether the page has no word of its entry, which has three or more."""
        return self.known >= _MIN_KNOWN_WORDS and not (self.shared or self.is_confirmed)


def compare_with_entry(title: str, text: str, expected: ExpectedArticle) -> Agreement:
    """Compare the title and the text of a page with what the feed says of its entry."""
    title_words = _content_words(expected.title)
    words = title_words | _content_words(expected.summary, _MAX_SUMMARY_WORDS)
    page_title, page = title.lower(), f"{title}\n{text}".lower()
    in_title = sum(word in page_title for word in title_words)
    beginning = (expected.content or "")[:_MAX_FULL_TEXT_CHARACTERS]
    full_text = _words(replace_entities(remove_tags(beginning)))
    shared_text = 0.0
    if len(full_text) >= _MIN_FULL_TEXT_WORDS:
        shingles = _shingles(full_text)
        shared_text = len(shingles & _shingles(_words(text))) / len(shingles)
    else:
        full_text = []
    return Agreement(
        shared=sum(word in page for word in words),
        known=len(words),
        has_title=bool(title_words) and 2 * in_title >= len(title_words),
        text_fits_title=_has_words_of_title(title, text),
        words_of_full_text=len(full_text),
        shared_text=shared_text,
    )


def _has_words_of_title(title: str, text: str) -> bool:
    """Return whether a text has two content words of its title."""
    lower = text.lower()
    return sum(word in lower for word in _content_words(title)) >= _MIN_FITTING_WORDS


def _content_words(text: str, limit: int = 100) -> set[str]:
    """Return the first letters of each content word, in lower case.

    For scripts without spaces, return each pair of letters instead.
    """
    lower = text[: 20 * limit].lower()
    words = islice(_CONTENT_WORD.finditer(lower), limit)
    pairs = islice(_UNSPACED_PAIR.finditer(lower), limit)
    beginnings = {match[0][:_PREFIX_LETTERS] for match in words if match[0] not in _FUNCTION_WORDS}
    return beginnings | {match[1] for match in pairs}


def _words(text: str) -> list[str]:
    return [match[0] for match in islice(_WORD.finditer(text.lower()), _MAX_WORDS)]


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    return set(zip(*(words[n:] for n in range(_SHINGLE_WORDS)), strict=False))
