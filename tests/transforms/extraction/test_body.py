"""Tests of the body text: what surrounds the sentences of an article stays out of it."""

import pytest

from transforms.extraction.body import extract_text, is_boilerplate, read_blocks
from transforms.extraction.cleaning import clean_html
from transforms.extraction.html_tree import parse_html

_TITLE = "Harbour bridge to close for six weeks"
_PROSE = (
    "The harbour bridge at Ostvik will close for six weeks from the first Monday of March, the "
    "county said, because rust has weakened two of the four cables.",
    "Engineers found the damage in a routine inspection and told the county board on Thursday "
    "evening that heavy lorries could no longer be allowed across.",
    "Buses will take the long way round the fjord until the end of April, and the ferry company "
    "has promised an extra boat in the morning and in the afternoon.",
    "Shop owners on the island fear for the Easter trade, which brings in a third of what they "
    "earn in a year, and have asked the county for help.",
)
_BODY = "".join(f"<p>{paragraph}</p>" for paragraph in _PROSE)


def _extract(body: str, head: str = "") -> list[str]:
    tree = parse_html(clean_html(f"<html><head>{head}</head><body>{body}</body></html>"))
    assert tree is not None
    return extract_text(tree, url="https://fjord.example/bridge", title=_TITLE).split("\n")


def _article(extra: str, after: int = 2) -> str:
    paragraphs = [f"<p>{paragraph}</p>" for paragraph in _PROSE]
    paragraphs.insert(after, extra)
    return f"<main><article><h1>{_TITLE}</h1>{''.join(paragraphs)}</article></main>"


@pytest.mark.parametrize(
    "extra",
    [
        '<div class="image-caption">The bridge at dawn. Photo by Ann Vik</div>',
        '<div class="photo-block"><img src="/a.jpg"><p>The bridge seen from the quay.</p></div>',
        '<p><img src="/a.jpg"><br><em>The bridge at dawn, with the old ferry below it</em></p>',
        '<p><img src="/a.jpg"></p><p><i>The bridge at dawn, as painted</i></p>',
        '<p class="wp-caption-text">The bridge at dawn</p>',
        '<blockquote class="twitter-tweet"><p>Cables!</p>— Ann (@ann)</blockquote>',
        '<section class="RelatedStories"><h3>More</h3><a href="/x">A ferry sinks</a></section>',
        '<div class="c-inlineSignup"><h2>Every morning</h2><p>Our best stories for you.</p></div>',
        '<div class="no-access-comments"><p>What do you think of this article?</p></div>',
        '<div class="ad-slot"><p>Advertisement · Scroll to go on</p></div>',
        "<p>ADVERTISEMENT</p>",
        '<p><strong>LES OGSÅ | <a href="/x">Ferja sank utanfor kaia i natt</a></strong></p>',
        '<p><b>Read more:</b> <a href="/x">Ten bridges that are older than this one</a></p>',
        "<p><em>Follow us on Facebook and subscribe to our daily email.</em></p>",
        "<div hidden><p>You have read all your free articles of this month.</p></div>",
        '<div style="display: none"><p>You have read all your free articles.</p></div>',
        '<div role="tabpanel" class="tab-pane"><p>The bridge closes, in short.</p></div>',
        '<article class="card"><h3><a href="/x">A ferry sinks</a></h3><p>It was old.</p></article>',
        '<div><h4>Read more</h4><h3><a href="/x">A ferry sinks at the quay</a></h3></div>',
        '<aside class="pullquote"><p>Rust has weakened two of the four cables</p></aside>',
        '<div class="pull-quote"><p>“Rust has weakened two of the four”</p></div>',
        "<p>Our stories are free. Please sign up for our weekly newsletter, The Quay, here.</p>",
        "<p>Do you live on the island? Email us: desk@fjord.example</p>",
        "<p>© 2026 Fjord Media. All rights reserved.</p>",
        "<p>* * *</p>",
        "<p>Reporting by Ann Vik; editing by Bo Lie</p>",
    ],
)
def test_what_is_no_prose_is_left_out(extra: str) -> None:
    assert _extract(_article(extra)) == list(_PROSE)


@pytest.mark.parametrize(
    "line",
    [
        "Read more books, the minister told pupils.",
        "The advertisement was shown twice before the vote.",
        "Follow the money, she said.",
        "Comments by the minister angered the board.",
        "Related work was presented in Oslo.",
        "Photographs of the scene show a burnt car.",
        "“Subscribe to nobody’s theory but your own,” he said.",
        "Sign up sheets were empty by noon.",
        "Published in 2019, the book sold well.",
        "Advertisement revenue fell by 8 percent.",
        "Like many teenagers, she lives on Instagram.",
        "Anyone who saw the car should contact police at tips@fjord.example.",
        "Rain contributed to this week’s floods.",
        "Reporting by the Quay led to his resignation.",
        "Copyright law protects the paintings.",
        "Trending upward since May.",
        "Get the facts first, the Facebook page said.",
        "Read: the word was on every wall of the school in the summer, and on some of the cars.",
        "“You can sign up for our newsletter if you must,” the mayor said.",
    ],
)
def test_a_sentence_is_no_boilerplate(line: str) -> None:
    assert not is_boilerplate(line)
    assert line in _extract(_article(f"<p>{line}</p>"))


def test_a_quote_element_keeps_its_marks_and_its_sentence() -> None:
    extra = (
        "<p>The board was <q>stunned by <q>mere</q> rust</q>, said <b>Ann Vik</b>, its head.</p>"
    )
    assert "The board was “stunned by ‘mere’ rust”, said Ann Vik, its head." in _extract(
        _article(extra)
    )


@pytest.mark.parametrize(
    "line",
    ["By Ann Vik", "BY ANN VIK and BO LIE", "3 March 2026", "March 3, 2026, 10:15 a.m. CET"],
)
def test_a_byline_and_a_date_above_the_text_are_left_out(line: str) -> None:
    assert _extract(_article(f"<p>{line}</p>", 0)) == list(_PROSE)


@pytest.mark.parametrize(
    "sentence",
    [
        "The bridge was<br>built by hand.",
        "The bridge was<br/> built by hand.",
        "The <b>bridge <i>was</i></b> built <a href='/x'>by <b>hand</b></a>.",
        "The bridge <time>was</time> built by hand.",
        "The bridge <button>was</button> built by hand.",
        "The <x-term>bridge</x-term> was <font>built</font> by hand.",
        "The bridge was <div class='ad-slot'>Advertisement</div> built by hand.",
    ],
)
def test_a_paragraph_with_elements_in_it_is_one_line(sentence: str) -> None:
    lines = _extract(_article(f"<p>{sentence}</p>"))
    assert lines[2] == "The bridge was built by hand."


def test_quotation_marks_are_not_doubled() -> None:
    assert "He was “stunned” then." in _extract(_article("<p>He was <q>“stunned”</q> then.</p>"))


def test_a_body_with_the_class_of_a_teaser_is_read() -> None:
    assert _extract(
        f'<article><h1>{_TITLE}</h1><div class="article__teaser">{_BODY}</div></article>'
    ) == list(_PROSE)


def test_headings_are_kept_whatever_their_anchor() -> None:
    heading = '<h2 id="social-share-and-comments">Social share and comments</h2>'
    assert _extract(_article(heading))[2] == "Social share and comments"


@pytest.mark.parametrize("first", [True, False])
def test_another_story_is_left_out(first: bool) -> None:
    other = "".join(f"<p>{paragraph} That was in May.</p>" for paragraph in reversed(_PROSE))
    story = f"<article><h1>{_TITLE}</h1>{_BODY}</article>"
    another = f"<article><h2>Ferry sinks at the quay</h2>{other}</article>"
    assert _extract(another + story if first else story + another) == list(_PROSE)


def test_a_body_in_several_elements_is_read_as_a_whole() -> None:
    chunks = "".join(
        f'<div class="article__body">{_BODY.replace("county", name)}</div><hr>'
        for name in ("town", "state", "port")
    )
    lines = _extract(f"<article><h1>{_TITLE}</h1><div>{chunks}</div></article>")
    assert len(lines) == 3 * len(_PROSE)


@pytest.mark.parametrize("tag", ["p", "h2", "div"])
def test_the_standfirst_that_the_description_repeats_is_the_first_line(tag: str) -> None:
    head = '<meta name="description" content="Two of the four cables are rusty">'
    page = f"<header><h1>{_TITLE}</h1><{tag}>Two of the four cables are rusty</{tag}></header>"
    page += f'<div class="article-body">{_BODY}</div>'
    assert _extract(page, head) == ["Two of the four cables are rusty", *_PROSE]


def test_a_description_that_the_page_does_not_show_is_not_added() -> None:
    head = '<meta name="description" content="Two of the four cables are rusty">'
    assert _extract(_article(""), head) == list(_PROSE)


def test_the_headline_is_not_repeated_in_the_text() -> None:
    headline = f"<h4>COUNTY</h4><h1>{_TITLE.upper()}!</h1>"
    page = f'<div class="article-body">{headline}{_BODY}</div>'
    assert _extract(page) == list(_PROSE)


def test_a_class_does_not_remove_most_of_the_page() -> None:
    page = f'<div class="has-related newsletter"><h1>{_TITLE}</h1>{_BODY}</div>'
    assert _extract(page) == list(_PROSE)


def test_a_body_in_an_aside_is_read() -> None:
    assert _extract(f"<aside><h1>{_TITLE}</h1>{_BODY}</aside>") == list(_PROSE)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("No tags at all.", "No tags at all."),
        ("<p>The <b>bridge</b> is <a href='/x'>closed</a>.</p>", "The bridge is closed."),
        ("One.<br/>Two,\n and <i>three</i>.", "One.\nTwo, and three."),
        ("<p>One.<p>The post <a>Bridge</a> appeared first on <a>Fjord</a>.", "One."),
        ("<figure><img><figcaption>Dawn</figcaption></figure><p>One.", "One."),
        ("<script>x</script>", ""),
        ("", ""),
    ],
)
def test_a_short_fragment_is_read_block_by_block(html: str, text: str) -> None:
    assert read_blocks(html) == text
