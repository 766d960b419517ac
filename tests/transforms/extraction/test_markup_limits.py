import pytest

from transforms.core.errors import ItemError
from transforms.extraction.article import extract_page
from transforms.extraction.cleaning import clean_html, clean_line
from transforms.extraction.markup_limits import MAX_ATTRIBUTES, MAX_TAGS, check_markup
from transforms.extraction.opt_outs import read_opt_outs


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"<br>" * (MAX_TAGS + 1), "TooManyTags"),
        (b"<p></p>" * MAX_TAGS, "TooManyTags"),
        (b"<p " + b"a='b' " * (MAX_ATTRIBUTES + 1) + b">", "TooManyAttributes"),
        (b"<p\n" + b"a=b\n" * 50_000, "TooManyAttributes"),
        (b"<p " + b"a=''" * 50_000, "TooManyAttributes"),
        (b"<p " + b"a ='\"' " * 50_000, "TooManyAttributes"),
    ],
)
def test_excessive_markup_is_an_error(body: bytes, error: str) -> None:
    with pytest.raises(ItemError) as caught:
        check_markup(body)
    assert caught.value.error_type == error


@pytest.mark.parametrize(
    "body",
    [
        b"<br>" * MAX_TAGS,
        b"1 < 2 " * (MAX_TAGS + 1),
        b"<p " + b"a='b' " * MAX_ATTRIBUTES + b">",
        b"<p title='" + b"x = y " * 50_000 + b"'>",
        b"<img src='data:," + b"A" * 1_000_000 + b"'>",
        b"",
    ],
    ids=["tags", "signs", "attributes", "long text", "image", "empty"],
)
def test_much_markup_within_the_limits_is_read(body: bytes) -> None:
    check_markup(body)


def test_an_entity_is_not_read_from_a_file() -> None:
    body = (
        b"<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><html><body><article>"
        b"<p>The bridge &x; is closed for repairs until spring, the town said on Tuesday.</p>"
    )
    article = extract_page(body, url="https://a.example/").extraction
    assert "root" not in article.text and "is closed" in article.text


def test_no_control_character_stays() -> None:
    dirty = "".join(map(chr, [*range(32), *range(0x7F, 0xA0), 0xFEFF, 0xFFFE, 0xD800]))
    assert clean_line(f"a{dirty}b").isprintable()
    kept = "\t\n\f\r" + "".join(map(chr, range(0x80, 0xA0))) + "\ufeff\ufffd"
    assert clean_html(f"a{dirty}é茶") == f"a{kept}é茶"
    assert clean_html("a\uffff茶") == "a茶"


@pytest.mark.parametrize(
    ("headers", "metas", "expected"),
    [
        ({}, {}, (False, False)),
        ({}, {"robots": "index, follow"}, (False, False)),
        ({}, {"robots": "none"}, (True, False)),
        ({}, {"newsbeam": "noindex"}, (True, False)),
        ({}, {"googlebot": "noindex"}, (False, False)),
        ({"x-robots-tag": "noindex"}, {}, (True, False)),
        ({"x-robots-tag": "googlebot: nofollow, newsbeam: noindex"}, {}, (True, False)),
        ({"x-robots-tag": "googlebot: noindex, nofollow"}, {}, (False, False)),
        ({"x-robots-tag": "unavailable_after: 25 Jun 2030, noindex"}, {}, (True, False)),
        ({"x-robots-tag": "googlebot: nofollow\nnoindex"}, {}, (True, False)),
        ({"tdm-reservation": "0"}, {"tdm-reservation": "1"}, (False, False)),
        ({}, {"tdm-reservation": " 1 "}, (False, True)),
    ],
)
def test_opt_outs(
    headers: dict[str, str], metas: dict[str, str], expected: tuple[bool, bool]
) -> None:
    assert read_opt_outs(headers, metas) == expected
