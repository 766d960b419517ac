"""The times of publication and of the last change that a page states."""

import contextlib
import datetime as dt
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import chain, islice
from typing import Final, NamedTuple

from dateutil import parser, tz
from htmldate import find_date
from lxml import etree
from lxml.html import HtmlElement
from trafilatura.settings import set_date_params

from transforms.core.clock import parse_iso_time
from transforms.extraction.cleaning import clean_line
from transforms.extraction.json_ld import JsonLdArticle
from transforms.extraction.metas import Metas, is_of_article

_PUBLISHED: Final = (
    *("article:published_time", "article:published", "og:article:published_time"),
    *("og:published_time", "article:published_date", "article:post_date", "datepublished"),
    *("parsely-pub-date", "sailthru.date", "cxenseparse:publishtime"),
    *("cxenseparse:recs:publishtime", "dc.date.issued", "dcterms.issued", "dcterms.created"),
    *("dc.date", "dc:date", "dcterms.date", "dc.created", "dc.date.created", "date.available"),
    *("publish_date", "publish-date", "publishdate", "published_date", "published-date"),
    *("publication_date", "publicationdate", "published_time", "published_at", "published"),
    *("pubdate", "rbpubdate", "ptime", "pdate", "bt:pubdate", "prism.publicationdate"),
    *("citation_publication_date", "citation_date", "originalpublicationdate", "displaydate"),
    *("vr:published_time", "mediator_published_time", "article_date_original", "date"),
    *("datecreated", "date.created", "created"),
)
_MODIFIED: Final = (
    *("article:modified_time", "article:modified", "og:article:modified_time"),
    *("og:modified_time", "og:updated_time", "article:modified_date", "article:updated_time"),
    *("datemodified", "dc.date.modified", "dcterms.modified", "dc.modified", "date.modified"),
    *("last-modified", "lastmod", "lastmodified", "modified_time", "updated_time", "bt:moddate"),
    *("modificationdate", "revision_date"),
)
_MAX_TIME_ELEMENTS: Final = 500
_MAX_CHARACTERS: Final = 60
_EPOCH: Final = re.compile(r"\d{10}(?:\d{3})?")
_ISO_DAY: Final = re.compile(r"\d{4}-?\d\d-?\d\d")
_CLOCK: Final = re.compile(r"\d:\d\d|T\d{4}|\d{10}")
_FULL_YEAR: Final = re.compile(r"\b(?:19|20)\d\d\b")
_AMBIGUOUS_DAY: Final = re.compile(r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b")
_MILLISECONDS: Final = re.compile(r"(?<=\d),(?=\d{3}\b)")
_ZONES: Final = {"GMT": 0, "UT": 0} | {
    f"{letter}{kind}T": -3600 * (hours - (kind == "D"))
    for letter, hours in (("E", 5), ("C", 6), ("M", 7), ("P", 8))
    for kind in "SD"
}
"""The names of RFC 5322, 4.3. Others, such as IST, name several zones: they are not guessed."""
_DEFAULTS: Final = (dt.datetime(2000, 1, 1), dt.datetime(2004, 2, 2))
"""Two defaults, to see which parts of a date are not written."""
_MIN_TIME: Final = dt.datetime(1900, 1, 2, tzinfo=dt.timezone.utc)
_UNSET_DAYS: Final = {dt.date(1970, 1, 1)}  # what a program writes for a time of zero
_MAX_OFFSET: Final = dt.timedelta(hours=14)
_OTHER_CONTENT: Final = re.compile(
    r"comment|related|recommend|sidebar|teaser|promo|most-?(?:read|popular)|trending|newsletter|"
    r"more-(?:news|stories|from|on)|read-?(?:more|next)|carousel|latest",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(
    r"(?<![\w-])comments?(?![\w-])|"
    r"comment[_-]?(?:author|body|content|form|item|list|meta|section|thread)",
    re.IGNORECASE,
)
_OUTSIDE: Final = {"aside", "nav", "footer", "a", "blockquote", "figure"}
_MAX_HEADLINES: Final = 20
_CHANGE: Final = re.compile(r"modif|updat|edit", re.IGNORECASE)
_FIRST: Final = re.compile(r"publish|entry-date", re.IGNORECASE)
_SENTENCE_ELEMENTS: Final = ("p", "li", "blockquote", "td", "dd", "figcaption", "h2", "h3")
_DATE_LINE: Final = re.compile(
    r"\b(?:published|posted|updated|date|filed|created|first seen|on air)\b", re.IGNORECASE
)
_DATE_LABEL: Final = re.compile(r"date|time|byline|meta|author|posted|publish", re.IGNORECASE)
_MONTH: Final = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
_DATE: Final = re.compile(
    rf"\b(?:{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|"
    rf"\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? \d{{4}}|\d{{4}}-\d\d-\d\d)\b",
    re.IGNORECASE,
)
_DATE_LINE_WORD: Final = re.compile(
    r"\b(?i:first|published|posted|filed|created|date|on|at|and|mon|tues?|wed(?:nes)?|thurs?|fri|"
    r"sat(?:ur)?|sun)(?:day)?\b|\b[ap]\.?m\b|\b\d{1,2}[ap]m\b|T?\d\d:\d\d[\d:.]{0,8}Z?|"
    r"\b\d{1,2}:\d\d[ap]m\b|\b[A-Z]{2,4}\b"
)
_MAX_LINES: Final = 40
_HIDDEN: Final = {"script", "style", "noscript", "time", "option"}
_MAX_DATE_LINE: Final = 100
_MAX_BARE_DATE: Final = 30


class PageTime(NamedTuple):
    """A time that a page states, UTC, and which parts of it are written."""

    time: dt.datetime
    has_clock: bool
    has_zone: bool


def find_times(
    article: JsonLdArticle, metas: Metas, tree: HtmlElement, url: str | None
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Find the times of publication and of the last change of the article of a page.

    The first of these that has a time is believed: the article's JSON-LD, the ``<meta>``
    elements, ``<time>`` elements of the article. If it has no clock time or no zone, it gets them
    from the next that agrees with it. A time without a zone counts as UTC. Failing all, the day
    of publication is that of a line below the headline, else that which htmldate finds outside
    of the sentences of the text.

    Args:
        article: the JSON-LD of the article.
        metas: the ``<meta>`` elements of the page.
        tree: the page; it is not changed.
        url: its address, which may have the date.

    Returns:
        The times, UTC; midnight if there is only a date. The second is not before the first.
    """
    published = _choose_time(
        chain(
            [article.published],
            _get_all(metas, _PUBLISHED),
            _find_time_elements(tree, of_change=False),
        )
    ) or parse_iso_time(_find_date_line(tree) or _find_day(tree, url) or "")
    modified = _choose_time(
        chain(
            [article.modified],
            _get_all(metas, _MODIFIED),
            _find_time_elements(tree, of_change=True),
        )
    )
    if modified and published and modified < published:
        modified = None
    return published, modified


def read_lines_below_headline(tree: HtmlElement) -> list[str]:
    """Return the first short texts after the headline of a page: the byline, the date, labels."""
    headlines = (h1 for h1 in islice(tree.iter("h1"), _MAX_HEADLINES) if h1.text_content().strip())
    headline = next(headlines, None)
    if headline is None:
        return []
    texts = headline.xpath(f"following::text()[normalize-space()][position() <= {_MAX_LINES}]")
    lines = (clean_line(str(text)) for text in texts if text.getparent().tag not in _HIDDEN)
    return [line for line in lines if len(line) <= _MAX_DATE_LINE]


def parse_page_time(value: str) -> PageTime | None:
    """Parse a time as pages write it: ISO 8601, RFC 5322, in English words, or since the epoch.

    Returns:
        The time, or None if the value is no time, is ambiguous, or stands for none (the year 1).

    >>> parse_page_time("24 Nov 2026 09:30 +0100").time.isoformat()
    '2026-11-24T08:30:00+00:00'
    >>> parse_page_time("03/04/2026")
    """
    value = value.strip()[:_MAX_CHARACTERS]
    has_clock = bool(_CLOCK.search(value))
    time: dt.datetime | None
    if _EPOCH.fullmatch(value):
        seconds = int(value) / (1000 if len(value) > 10 else 1)
        time = dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
    else:
        time = _parse(_MILLISECONDS.sub(".", value))
    if time is None:
        return None
    has_zone = time.tzinfo is not None
    try:
        time = (time if has_zone else time.replace(tzinfo=dt.timezone.utc)).astimezone(
            dt.timezone.utc
        )
    except (ValueError, OverflowError):
        return None
    if time < _MIN_TIME or time.date() in _UNSET_DAYS:
        return None
    return PageTime(time, has_clock, has_zone)


def _parse(value: str) -> dt.datetime | None:
    is_iso = bool(_ISO_DAY.match(value))
    if is_iso:
        with contextlib.suppress(ValueError, OverflowError):
            return parser.isoparse(value)
    if not (is_iso or _FULL_YEAR.search(value)) or (not is_iso and _AMBIGUOUS_DAY.search(value)):
        return None
    try:
        times = [parser.parse(value, default=default, tzinfos=_find_zone) for default in _DEFAULTS]
    except (ValueError, OverflowError, TypeError, ArithmeticError):
        return None
    return times[0] if times[0] == times[1] else None


def _find_zone(name: str | None, offset: int | None) -> dt.tzinfo | None:
    offset = _ZONES.get(name or "") if offset is None else offset
    return None if offset is None else tz.tzoffset(None, offset)


def _choose_time(values: Iterator[str]) -> dt.datetime | None:
    """Return the first time of several, with the clock time and the zone of a later one."""
    best: PageTime | None = None
    for value in values:
        found = parse_page_time(value)
        if found is None:
            continue
        if best is None or _is_more_exact(found, best, value):
            best = found
        if best.has_clock and best.has_zone:
            break
    return best.time if best else None


def _is_more_exact(found: PageTime, known: PageTime, written: str) -> bool:
    """Return whether a time is a known one with its clock time or its zone.

    Args:
        found: the time.
        known: the less exact time.
        written: the first time as written.
    """
    if not found.has_clock:
        return False
    if not known.has_clock:
        day = known.time.date()
        return written.startswith(str(day)) or found.time.date() == day
    # The known time may be local. Zones differ by quarters of an hour.
    gap = abs(found.time - known.time)
    return found.has_zone and gap <= _MAX_OFFSET and not gap % dt.timedelta(minutes=15)


def _get_all(metas: Metas, keys: tuple[str, ...]) -> Iterator[str]:
    return chain.from_iterable(metas.get(key, ()) for key in keys)


def _find_time_elements(tree: HtmlElement, *, of_change: bool) -> Iterator[str]:
    """Yield the times that ``<time>`` elements of the article state, its own microdata first."""
    article = _find_article_element(tree)
    found: list[tuple[bool, str]] = []
    for element in islice(tree.iter("time"), _MAX_TIME_ELEMENTS):
        value = element.get("datetime") or element.text_content()
        names = f"{element.get('itemprop')} {element.get('class')}"
        is_marked = "datepublished" in names.lower() or element.get("pubdate") is not None
        # WordPress marks a time that is the only one as "published updated".
        is_change = bool(_CHANGE.search(names)) and not _FIRST.search(names)
        if is_change is of_change and _is_within(element, article):
            found.append((not is_marked, value))
    return (value for _, value in sorted(found, key=lambda pair: pair[0]))


def _find_article_element(tree: HtmlElement) -> HtmlElement:
    """Return the ``<article>`` or ``<main>`` with the page's headline, else the whole page."""
    for headline in islice(tree.iter("h1"), _MAX_HEADLINES):
        for ancestor in headline.iterancestors("article", "main"):
            return ancestor
    return tree


def _is_within(element: HtmlElement, article: HtmlElement) -> bool:
    """Return whether an element is in the article, but not in a part about something else."""
    if not is_of_article(element):
        return False
    for ancestor in element.iterancestors():
        if ancestor is article:
            return True
        is_own_link = ancestor.tag == "a" and "bookmark" in (ancestor.get("rel") or "")
        is_card = ancestor.tag == "article" == article.tag
        if is_card or (ancestor.tag in _OUTSIDE and not is_own_link):
            return False
        if _is_labelled_other(ancestor):
            return False
    return False


def is_in_comment(element: HtmlElement) -> bool:
    """Return whether an element is a reader's comment or a part of one."""
    parts = (element, *element.iterancestors())
    return any(_COMMENT.search(f"{part.get('class')} {part.get('id')}") for part in parts)


def _is_labelled_other(element: HtmlElement) -> bool:
    label = f"{element.get('class')} {element.get('id')}"
    return element.tag not in ("body", "html") and bool(_OTHER_CONTENT.search(label))


def _find_date_line(tree: HtmlElement) -> str | None:
    """Return the day in a line below the headline that is nothing but a date, ISO 8601."""
    for line in read_lines_below_headline(tree):
        date = _DATE.search(line)
        if date is None or _CHANGE.search(line):
            continue
        rest = _DATE_LINE_WORD.sub("", line[: date.start()] + line[date.end() :])
        found = parse_page_time(date[0])
        if found and not any(map(str.isalpha, rest)):
            return str(found.time.date())
    return None


def _find_day(tree: HtmlElement, url: str | None) -> str | None:
    """Return the day that htmldate finds in the address and in lines that are no sentences."""
    rest = deepcopy(tree)
    for element in list(rest.iter(etree.Element)):
        if len(element.text or "") > _MAX_DATE_LINE:
            element.text = ""
        if len(element.tail or "") > _MAX_DATE_LINE:
            element.tail = ""
    for meta in rest.findall(".//meta[@itemprop]"):
        meta.drop_tree()  # of other objects, such as comments
    for element in list(rest.iter("script", "time", *_SENTENCE_ELEMENTS)):
        if not _is_date_line(element) and element.getparent() is not None:
            element.drop_tree()
    day: str | None = find_date(rest, url=url, **set_date_params(extensive=False))
    return day


def _is_date_line(element: HtmlElement) -> bool:
    if element.tag in ("script", "time"):
        return False
    text = element.text_content().strip()
    label = f"{element.get('class')} {element.get('id')}"
    is_labelled = bool(_DATE_LABEL.search(label) or _DATE_LINE.search(text))
    return len(text) <= _MAX_DATE_LINE and (is_labelled or len(text) <= _MAX_BARE_DATE)
