import pytest

from transforms.extraction.html_tree import parse_html
from transforms.extraction.metadata import read_metadata
from transforms.extraction.paywall import is_truncated

PARAGRAPH = "<p>The council voted on Monday to end the winter service, officials said.</p>"


def ld(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


def scope(kind: str, markup: str) -> str:
    return f'<div itemscope itemtype="https://schema.org/{kind}">{markup}</div>'


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("", False),
        (ld('{"@type": "NewsArticle", "isAccessibleForFree": false}'), True),
        (ld('{"@type": "NewsArticle", "isAccessibleForFree": "False"}'), True),
        (ld('{"@type": "NewsArticle", "isAccessibleForFree": "https://schema.org/False"}'), True),
        (ld('{"@type": "NewsArticle", "isAccessibleForFree": "true"}'), False),
        (ld('{"@type": "NewsArticle", "hasPart": {"isAccessibleForFree": "False"}}'), True),
        (ld('{"@type": "WebPage", "isAccessibleForFree": false}'), True),
        (
            ld('{"@type": "NewsArticle"}')
            + ld('{"@type": "VideoObject", "isAccessibleForFree": false}'),
            False,
        ),
        (ld('{"@type": "ItemList", "itemListElement": [{"isAccessibleForFree": false}]}'), False),
        ('<script>related = [{"isAccessibleForFree": false}]</script>', False),
        ('<meta property="article:content_tier" content="locked">', True),
        ('<meta name="article:content_tier" content="Metered">', True),
        ('<meta property="article:content_tier" content="free">', False),
        ('<meta itemprop="isAccessibleForFree" content="false">', True),
        ('<link itemprop="isAccessibleForFree" href="http://schema.org/False">', True),
        (
            scope("NewsArticle", '<span itemprop="isAccessibleForFree">False</span>'),
            True,
        ),
        (
            scope("VideoObject", '<meta itemprop="isAccessibleForFree" content="false">'),
            False,
        ),
    ],
)
def test_who_may_read(markup: str, expected: bool) -> None:
    tree = parse_html(f"<html><body>{markup}{PARAGRAPH}</body></html>")
    assert tree is not None
    assert read_metadata(tree, None).is_paywalled is expected


def test_a_text_much_shorter_than_the_article_body_is_truncated() -> None:
    assert is_truncated("word " * 60, "word " * 300)
    assert not is_truncated("word " * 280, "word " * 300)
    assert not is_truncated("word " * 5, "word " * 20)
    assert not is_truncated("word " * 60, None)
