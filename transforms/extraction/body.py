"""The body text of an article: what is removed before trafilatura reads a page, and after.

Trafilatura finds the article. It keeps some of what surrounds the sentences of the article:
captions, links to other stories, sign-up boxes, credits. Most of that is known by its markup
(``_CLASS_RULES``), some only by its wording (``_LINE_RULES``). Both are tables.
"""

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Final, NamedTuple

import lxml.html
import trafilatura
from lxml import etree
from lxml.html import HtmlElement

from transforms.extraction.cleaning import clean_line, clean_text


class ClassRule(NamedTuple):
    """A kind of element that is no part of an article's text, known by its class or id.

    Attributes:
        id: the name of the rule.
        words: whole words of a class or an id, as a regular expression in lower case.
        max_words: an element with more words than this outside its links is kept.
    """

    id: str
    words: str
    max_words: int = 150


class LineRule(NamedTuple):
    """A kind of line that cannot be prose of an article.

    Attributes:
        id: the name of the rule.
        pattern: a regular expression for the whole line, regardless of case.
        max_words: a line with more words than this is kept.
    """

    id: str
    pattern: str
    max_words: int = 25


_LABEL: Final = (
    r"(?:read|see|watch|listen|learn)(?: more| also| next)(?: here| on this)?|also (?:read|see)"
    r"|related(?: stories| articles| news| content| coverage)?|more on this(?: story| topic)?"
    r"|(?:recommended|suggested)(?: for you| reading)?|you (?:may|might) also like"
    r"|editors?['’]s? picks?|don['’]t miss|up next|what to read next"
)
"""The labels of links to other stories."""
_DATE: Final = (
    r"(?:[a-z]+, )?(?:\d{1,2}(?:st|nd|rd|th)? [a-z]{3,9},? \d{4}|[a-z]{3,9}\.? \d{1,2},? \d{4}"
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})(?:\W{1,3}(?:at )?\d{1,2}[:.]\d\d)?"
    r"(?:\s?[ap]\.?m\.?)?(?: \(?[a-z]{2,5}\)?)?"
)
_CLASS_RULES: Final = (
    ClassRule("caption", r"captions?|figcaption|cutline|(?:photo|image|picture|media)-?credits?"),
    ClassRule("embedded-post", r"twitter-tweet|instagram-media|tiktok-embed|fb-post|bluesky-embed"),
    ClassRule(
        "related",
        r"related|recommended|recommendations?|recirc(?:ulation)?|trending|up-next|most-?popular"
        r"|most-?(?:read|viewed|recent)|more-(?:on|topics?|from|stories|news)|see-also|also-?read"
        r"|read-?(?:more|also|next)|next-(?:article|story|post)|you-may-(?:also-)?like",
    ),
    ClassRule(
        "sign-up",
        r"newsletters?|sign-?up|subscri(?:be|ption|ptions)|cta|call-to-action|donat(?:e|ion|ions)"
        r"|promos?|promoted|(?:access|registration|reg)-?wall",
    ),
    ClassRule("comments", r"comments?|disqus"),
    ClassRule("advertisement", r"advert\w*|ads?-?(?:slot|unit|container|wrapper)|sponsor(?:ed)?"),
    ClassRule("share", r"shar(?:e|ing)|social|follow-us"),
    ClassRule("author-box", r"author-?(?:bio|info|box|card)|about-(?:the-)?author|byline|bylines"),
    ClassRule("date", r"(?:publish|published|updated|post|posted|article|story)-?(?:date|on|time)"),
    ClassRule("menu", r"breadcrumbs?|menu|navbar|navigation|pagination|skip-?links?|tag-?list"),
    ClassRule("notice", r"copyright|disclaimer|permissions?|cookies?|consent|banner"),
    ClassRule("pull-quote", r"pull-?quotes?", 60),
    ClassRule(
        "image", r"(?<!with-)(?<!has-)(?<!no-)(?:image|photo|picture|gallery|carousel)s?", 60
    ),
)
_LINE_RULES: Final = (
    LineRule("advertisement", r"(?:- )?advertisement\W*\d*|article content"),
    LineRule("continues", r"(?:advertisement\W*\S* ?)?(?:story )?continues below.{0,40}"),
    LineRule(
        "scroll", r"(?:advertisement\W*)?(?:scroll|keep scrolling|continue reading)\b.{0,60}", 8
    ),
    LineRule("label", rf"(?:{_LABEL})\W*"),
    LineRule(
        "labelled-title",
        rf"(?:{_LABEL}|read|see|watch|listen)(?: ?[:|»>]| [-–—]) ?\S.{{0,200}}(?<![.”])",
    ),
    LineRule("read-here", r"(?:click|tap) here (?:to|for) .{0,150}"),
    LineRule("most-read", r"most (?:read|popular|viewed)(?: (?:in|on) .{2,20})?|trending(?: now)?"),
    LineRule("sign-up", r"(?:sign up|subscribe|register) (?:to|for|here|now|today)\b.{0,150}", 30),
    LineRule("follow-us", r"(?:follow|like|join|get|download|bookmark) (?:us|our)\b.{0,150}", 30),
    LineRule(
        "follow-on", r"follow .{2,40} on (?:facebook|instagram|twitter|x|linkedin)\b.{0,60}", 15
    ),
    LineRule(
        "our-newsletter",
        r"[^\"“”]{0,200}\b(?:sign up (?:for|to)|subscribe to) our\b[^\"“”]{0,60}newsletter.{0,99}",
        40,
    ),
    LineRule("subscribe", r"(?:subscribe|sign up|sign in|log in)(?: (?:now|here|today))?\W*"),
    LineRule("email", r"\W*e-?mail(?: us| me)?\b.{0,40}\S@\S.{0,60}"),
    LineRule("contact", r".{0,99}\?\W*(?:e-?mail|contact|get in touch|write)\b.{0,40}\S@\S.{0,60}"),
    LineRule("copyright", r"(?:copyright )?(?:©|\(c\)|copyright \d{4}).{0,150}"),
    LineRule("rights", r".{0,80}all rights reserved\W*"),
    LineRule("reporting", r"\W*(?:with |additional )*(?:reporting|editing) by [^.]{2,150}", 20),
    LineRule("editing", r"\W*reporting by .{2,200}\b(?:writing|editing) by .{2,90}", 40),
    LineRule("files", r"\W*with (?:files|reporting) (?:from|by) .{2,150}", 15),
    LineRule(
        "contributed",
        r".{3,200} contributed (?:reporting|to this (?:report|story|article))\b.{0,30}",
        40,
    ),
    LineRule(
        "image-credit",
        r"(?:image|photo|photograph|picture|pic|(?:photo |image )?credit)s?(?: by)? ?: ?.{2,80}",
        12,
    ),
    LineRule(
        "date",
        rf"(?:first |last )?(?:published|updated|modified|posted)(?: on| at)?\W{{0,3}}(?:{_DATE})",
    ),
    LineRule("feed-footer", r"the post .{2,200} (?:appeared first|first appeared) on .{2,80}", 50),
    LineRule("time-to-read", r"\d{1,3} min(?:ute)?s? read(?:ing)?(?: time)?"),
    LineRule("share", r"comments?\W*|share(?: this)?(?: (?:story|article))?\W*"),
)
_CLASSES: Final = "|".join(
    f"(?P<r{number}>{rule.words})" for number, rule in enumerate(_CLASS_RULES)
)
_CLASS_WORDS: Final = re.compile(rf"(?<![a-z])(?:{_CLASSES})(?![a-z])")
_LINES: Final = [(re.compile(rule.pattern, re.IGNORECASE), rule.max_words) for rule in _LINE_RULES]
_LABELS: Final = re.compile(rf"(?:{_LABEL})\W*", re.IGNORECASE)
_BYLINE: Final = re.compile(
    r"(?:[Bb]y|BY)\b:? (?:[A-Z][\w.'’-]*,? (?:and )?){1,8}[A-Z][\w.'’-]*[a-zA-Z]"
)
_DATE_LINE: Final = re.compile(_DATE, re.IGNORECASE)
_BROKEN: Final = re.compile(r"(?<=[\w,;])\n(?=[a-z]{2,}\b|a\b)")
"""A line end within a sentence."""
_CAMEL_CASE: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_STANDFIRST_WORDS: Final = re.compile(
    r"(?<![a-z])(?:standfirst|dek|sub-?title|sub-?head(?:line)?|strap-?line|excerpt)(?![a-z])"
)
_INVISIBLE: Final = re.compile(r"display:\s*none|visibility:\s*hidden", re.IGNORECASE)
_NOT_WORD: Final = re.compile(r"[\W_]+")
_BLOCKS: Final = (
    *("aside", "blockquote", "details", "div", "figure", "footer", "form", "h2", "h3", "h4", "h5"),
    *("h6", "header", "li", "nav", "ol", "p", "section", "span", "table", "ul"),
)
_PROSE_TAGS: Final = ("p", "li", "blockquote", "b", "em", "i", "span", "strong")
_NEVER_TEXT: Final = ("iframe", "noscript", "select", "style", "svg", "template", "textarea")
_OUTSIDE: Final = ("button", "dialog", "footer", "li", "nav")
_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_NAME_ATTRIBUTES: Final = ("class", "id", "data-testid", "data-component")
_MAX_NAME: Final = 300
_MAX_SHARE: Final = 0.4
"""An element with more of the page's text than this is kept, whatever its class."""
_MAX_REFERENCE: Final = 800
_MIN_PROSE: Final = 300
_OPENING_QUOTES: Final = "\"'“‘«„"


def extract_text(tree: HtmlElement, *, url: str | None, title: str = "") -> str:
    """Return the paragraphs of the article in a page, one per line, without its headline.

    Args:
        tree: the page, which is changed: it is of no use for anything else afterwards.
        url: its address, for relative links.
        title: the headline.

    Returns:
        The text; empty if none was found.
    """
    headlines = {_fold(text) for text in (title, *_find_headlines(tree))} - {""}
    standfirst = _find_standfirst(tree)
    _remove_other_stories(tree, headlines)
    _remove_boilerplate(tree)
    _write_quotation_marks(tree)
    _keep_inline_text(tree)
    _join_chunks(tree)
    lines = _extract(tree, url).split("\n")
    lines = [line for line in _skip_heading(lines, headlines) if not is_boilerplate(line)]
    if not any(lines):
        return ""
    if standfirst and _fold(standfirst) not in _fold(" ".join([title, *lines])):
        lines.insert(0, standfirst)
    return _BROKEN.sub(" ", "\n".join(lines))


def _extract(tree: HtmlElement, url: str | None) -> str:
    """Return the text that trafilatura finds.

    Its own rules are twice as fast as all it can do. If they find too little, it also tries
    Readability and jusText, which take more of a page.
    """
    document = trafilatura.bare_extraction(tree, url=url, include_comments=False, fast=True)
    text = clean_text(getattr(document, "text", None) or "")
    prose = _measure_prose(tree)
    if prose >= _MIN_PROSE and len(text) >= 0.5 * prose:
        return text
    for element in tree.iter():  # jusText ends a paragraph at the line ends of the source
        if element.text and element.tag != "pre":
            element.text = element.text.replace("\n", " ")
        if element.tail:
            element.tail = element.tail.replace("\n", " ")
    document = trafilatura.bare_extraction(tree, url=url, include_comments=False)
    return clean_text(getattr(document, "text", None) or "") or text


def read_blocks(html: str) -> str:
    """Return the text of a fragment of HTML that is too short for trafilatura, one line per block.

    >>> read_blocks("<p>The bridge <b>will</b> close.<p>It is <q>rusty</q>.")
    'The bridge will close.\\nIt is “rusty”.'
    """
    tree: HtmlElement = lxml.html.fromstring(f"<div>{html}</div>")
    etree.strip_elements(tree, "script", "figcaption", *_NEVER_TEXT, with_tail=False)
    _write_quotation_marks(tree)
    for element in tree.iter():
        if element.text:
            element.text = element.text.replace("\n", " ")
        if element.tail:
            element.tail = element.tail.replace("\n", " ")
        if element.tag in (*_BLOCKS, "br", "tr") and element.tag != "span":
            element.text = "\n" + (element.text or "")
            element.tail = "\n" + (element.tail or "")
    lines = clean_text(str(tree.text_content())).split("\n")
    return _BROKEN.sub(" ", "\n".join(line for line in lines if not is_boilerplate(line)))


def is_boilerplate(line: str) -> bool:
    """Return whether a line is certainly boilerplate: no prose of an article.

    >>> is_boilerplate("ADVERTISEMENT"), is_boilerplate("The advertisement was shown twice.")
    (True, False)
    """
    line = line.removeprefix("- ")
    words = line.count(" ") + 1
    return not any(map(str.isalnum, line)) or any(
        words <= max_words and pattern.fullmatch(line) for pattern, max_words in _LINES
    )


def _fold(text: str) -> str:
    return _NOT_WORD.sub("", text).lower()


def _read_text(element: HtmlElement) -> str:
    return clean_line(str(element.text_content()))


def _find_metas(tree: HtmlElement, names: tuple[str, ...]) -> Iterator[str]:
    for meta in islice(tree.iter("meta"), 1000):
        if (meta.get("property") or meta.get("name") or "").lower() in names:
            yield clean_line(meta.get("content"))


def _find_headlines(tree: HtmlElement) -> Iterator[str]:
    headings = map(_read_text, islice(tree.iter("h1", "title"), 20))
    return chain(headings, _find_metas(tree, ("og:title", "twitter:title")))


def _skip_heading(lines: list[str], headlines: set[str]) -> list[str]:
    """Return lines without the headline, what stands above it, the byline and the date."""
    for number, line in enumerate(lines[:4]):
        if _fold(line) in headlines:
            lines = lines[number + 1 :]
            break
        if len(line) > 60:
            break
    first = [ln for ln in lines[:4] if not _BYLINE.fullmatch(ln) and not _DATE_LINE.fullmatch(ln)]
    return first + lines[4:]


def _find_standfirst(tree: HtmlElement) -> str | None:
    """Return the summary that a page shows between its headline and its first paragraph.

    Trafilatura starts with the first paragraph. The summary is known by the description in the
    head of the page, which repeats it, or by its class.
    """
    described = {_fold(text) for text in _find_metas(tree, ("description", "og:description"))}
    around: set[HtmlElement] = set()  # the headline's ancestors, until the first paragraph
    for element in tree.iter("h1", "h2", "h3", "h4", "p", "div", "span", "em"):
        if element.tag == "h1":
            around = set(islice(element.iterancestors("header", "div", "article", "section"), 4))
        if element.tag == "h1" or len(element) > 3:
            continue
        text = element.text_content()
        if 20 <= len(text) <= 600 and _fold(text) in described:
            return _read_text(element)
        if around and 40 <= len(text) <= 600 and _STANDFIRST_WORDS.search(_name_element(element)):
            if not around.isdisjoint(islice(element.iterancestors(), 4)):
                return _read_text(element)
        elif element.tag == "p" and len(text) > 100:
            around = set()
    return None


def _name_element(element: HtmlElement) -> str:
    """Return the words of an element's class and id, in lower case."""
    # The id of a heading is often made of its text.
    attributes = _NAME_ATTRIBUTES[:1] if element.tag in _HEADINGS else _NAME_ATTRIBUTES
    names = " ".join(filter(None, map(element.get, attributes)))
    return _CAMEL_CASE.sub("-", names[:_MAX_NAME]).lower()


def _remove_other_stories(tree: HtmlElement, headlines: set[str]) -> None:
    """Remove the ``<article>`` elements that are not the story of the page."""
    articles = list(tree.iter("article"))
    if len(articles) < 2:
        return
    headed = [(a, _fold(_read_text(h))) for a in articles if (h := a.find(".//h1")) is not None]
    title = next((a for a, h in headed if h in headlines), None)
    main = title if title is not None else headed[0][0] if headed else None
    kept = set(main.iterancestors()) | {main} if main is not None else set()
    has_prose = main is not None and _measure_prose(main) >= _MIN_PROSE
    for article in articles:
        if article in kept:
            continue
        inside = main is not None and main in article.iterancestors()
        if (
            has_prose and not inside and next(article.iter(*_HEADINGS), None) is not None
        ) or _is_teaser(article):
            article.drop_tree()


def _measure_prose(element: HtmlElement) -> int:
    """Return the number of characters in paragraphs that may be part of an article."""
    count = 0
    for paragraph in element.iter("p"):
        text = paragraph.text_content()
        if len(text) >= 60 and next(paragraph.iterancestors(*_OUTSIDE), None) is None:
            count += len(text)
    return count


def _measure_links(element: HtmlElement) -> int:
    return sum(len(link.text_content()) for link in element.iter("a"))


def _is_teaser(article: HtmlElement) -> bool:
    """Return whether an element is a link to a story: its heading is a link, it has few words."""
    text = article.text_content()
    linked = _measure_links(article)
    heading = next(article.iter(*_HEADINGS), None)
    is_linked = heading is not None and (
        heading.find(".//a") is not None or next(heading.iterancestors("a"), None) is not None
    )
    return (is_linked or 2 * linked > len(text.strip())) and len(text) - linked < 400


def _remove_boilerplate(tree: HtmlElement) -> None:
    """Remove what is hidden, and what :data:`_CLASS_RULES` and links show to be no text."""
    etree.strip_elements(tree, *_NEVER_TEXT, with_tail=False)
    scripts = sum(len(script.text or "") for script in tree.iter("script"))
    limit = _MAX_SHARE * (len(tree.text_content()) - scripts)
    prose = _MAX_SHARE * _measure_prose(tree)
    for element in reversed(list(tree.iter(*_BLOCKS))):
        name = _name_element(element)
        if _is_boilerplate_element(element, name):
            if len(element.text_content()) <= limit:
                element.drop_tree()
        elif (element.tag == "aside" or "teaser" in name or "caption" in name) and _measure_prose(
            element
        ) > prose:
            element.tag = "div"  # else trafilatura removes it
            element.attrib.clear()


def _is_boilerplate_element(element: HtmlElement, name: str) -> bool:
    if _is_hidden(element) or _is_reference(element) or _is_caption(element):
        return True
    match = _CLASS_WORDS.search(name)
    if match is None:
        return False
    rule = _CLASS_RULES[int(str(match.lastgroup)[1:])]
    if rule.id == "image" and element.find(".//img") is None:
        return False
    text = element.text_content()
    if rule.id == "related" and len(text) > 60 and element.find(".//a") is None:
        return False
    return len(text) - _measure_links(element) <= 6 * rule.max_words


def _is_hidden(element: HtmlElement) -> bool:
    if element.get("hidden") is not None or _INVISIBLE.search(element.get("style") or ""):
        return True
    return element.get("role") == "tabpanel" and "active" not in (element.get("class") or "active")


def _is_caption(element: HtmlElement) -> bool:
    """Return whether a paragraph is wholly in italics and has, or follows, an image."""
    if element.tag != "p" or element.find("em") is element.find("i") is element.find("small"):
        return False
    previous = element.getprevious()
    has_image = element.find(".//img") is not None or (
        previous is not None
        and previous.find(".//img") is not None
        and not previous.text_content().strip()
    )
    if not has_image or (element.text or "").strip():
        return False
    text = element.text_content()
    return len(text) <= 400 and not any(
        (child.tail or "").strip()
        or (child.tag not in ("em", "i", "small") and child.text_content().strip())
        for child in element
    )


def _is_reference(element: HtmlElement) -> bool:
    """Return whether an element is a link to another story, with or without a label.

    The label of a paragraph, such as "Read more:", ends in a colon or a bar, in any language.
    """
    if element.tag not in ("p", "div") or len(element) > 8 or element.find(".//a") is None:
        return False
    if len(element.text_content()) > _MAX_REFERENCE:
        return False
    text = _read_text(element)
    links = [link for link in map(_read_text, element.iter("a")) if link]
    if not links:
        return False
    if element.tag == "div":
        return _LABELS.fullmatch(text.partition(links[0])[0]) is not None
    linked = links[-1]
    if linked.count(" ") < 3 or linked[0] in _OPENING_QUOTES or not text.endswith(linked):
        return False
    label = text[: -len(linked)].strip()
    if not label:
        return linked[-1] not in '.?!”"'
    return label[-1] in ":|»>" and label.count(" ") < 6


def _write_quotation_marks(tree: HtmlElement) -> None:
    """Write the quotation marks of ``<q>`` elements as a browser shows them."""
    quotes = list(tree.iter("q"))
    for quote in quotes:
        opening, closing = "‘’" if next(quote.iterancestors("q"), None) is not None else "“”"
        if quote.text_content().lstrip()[:1] not in _OPENING_QUOTES:
            quote.text = opening + (quote.text or "")
            if len(quote):
                quote[-1].tail = (quote[-1].tail or "") + closing
            else:
                quote.text += closing
    for quote in quotes:
        quote.tag = "span"


def _keep_inline_text(tree: HtmlElement) -> None:
    """Rename the elements within a sentence that trafilatura removes with their text."""
    for element in list(tree.iter("time", "button", "label", "output")):
        parent, previous = element.getparent(), element.getprevious()
        before = parent.text if previous is None else previous.tail
        if parent.tag in _PROSE_TAGS and (before or "").strip() and (element.tail or "").strip():
            element.tag = "span"


def _join_chunks(tree: HtmlElement) -> None:
    """Mark the element that holds all parts of a body that a page has in several elements.

    Trafilatura reads the first of them only.
    """
    parts: dict[tuple[str, HtmlElement | None], list[HtmlElement]] = {}
    for element in tree.iter("div", "section"):
        if element.get("class") and any(child.tag == "p" for child in element):
            story = next(element.iterancestors("article"), None)
            parts.setdefault((element.get("class"), story), []).append(element)
    for elements in parts.values():
        if len(elements) < 2:
            continue
        prose = list(map(_measure_prose, elements))
        if sum(prose) - prose[0] < _MIN_PROSE:
            continue
        around_last = set(elements[-1].iterancestors())
        common = next(filter(around_last.__contains__, elements[0].iterancestors()), None)
        if common is not None and common.tag in ("div", "section"):
            common.set("itemprop", "articleBody")
