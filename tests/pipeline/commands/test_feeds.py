import datetime as dt
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from pipeline.cli import run_command
from pipeline.commands.feed_state import read_feed_state
from sample.server import SampleSite
from schemas.jsonable import format_time
from tests.support.command_line import LOCAL, Command, CommandResult
from tests.support.web_server import WebReply, WebServer
from transforms.core.clock import now
from transforms.state.file_format import write_state_file
from transforms.state.loaded_state import format_line
from transforms.state.records import FeedState, HostState

ROOT = Path(__file__).parents[3]
HOUR = dt.timedelta(hours=1)
RSS = (
    "<rss version='2.0'><channel><title>{title}</title><item><title>One</title>"
    "<pubDate>Fri, 20 Nov 2026 08:00:00 GMT</pubDate></item></channel></rss>"
)


class Feeds(Command):
    """`feeds ACTION` with the flags that let it reach the test's own server."""

    def __call__(self, *arguments: object, flags: list[str] | None = None) -> CommandResult:
        return super().__call__(*arguments, flags=LOCAL if flags is None else flags)

    def check(self, *names: object) -> list[dict[str, Any]]:
        return self("check", "--json", "--feeds", *names).rows()


@pytest.fixture
def feeds(capsys: pytest.CaptureFixture[str]) -> Feeds:
    return Feeds(capsys, "feeds")


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite() as served:
        yield served


def serve(web: WebServer, path: str, title: str = "News", **headers: str) -> str:
    body = RSS.format(title=title).encode()
    web.replies[path] = WebReply(body, headers={"Content-Type": "application/rss+xml", **headers})
    return web.base + path


def redirect(web: WebServer, path: str, target: str, status: int = 301) -> str:
    web.replies[path] = WebReply(status=status, headers={"Location": target})
    return web.base + path


def remember(folder: Path, *records: FeedState | HostState) -> Path:
    folder.mkdir(exist_ok=True)
    write_state_file(str(folder / "run-r.state"), ["r"], map(format_line, records))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_sample_site_is_checked(site: SampleSite, feeds: Feeds) -> None:
    before = len(site.requests)
    done = feeds("check", "--feeds", f"{site.base}/feeds.opml")
    assert (done.code, done.err) == (0, "")
    assert Counter(line.split()[0] for line in done.lines[1:11]) == {"ok": 8, "failed": 2}
    assert done.lines[0].split()[:2] == ["status", "entries"]
    assert done.lines[-1] == "feeds: 10 = 8 ok + 2 failed"
    (moved,) = [line for line in done.lines if "moved to" in line]
    assert moved.endswith(f"moved to {site.base}/capitol-ledger/feed.xml")
    assert "Http404: the server has no such page (404)" in done.out
    assert "NotAFeed: not a feed but an HTML page" in done.out
    asked = Counter(path for _, path, _ in site.requests[before:])
    assert set(asked.values()) == {1} and "/robots.txt" in asked


def test_the_fields_of_a_check(web: WebServer, feeds: Feeds, tmp_path: Path) -> None:
    held = serve(web, "/held.xml", **{"Cache-Control": "max-age=20000"})
    web.replies["/empty.xml"] = WebReply(b"<rss version='2.0'><channel/></rss>")
    web.replies["/gone.xml"] = WebReply(status=410)
    web.replies["/app.xml"] = WebReply(b"\x7fELF" + bytes(200))
    file, others = tmp_path / "feed.xml", [f"{web.base}/{n}.xml" for n in ("empty", "gone", "app")]
    file.write_text(RSS.format(title="File"))
    rows = feeds.check(held, *others, file, held)
    assert [row["feed_url"] for row in rows] == [held, *others, str(file)]
    assert [row["status"] for row in rows] == ["ok", "empty", "retired", "failed", "ok"]
    assert [row["entries"] for row in rows] == [1, 0, None, None, 1]
    assert [row["failure_class"] for row in rows] == [None, None, "Http410", "NotAFeed", None]
    assert [row["http_status"] for row in rows] == [200, 200, 410, 200, None]
    assert rows[0]["last_entry"] == rows[4]["last_entry"] == "2026-11-20T08:00:00Z"
    assert rows[0]["next_due"] > f"{now() + 5 * HOUR:%Y-%m-%dT%H:%M}"
    assert rows[2]["next_due"] is rows[3]["next_due"] is None
    assert {row["consecutive_failures"] for row in rows} == {None}


def test_check_obeys_and_reports_robots_and_private_addresses(web: WebServer, feeds: Feeds) -> None:
    web.replies["/robots.txt"] = WebReply(b"User-agent: *\nDisallow: /no")
    allowed, denied = serve(web, "/yes.xml"), serve(web, "/no.xml")
    assert [row["failure_class"] for row in feeds.check(allowed, denied)] == [None, "RobotsDenied"]
    assert web.requests.count("/no.xml") == 0 and web.requests.count("/robots.txt") == 1
    done = feeds("check", "--feeds", allowed, flags=[])
    assert done.code == 3
    assert (
        "PrivateAddress: 127.0.0.1 is on a private network; allow it with --allow_private_"
        in done.out
    )


def test_the_ratio_of_failed_feeds_is_the_exit_code(web: WebServer, feeds: Feeds) -> None:
    names = [serve(web, "/ok"), f"{web.base}/missing"]
    assert feeds("check", "--feeds", *names).code == 0
    assert feeds("check", "--feeds", *names, "--max_dead_letter_ratio", "0.4").code == 3
    assert feeds("check", "--feeds", *names, "--fail_above", "0.4").code == 3
    assert feeds("check", "--feeds", names[0], "--max_dead_letter_ratio", "0").code == 0


def test_the_state_is_shown_and_not_touched(web: WebServer, feeds: Feeds, tmp_path: Path) -> None:
    at = now()
    fine, back, waits, fails = (serve(web, f"/{n}") for n in ("fine", "back", "waits", "fails"))
    del web.replies["/fails"]
    moved = serve(web, "/new")
    state = remember(
        tmp_path / "state",
        FeedState(fine, at, fine, etag="x", validated_url=fine, next_due=at + 7 * HOUR),
        FeedState(back, at, back, failures=1, retired=True),
        FeedState(waits, at, waits, failures=2, closed_until=at + HOUR, next_due=at + 2 * HOUR),
        FeedState(fails, at, fails, failures=3, failure_class="Http500"),
        FeedState(f"{web.base}/old", at, moved),
        FeedState(f"{web.base}/other", at, moved),
    )
    (state / "run-bad.state").write_text("cut off")
    before = contents(tmp_path)
    names = [fine, back, waits, fails, f"{web.base}/old", serve(web, "/unknown")]
    done = feeds("check", "--feeds", *names, "--state", state)
    rows = feeds("check", "--json", "--feeds", *names, "--state", state).rows()
    assert contents(tmp_path) == before and "/waits" not in web.requests
    assert all("if-none-match" not in headers for headers in web.headers)
    assert [r["status"] for r in rows] == ["ok", "ok", "waiting", "failed", "ok", "ok"]
    assert [r["consecutive_failures"] for r in rows] == [0, 1, 2, 3, 0, None]
    assert [r["is_retired"] for r in rows] == [False, True, False, False, False, None]
    assert rows[0]["next_due"] == (at + 7 * HOUR).replace(tzinfo=None).isoformat() + "Z"
    assert rows[4]["moved_to"] == moved and rows[5]["next_due"] is not None
    until = f"{at + HOUR:%Y-%m-%d %H:%M}"
    for note in (
        "retired by an earlier run",
        f"failures in a row before: 2; wants to be left alone until {until}",
        "Http404: the server has no such page (404); failures in a row before: 3",
        f"moved to {moved}",
    ):
        assert note in done.out


def test_closed_hosts_are_not_requested(web: WebServer, feeds: Feeds, tmp_path: Path) -> None:
    name, host = serve(web, "/feed"), web.base.removeprefix("http://")
    closed = HostState(host, now(), now() + HOUR, "it answered 429", 1, [])
    state = remember(tmp_path / "state", closed)
    (row,) = feeds("check", "--json", "--feeds", name, "--state", state).rows()
    assert row["failure_class"] == "HostClosed" and web.requests == []


def test_a_damaged_or_empty_state_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read_feed_state(str(tmp_path))
    remember(tmp_path / "state", FeedState("https://a.example/", now(), "https://a.example/"))
    path = tmp_path / "state" / "run-r.state"
    path.write_bytes(path.read_bytes()[:-9])
    assert read_feed_state(str(tmp_path / "state")).feeds == {}
    first, second = (record.getMessage() for record in caplog.records)
    assert "is still empty" in first and "is damaged (it is cut off)" in second


@pytest.mark.usefixtures("reused_workers")
def test_the_state_of_real_runs_is_read(site: SampleSite, feeds: Feeds, tmp_path: Path) -> None:
    name = f"{site.base}/tagesblick/rss091.xml"
    assert feeds.check(name)[0]["consecutive_failures"] is None
    flags = ["--output", str(tmp_path), "--formats", "jsonl", *LOCAL]
    assert run_command(["ingest", "--feeds", name, *flags]) == 0
    known = read_feed_state(str(tmp_path / ".state"))
    assert list(known.feeds) == [name] and len(known) == 0
    feeds("check", "--feeds", name)  # takes what ingest printed
    (row,) = feeds("check", "--json", "--feeds", name, "--state", tmp_path / ".state").rows()
    due = known.feeds[name].next_due
    assert due and row["next_due"] == due.replace(tzinfo=None).isoformat() + "Z"


def test_a_page_given_as_a_feed_is_reported_with_its_feeds(web: WebServer, feeds: Feeds) -> None:
    serve(web, "/all.rss")
    links = '<link rel="alternate" type="application/rss+xml" href="/all.rss"><a href="/old.rss">'
    page = web.html("/", f"<html><head>{links}</head></html>")
    plain = web.html("/none", "<html><p>Nothing here</p></html>")
    done = feeds("check", "--feeds", page, plain)
    assert f"not a feed but an HTML page; the page has the feeds {web.base}/all.rss" in done.out
    assert [row["page_feeds"] for row in feeds.check(page, plain)] == [[f"{web.base}/all.rss"], []]
    assert "/feed" not in web.requests  # `feeds find` tries addresses that no page links to


def test_a_server_that_does_not_answer_is_reported_in_plain_words(feeds: Feeds) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        done = feeds("check", "--fetch_attempts", 1, "--feeds", f"http://{host}/feed")
    assert f"ClientConnectorError: no server answers at {host}\n" in done.out


def test_the_history_is_read_without_a_request(
    web: WebServer, feeds: Feeds, tmp_path: Path
) -> None:
    at = now()
    fine, fails, gone, waits = (serve(web, f"/{n}") for n in ("fine", "fails", "gone", "waits"))
    names = [fine, fails, gone, waits, serve(web, "/new")]
    state = remember(
        tmp_path / "state",
        FeedState(fine, at, fine, next_due=at + HOUR, published=[at - HOUR]),
        FeedState(fails, at, fails, failures=3, failure_class="Http404", next_due=at + HOUR),
        FeedState(gone, at, gone, failures=1, failure_class="Http410", retired=True),
        FeedState(waits, at, waits, closed_until=at + HOUR),
    )
    rows = feeds("check", "--json", "--offline", "--state", state, "--feeds", *names).rows()
    assert web.requests == []
    assert [row["status"] for row in rows] == ["ok", "failed", "retired", "waiting", "unknown"]
    assert [row["consecutive_failures"] for row in rows] == [0, 3, 1, 0, None]
    time = format_time(at)
    assert [row["last_attempt"] for row in rows] == [time, time, time, time, None]
    assert [row["last_success"] for row in rows] == [time, None, None, time, None]
    assert rows[0]["last_entry"] == format_time(at - HOUR)
    assert rows[1]["message"] == "the server has no such page (404)"
    flags = ("--state", state, "--fail_above", "0.3")
    done = feeds("check", "--offline", *flags, "--feeds", *names)
    assert done.code == 3 and web.requests == []
    assert done.lines[0].split()[:4] == ["status", "failures", "last", "request"]
    assert done.lines[-1] == "feeds: 5 = 1 ok + 1 failed + 1 retired + 1 waiting + 1 unknown"


def test_many_feeds(web: WebServer, feeds: Feeds) -> None:
    names = [serve(web, f"/{n}.xml", f"Feed {n}") for n in range(400)]
    rows = feeds.check(*names)
    assert [row["title"] for row in rows] == [f"Feed {n}" for n in range(400)]


def test_titles_and_messages_cannot_steer_a_terminal(
    web: WebServer, feeds: Feeds, tmp_path: Path
) -> None:
    name = serve(web, "/feed", "A &#xD;&#x85; B\n<![CDATA[ &#27;[31m]]>")
    bad = tmp_path / "bad\x1b[2J.xml"
    bad.write_bytes(b"<x>\x1b[31m\n</x>")
    outs = [feeds("find", name).out, feeds("check", "--feeds", name, bad).out]
    assert "\x1b" not in "".join(outs) and outs[0].count("\n") == 1


def test_links_of_a_page_that_are_feeds_are_found(web: WebServer, feeds: Feeds) -> None:
    serve(web, "/one.xml", "One, two")
    serve(web, "/b/all.rss", "All\n # things")
    web.html("/b/feedlist.rss", "<html><body>feeds</body></html>")
    page = web.html(
        "/",
        '<html><head><meta name="robots" content="noindex"><base href="/b/">'
        '<link rel="alternate" type="application/rss+xml" href="/one.xml">'
        '<link rel="alternate" type="application/json" href="/wp-json"></head>'
        '<a href="all.rss">x</a><a href="feedlist.rss">x</a><a href="missing.atom">x</a></html>',
    )
    done = feeds("find", page)
    assert (done.code, done.err) == (0, "")
    assert done.lines == [
        f"{web.base}/one.xml # One, two, 1 entry",
        f"{web.base}/b/all.rss # All # things, 1 entry",
    ]
    assert Counter(web.requests) == dict.fromkeys(
        [
            "/robots.txt",
            "/",
            "/one.xml",
            "/wp-json",
            "/b/all.rss",
            "/b/feedlist.rss",
            "/b/missing.atom",
        ],
        1,
    )


def test_the_output_of_find_can_be_ingested(
    site: SampleSite, feeds: Feeds, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "/harbor-courier/2026/11/20/"
    page = next(p for p in (site.folder / path[1:]).iterdir() if p.suffix == ".html").stem
    done = feeds("find", site.base + path + page, f"{site.base}/northern-post/feed.json")
    assert done.code == 0
    assert [line.split(" # ")[0].removeprefix(site.base) for line in done.lines] == [
        "/harbor-courier/feed.xml",
        "/northern-post/feed.json",
    ]
    found = tmp_path / "found.txt"
    found.write_text(done.out, encoding="utf-8")
    assert [row["status"] for row in feeds.check(found)] == ["ok", "ok"]
    assert feeds("convert", found, "--to", "opml").out.count(", ") == 0
    assert capsys.readouterr().err == ""


def test_usual_addresses_are_the_last_resort(web: WebServer, feeds: Feeds) -> None:
    page = web.html("/news/", "<html><p>Nothing here</p></html>")
    serve(web, "/rss.xml", "Hidden")
    serve(web, "/feed.json", "Not asked for")
    done = feeds("find", page, f"{web.base}/missing")
    assert done.lines == [f"{web.base}/rss.xml # Hidden, 1 entry"]
    assert done.code == 0 and done.err == ""  # of both sites
    assert Counter(web.requests) == dict.fromkeys(
        ["/robots.txt", "/news/", "/missing", "/feed", "/rss", "/rss.xml"], 1
    )


def test_redirects(web: WebServer, feeds: Feeds) -> None:
    target = serve(web, "/feeds/new")
    links = [
        redirect(web, "/rss/moved", "/feeds/new"),
        redirect(web, "/rss/now", "/rss/moved", 302),
    ]
    page = web.html("/home", "".join(f'<a href="{link}">x</a>' for link in links))
    front = redirect(web, "/", "/home", 302)
    done = feeds("find", front, page)
    assert [line.split(" # ")[0] for line in done.lines] == [target]
    serve(web, "/feeds/two")
    redirect(web, "/rss/two", "/feeds/two", 302)
    web.html("/home", '<a href="/rss/two">x</a>')
    assert feeds("find", page).lines == [f"{web.base}/rss/two # News, 1 entry"]


def test_sites_without_feeds_are_reported_with_the_reason(web: WebServer, feeds: Feeds) -> None:
    web.replies["/robots.txt"] = WebReply(b"User-agent: *\nDisallow: /private\nDisallow: /feed")
    web.replies["/slides"] = WebReply(b"%PDF-1.7")
    pages = [
        web.html("/none", "<html></html>"),
        web.html("/private", "<html></html>"),
        web.html("/breaks", "<html>" + "<br>" * 300_000),
        f"{web.base}/slides",
    ]
    done = feeds("find", *pages)
    assert (done.code, done.out) == (3, "")
    *reasons, last = done.err.splitlines()
    tried = "none of 7 addresses tried is a feed (4 Http404, 3 RobotsDenied)"
    denied = f"robots.txt of {web.base[7:]} does not allow this address"
    assert reasons == [
        f"newsbeam: no feed found at {page}: {reason}"
        for page, reason in zip(
            pages,
            [
                tried,
                f"RobotsDenied: {denied}",
                f"TooManyTags: 300001 tags; 200000 are read; {tried}",
                f"NotAPage: neither a page nor a feed but a PDF document; {tried}",
            ],
            strict=True,
        )
    ]
    assert "100% of the inputs" in last
    assert not {"/private", "/feed", "/feed.json"} & set(web.requests)

    refused = feeds("find", web.base, flags=[])
    assert refused.code == 3
    assert "PrivateAddress: 127.0.0.1 is on a private network; allow it with --allow_private_" in (
        refused.err
    )


def test_a_page_of_many_links_costs_few_requests(web: WebServer, feeds: Feeds) -> None:
    links = "".join(f'<a href="/feed/{n}">x</a>' for n in range(20_000))
    done = feeds("find", web.html("/", f"<html>{links}</html>"))
    assert "none of 27 addresses tried is a feed (27 Http404)" in done.err
    assert len(web.requests) == 29


def test_convert_there_and_back(site: SampleSite, feeds: Feeds, tmp_path: Path) -> None:
    opml, plain, again = (tmp_path / name for name in ("a.opml", "b.txt", "c.opml"))
    to = ("--to", "list", "--output", plain)
    assert feeds("convert", f"{site.base}/feeds.opml", *to).out == ""
    assert feeds("convert", plain, "--to", "opml", "--output", opml).code == 0
    lines = plain.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 10
    assert lines[0] == f"{site.base}/harbor-courier/feed.xml # All stories"
    assert feeds("convert", opml, plain, opml, "--to", "list").lines == lines
    assert feeds("convert", opml, "--to", "opml", "--output", again).code == 0
    assert again.read_bytes() == opml.read_bytes()
    assert len(etree.parse(str(opml)).findall("body/outline")) == 10
    assert {path.name for path in tmp_path.iterdir()} == {"a.opml", "b.txt", "c.opml"}


def test_convert_keeps_files_readable(
    feeds: Feeds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("lists/in", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "lists/in/feed.xml").write_text(RSS)
    (tmp_path / "lists/feeds.txt").write_text("in/feed.xml # Ours\n")
    written = tmp_path / "lists/feeds.opml"
    to = ("--to", "opml", "--output")
    assert feeds("convert", "lists/feeds.txt", *to, "lists/feeds.opml").code == 0
    assert b'xmlUrl="in/feed.xml"' in written.read_bytes()
    assert feeds("convert", "lists/feeds.txt", *to, "other/feeds.opml").code == 0
    monkeypatch.chdir(tmp_path / "other")
    feed = str(tmp_path / "lists/in/feed.xml")
    assert feeds("convert", "feeds.opml", "--to", "list").lines == [f"{feed} # Ours"]
    assert feeds("convert", feed, "--to", "list").lines == [feed]
    for source in (written, "feeds.opml"):
        assert [row["status"] for row in feeds.check(source)] == ["ok"]


LIST = "https://a.example/feed # AcceptedArticle\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "required: ACTION"),
        ("nonsense", "invalid choice: 'nonsense'"),
        ("check", "required: --feeds"),
        ("check --feeds {tmp}/none.txt", "none.txt: No such file"),
        ("check --feeds {tmp}/list --state {tmp}/none", "there is no state folder"),
        ("check --feeds {tmp}/list --state no://where", "no file system for no://where"),
        ("check --feeds {tmp}/list --offline", "--offline needs --state"),
        ("check --feeds {tmp}/list --fetch_timeout_sec 0", "--fetch_timeout_sec must be above 0"),
        ("check --feeds {tmp}/list --item_time_limit_sec 0", "--item_time_limit_sec must be"),
        ("check --feeds {tmp}/list --max_dead_letter_ratio 2", "--max_dead_letter_ratio"),
        ("find", "required: SITE"),
        ("find ftp://a.example/", "not a web address: 'ftp://a.example/'"),
        ("find a.example --no_such_flag", "'--no_such_flag'"),
        ("convert {tmp}/list", "required: --to"),
        ("convert {tmp}/list --to csv", "invalid choice: 'csv'"),
        ("convert {tmp}/empty --to list", "no feed in "),
        ("convert {tmp}/slides --to list", "slides is a PDF document"),
        ("convert {tmp}/list --to list --output {tmp}/no/out", "no/out: No such file"),
        ("convert {tmp}/list --to list --output {tmp}/list/out", "list/out: Not a directory"),
        ("convert {tmp}/list --to list --output {tmp}", "Is a directory"),
        ("convert {tmp}/list --to list --output /", "--output names no file"),
    ],
)
def test_bad_usage_is_reported_in_one_sentence(
    arguments: str, message: str, feeds: Feeds, tmp_path: Path
) -> None:
    (tmp_path / "empty").write_text("# none\n")
    (tmp_path / "slides").write_bytes(b"%PDF-1.7")
    (tmp_path / "list").write_text(LIST)
    before = contents(tmp_path)
    done = feeds(*arguments.format(tmp=tmp_path).split(), flags=[])
    assert (done.code, done.out) == (2, "")
    assert message in done.err and done.err.startswith("newsbeam: ") and done.err.count("\n") == 1
    assert contents(tmp_path) == before


def test_the_command_line_writes_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("https://a.example/feed # Zürich “heute”\n", encoding="utf-8")
    command = [sys.executable, "-m", "pipeline", "feeds", "convert", str(path), "--to", "list"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == path.read_bytes()
