import lxml.html
import pytest

from transforms.extraction.canonical_link import find_canonical_link, resolve_address

A = "https://post.example"
OWN = f"{A}/coast/2026/ferry-crews-strike"
TITLE = "Ferry crews on strike over rosters"


@pytest.mark.parametrize(
    ("head", "link"),
    [
        ('<link rel="canonical" href="/x">', f"{A}/x"),
        ('<link rel="Canonical nofollow" href="x">', f"{A}/coast/2026/x"),
        ('<link rel="canonical" href="/x"><link rel="canonical" href="/x">', f"{A}/x"),
        ('<link rel="canonical" href="/x"><link rel="canonical" href="/y">', None),
        ('<link rel="canonical" href="mailto:x@y.example">', None),
        ('<link rel="canonical" href="http://[::1">', None),
        ('<link rel="alternate" href="/x">', None),
        ("", None),
    ],
)
def test_the_link_in_the_head(head: str, link: str | None) -> None:
    embed = '<link rel="canonical" href="https://polls.example/widget/7">'
    tree = lxml.html.document_fromstring(
        f"<html><head><title>T</title>{head}</head><body><div>{embed}</div></body></html>"
    )
    assert find_canonical_link(tree, OWN) == link


@pytest.mark.parametrize(
    ("own", "claim"),
    [
        (f"{A}/m/1", f"{A}/1"),
        (f"{A}/1/amp/", f"{A}/1"),
        (f"{A}/story-1.amp.html", f"{A}/story-1.html"),
        ("https://m.post.example/coast/ferry", f"{A}/coast/ferry"),
        ("http://www.post.example/coast/ferry/", f"{A}/coast/ferry"),
        (f"{OWN}?src=rss", OWN),
        (f"{OWN}?print=yes", OWN),
    ],
)
def test_other_forms_of_the_address_are_certain(own: str, claim: str) -> None:
    assert resolve_address(claim, own, "") == (claim, True)


@pytest.mark.parametrize(
    ("own", "claim", "title"),
    [
        (f"{A}/coast/ferry-crews-strike", f"{A}/news/ferry-crews-strike", ""),
        (f"{A}/?p=812", OWN, TITLE),
        (f"{A}/story.php?id=812", f"{A}/812/ferry", ""),
        (f"{A}/coast/ferry-crews-strike-812", f"{A}/ferry-crews-walk-out-812", ""),
    ],
)
def test_plausible_claims_are_believed_but_not_certain(own: str, claim: str, title: str) -> None:
    assert resolve_address(claim, own, title) == (claim, False)


@pytest.mark.parametrize(
    "claim",
    [
        f"{A}/",
        f"{A}/index.html",
        f"{A}/coast/",
        f"{A}/coast/2026/",
        f"{A}/news/",
        f"{A}/undefined",
        f"{A}/null",
        f"{A}/{{{{url}}}}",
        f"{A}/coast/2026/library-opens-on-sundays",
        "https://polls.example/widget/7",
        "https://wire.example/coast/2026/ferry-crews-strike",
        "http://localhost:4000/coast/2026/ferry-crews-strike",
        "ftp://post.example/coast",
    ],
)
def test_other_claims_are_not_believed(claim: str) -> None:
    assert resolve_address(claim, OWN, TITLE).url == OWN


@pytest.mark.parametrize(
    ("own", "claim"),
    [
        (f"{A}/story-2", f"{A}/story-1"),
        (f"{A}/article?id=2", f"{A}/article"),
        (f"{A}/live?post=31", f"{A}/live"),
        (f"{A}/app#!/story/2", f"{A}/app"),
    ],
)
def test_a_claim_that_drops_or_changes_the_number_is_not_believed(own: str, claim: str) -> None:
    assert resolve_address(claim, own, "Live: storm over the coast").url == own
