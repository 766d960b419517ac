import time

import pytest

from transforms.fetching.http_messages import Response
from transforms.fetching.page_refresh import find_refresh

URL = "https://news.example/2026/old?id=7"
TARGET = "https://news.example/2026/pier"
ARTICLE = "The harbour authority said that the northern pier would stay closed. " * 20
META = '<meta http-equiv="refresh" content="0; url=/2026/pier">'


def refresh_of(body: str | bytes, **headers: str) -> str | None:
    sent = body.encode() if isinstance(body, str) else body
    return find_refresh(Response(URL, 200, headers, sent, 0.1))


@pytest.mark.parametrize(
    "content",
    [
        "0; url=/2026/pier",
        "0;URL='/2026/pier'",
        "0;url=&quot;pier&quot;",
        "3; Url = https://news.example/2026/pier",
        "0;url=//news.example/2026/pier",
        " 5 ;url=pier ",
        "0.5;url=pier",
    ],
)
@pytest.mark.parametrize(
    "page",
    [
        '<html><head><meta http-equiv="refresh" content="{}"></head><body></body></html>',
        '<META content="{}" HTTP-EQUIV=Refresh />',
        '<title>Moved</title><noscript><meta http-equiv="refresh" content="{}"></noscript>',
        '<head><title>Moved</title><meta http-equiv="refresh" content="{}"></head>'
        "<style>p {{}}</style><script>track(1)</script><h1>The page has moved</h1>"
        '<p>Follow <a href="/2026/pier">this link</a> if your browser does not.</p>',
    ],
)
def test_a_page_that_hardly_has_more_than_a_refresh_leads_elsewhere(
    page: str, content: str
) -> None:
    assert refresh_of(page.format(content)) == TARGET


def test_links_are_relative_to_the_base_of_the_page() -> None:
    assert refresh_of(f'<base href="https://www.news.example/x/">{META}') == (
        "https://www.news.example/2026/pier"
    )


def test_the_refresh_header_counts_too() -> None:
    assert refresh_of("<p>Moved.</p>", refresh="0; url=/2026/pier") == TARGET
    assert refresh_of(f"<p>{ARTICLE}</p>", refresh="0; url=/2026/pier") is None


@pytest.mark.parametrize(
    "page",
    [
        f"<html><head>{META}</head><body><p>{ARTICLE}</p></body></html>",
        f'{META}<script type="application/ld+json">{{"articleBody": "{ARTICLE}"}}</script>',
        '<meta http-equiv="refresh" content="300"><p>Live</p>',
        '<meta http-equiv="refresh" content="300; url=/">',
        '<meta http-equiv="refresh" content="60;url=/2026/pier">',
        f"<!-- {META} --><p>Moved</p>",
        f"<!--[if lt IE 9]>{META}<![endif]-->",
        f"<script>document.write('{META}')</script>",
        '<meta http-equiv="refresh" content="0;url=javascript:alert(1)">',
        '<meta http-equiv="refresh" content="0;url=newsapp://open/7">',
        '<meta http-equiv="refresh" content="">',
        '<meta http-equiv="content-type" content="0;url=/2026/pier">',
        f"{META}{' ' * 40_000}",
        "",
    ],
)
def test_other_pages_stay_where_they_are(page: str) -> None:
    assert refresh_of(page) is None


@pytest.mark.parametrize(
    "script",
    [
        'window.location.replace("/2026/pier")',
        "window.location.replace('pier');",
        'location.href="https:\\/\\/news.example\\/2026\\/pier";',
        "document.location = '/2026/pier'",
        "var x = 1; top.location.assign( 'pier' );",
        "setTimeout(function () { window.location.href = '/2026/pier'; }, 500)",
        "self.location='\\x2f2026\\u002fpier'",
    ],
)
def test_a_page_that_is_only_a_script_leads_where_the_script_does(script: str) -> None:
    assert refresh_of(f"<html><script>{script}</script><body>Redirecting…</body></html>") == TARGET
    assert refresh_of(f"<script>{script}</script><p>{ARTICLE}") is None
    assert refresh_of(f"<script>{script}</script><script>show()</script>") is None


@pytest.mark.parametrize(
    "script",
    [
        "if (!subscriber) { location.href = '/2026/pier' }",
        "document.cookie = 'a=b'; location.href = '/2026/pier'",
        "location = agreed ? '/2026/pier' : '/terms'",
        "location.href = '/2026/' + slug",
        "location.href = '/a'; location.href = '/b'",
        "location.reload()",
        "var locations = '/2026/pier'",
        "x.location.hrefs = '/2026/pier'",
        "location.href = '/2026/pier'; " + "x();" * 300,
    ],
)
def test_a_script_that_decides_is_not_followed(script: str) -> None:
    assert refresh_of(f"<script>{script}</script>") is None


@pytest.mark.parametrize(
    "piece",
    [
        *("<head>", "<head", "<script>", "<div>", "<!--", "<base ", "location="),
        *("<meta http-equiv=refresh ", f"<meta http-equiv=refresh content='0{' ' * 15_000}'>"),
    ],
)
def test_odd_markup_takes_no_time(piece: str) -> None:
    started = time.monotonic()
    refresh_of("<meta http-equiv=x>" + piece * (32_000 // len(piece)))
    assert time.monotonic() - started < 2
