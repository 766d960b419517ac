"""Pages and feeds that are made to be hard to read, by name.

Each is a function, as some are large. ``HEADERS`` has response headers by the same names.
"""

import gzip
import random
import zlib
from collections.abc import Callable, Mapping
from typing import Final

TEXT: Final = (
    "The council of the town voted on Tuesday to close the old bridge for repairs until spring. "
    "“We had no other choice,” said the mayor, Ana Torres, who had asked for more time. "
    "Ferries will run every hour, and buses will take the longer road around the bay. "
)
_CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"


def make_page(body: str, head: str = "") -> bytes:
    """Return an article page of usual length, with the given HTML in the middle of its text."""
    html = f"<html><head><title>A hard page</title>{head}</head><body><article><h1>Hard</h1>"
    html += f"<p>{TEXT * 3}</p>{body}<p>{TEXT * 3}</p></article></body></html>"
    return html.encode("utf-8", "surrogatepass")


def make_feed(items: str, head: str = "", declaration: str = "<?xml version='1.0'?>") -> bytes:
    """Return an RSS feed with the given items."""
    rss = f"<rss version='2.0' xmlns:content='{_CONTENT}'><channel><title>Hard</title>{head}"
    return f"{declaration}{rss}{items}</channel></rss>".encode("utf-8", "surrogatepass")


def make_item(number: int, more: str = "") -> str:
    """Return an RSS item that links to an ordinary page."""
    return f"<item><title>Item</title><link>http://items.example/{number}</link>{more}</item>"


def _make_json_ld(data: str) -> str:
    return f"<script type='application/ld+json'>{data}</script>"


def _make_gzip_bomb(size: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(deflate.compress(bytes(1 << 20)) for _ in range(size >> 20)) + deflate.flush()


def _make_random_text(characters: int, alphabet: str) -> str:
    chance = random.Random(5)
    return "".join(chance.choices(alphabet, k=characters))


_LAUGHS: Final = "".join(
    f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" if n else "<!ENTITY l0 'laugh'>" for n in range(12)
)
_ATTRIBUTES: Final = " ".join(f"a{n}='x'" for n in range(20_000))
_JUNK_DATE: Final = "the 99th of Nevruary, 20x6 at half past the hour of " + "noon " * 40

PAGES: Final[Mapping[str, Callable[[], bytes]]] = {
    "a tag with 20k attributes": lambda: make_page(f"<p {_ATTRIBUTES}>x</p>"),
    "100k nested elements": lambda: make_page("<div>" * 100_000 + "deep"),
    "100k nested spans": lambda: make_page("<span>" * 100_000 + "deep" + "</span>" * 100_000),
    "300k br": lambda: make_page("<br>" * 300_000),
    "100k br": lambda: make_page("line<br>" * 100_000),
    "50k nested p b": lambda: make_page("<p><b>" * 50_000 + "deep"),
    "20k links": lambda: make_page("".join(f"<a href='/{n}'>link {n}</a> " for n in range(20_000))),
    "50k table rows": lambda: make_page(f"<table>{'<tr><td>a<td>b</tr>' * 50_000}</table>"),
    "10k list items": lambda: make_page(f"<ul>{f'<li>{TEXT}</li>' * 10_000}</ul>"),
    "runs of quote marks": lambda: make_page(
        "".join(f"<p>So {mark * 5000} it is.</p>" for mark in "\"'“”«»„‘’`—-")
    ),
    "thousands of quotes": lambda: make_page(f"<p>{'“So it is,” she said. ' * 5000}</p>"),
    "quotes that never end": lambda: make_page(f"<p>{'“He said: ' * 5000}</p>"),
    "lone surrogates": lambda: make_page("<p>\ud800 and \udfff and &#xD800; and &#55357;</p>"),
    "NUL": lambda: make_page("<p>a\0b\0c &#0; d</p>" * 100),
    "control characters": lambda: make_page(
        f"<p>{''.join(map(chr, range(1, 32)))} &#x1f; \x85</p>"
    ),
    "over 1M characters": lambda: make_page(f"<p>{TEXT}</p>" * 5000),
    "one word of 1M characters": lambda: make_page(f"<p>{'x' * 1_000_000}</p>"),
    "one sentence of 300k characters": lambda: make_page(f"<p>{'and so on ' * 30_000}</p>"),
    "300k random characters": lambda: make_page(
        f"<p>{_make_random_text(300_000, 'ab “”.,—- &;<>' + chr(0x301) + chr(0x1F600))}</p>"
    ),
    "junk dates": lambda: make_page(
        f"<p class='date'>{_JUNK_DATE}</p>" * 200,
        "".join(
            f"<meta property='{name}' content='{_JUNK_DATE}'><meta name='{name}' content='0/0/0'>"
            for name in ("article:published_time", "date", "pubdate", "DC.date", "lastmod")
        ),
    ),
    "gzip bomb": lambda: _make_gzip_bomb(1 << 30),
    "gzip cut off": lambda: gzip.compress(make_page(""))[:-20],
    "not gzip at all": lambda: make_page(""),
    "laughs": lambda: f"<!DOCTYPE html [{_LAUGHS}]>".encode() + make_page("<p>&l11;</p>"),
    "a file as entity": lambda: (
        b"<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + make_page("<p>&x;</p>")
    ),
    "100k comments": lambda: make_page("<!--" * 100_000),
    "deep JSON-LD": lambda: make_page("", _make_json_ld("[" * 100_000)),
    "wide JSON-LD": lambda: make_page(
        "", _make_json_ld("[" + '{"@type":"Article"},' * 50_000 + "{}]")
    ),
    "20k meta elements": lambda: make_page("", "<meta name='author' content='A B'>" * 20_000),
    "an image of 5M characters": lambda: make_page(
        f"<img src='data:image/png;base64,{'A' * 5_000_000}'>"
    ),
    "UTF-7": lambda: make_page("", "<meta charset='utf-7'>"),
    "punycode": lambda: make_page("", "<meta charset='punycode'>"),
    "UTF-16 by name alone": lambda: make_page("", "<meta charset='utf-16'>"),
    "random bytes": lambda: random.Random(3).randbytes(100_000),
    "empty": lambda: b"",
    "an image": lambda: b"\x89PNG\r\n\x1a\n" + bytes(1000),
}

FEEDS: Final[Mapping[str, Callable[[], bytes]]] = {
    "a tag with 20k attributes": lambda: make_feed(f"<item {_ATTRIBUTES}/>{make_item(1)}"),
    "100k nested elements": lambda: make_feed("<a>" * 100_000),
    "100k nested elements in an item": lambda: make_feed(
        f"<item><description>{'<a>' * 100_000}</description></item>"
    ),
    "encoding punycode": lambda: make_feed(
        make_item(2), "", "<?xml version='1.0' encoding='punycode'?>"
    ),
    "encoding idna": lambda: make_feed(make_item(3), "", "<?xml version='1.0' encoding='idna'?>"),
    "encoding zlib": lambda: make_feed(make_item(4), "", "<?xml version='1.0' encoding='zlib'?>"),
    "laughs": lambda: make_feed(
        f"<item><title>&l11;</title>{'&l11;' * 10}</item>", "", f"<!DOCTYPE rss [{_LAUGHS}]>"
    ),
    "a file as entity": lambda: make_feed(
        "<item><title>&x;</title><link>http://items.example/5</link></item>",
        "",
        "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
    ),
    "10k entries": lambda: make_feed("".join(make_item(n) for n in range(10, 10_010))),
    "10k categories": lambda: make_feed(make_item(6, "<category>c</category>" * 10_000)),
    "10k enclosures": lambda: make_feed(
        make_item(6, "<enclosure url='http://a/b' length='1'/>" * 10_000)
    ),
    "10k namespaces": lambda: make_feed(
        make_item(7, "".join(f"<x:y xmlns:x='http://n/{n}'>z</x:y>" for n in range(10_000)))
    ),
    "a title of 5M characters": lambda: make_feed(f"<item><title>{'t' * 5_000_000}</title></item>"),
    "a link of 1M characters": lambda: make_feed(
        f"<item><link>http://items.example/{'l' * 1_000_000}</link></item>"
    ),
    "300k br in an item": lambda: make_feed(
        make_item(8, f"<content:encoded><![CDATA[{'<br>' * 300_000}]]></content:encoded>")
    ),
    "50k nested p b in an item": lambda: make_feed(
        make_item(9, f"<content:encoded><![CDATA[{'<p><b>' * 50_000}]]></content:encoded>")
    ),
    "junk dates": lambda: make_feed(
        "".join(
            f"<item><title>t</title><pubDate>{date}</pubDate></item>"
            for date in (_JUNK_DATE, "0000-00-00", "9" * 10_000, "32 Foo 99999 25:61:61", "-" * 999)
        )
    ),
    "lone surrogates": lambda: make_feed("<item><title>\ud800 &#xD800;</title></item>"),
    "NUL": lambda: make_feed("<item><title>a\0b &#0;</title></item>"),
    "gzip bomb": lambda: _make_gzip_bomb(1 << 30),
    "deep JSON": lambda: b'{"version":' + b"[" * 200_000,
    "JSON Feed of strange types": lambda: (
        b'{"version":"https://jsonfeed.org/version/1.1","title":[],"items":[1,null,{"id":{},'
        b'"url":[],"authors":{"a":1},"date_published":1e999,"content_html":5,"title":"\\ud800"}]}'
    ),
    "random bytes": lambda: random.Random(4).randbytes(100_000),
    "empty": lambda: b"",
    "an image": lambda: b"\x89PNG\r\n\x1a\n" + bytes(1000),
    "cut off": lambda: make_feed(make_item(1))[:-60],
}

HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "gzip bomb": {"Content-Encoding": "gzip"},
    "gzip cut off": {"Content-Encoding": "gzip"},
    "not gzip at all": {"Content-Encoding": "gzip"},
}
