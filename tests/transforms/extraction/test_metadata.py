import json

import pytest

from transforms.extraction.html_tree import parse_html
from transforms.extraction.json_ld import JsonValue
from transforms.extraction.metadata import MAX_TAGS, PageMetadata, read_metadata

URL = "https://www.harborpost.example/coast/ferry"
TITLE = "Ferry to Skarholm stops for the winter"
PARAGRAPH = "<p>The council voted on Monday to end the winter service, officials said.</p>"


def meta(key: str, content: str) -> str:
    return f'<meta content="{content}" property="{key}">'


def json_ld(**values: JsonValue) -> str:
    data = {"@type": "NewsArticle", "headline": TITLE, **values}
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def read(head: str = "", body: str = "", url: str | None = URL) -> PageMetadata:
    html = f"<html><head>{head}</head><body><h1>{TITLE}</h1>{body}{PARAGRAPH}</body></html>"
    tree = parse_html(html)
    assert tree is not None
    return read_metadata(tree, url)


def test_a_page_without_any_metadata() -> None:
    assert read() == PageMetadata(
        title=TITLE,
        authors=[],
        site_name="harborpost.example",
        published_at=None,
        modified_at=None,
        summary="",
        image_url=None,
        section=None,
        tags=[],
        is_paywalled=False,
        article_body=None,
    )


@pytest.mark.parametrize(
    ("head", "title"),
    [
        (meta("og:title", "No ferry | Harbor Post"), "No ferry"),
        (meta("og:title", "Harbor Post"), TITLE),
        (meta("og:title", "Ferry to Skarholm…"), TITLE),
        (json_ld(headline="Ferry to Skarholm stops"), "Ferry to Skarholm stops"),
        (json_ld(headline="Herring catch doubles again"), TITLE),
        ("<title>Harbor Post – News</title>", TITLE),
    ],
)
def test_titles(head: str, title: str) -> None:
    assert read(meta("og:site_name", "Harbor Post") + head).title == title


@pytest.mark.parametrize(
    ("head", "body", "authors"),
    [
        (json_ld(author="Ines Falk, Traffic Editor"), "", ["Ines Falk"]),
        (json_ld(author="Ines Falk") + meta("author", "Harbor Group"), "", ["Ines Falk"]),
        (json_ld(author=["Ines Falk", "Harbor Post"]), "", ["Ines Falk"]),
        (json_ld(author=["Ines Falk", "Reuters"]), "", ["Ines Falk", "Reuters"]),
        (json_ld(author=["Ines Falk", "Ines-Falk", "INES FALK"]), "", ["Ines Falk"]),
        (json_ld(author="Special to the Post"), "", []),
        (json_ld(author="Last updated 24 November"), "", []),
        (json_ld(author="Associated Press"), "", ["Associated Press"]),
        (json_ld(author="admin"), '<p class="byline">By Ines Falk</p>', ["Ines Falk"]),
        (json_ld(author="Harbor Post") + meta("author", "Ines Falk"), "", ["Ines Falk"]),
        (meta("author", "Ines Falk") + meta("author", "Tomas Rey"), "", ["Ines Falk", "Tomas Rey"]),
        (meta("author", "Ines Falk") + meta("parsely-author", "ines-falk"), "", ["Ines Falk"]),
        (meta("article:author", "https://social.example/ines"), "", []),
        ("", '<div class="byline">By Ines Falk, Updated Nov. 20, 2026</div>', ["Ines Falk"]),
        (
            "",
            '<p><a rel="author">Ines Falk</a> and <a rel="author">Tomas Rey</a></p>',
            ["Ines Falk", "Tomas Rey"],
        ),
        ("", '<div class="author">Contact</div>', []),
        ("", "<div>By <b>Ines Falk</b> and <b>Tomas Rey</b></div>", ["Ines Falk", "Tomas Rey"]),
        ("", "<div>By Associated Press</div>", ["Associated Press"]),
        ("", '<span class="author">Photo: Bo Lund</span><div>By Ines Falk</div>', ["Ines Falk"]),
        ("", "<p>By winning twice, Skarholm led.</p>", []),
        ("", '<div class="comment"><b class="comment-author vcard">Bo Lund</b></div>', []),
    ],
)
def test_authors(head: str, body: str, authors: list[str]) -> None:
    assert read(meta("og:site_name", "Harbor Post") + head, body).authors == authors


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (meta("og:site_name", "@harbor post"), "Harbor Post"),
        (meta("og:site_name", "@"), "harborpost.example"),
        (json_ld(publisher={"name": "The Harbor Post"}), "The Harbor Post"),
        (meta("publisher", "Harbor Group"), "Harbor Group"),
        (meta("publisher", "https://social.example/harbor"), "harborpost.example"),
    ],
)
def test_site_names(head: str, name: str) -> None:
    assert read(head).site_name == name


@pytest.mark.parametrize(
    ("head", "image"),
    [
        (meta("og:image", "/a.jpg"), "https://www.harborpost.example/a.jpg"),
        (meta("og:image", "//cdn.example/a.jpg"), "https://cdn.example/a.jpg"),
        (meta("og:image", "data:image/gif;base64,AAAA"), None),
        (
            meta("og:image", "javascript:x") + json_ld(image="/b.jpg"),
            "https://www.harborpost.example/b.jpg",
        ),
    ],
)
def test_images_are_absolute_web_addresses(head: str, image: str | None) -> None:
    assert read(head).image_url == image


def test_summary_and_section() -> None:
    found = read(meta("description", "Short.") + meta("og:description", "No\n boats &amp; mail."))
    assert (found.summary, found.section) == ("No boats & mail.", None)
    assert read(json_ld(description="From JSON-LD.")).summary == "From JSON-LD."
    assert read(meta("article:section", "Coast")).section == "Coast"
    assert (
        read(meta("article:section", "C") + json_ld(articleSection=["Uncategorized"])).section
        == "C"
    )


@pytest.mark.parametrize(
    ("head", "tags"),
    [
        (json_ld(keywords="ferries, Skarholm;coast"), ["ferries", "Skarholm", "coast"]),
        (json_ld(keywords=["Oslo, Norway", "coast"]), ["Oslo, Norway", "coast"]),
        (meta("article:tag", "Oslo, Norway") + meta("article:tag", "b"), ["Oslo, Norway", "b"]),
        (meta("article:tag", "Spain,Europe"), ["Spain", "Europe"]),
        (meta("keywords", "Coast, ferries,,") + meta("article:tag", "coast"), ["coast", "ferries"]),
        (json_ld(keywords=["98be933f-38cf-4fba-b6c6-ad438e82010a", "12345", "x" * 99]), []),
        (
            meta("keywords", ",".join(f"tag {n}" for n in range(999))),
            [f"tag {n}" for n in range(MAX_TAGS)],
        ),
    ],
)
def test_tags(head: str, tags: list[str]) -> None:
    assert read(head).tags == tags
