"""Runs over a site that shows something else than its articles, through real HTTP."""

import pytest

from tests.support.newsroom import FIRST, SECOND, Newsroom, item, page
from tests.support.web_server import WebReply, WebServer

CONSENT = """<html lang=en><head><title>Your privacy</title></head><body><main><h1>One moment</h1>
<p>We and our 900 partners store and access information on your device to show adverts.</p>
<p>You can accept all or manage your choices at any time in our privacy centre.</p></main>"""
PASSES = "<p>Season passes for the open-air pool go on sale at noon, at the desk and online.</p>"
PROMOTION = f"<html lang=en><head><title>Summer</title></head><body>{PASSES * 12}</body></html>"
FIRE = FIRST.replace("harbor bridge", "old fire station").replace("Ferries", "Fire engines")


def content(text: str) -> dict[str, str]:
    return {"content:encoded": f"<![CDATA[<p>{text}</p><p>{SECOND}</p>]]>"}


def outcomes(newsroom: Newsroom) -> dict[str, int]:
    """Run, and return the outcomes, but for the entries that are retried and listed again."""
    counts = newsroom.run()["outcomes"]
    return {kind: n for kind, n in counts.items() if n and kind != "duplicate"}


def test_walls_on_the_first_day_and_pages_on_the_second_end_with_the_articles(
    newsroom: Newsroom, web: WebServer
) -> None:
    web.html("/wall", CONSENT)
    web.html("/1", CONSENT)
    for path in ("/2", "/3"):
        web.replies[path] = WebReply(status=302, headers={"Location": "/wall"})
    newsroom.publish(*(item(web, path) for path in ("/1", "/2", "/3")))
    assert outcomes(newsroom) == {"dead_letter": 3}
    assert {d["error_type"] for d in newsroom.rows("dead_letters")} == {"NotTheArticle"}
    for path, text in (("/1", FIRST), ("/2", SECOND), ("/3", FIRE)):
        web.html(path, page(text))
    assert outcomes(newsroom) == {"article": 3}
    assert outcomes(newsroom) == {"known": 3}
    assert newsroom.requests == ["/feed"]
    assert {a["url"] for a in newsroom.rows("articles")} == {web.base + f"/{n}" for n in (1, 2, 3)}


def test_the_feeds_text_stands_in_for_a_wall_until_the_page_is_there(
    newsroom: Newsroom, web: WebServer
) -> None:
    web.html("/1", CONSENT)
    newsroom.publish(item(web, "/1", **content(FIRST)))
    assert outcomes(newsroom) == {"article": 1}
    more = f"{FIRST}</p><p>{SECOND}</p><p>The last sentence is on the page alone."
    web.html("/1", page(more))
    newsroom.publish()  # the feed has forgotten it; the state has not
    assert outcomes(newsroom) == {"article": 1}
    assert newsroom.requests == ["/feed", "/1"]
    first, second = newsroom.rows("articles")
    assert (first["extraction_method"], second["extraction_method"]) == (
        "feed_content",
        "trafilatura",
    )
    assert second["version"] == 2 and second["lineage_id"] == first["article_id"]
    assert newsroom.run()["outcomes"]["article"] == 0
    assert newsroom.requests == ["/feed"]


def test_one_page_for_several_entries_of_a_host_is_no_article(
    newsroom: Newsroom, web: WebServer
) -> None:
    for path in ("/1", "/2"):
        web.html(path, PROMOTION)
    newsroom.publish(item(web, "/1", title="Bridge closes"), item(web, "/2", title="Mayor quits"))
    assert outcomes(newsroom) == {"dead_letter": 2}
    messages = {d["message"] for d in newsroom.rows("dead_letters")}
    assert messages == {"the page is the same for 2 entries, and has no word of this one"}
    web.html("/1", page(FIRST))
    web.html("/2", page(SECOND.replace("Mayor Ana Torres", "mayor who quits, Ana Torres")))
    assert outcomes(newsroom) == {"article": 2}


def test_a_page_without_a_word_of_its_entry_is_looked_at_once_more(
    newsroom: Newsroom, web: WebServer
) -> None:
    web.html("/1", PROMOTION)
    newsroom.publish(item(web, "/1", title="Bridge closes until spring"))
    assert outcomes(newsroom) == {"article": 1}
    web.html("/1", page(FIRST))
    assert outcomes(newsroom) == {"article": 1}
    assert [a["version"] for a in newsroom.rows("articles")] == [1, 2]
    assert outcomes(newsroom) == {"known": 1}
    assert newsroom.requests == ["/feed"]


def test_a_removed_story_is_not_the_front_page(newsroom: Newsroom, web: WebServer) -> None:
    web.html("/", page(FIRST, "<title>The Post</title>").replace("Bridge closes", "The Post"))
    for path in ("/news/1", "/news/2"):
        web.replies[path] = WebReply(status=301, headers={"Location": "/"})
    newsroom.publish(item(web, "/news/1", **content(FIRE)), item(web, "/news/2"))
    assert outcomes(newsroom) == {"article": 1, "dead_letter": 1}
    (article,) = newsroom.rows("articles")
    assert (article["canonical_url"], article["extraction_method"]) == (
        f"{web.base}/news/1",
        "feed_content",
    )


@pytest.mark.parametrize("claim", ["/news/", "/undefined", "/2026/bridge-closes-1"])
def test_pages_with_one_canonical_link_stay_articles_of_their_own(
    newsroom: Newsroom, web: WebServer, claim: str
) -> None:
    head = f'<link rel="canonical" href="{claim}">'
    paths = [f"/2026/bridge-closes-{n}" for n in (1, 2, 3)]
    for path, text in zip(paths, (FIRST, SECOND, FIRE), strict=True):
        web.html(path, page(text, head))
    newsroom.publish(*(item(web, path) for path in paths))
    assert outcomes(newsroom) == {"article": 3}
    assert {a["canonical_url"] for a in newsroom.rows("articles")} == {web.base + p for p in paths}


def test_entries_that_share_a_link_are_the_articles_of_the_feeds_text(
    newsroom: Newsroom, web: WebServer
) -> None:
    def notice(number: int, text: str) -> str:
        return item(web, "/", title=f"Notice {number}", guid=f"n{number}", **content(text))

    web.html("/", page("These are all notices of the harbor office, the newest first."))
    newsroom.publish(notice(1, FIRST), notice(2, FIRE))
    assert outcomes(newsroom) == {"article": 2}
    assert newsroom.requests == ["/feed"]
    newsroom.publish(notice(3, FIRST.replace("bridge", "lock")), notice(2, FIRE))
    assert outcomes(newsroom) == {"article": 1, "known": 1}
    newsroom.publish(notice(3, FIRST.replace("bridge", "lock")))
    assert outcomes(newsroom) == {"known": 1}
    articles = newsroom.rows("articles")
    assert {a["title"] for a in articles} == {"Notice 1", "Notice 2", "Notice 3"}
    assert {a["url"] for a in articles} == {f"{web.base}/"}


def test_links_with_a_token_that_changes_are_known_without_an_id(
    newsroom: Newsroom, web: WebServer
) -> None:
    def publish(token: str, title: str = "Bridge closes") -> None:
        link = f"<link>{web.base}/1?v={token}</link>"
        date = "<pubDate>Fri, 20 Nov 2026 09:30:00 GMT</pubDate>"
        newsroom.publish(f"<item><title>{title}</title>{link}{date}</item>")

    for token, text in (("a", FIRST), ("b", FIRST), ("c", SECOND)):
        web.html(f"/1?v={token}", page(text))
    publish("a")
    assert outcomes(newsroom) == {"article": 1}
    publish("b")
    assert outcomes(newsroom) == {"known": 1}
    assert newsroom.requests == ["/feed"]
    publish("c", "Bridge opens")
    assert outcomes(newsroom) == {"article": 1}, "another title and text: it may be another article"


def test_without_an_id_and_a_time_an_article_is_known_by_its_text(
    newsroom: Newsroom, web: WebServer
) -> None:
    def publish(token: str) -> None:
        link = f"<link>{web.base}/1?v={token}</link>"
        newsroom.publish(f"<item><title>Bridge closes</title>{link}</item>")

    for token in ("a", "b"):
        web.html(f"/1?v={token}", page(FIRST))
    web.html("/1?v=c", page(SECOND))
    publish("a")
    assert outcomes(newsroom) == {"article": 1}
    for _ in range(2):
        publish("b")
        assert outcomes(newsroom) == {"known": 1}
    assert newsroom.requests == ["/feed"], "the link is known by now"
    publish("c")
    assert outcomes(newsroom) == {"article": 1}
