from dataclasses import replace
from pathlib import Path

import pytest

from transforms.core.errors import ItemError
from transforms.extraction.article_check import check_article
from transforms.extraction.entry_agreement import ExpectedArticle, compare_with_entry

LINK = "https://post.example/2026/11/20/ferry-crews-strike"
TITLE = "Ferry crews walk out over winter rosters"
PARAGRAPHS = [
    "Crews of the two Skarholm ferries stopped work at noon on Friday after talks about the winter "
    "rosters broke down, leaving about 300 passengers on the quay.",
    "“We asked for one free weekend in three, and they laughed,” said Ines Falk, who speaks for "
    "the deck hands of both ships. The company did not answer calls.",
    "The harbour office said that a hired catamaran would carry mail and medicine, but no cars, "
    "until the strike ends. Shops on the island have food for a week.",
    "It is the third strike since the route was sold in 2019. Unions and owners are to meet again "
    "on Monday in Carrow, with a mediator whom the county has named.",
]
TEXT = "\n".join(PARAGRAPHS)
CONTENT = "".join(f"<p>{p}</p>" for p in PARAGRAPHS)


def expected(
    title: str = TITLE, summary: str = "", content: str | None = None, link: str = LINK
) -> ExpectedArticle:
    return ExpectedArticle(link, title, summary, content)


def rejected(title: str, text: str, of: ExpectedArticle | None, url: str = LINK) -> str | None:
    """Return why a page is rejected, or None."""
    try:
        check_article(title, text, url=url, expected=of)
    except ItemError as error:
        assert error.error_type == "NotTheArticle"
        assert error.temporary == ("shorter" not in error.message)
        return error.message
    return None


WALLS = [
    (
        "consent",
        "Your privacy",
        "We and our 812 partners use cookies and other means to store and access information on "
        "your device.\nYou can accept all or manage your preferences at any time.",
    ),
    (
        "consent",
        "Bevor Sie fortfahren",
        "Wir und unsere Partner verwenden Cookies, um Inhalte zu messen.\nAlle akzeptieren\n"
        "Cookie-Einstellungen",
    ),
    (
        "consent",
        "Le choix vous appartient",
        "Nous et nos 98 partenaires stockons des informations sur votre terminal.\n"
        "Continuer sans accepter",
    ),
    (
        "consent",
        "Privacidad",
        "Nosotros y nuestros socios usamos tecnologías de seguimiento en este sitio.\n"
        "Valoramos su privacidad.",
    ),
    ("bots", "Just a moment...", "Verifying you are human. This may take a few seconds."),
    ("bots", "Access Denied", "You don't have permission to access this page. Reference #18.2d"),
    (
        "bots",
        "post.example",
        "Please complete the security check to see this page.\n"
        "Our systems saw unusual traffic from your network.",
    ),
    ("JavaScript", "The Post", "You need to enable JavaScript to run this app."),
    (
        "JavaScript",
        "The Post",
        "JavaScript is disabled in your browser. Please turn on JavaScript and reload the page.",
    ),
    (
        "log in",
        TITLE,
        "Subscribe to continue reading.\nAlready a subscriber? Log in here.\nCancel any time.",
    ),
    ("log in", TITLE, "Nur für Abonnenten: Weiterlesen mit P+.\nBereits Abonnent? Bitte anmelden."),
    ("no such page", "Page not found", "Sorry, we could not find the page you asked for."),
    (
        "no such page",
        "404 - The Post",
        "Herring catch doubles in a year.\nMayor of Carrow opens the new library.\n" * 40,
    ),
    ("no such page", "Seite nicht gefunden", "Der Artikel wurde nicht gefunden oder gelöscht."),
    ("new address", "Redirecting…", "You are being taken to the new address. Click here if not."),
    ("without a sentence", "The Post", "Home\nNews\nSport\nWeather\nTickets"),
]


@pytest.mark.parametrize(("kind", "title", "text"), WALLS)
@pytest.mark.parametrize("of", [expected(), expected(content=CONTENT)], ids=["title", "full text"])
def test_walls_are_no_articles(kind: str, title: str, text: str, of: ExpectedArticle) -> None:
    message = rejected(title, text, of)
    assert message is not None and kind in message


@pytest.mark.parametrize(("kind", "title", "text"), [w for w in WALLS if "Mayor" not in w[2]])
def test_walls_are_recognised_if_nothing_else_is_known(kind: str, title: str, text: str) -> None:
    assert kind in (rejected(title, text, None) or "")


BRIEFS = [
    "Police are redirecting traffic in Mill Lane, where a water main burst on Friday night.",
    "The island, which is not a member of the union, will sign up for the treaty in the spring.",
    "The lift in Carrow station is under maintenance until Monday, the harbour office said.",
    "Divers could not find the wreck on Friday, and the search goes on at dawn.",
    "The treaty had expired, and the content of the new one is secret, said Ines Falk.",
    "Farmers blocked the road to Carrow; access was blocked for nine hours.",
    "410 people moved into the new quarter within a week. The mayor gave each a key.",
    "Le risque zéro n'existe pas, a dit le préfet de Carrow vendredi soir.",
    "Nie znaleziono ofiar po pożarze magazynu w Carrow, mówi straż.",
]


@pytest.mark.parametrize("text", BRIEFS)
def test_one_everyday_phrase_makes_no_wall(text: str) -> None:
    assert rejected("In brief", text, None) is None
    assert rejected(text[:40], text, expected(text[:40])) is None


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://feeds.example/~r/post/~3/abc/", "https://post.example/news/pier"),
        ("https://post.example/amp/news/pier", "https://post.example/news/pier"),
        ("https://post.example/story/8812/print", "https://post.example/story/8812"),
        ("https://post.example/news/pier.html", "https://post.example/news/pier"),
        ("https://post.example/x9Ab", "https://post.example/pier-shut"),
        ("https://post.example/2026/11/pier", "https://post.example/?p=123"),
    ],
)
def test_redirects_to_articles_with_another_title_are_accepted(link: str, url: str) -> None:
    of = expected("Commuters furious again", link=link)
    assert rejected("Pier in Skarholm shut", TEXT, of, url) is None


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (TITLE, TEXT),
        ("Strike halts Skarholm ferries", TEXT),
        (TITLE, "Ferry crews on Skarholm walked out on Friday, the harbour office said."),
        (
            "Court fines shop for cookie banner",
            "A court in Carrow fined a shop 40,000 crowns on Friday for its cookie banner.\n"
            "“If a shop says ‘we and our partners’, it must say who they are,” said judge Bo Rey.\n"
            "The shop had hidden the button to refuse. It will appeal, its lawyer said.",
        ),
        (
            "404: the story of a number",
            "The number that browsers show for a missing page turns thirty this week.\n"
            "Engineers at a laboratory in Carrow chose it in a hurry, one of them, Ada Holm, said.",
        ),
        (
            "Paper starts a subscription",
            "The Carrow Post will ask readers to pay from January, its editor said on Friday.\n"
            "Readers get ten articles for free. “News costs money,” said Ines Falk.",
        ),
    ],
)
def test_articles_are_accepted_whatever_they_are_about(title: str, text: str) -> None:
    assert rejected(title, text, None) is None
    assert rejected(title, text, expected(title)) is None


def test_the_sample_site_has_no_walls() -> None:
    for file in sorted(Path("sample/site").rglob("*.txt")):
        assert rejected("", file.read_text(encoding="utf-8"), None) is None, file


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("https://post.example/", "The Post"),
        ("https://post.example/index.html", "The Post"),
        ("https://www.post.example/en/", "The Post"),
        ("https://post.example/2026/11/", "Archive"),
        ("https://post.example/news", "News from the coast"),
        ("https://post.example/2026/", "A year"),
        ("https://post.example/tag/ferry-crews", "Ferries"),
        ("https://post.example/2026/11/20/mayor-opens-library", "Library opens"),
        ("https://id.post.example/login?return=https%3A%2F%2Fpost.example"
         "%2F2026%2F11%2F20%2Fferry-crews-strike", "Welcome"),
    ],
)  # fmt: skip
def test_redirects_to_other_pages_are_noticed(url: str, title: str) -> None:
    list_of_stories = "Mayor opens a library in Carrow, at last.\n" * 60
    assert rejected(title, list_of_stories, expected(), url) is not None


@pytest.mark.parametrize(
    ("link", "url", "title"),
    [
        (LINK, "https://www.post.example/2026/11/20/ferry-crews-strike/", TITLE),
        (LINK, "http://post.example/2026/11/20/ferry-crews-strike?ref=1", "Ferry strike"),
        ("https://feeds.example/~r/post/~3/Xy1/", "https://post.example/ferry-crews", TITLE),
        ("https://post.example/?p=12", "https://post.example/2026/11/ferry", TITLE),
        ("https://post.example/", "https://post.example/home", "The Post"),
        (LINK, "https://post.example/2026/11/20/ferry-crews-out-again", "Ferry crews out again"),
    ],
)
def test_redirects_to_the_article_are_accepted(link: str, url: str, title: str) -> None:
    assert rejected(title, TEXT, expected(link=link), url) is None


def test_a_page_is_compared_with_the_feeds_full_text() -> None:
    of = expected(content=CONTENT)
    other = "\n".join(f"The council of Carrow met for the {n}th time and left." for n in range(9))
    assert rejected("Council meets", other, of) == "the page is another text than the feed has"
    teaser = "Crews stopped work at noon. Read on with a day pass of the Post for two crowns only."
    assert rejected(TITLE, teaser, of) == "the page is shorter than the text that the feed has"
    assert rejected(TITLE, f"{TEXT}\nMore was to come.", of) is None
    assert rejected(TITLE, "\n".join(PARAGRAPHS[:3]), of) is None, "most of it is enough"
    short = expected(content="<p>Crews walked out, and the owners are cross.</p>")
    assert rejected("Ferry strike", TEXT, short) is None, "a feed's summary is no full text"


def test_a_short_page_with_no_word_of_the_entry_is_rejected() -> None:
    text = "The library in Carrow opens on Sundays from now on."
    assert rejected("The Post", text, expected()) is not None
    assert rejected("Library opens", text, expected()) is None, "the page fits its own title"
    assert rejected("The Post", text, expected("Update")) is None, "too little is known"
    chinese = "卡罗镇图书馆从本周起周日开放。"
    assert rejected("新闻", chinese, expected("渡轮船员罢工")) is not None
    assert rejected("新闻", chinese, expected("图书馆周日")) is None
    often = replace(expected(), attempts=3)
    assert rejected("The Post", text, often) is None, "the feed has another title for it"


@pytest.mark.parametrize(
    ("title", "summary", "confirmed"),
    [
        (TITLE, "", True),
        ("Library opens", "", False),
        ("Library opens", "Ferries to Skarholm stopped at noon.", True),
        ("", "", True),
        ("No 7", "", True),
    ],
)
def test_pages_are_confirmed_by_words_of_the_entry(
    title: str, summary: str, confirmed: bool
) -> None:
    agreement = compare_with_entry("Strike", TEXT, expected(title, summary))
    assert agreement.is_confirmed is confirmed
