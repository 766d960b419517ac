import time
from pathlib import Path

import pytest

from transforms.feeds.list_parser import parse_feed_list

A = "https://a.example/feed"
OPML = """<?xml version="1.0" encoding="{encoding}"?>
<opml version="2.0"><head><title>Mine</title></head><body>
<outline text="Zürich &amp; Genf" type="rss" xmlUrl="https://a.example/feed?x=1&amp;y=2"/>
<outline text="group"><outline text="B" xmlUrl="https://b.example/"/></outline>
</body></opml>"""
OPML_FEEDS = [("https://a.example/feed?x=1&y=2", "Zürich & Genf"), ("https://b.example/", "B")]


def parse(text: str | bytes, base: str = "") -> list[tuple[str, str | None]]:
    data = text.encode() if isinstance(text, str) else text
    return [(feed.url, feed.title) for feed in parse_feed_list(data, "feeds", base)]


@pytest.mark.parametrize(
    ("line", "url", "title"),
    [
        # as other programs write lists
        ("Lake Courier,https://a.example/feed", A, "Lake Courier"),
        ("https://a.example/feed,Lake Courier", A, "Lake Courier"),
        ("https://a.example/feed,Lake", A, "Lake"),
        ('"Lake, Courier";https://a.example/feed;news', A, "Lake, Courier"),
        ('"Lake, Courier",https://a.example/feed,news', A, "Lake, Courier"),
        ("Lake,https://a.example/0,15,Law,0.xml", "https://a.example/0,15,Law,0.xml", "Lake"),
        ("Lake Courier\thttps://a.example/feed\tnews", A, "Lake Courier"),
        ("| Lake | https://a.example/feed |", A, "Lake"),
        ("https://a.example/,https://a.example/feed,Lake", A, "Lake"),
        ('https://a.example/feed "Lake" news', A, "Lake"),
        ('  "url": "https://a.example/feed",', A, None),
        # Markdown
        ("- https://a.example/feed", A, None),
        ("* [Lake Courier](https://a.example/feed) – daily", A, "Lake Courier"),
        ("2. <https://a.example/feed>", A, None),
        ("- [x] https://a.example/feed # Lake, 3 entries", A, "Lake"),
        # marks around it
        ('"https://a.example/feed",', A, None),
        ("'https://a.example/feed';", A, None),
        ("(https://a.example/feed)", A, None),
        ("\t https://a.example/feed\t", A, None),
        # schemes
        ("feed:https://a.example/feed", A, None),
        ("feed://a.example/feed", "http://a.example/feed", None),
        ("FEED:a.example/feed", "http://a.example/feed", None),
        ("itpc://a.example/feed", "http://a.example/feed", None),
        ("//a.example/feed", "http://a.example/feed", None),
        ("www.a.example/feed", "https://www.a.example/feed", None),
        # marks within it
        ("https://a.example/0,15,Law,0.xml", "https://a.example/0,15,Law,0.xml", None),
        ("https://a.example/feed_(all)", "https://a.example/feed_(all)", None),
        ("https://[::1]:80/feed", "https://[::1]:80/feed", None),
    ],
)
def test_the_forms_of_a_line(line: str, url: str, title: str | None) -> None:
    assert parse(line) == [(url, title)]


def test_a_line_may_have_several_feeds() -> None:
    assert parse(f'["{A}", "https://b.example/x.rss"]') == [
        (A, None),
        ("https://b.example/x.rss", None),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_of_a_table_names_the_column_of_addresses(delimiter: str) -> None:
    rows = [
        ["Site", "Title", "Feed URL"],
        ["https://a.example/", "lake", A],
        ["https://b.example/", "", "https://b.example/x"],
    ]
    text = "\n".join(delimiter.join(row) for row in rows)
    assert parse(text) == [(A, "lake"), ("https://b.example/x", None)]


def test_bad_lines_are_left_out_with_one_warning_each(caplog: pytest.LogCaptureFixture) -> None:
    lines = [
        "# news",
        A,
        "not a feed",
        "ftp://a.example/feed",
        "---",
        "https://",
        "https://b.example/",
    ]
    assert parse("\n".join(lines), "/") == [(A, None), ("https://b.example/", None)]
    assert [record.getMessage() for record in caplog.records] == [
        "feeds:3 is left out: neither a web address nor a file: 'not a feed'",
        "feeds:4 is left out: not a web address: 'ftp://a.example/feed'",
        "feeds:6 is left out: not a web address: 'https://'",
    ]


def test_files_are_named_with_any_marks(tmp_path: Path) -> None:
    titles = {"a.xml": None, "b, c.xml": None, "d.xml": "D"}
    for name in titles:
        (tmp_path / name).touch()
    feeds = parse('- "a.xml",\nb, c.xml\nd.xml # D\n', str(tmp_path))
    assert feeds == [(str(tmp_path / name), title) for name, title in titles.items()]


def test_prose_from_the_web_is_no_relative_address() -> None:
    feeds = parse("/feed.xml\nSorry, try again later.\n", "https://a.example/list.txt")
    assert feeds == [("https://a.example/feed.xml", None)]


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("iso-8859-1", "latin-1"),
        ("iso-8859-1", "utf-8"),
        ("utf-8", "cp1252"),
        ("rot13", "cp1252"),
    ],
)
def test_the_encoding_is_found_by_the_bytes(declared: str, encoding: str) -> None:
    assert parse(OPML.format(encoding=declared).encode(encoding)) == OPML_FEEDS
    line = f"{A} # Zürich"
    assert parse(line.encode(encoding)) == [(A, "Zürich")]


@pytest.mark.parametrize(
    "broken",
    [
        OPML.replace("&amp;", "&"),
        OPML.replace("xmlUrl", "xmlurl").replace("outline", "OUTLINE"),
        OPML.replace("</outline>", ""),
        OPML.replace("/>", ">"),
        OPML.replace("/>", "></outline></outline></outline>"),
        OPML.replace("</body></opml>", ""),
        OPML.replace('xmlUrl="https', 'xmlUrl="feed:https'),
        OPML.replace('text="B"', 'text="B" isComment=false'),
        OPML.replace("</opml>", "</opml></opml>junk &nbsp;"),
        "\n" + OPML[OPML.index("<opml") :].replace("<opml", "<!-- x -->\n<opml"),
        OPML[OPML.index("<outline") :],
    ],
)
def test_mistakes_in_opml_lose_no_feed(broken: str, caplog: pytest.LogCaptureFixture) -> None:
    assert parse(broken.replace("{encoding}", "utf-8")) == OPML_FEEDS
    assert caplog.records == []


def test_outlines_without_a_feed_are_left_out_with_one_warning_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outlines = [
        "<opml><body>",
        f'<outline text="A" xmlUrl="{A}"/>',
        '<!-- <outline xmlUrl="https://a.example/retired"/>',
        "-->",
        '<outline text="group">',
        '<outline text="page" htmlUrl="https://p.example/"/>',
        '<outline text="B xmlUrl="https://b.example/"/>',
        '<outline text="C" type="rss" url="https://c.example/"/>',
        '<outline text="bad" xmlUrl="gopher://d.example/"/>',
        '<outline text="cut" xmlUrl="https://e.exa',
    ]
    assert parse("\n".join(outlines)) == [(A, "A"), ("https://c.example/", "C")]
    assert [record.getMessage() for record in caplog.records] == [
        "feeds:6 is left out: https://p.example/ is a page and no feed; "
        "`feeds find` finds the feeds of a page",
        'feeds:7 is left out: broken outline: \'text="B xmlUrl="https://b.example/"/>\'',
        "feeds:9 is left out: not a web address: 'gopher://d.example/'",
        'feeds:10 is left out: broken outline: \'text="cut" xmlUrl="https://e.exa\'',
    ]


def test_titles_in_utf_8_stay_as_they_are() -> None:
    assert parse(f"{A} # Â¡") == [(A, "Â¡")]


def test_ampersands_in_addresses_are_no_html_entities() -> None:
    url = "https://a.example/?a=1&copy=2&reg=3"
    assert parse(f'<opml><outline xmlUrl="{url}"/></opml>') == [(url, None)]


@pytest.mark.parametrize(
    "text",
    [
        "x](https://a" * 30_000,
        '"https://a/ ' * 30_000,
        "https://a/" + ",A" * 300_000,
        "[" * 300_000 + "https://a/",
        "http://" * 100_000,
        "<opml>" + "<!--" * 100_000,
        "<opml><outline " + '"' * 300_000,
        "a," * 100_000 + "url",
    ],
)
def test_hostile_lists_cost_little(text: str) -> None:
    started = time.monotonic()
    parse(text)
    assert time.monotonic() - started < 5
