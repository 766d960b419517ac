import json

import pytest
import trafilatura

from transforms.extraction.html_tree import parse_html
from transforms.extraction.metadata import read_metadata

JSON_LD = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "Bridge shut",
    "author": [{"@type": "Person", "name": "Ann Lee"}, {"@type": "Person", "name": "Bo Cole"}],
    "publisher": {"@type": "Organization", "name": "The Harbor Courier"},
    "datePublished": "2026-11-20T04:30:00Z",
}
HEADS = {
    "nothing": "",
    "title": "<title>Bridge shut &amp; closed | courier.example</title>",
    "metas": '<meta name="author" content="Ann Lee"><meta property="og:title" content="Bridge">'
    '<meta property="og:site_name" content="@courier"><meta name="date" content="2026-11-20">',
    "one name": '<meta name="author" content="admin">',
    "address": '<meta property="og:url" content="https://courier.example/2026/11/20/bridge">',
    "canonical link": '<link rel="canonical" href="https://courier.example/2026/11/19/bridge">',
    "empty site name": '<meta property="og:site_name" content="@">',
    "publisher": '<meta name="publisher" content="harbor courier">',
    "JSON-LD": f'<script type="application/ld+json">{json.dumps(JSON_LD)}</script>',
    "JSON-LD that cannot be read": '<script type="application/ld+json">[[1], "a"]</script>',
    "broken JSON-LD": f'<script type="application/ld+json">{json.dumps(JSON_LD)[:-30]}</script>',
    "long title": f"<title>{'Bridge shut ' * 1000}</title>",
}
BODIES = {
    "bare": "<p>The council voted on Monday to close the bridge.</p>",
    "full": '<h1>The bridge is <i>shut</i></h1><span class="author-name">By Cy Dow</span>'
    '<time datetime="2026-11-18T10:00">Wednesday</time><a href="/category/a">A</a>'
    '<a rel="license" href="https://creativecommons.org/licenses/by/4.0">CC</a>',
}


@pytest.mark.parametrize("url", [None, "https://www.courier.example/news/2026/11/17/bridge"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_the_metadata_is_that_of_trafilatura(head: str, body: str, url: str | None) -> None:
    tree = parse_html(f"<html><head>{head}</head><body>{body}</body></html>")
    assert tree is not None
    metadata, expected = read_metadata(tree, url), trafilatura.extract_metadata(tree, url)
    for field in ("title", "author", "date", "sitename", "url"):
        assert getattr(metadata, field) == getattr(expected, field), field
