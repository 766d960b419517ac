import json
from typing import Any

import pytest
import trafilatura

from transforms.extraction.article import extract_page
from transforms.extraction.json_ld import repair_json_ld

PARAGRAPH = "<p>The council voted on Monday to close the bridge for repairs, officials said.</p>"
BREAKING = (
    'She called it &quot;a \\"day\\" to forget&quot;, <a href=\\"x\\">she</a> said. &amp;quot;'
)


def page(script: str) -> str:
    head = f'<script type="application/ld+json">{script}</script><title>Bridge shut</title>'
    return f"<html><head>{head}</head><body><article>{PARAGRAPH * 5}</article></body></html>"


def scripts(html: str) -> list[str]:
    tree = trafilatura.load_html(html)
    assert tree is not None
    repair_json_ld(tree)
    return [script.text for script in tree.iter("script")]


def live_blog(updates: int) -> dict[str, Any]:
    update = {"@type": "BlogPosting", "headline": "A bang", "articleBody": BREAKING}
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": "Bridge shut",
        "author": [{"@type": "Person", "name": "Ann Lee"}, {"@type": "Person", "name": "Bo Cole"}],
        "publisher": {"@type": "Organization", "name": "AT&T News"},
        "comment": [update] * updates,
        "numbers": [1, 2.5, None, True],
    }


def test_a_long_script_stays_json_whatever_is_quoted_in_it() -> None:
    data = live_blog(500)
    (script,) = scripts(page(json.dumps(data)))
    found = json.loads(script)
    body = found["comment"][0].pop("articleBody")
    assert " ".join(body.split()) == 'She called it "a "day " to forget", she said. & quot;'
    assert found["publisher"]["name"] == "AT&T News"
    for name in ("headline", "author", "numbers"):
        assert found[name] == data[name]
    article, _ = extract_page(page(json.dumps(data)), url="https://a.example/1")
    assert (article.title, article.authors) == ("Bridge shut", ["Ann Lee", "Bo Cole"])


def test_short_scripts_are_not_changed() -> None:
    text = json.dumps(live_blog(5))
    assert scripts(page(text)) == [text]


@pytest.mark.parametrize(
    "text",
    ['{"@type": "NewsArticle", "author": "' + "x" * 50_000, "[" * 50_000, '{"a":' * 20_000],
    ids=["cut off", "deep lists", "deep objects"],
)
def test_invalid_json_is_cut_and_does_not_fail_the_article(text: str) -> None:
    (script,) = scripts(page(text))
    assert 0 < len(script) <= 20_000 and text.startswith(script)
    article, method = extract_page(page(text), url="https://a.example/1")
    assert method == "trafilatura" and "council voted" in article.text


def test_updates_of_live_blogs_keep_what_is_read() -> None:
    author = {"@type": "Person", "name": "Ann Lee", "sameAs": ["https://a.example/ann"]}
    dates = {"datePublished": "2026-11-20T04:30:00Z", "dateModified": "2026-11-21"}
    update = {
        **live_blog(0),
        **dates,
        "articleBody": BREAKING * 200,
        "author": [author],
        "video": {"name": "A video", "url": "https://a.example/v", **dates},
    }
    blog = {**live_blog(0), "@type": "LiveBlogPosting", "liveBlogUpdate": [update, update]}
    data = {**blog, "articleBody": "The bridge shut."}
    (script,) = scripts(page(json.dumps(data)))
    cleaned = json.loads(script)
    first, second = cleaned.pop("liveBlogUpdate")
    assert (
        first
        == second
        == {
            "@type": "NewsArticle",
            "headline": "Bridge shut",
            "author": [{"@type": "Person", "name": "Ann Lee"}],
            "publisher": data["publisher"],
            "datePublished": dates["datePublished"],
            "video": {"name": "A video", "datePublished": dates["datePublished"]},
        }
    )
    assert cleaned == {key: data[key] for key in data if key != "liveBlogUpdate"}


def test_the_metadata_of_a_live_blog_is_that_of_the_whole_script() -> None:
    update = {**live_blog(0), "@type": "BlogPosting", "datePublished": "2026-11-20T04:30:00Z"}
    update["articleBody"] = "The bridge shut. " * 50
    blog = {**live_blog(0), "@type": "LiveBlogPosting", "liveBlogUpdate": [update] * 40}
    html = page(json.dumps(blog))
    tree = trafilatura.load_html(html)
    assert tree is not None
    repair_json_ld(tree)
    metadata, expected = trafilatura.extract_metadata(tree), trafilatura.extract_metadata(html)
    for field in ("title", "author", "date", "sitename"):
        assert getattr(metadata, field) == getattr(expected, field), field
    assert (metadata.author, metadata.date) == ("Ann Lee; Bo Cole", "2026-11-20")
