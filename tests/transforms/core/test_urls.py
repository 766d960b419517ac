import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.urls import UrlError, canonical_url, web_url


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.example/x", "http://A.Example:80/x"),
        ("https://a.example/x", "https://a.example:443/x#part"),
        ("https://a.example/x?a=1&b=2", "https://a.example/x?b=2&a=1"),
        ("https://a.example/x?id=3", "https://a.example/x?utm_source=rss&id=3&utm_medium=feed"),
        ("https://a.example/x", "https://a.example/x?fbclid=1&gclid=2&CMPID=rss#comments"),
        ("https://a.example/%C3%A4", "https://a.example/ä"),
        ("https://a.example/x%20y", " https://a.example/x y\n"),
        ("https://a.example/", "https://a.example"),
        ("https://a.example/", "https://user:pass@a.example/"),
        ("http://[::1]/x", "http://[::1]:80/x"),
    ],
)
def test_addresses_of_one_page(one: str, other: str) -> None:
    assert canonical_url(one) == canonical_url(other) == one


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.example/x", "https://a.example/x"),
        ("http://a.example/x", "http://a.example/x/"),
        ("http://a.example/x", "http://a.example:8080/x"),
        ("http://a.example/x", "http://a.example/X"),
        ("http://a.example/?id=1", "http://a.example/?id=2"),
        ("http://a.example/?ref_id=1", "http://a.example/"),
    ],
)
def test_addresses_of_two_pages(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "x",
        "//",
        "mailto:a@b.example",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://a.example/",
        "http://",
        "http://a.example:99999/",
        "http://[::1/",
        "http://\udcff",
    ],
)
def test_links_that_are_no_web_address(link: str) -> None:
    with pytest.raises(UrlError, match="not a web address"):
        web_url(link)


@given(st.text(alphabet="hHtTpPsS:/.?#&=%@[]01aä\u202e\ud800 \n", max_size=60))
def test_any_link_is_an_address_or_an_error(link: str) -> None:
    try:
        canonical = canonical_url(link)
    except UrlError:
        return
    assert canonical.startswith(("http://", "https://"))
    assert canonical_url(canonical) == canonical
