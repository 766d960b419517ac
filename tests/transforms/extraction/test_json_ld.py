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
