import json

import pytest

from transforms.extraction.article import extract_page
from transforms.extraction.html_tree import parse_html
from transforms.extraction.json_ld import JsonLdArticle, JsonValue, read_json_ld

URL = "https://post.example/2026/11/ferry"
TITLE = "Ferry to Skarholm stops for the winter"
ARTICLE = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": TITLE,
    "url": URL,
    "datePublished": "2026-11-20T04:30:00Z",
}
VIDEO = {"@type": "VideoObject", "name": TITLE, "url": URL, "datePublished": "2019-01-02"}
OTHER = {
    **ARTICLE,
    "headline": "Herring catch doubles",
    "url": "https://post.example/2018/03/herring",
    "datePublished": "2018-03-04",
}
PARAGRAPH = "<p>The council voted on Monday to end the winter service, officials said.</p>"


def read(*scripts: str) -> JsonLdArticle:
    marked = "".join(f'<script type="application/ld+json">{text}</script>' for text in scripts)
    tree = parse_html(f"<html><head>{marked}</head><body>{PARAGRAPH}</body></html>")
    assert tree is not None
    return read_json_ld(tree, [URL], [TITLE])


@pytest.mark.parametrize(
    "data",
    [
        ARTICLE,
        [VIDEO, ARTICLE],
        [OTHER, ARTICLE],
        [{**OTHER, "@type": "WebPage", "url": URL, "headline": TITLE}, ARTICLE],
        {"@graph": [VIDEO, {"@type": "WebPage", "datePublished": "2012-01-01"}, ARTICLE]},
        {"@type": "WebPage", "datePublished": "2012-01-01", "mainEntity": ARTICLE},
        [[{"@type": "ItemList", "itemListElement": [OTHER]}], [ARTICLE]],
        {"comment": [{"@type": "Comment", "datePublished": "2026-11-27"}], **ARTICLE},
        {"hasPart": [OTHER], "video": VIDEO, **ARTICLE},
        {**ARTICLE, "@type": "LiveBlogPosting", "liveBlogUpdate": [OTHER]},
        {**ARTICLE, "@type": ["Thing", "https://schema.org/ReportageNewsArticle"]},
        {**ARTICLE, "url": "https://m.post.example/2026/11/ferry/?amp=1", "headline": "Winter"},
        {**ARTICLE, "url": "https://post.example/?p=9"},
        {**ARTICLE, "url": None, "mainEntityOfPage": {"@id": URL}},
        {**ARTICLE, "url": None, "headline": "A working title"},
    ],
)
def test_the_article_is_found_among_other_objects(data: JsonValue) -> None:
    assert read(json.dumps(data)).published == ARTICLE["datePublished"]


@pytest.mark.parametrize("data", [OTHER, VIDEO, [], {}, None, 5, "text", [[None, 1]], {"@type": 1}])
def test_pages_without_an_article_of_their_own(data: JsonValue) -> None:
    found = read(json.dumps(data))
    assert (found.headline, found.published, found.authors) == ("", "", [])


def test_a_second_object_of_the_article_adds_what_the_first_lacks() -> None:
    found = read(json.dumps(ARTICLE), json.dumps({**ARTICLE, "isAccessibleForFree": "False"}))
    assert (found.published, found.is_free) == (ARTICLE["datePublished"], False)


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Ines Falk", ["Ines Falk"]),
        ({"name": "Ines Falk"}, ["Ines Falk"]),
        ([{"@type": "Person", "name": "Ines Falk"}, "Tomas Rey"], ["Ines Falk", "Tomas Rey"]),
        ({"@type": "Person", "name": ["Ines Falk", "Tomas Rey"]}, ["Ines Falk", "Tomas Rey"]),
        ({"@type": "Person", "givenName": "Ines", "familyName": "Falk"}, ["Ines Falk"]),
        ({"@id": "#ines"}, ["Ines Falk"]),
        ({"@type": "Organization", "name": "The Post"}, []),
        ("https://post.example/ines", []),
        ([None, 7, {"@type": "Person"}, {"name": {"name": []}}], ["7"]),
    ],
)
def test_authors_in_all_their_forms(author: JsonValue, names: list[str]) -> None:
    person = {"@type": "Person", "@id": "#ines", "name": "Ines Falk"}
    assert read(json.dumps({"@graph": [{**ARTICLE, "author": author}, person]})).authors == names


def test_the_other_values_of_the_article() -> None:
    more: dict[str, JsonValue] = {
        "dateModified": "2026-11-21",
        "articleSection": ["Coast", "Traffic"],
        "keywords": ["ferries", {"@type": "DefinedTerm", "name": "Skarholm"}],
        "image": [{"@type": "ImageObject", "url": "https://post.example/a.jpg"}],
        "description": "No <b>boats</b> &amp; no mail.",
        "articleBody": "It stops.",
        "publisher": {"@type": "Organization", "name": "The Post"},
    }
    found = read(json.dumps({**ARTICLE, **more}))
    assert found == JsonLdArticle(
        headline=TITLE,
        published="2026-11-20T04:30:00Z",
        modified="2026-11-21",
        section="Coast",
        keywords=["ferries", "Skarholm"],
        image="https://post.example/a.jpg",
        description="No boats & no mail.",
        article_body="It stops.",
        site_name="The Post",
    )


@pytest.mark.parametrize(
    "script",
    [
        f"<!-- {json.dumps(ARTICLE)} -->",
        f"//<![CDATA[\n{json.dumps(ARTICLE)}\n//]]>",
        json.dumps(ARTICLE) + ";",
        json.dumps(ARTICLE)[:-1] + ",}",
        json.dumps(ARTICLE)[:-1],
        json.dumps({"url": "x" * 200, **ARTICLE}).replace("x" * 9, "\n"),
        json.dumps({**ARTICLE, "description": "!"}).replace("!", 'a "b" c'),
    ],
)
def test_scripts_that_are_not_quite_json(script: str) -> None:
    found = read(script)
    assert (found.headline, found.published) == (TITLE, ARTICLE["datePublished"])


@pytest.mark.parametrize(
    "script",
    [
        "[" * 50_000,
        '{"a":' * 20_000,
        '{"author": "' + "x" * 50_000,
        '"author":' * 50_000,
        "[" + '{"@type":"Article"},' * 50_000 + "{}]",
        '{"@type":"' + "\\" * 50_000,
        "," * 90_000,
    ],
)
@pytest.mark.timeout(10)
def test_hostile_scripts_do_not_fail_the_article(script: str) -> None:
    html = (
        f'<html><head><script type="application/ld+json">{script}</script></head>'
        f"<body><article>{PARAGRAPH * 5}</article></body></html>"
    )
    found = extract_page(html, url=URL)
    assert found.method == "trafilatura" and "council voted" in found.extraction.text
