"""The check that a page is the article that its feed lists.

A server often answers 200 with something else: a consent wall, a check for bots, an empty app, a
notice that the page is gone, the front page. A page is compared with what is known of the entry
(its link, title, summary and full text) and with the phrases of such pages. Agreement with the
entry outweighs a phrase, since articles may be about cookies too. Imports no Beam.
"""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from w3lib.html import remove_tags, replace_entities

from transforms.core.errors import ItemError
from transforms.extraction.wall_rules import UNSPACED, count_words, find_wall_sentences, match_wall

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
_MIN_KNOWN_WORDS: Final = 3
_MIN_FITTING_WORDS: Final = 2
_ATTEMPTS_UNTIL_ACCEPTED: Final = 3
"""The number of attempts after which a short page without a word of its entry is accepted."""
_MIN_FULL_TEXT_WORDS: Final = 50
_MAX_FULL_TEXT_CHARACTERS: Final = 6000
_MIN_SHARED_TEXT: Final = 0.3
_MIN_SHARED_ON_FRONT_PAGE: Final = 0.5
"""The front page may have the first paragraph of a story, but not half of it."""
_TEASER: Final = "shorter than the text that the feed has"
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
_SENTENCE_END: Final = re.compile("[.!?…:;。！？؟।۔։።။॥]|[」』）]$", re.MULTILINE)
_VARIANT_PART: Final = re.compile(
    r"(?:index|default|amp|print|rss|feed|comments?|all|m|mobile)(?:\.\w{2,5})?$|\d{1,2}$", re.I
)
"""Last parts of paths that show a page in another form: for printing, or its second half."""
_MOBILE_PART: Final = re.compile(r"(?:amp|m|mobile)$", re.IGNORECASE)
_EXTENSION: Final = re.compile(r"\.(?:html?|php|aspx?|jsp|amp)$", re.IGNORECASE)
_HOME_PART: Final = re.compile(r"(?:index|default|home)(?:\.\w{2,5})?$", re.IGNORECASE)
_LANGUAGE: Final = re.compile(r"[a-z]{2}(?:[-_][a-z]{2})?$", re.IGNORECASE)
_INDEX_PART: Final = re.compile(
    r"(?:tags?|topics?|categor(?:y|ies)|sections?|search|authors?|archives?|error|404|home|login)"
    r"(?:\.\w{2,5})?$",
    re.IGNORECASE,
)
"""Parts of the addresses of lists of articles, wherever they are in a path."""
_LIST_PART: Final = re.compile(
    r"(?:news|latest|local|sports?|politics|world|business|opinion|culture|entertainment|tech|health"
    r"|lifestyle|national|international|nachrichten|politik|actualites?|noticias|notizie)"
    r"(?:\.\w{2,5})?$",
    re.IGNORECASE,
)
"""Names of sections, which end the address of a list and begin those of articles."""
_ID_PARAMETER: Final = re.compile(r"(?:^|&)(?:\w*id|p|n|a|story|article|post)=", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:19|20)\d\d$")
_MIN_SLUG_LETTERS: Final = 4
_MIN_SLUG_WORDS: Final = 2
_YEAR_DIGITS: Final = 4
_SLUG: Final = re.compile(r"\d|-")


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
    def is_confirmed(self) -> bool:
        """Whether the page agrees with its entry; true if the entry has no words to compare."""
        has_words = 2 * self.shared >= self.known
        return self.has_title or has_words or self.shared_text >= _MIN_SHARED_TEXT

    @property
    def is_doubtful(self) -> bool:
        """Whether the page has none of the words of its entry, although these are several."""
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
        problem = _find_redirect(url or expected.link, expected, agreement)
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


def _find_redirect(url: str, expected: ExpectedArticle, agreement: Agreement) -> str | None:
    """Return what a redirect led to, or None if that may be the article."""
    requested, final = urlsplit(expected.link), urlsplit(url)
    if requested._replace(scheme="", fragment="") == final._replace(scheme="", fragment=""):
        return None
    requested_parts, parts = _path_parts(requested.path), _path_parts(final.path)
    is_same_host = requested.netloc.removeprefix("www.") == final.netloc.removeprefix("www.")
    if _has_parameter(final, requested, expected.link) and not agreement.has_title:
        return "a step before the article, with the address of the article in its own"
    is_page_requested = bool(requested_parts) or _has_id(requested)
    if not is_page_requested or (requested_parts == parts and (parts or _has_id(final))):
        return None
    is_whole = agreement.shared_text >= _MIN_SHARED_ON_FRONT_PAGE
    if not parts and not _has_id(final):
        return None if is_whole or (agreement.has_title and not is_same_host) else "the front page"
    if agreement.has_title or is_whole or not parts:
        return None
    if any(map(_INDEX_PART.match, parts)) and not any(map(_INDEX_PART.match, requested_parts)):
        return f"a list of articles: {final.path[:200]}"
    if _LIST_PART.match(parts[-1]) or _YEAR.match(parts[-1]):
        return f"a list of articles: {final.path[:200]}"
    if parts == requested_parts[: len(parts)] and len(parts) < len(requested_parts):
        is_archive = all(part.isdigit() and len(part) <= _YEAR_DIGITS for part in parts)
        is_other = is_archive or not _SLUG.search(parts[-1])
        return f"one above the listed address: {final.path[:200]}" if is_other else None
    if agreement.is_confirmed or _has_id(final) or not (is_same_host and requested_parts):
        return None
    words, other_words = (
        {word for word in _tokens(part) if len(word) >= _MIN_SLUG_LETTERS}
        for part in (requested_parts[-1], parts[-1])
    )
    if min(len(words), len(other_words)) >= _MIN_SLUG_WORDS and not words & other_words:
        return f"another one: {final.path[:200]}"
    return None


def _find_difference(text: str, expected: ExpectedArticle, agreement: Agreement) -> str | None:
    """Return how a page contradicts the feed, or None if it does not."""
    words = count_words(text)
    if agreement.words_of_full_text:
        if 2 * words < agreement.words_of_full_text:
            return _TEASER
        if agreement.shared_text < _MIN_SHARED_TEXT and not agreement.has_title:
            return "another text than the feed has"
    elif (
        words < _SHORT_WORDS
        and agreement.known >= _MIN_KNOWN_WORDS
        and not (agreement.shared or agreement.text_fits_title)
        and expected.attempts < _ATTEMPTS_UNTIL_ACCEPTED
    ):
        return "short, and has no word of the title in the feed"
    return None


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


def _tokens(part: str) -> set[str]:
    return set(_WORD.findall(part.lower().replace("_", "-")))


def _has_parameter(final: SplitResult, requested: SplitResult, link: str) -> bool:
    """Return whether a parameter of the final address is the requested address, or its path."""
    values = {value for _, value in parse_qsl(final.query, max_num_fields=1000)}
    return link in values or (len(requested.path) > 1 and requested.path in values)


def _has_id(parts: SplitResult) -> bool:
    """Return whether the query or the route of an address may name an article."""
    return bool(_ID_PARAMETER.search(parts.query)) or any(map(str.isdigit, parts.fragment))


def _path_parts(path: str) -> list[str]:
    """Return the parts of a path, without those for a language or a form of the page (AMP)."""
    parts = [_EXTENSION.sub("", part) for part in path.split("/") if part]
    if len(parts) > 1 and _MOBILE_PART.match(parts[0]):
        parts = parts[1:]
    if parts and _LANGUAGE.match(parts[0]) and (len(parts) > 1 or len(parts[0]) != 2):
        parts = parts[1:]
    elif len(parts) == 1 and _LANGUAGE.match(parts[0]):
        return []
    while len(parts) > 1 and _VARIANT_PART.match(parts[-1]):
        parts.pop()
    return [] if len(parts) == 1 and _HOME_PART.match(parts[0]) else parts
