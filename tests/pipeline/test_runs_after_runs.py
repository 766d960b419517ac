"""Runs one after the other over feeds that change, through real HTTP."""

import datetime as dt
import functools
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.support.hdfs_like_filesystem import SCHEME, HdfsLikeFileSystem
from tests.support.newsroom import FIRST, SECOND, Newsroom, item, page
from tests.support.web_server import WebReply, WebServer
from transforms.core.clock import now
from transforms.state.store import StateStore

assert HdfsLikeFileSystem.scheme() == SCHEME


@pytest.fixture(params=[False, True], ids=["a file a run", "a snapshot a run"])
def compacted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Make runs write a snapshot of the state, or not."""
    if request.param:
        store = functools.partial(StateStore, changes_before_snapshot=0, share_before_snapshot=0)
        monkeypatch.setattr("pipeline.prepare.StateStore", store)
    return bool(request.param)


def test_an_edited_article_is_a_new_version(
    newsroom: Newsroom, web: WebServer, compacted: bool
) -> None:
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"))
    assert newsroom.run()["outcomes"]["article"] == 1
    web.html("/1", page(SECOND))
    assert newsroom.run()["outcomes"]["known"] == 1  # its feed does not say that it changed
    assert newsroom.requests == ["/feed"]
    newsroom.publish(item(web, "/1", title="Bridge closes for longer"))
    assert newsroom.run()["outcomes"]["article"] == 1
    assert newsroom.run()["outcomes"]["known"] == 1

    first, second = newsroom.rows("articles")
    assert (first["version"], second["version"]) == (1, 2)
    assert first["article_id"] != second["article_id"]
    assert first["lineage_id"] == second["lineage_id"] == first["article_id"]
    assert "until spring" in first["text"] and "two months longer" in second["text"]
    assert first["canonical_url"] == second["canonical_url"]
    quotes = newsroom.rows("quotes")
    assert {q["article_id"] for q in quotes} == {first["article_id"], second["article_id"]}
    assert bool([*Path(newsroom.state).glob("snapshot-*.state")]) == compacted


def test_an_edit_that_leaves_the_text_is_no_version(newsroom: Newsroom, web: WebServer) -> None:
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"))
    newsroom.run()
    newsroom.publish(item(web, "/1", title="The bridge closes"))
    assert newsroom.run()["outcomes"]["known"] == 1
    assert newsroom.requests == ["/feed", "/1"]
    newsroom.run()
    assert newsroom.requests == ["/feed"]
    assert len(newsroom.rows("articles")) == 1


@pytest.mark.usefixtures("compacted")
def test_an_entry_republished_at_another_address_is_no_second_article(
    newsroom: Newsroom, web: WebServer
) -> None:
    web.html("/1", page(FIRST))
    web.html("/one", page(FIRST))
    newsroom.publish(item(web, "/1"))
    newsroom.run()
    newsroom.publish(item(web, "/one", guid="/1"))
    assert newsroom.run()["outcomes"]["known"] == 1
    assert len(newsroom.rows("articles")) == 1
    web.html("/one", page(SECOND))
    newsroom.publish(item(web, "/one", guid="/1", title="Closed for longer"))
    assert newsroom.run()["outcomes"]["article"] == 1
    first, second = newsroom.rows("articles")
    assert second["lineage_id"] == first["lineage_id"] and second["version"] == 2


@pytest.mark.usefixtures("compacted")
def test_temporary_failures_are_retried(newsroom: Newsroom, web: WebServer) -> None:
    web.html("/1", page(FIRST))
    web.replies["/2"] = WebReply(b"", 500)
    newsroom.publish(item(web, "/1"), item(web, "/2"))
    summary = newsroom.run()
    assert (summary["outcomes"]["article"], summary["outcomes"]["dead_letter"]) == (1, 1)
    newsroom.publish(item(web, "/1"))  # the feed has forgotten it; the state has not
    summary = newsroom.run()
    assert summary["outcomes"] == {"article": 0, "known": 1, "duplicate": 0, "dead_letter": 1}
    assert newsroom.requests == ["/feed", "/2", "/2"]
    web.html("/2", page(SECOND))
    assert newsroom.run()["outcomes"]["article"] == 1
    newsroom.run()
    assert newsroom.requests == ["/feed"]
    assert len({row["article_id"] for row in newsroom.rows("articles")}) == 2


def test_missing_pages_are_given_up_unless_their_feed_changes_them(
    newsroom: Newsroom, web: WebServer
) -> None:
    newsroom.publish(item(web, "/1"))
    for _ in range(3):
        assert newsroom.run()["outcomes"]["dead_letter"] == 1
        assert newsroom.requests == ["/feed", "/1"]
    assert newsroom.run()["outcomes"]["known"] == 1
    assert newsroom.requests == ["/feed"]
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1", title="Bridge closes after all"))
    assert newsroom.run()["outcomes"]["article"] == 1


def test_the_feeds_own_text_replaces_a_missing_page_and_is_replaced_by_it(
    newsroom: Newsroom, web: WebServer
) -> None:
    def publish(text: str) -> None:
        newsroom.publish(item(web, "/1", **{"content:encoded": f"<![CDATA[<p>{text}</p>]]>"}))

    publish(FIRST)
    newsroom.run()
    web.html("/1", page(SECOND))
    publish(SECOND)
    newsroom.run()
    web.replies.pop("/1")
    publish(FIRST)  # worse than the page that is known
    assert newsroom.run()["outcomes"]["known"] == 1
    rows = newsroom.rows("articles")
    found = [(row["version"], row["extraction_method"]) for row in rows]
    assert found == [(1, "feed_content"), (2, "trafilatura")]


def test_a_feed_with_status_410_is_retired(newsroom: Newsroom) -> None:
    newsroom.publish(status=410)
    summary = newsroom.run()
    assert summary["feed_statuses"]["retired"] == 1
    (health,) = newsroom.rows("feed_health")
    assert (health["status"], health["failure_class"], health["next_due"]) == (
        "retired",
        "Http410",
        None,
    )
    assert newsroom.run() == {}
    assert len(newsroom.rows("feed_health")) == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_of_a_feed_is_obeyed(newsroom: Newsroom, form: str) -> None:
    later = format_datetime(now() + dt.timedelta(hours=2), usegmt=True)
    after = "7200" if form == "seconds" else later
    newsroom.publish(status=503, headers={"Retry-After": after})
    assert newsroom.run()["feed_statuses"]["failed"] == 1
    assert newsroom.requests == ["/feed"]
    assert newsroom.run() == {}
    (health,) = newsroom.rows("feed_health")
    due = dt.datetime.fromisoformat(health["next_due"].replace("Z", "+00:00"))
    assert dt.timedelta(hours=1.9) < due - now() < dt.timedelta(hours=2.5)
    assert health["consecutive_failures"] == 1 and health["failure_class"] == "Http503"


def test_only_due_feeds_skips_feeds_that_are_not_due(
    newsroom: Newsroom, web: WebServer, capsys: pytest.CaptureFixture[str]
) -> None:
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"), head="<ttl>120</ttl>")
    assert newsroom.run("--only_due_feeds")["feed_statuses"]["ok"] == 1
    assert newsroom.run("--only_due_feeds") == {}
    assert capsys.readouterr().out.endswith(
        "\nfeeds: 1 = 1 not due\nentries: 0 = 0 article\nrecords: none\n\n"
        f"records in {newsroom.folder}\n"
    )
    assert newsroom.run()["feed_statuses"]["ok"] == 1


def test_a_feed_that_has_moved_permanently_is_requested_at_its_new_address(
    newsroom: Newsroom, web: WebServer
) -> None:
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"))
    web.replies["/new"] = web.replies["/feed"]
    web.replies["/feed"] = WebReply(status=308, headers={"Location": "/new"})
    newsroom.run()
    assert newsroom.requests == ["/feed", "/new", "/1"]
    newsroom.run()
    assert newsroom.requests == ["/new"]
    assert {h["feed_url"] for h in newsroom.rows("feed_health")} == {f"{web.base}/feed"}


def test_validators_are_sent_and_304_yields_no_entries(newsroom: Newsroom, web: WebServer) -> None:
    web.html("/1", page(FIRST))
    date = "Fri, 20 Nov 2026 09:00:00 GMT"
    newsroom.publish(item(web, "/1"), headers={"ETag": '"v1"', "Last-Modified": date})
    newsroom.run()
    web.replies["/feed"] = WebReply(status=304)
    for _ in range(2):
        summary = newsroom.run()
        assert summary["feed_statuses"]["unchanged"] == 1 and summary["entries"] == 0
        assert newsroom.requests == ["/feed"]
        assert web.headers[-1]["if-none-match"] == '"v1"'
        assert web.headers[-1]["if-modified-since"] == date
    newsroom.publish(item(web, "/1"), headers={"ETag": '"v2"'})
    newsroom.run()
    newsroom.run()
    assert web.headers[-1]["if-none-match"] == '"v2"'
    assert "if-modified-since" not in web.headers[-1]


def test_opt_outs_are_recorded(newsroom: Newsroom, web: WebServer) -> None:
    web.html("/1", page(FIRST, "<meta name=robots content='NOINDEX, follow'>"))
    web.html("/2", page(SECOND))
    web.replies["/2"].headers["TDM-Reservation"] = "1"
    newsroom.publish(item(web, "/1"), item(web, "/2"))
    newsroom.run()
    found = {a["url"]: (a["noindex"], a["tdm_reserved"]) for a in newsroom.rows("articles")}
    assert found == {f"{web.base}/1": (True, False), f"{web.base}/2": (False, True)}


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_state_leads_to_no_duplicates(
    newsroom: Newsroom, web: WebServer, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"))
    newsroom.run()
    (path,) = Path(newsroom.state).glob("run-*.state")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    else:
        path.unlink()
    assert newsroom.run()["outcomes"]["known"] == 1
    assert newsroom.requests == ["/feed"]
    assert ("is damaged" in caplog.text) == (damage == "cut")


def test_state_may_be_on_another_file_system(
    newsroom: Newsroom, web: WebServer, tmp_path: Path
) -> None:
    newsroom.state = f"{SCHEME}://{tmp_path}/remote"
    web.html("/1", page(FIRST))
    newsroom.publish(item(web, "/1"))
    assert newsroom.run()["outcomes"]["article"] == 1
    assert newsroom.run()["outcomes"]["known"] == 1
    names = sorted(p.name for p in (tmp_path / "remote").iterdir())
    assert names == ["run-run-1.state", "run-run-2.state"]
