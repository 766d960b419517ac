import datetime as dt
import json

import pytest

from transforms.extraction.dates import parse_page_time
from transforms.extraction.html_tree import parse_html
from transforms.extraction.metadata import read_metadata

LD = '<script type="application/ld+json">{}</script>'
ARTICLE = {"@type": "NewsArticle", "datePublished": "2026-11-20T09:30:00Z"}
PARAGRAPH = "<p>The council voted on Monday to end the winter service, officials said.</p>"


def find(head: str = "", body: str = "") -> tuple[str | None, str | None]:
    html = (
        f"<html><head>{head}</head><body><article><h1>Ferry stops</h1>{body}{PARAGRAPH}</article>"
    )
    tree = parse_html(html + '<div class="related"><time datetime="2020-05-05">5 May</time></div>')
    assert tree is not None
    found = read_metadata(tree, None)
    times = (found.published_at, found.modified_at)
    published, modified = (time.strftime("%Y-%m-%dT%H:%M") if time else None for time in times)
    return published, modified


def ld(**values: object) -> str:
    return LD.format(json.dumps({**ARTICLE, **values}))


def meta(key: str, value: str) -> str:
    return f'<meta content="{value}" data-x property="{key}">'


@pytest.mark.parametrize(
    ("head", "body", "published"),
    [
        (ld(), "", "2026-11-20T09:30"),
        (meta("article:published_time", "2026-11-19T08:00:00Z") + ld(), "", "2026-11-20T09:30"),
        (meta("article:published_time", "2026-11-19T08:00:00Z"), "", "2026-11-19T08:00"),
        ('<meta name="parsely-pub-date" content="2026-11-19T08:00:00Z">', "", "2026-11-19T08:00"),
        ('<meta itemprop="datePublished" content="2026-11-19T08:00:00Z">', "", "2026-11-19T08:00"),
        ("<script>x = {datePublished: '2018-01-01'}</script>" + ld(), "", "2026-11-20T09:30"),
        (
            ld(datePublished="0001-01-01T00:00:00") + meta("date", "2026-11-19"),
            "",
            "2026-11-19T00:00",
        ),
        ("", '<time datetime="2026-11-18T10:00Z">Wednesday</time>', "2026-11-18T10:00"),
        ("", "<time>18 November 2026</time>", "2026-11-18T00:00"),
        ("", '<aside><time datetime="2019-01-01">1 January</time></aside>', None),
        ("", '<article><time datetime="2019-01-01">1 January</time></article>', None),
        (
            "",
            '<time class="updated" datetime="2026-11-19T10:00Z">later</time>'
            '<time class="published" datetime="2026-11-18T10:00Z">first</time>',
            "2026-11-18T10:00",
        ),
        (
            "",
            '<div itemscope itemtype="http://schema.org/Comment">'
            '<meta itemprop="datePublished" content="2026-11-27"></div>',
            None,
        ),
        ("", '<div class="date">November 17, 2026</div>', "2026-11-17T00:00"),
        ("", "<div>Published: Friday, 20 November 2026, 4:30 pm</div>", "2026-11-20T00:00"),
        ("", "<span>Nov 20th, 2026</span><span>2 min read</span>", "2026-11-20T00:00"),
        ("", "<div>The line was opened on March 3, 2015</div>", None),
        (
            "",
            '<time class="entry-date updated" datetime="2026-11-18T10:00Z">x</time>',
            "2026-11-18T10:00",
        ),
        ("", "<p>The line was opened on 2015-03-03 and again in May 2017.</p>", None),
        (
            "",
            "<div>The line was opened on 2015-03-03 " + "after a long dispute " * 9 + "</div>",
            None,
        ),
        ("", "<footer>© 2015 Harbor Post</footer>", None),
        (LD.format('{"@type": "VideoObject", "datePublished": "2019-05-01"}'), "", None),
    ],
)
def test_the_time_of_publication(head: str, body: str, published: str | None) -> None:
    assert find(head, body)[0] == published


@pytest.mark.parametrize(
    ("stated", "other", "published"),
    [
        ("2026-11-20T04:30:00", "2026-11-20T09:30:00Z", "2026-11-20T09:30"),  # the zone
        ("2026-11-20", "2026-11-20T09:30:00Z", "2026-11-20T09:30"),  # the clock time
        ("2026-11-20T04:30:00", "2026-11-20T09:31:00Z", "2026-11-20T04:30"),
        ("2026-11-20", "2026-11-22T09:30:00Z", "2026-11-20T00:00"),
        ("2026-11-20T04:30:00", "", "2026-11-20T04:30"),
    ],
)
def test_a_less_exact_time_is_made_exact_by_one_that_agrees(
    stated: str, other: str, published: str
) -> None:
    assert find(ld(datePublished=stated) + meta("article:published_time", other))[0] == published


@pytest.mark.parametrize(
    ("head", "modified"),
    [
        (ld(dateModified="2026-11-20T12:00:00Z"), "2026-11-20T12:00"),
        (ld() + meta("article:modified_time", "2026-11-20T12:00:00+01:00"), "2026-11-20T11:00"),
        (ld(dateModified="2026-11-20T09:30:00Z"), "2026-11-20T09:30"),
        (ld(dateModified="2026-11-19T12:00:00Z"), None),
        (ld(), None),
    ],
)
def test_the_time_of_the_last_change(head: str, modified: str | None) -> None:
    assert find(head)[1] == modified


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("2026-11-24 09:30:00 +0100", "2026-11-24T08:30:00+00:00"),
        ("2026-11-24 09:30:00 +01:00", "2026-11-24T08:30:00+00:00"),
        ("2026-11-24T09:30:00,250Z", "2026-11-24T09:30:00.250000+00:00"),
        ("20261124T0930Z", "2026-11-24T09:30:00+00:00"),
        ("Tue, 24 Nov 2026 09:30:00 GMT", "2026-11-24T09:30:00+00:00"),
        ("Tue, 24 Nov 2026 09:30:00 EST", "2026-11-24T14:30:00+00:00"),
        ("November 24, 2026 4:30 PM", "2026-11-24T16:30:00+00:00"),
        ("24 Nov 2026", "2026-11-24T00:00:00+00:00"),
        ("1795512600", "2026-11-24T09:30:00+00:00"),
        ("1795512600000", "2026-11-24T09:30:00+00:00"),
    ],
)
def test_forms_of_times(written: str, time: str) -> None:
    found = parse_page_time(written)
    assert found is not None and found.time == dt.datetime.fromisoformat(time)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "2026",
        "2026-11",
        "Nov 2026",
        "09:30",
        "03/04/2026",
        "0001-01-01T00:00:00Z",
        "1970-01-01",
        "9" * 60,
        "2026-13-40",
        "Tuesday",
        "9999-12-31T23:59:59-14:00",
        "\ud800",
    ],
)
def test_what_is_no_time(written: str) -> None:
    assert parse_page_time(written) is None
