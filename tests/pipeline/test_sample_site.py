import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import feedparser
import pytest
from lxml import etree, html

from sample.server import SITE, SampleSite

SERVER: Final = SITE.with_name("server.py")

FEEDS: Final = {
    "/harbor-courier/feed.xml": (200, "rss20"),
    "/harbor-courier/border.xml": (200, "rss20"),
    "/harbor-courier/photos.xml": (404, ""),
    "/meridian-wire/latest.atom": (200, "atom10"),
    "/capitol-ledger/old-feed.xml": (301, ""),
    "/northern-post/feed.json": (200, "json"),
    "/signal-circuit/atom.xml": (200, "atom10"),
    "/signal-circuit/about": (200, ""),
    "/faro-del-sur/portada.rdf": (200, "rss10"),
    "/tagesblick/rss091.xml": (200, "rss091"),
}
REAL_FEEDS: Final = [
    "/capitol-ledger/feed.xml",
    *(path for path, (status, version) in FEEDS.items() if status == 200 and version),
]
MISSING_PAGES: Final = {
    "/harbor-courier/2026/11/18/cannery-row-before-after",
    "/capitol-ledger/2026/11/16/tariff-deal",
}


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(site: SampleSite, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(site.base).netloc, timeout=10)
    try:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=fields)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite() as running:
        yield running


def parse(site: SampleSite, path: str) -> tuple[str, list[Any]]:
    """Return the version and entries of a feed. In entries of a JSON Feed, link is the url."""
    answer = ask(site, path)
    if path.endswith(".json"):
        data = json.loads(answer.body)
        assert data["version"] == "https://jsonfeed.org/version/1.1"
        return "json", [{"link": item.get("url", "")} | item for item in data["items"]]
    headers = {
        "content-location": site.base + path,
        "content-type": answer.headers["Content-Type"],
    }
    parsed = feedparser.parse(answer.body, response_headers=headers)
    assert not parsed.bozo, parsed.get("bozo_exception")
    return parsed.version, parsed.entries


def links(site: SampleSite) -> list[str]:
    """Return the links of all entries of all feeds."""
    return [
        urljoin(site.base + path, entry["link"]) if entry.get("link") else ""
        for path in REAL_FEEDS
        for entry in parse(site, path)[1]
    ]


def paths(site: SampleSite) -> set[str]:
    """Return the paths of the site's pages that feeds link to."""
    return {urlsplit(link).path for link in links(site) if link.startswith(site.base)}


def articles(site: SampleSite) -> Iterator[tuple[str, str]]:
    """Yield the path and the HTML of every article page that exists."""
    for path in sorted(paths(site) - MISSING_PAGES):
        answer = ask(site, path)
        if answer.headers["Content-Type"].startswith("text/html"):
            yield path, answer.body.decode("utf-8")


def test_the_list_names_every_feed(site: SampleSite) -> None:
    answer = ask(site, "/feeds.opml")
    listed = [
        outline.get("xmlUrl") for outline in etree.fromstring(answer.body).iterfind(".//outline")
    ]
    assert [url for url in listed if url] == [site.base + path for path in FEEDS]


@pytest.mark.parametrize("path", FEEDS)
def test_every_feed_answers_as_planned(site: SampleSite, path: str) -> None:
    assert ask(site, path).status == FEEDS[path][0]


@pytest.mark.parametrize("path", REAL_FEEDS)
def test_every_feed_parses(site: SampleSite, path: str) -> None:
    version, entries = parse(site, path)
    assert version.startswith(FEEDS.get(path, (200, "rss20"))[1])
    assert len(entries) >= 3
    assert all(entry["title"].strip() for entry in entries)


def test_the_planted_faults(site: SampleSite) -> None:
    moved = ask(site, "/capitol-ledger/old-feed.xml")
    assert moved.headers["Location"] == "/capitol-ledger/feed.xml"
    about = ask(site, "/signal-circuit/about")
    assert about.headers["Content-Type"].startswith("text/html")
    everything = links(site)
    assert [link.partition(":")[0] for link in everything if not link.startswith("http")] == [
        "mailto",
        "",
    ]
    pdf = [link for link in everything if link.endswith(".pdf")]
    assert len(pdf) == 1 and ask(site, urlsplit(pdf[0]).path).body.startswith(b"%PDF-")
    tracked = [link for link in everything if "utm_source=rss" in link or "#comments" in link]
    assert {urlsplit(link).path for link in tracked} <= {
        urlsplit(entry["link"]).path for entry in parse(site, "/harbor-courier/feed.xml")[1]
    }


def test_only_two_entries_have_no_page_and_one_of_them_has_its_text(site: SampleSite) -> None:
    found = paths(site)
    assert {path for path in found if ask(site, path).status != 200} == MISSING_PAGES
    content = {
        urlsplit(entry.link).path: entry.get("content")
        for path in ("/harbor-courier/feed.xml", "/capitol-ledger/feed.xml")
        for entry in parse(site, path)[1]
    }
    without_text, with_text = sorted(MISSING_PAGES, key=lambda path: content[path] is not None)
    assert content[without_text] is None
    assert len(content[with_text][0].value.split()) > 200


def test_every_article_is_a_complete_page(site: SampleSite) -> None:
    seen: dict[str, str] = {}
    for path, page in articles(site):
        assert "{{" not in page, path
        link = html.fromstring(page).find(".//link[@rel='canonical']")
        assert link is not None, path
        canonical = link.get("href", "")
        assert urlsplit(canonical).scheme in ("http", "https"), path
        assert seen.setdefault(canonical, path) == path
    assert len(seen) >= 40


def test_no_file_of_the_site_is_left_unlinked(site: SampleSite) -> None:
    files = {
        "/" + file.relative_to(SITE).with_suffix("").as_posix()
        for file in SITE.glob("*/**/*.html")
        if file.name != "layout.html"
    }
    assert files - paths(site) == {"/signal-circuit/about"}


def test_feeds_in_other_encodings_are_served_byte_for_byte(site: SampleSite) -> None:
    body = ask(site, "/faro-del-sur/portada.rdf").body
    raw = (SITE / "faro-del-sur/portada.rdf").read_bytes()
    assert body == raw.replace(b"{{base}}", site.base.encode())
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")


PAGE: Final = "/meridian-wire/2026/11/earthquake-tamboril-coast"


def test_a_page_has_its_address_with_and_without_an_ending(site: SampleSite) -> None:
    assert ask(site, PAGE).body == ask(site, PAGE + ".html").body
    assert ask(site, PAGE + "?utm_source=rss").status == 200


def test_an_unchanged_page_is_not_sent_again(site: SampleSite) -> None:
    first = ask(site, PAGE)
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    for known in ({"If_None_Match": etag}, {"If_Modified_Since": modified}):
        answer = ask(site, PAGE, **known)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag)
        (name,) = known
        header = f"{name.replace('_', '-')}: {known[name]}"
        assert body_on_the_wire(site, "GET", header) == b""
    for stale in (
        {"If_None_Match": '"other"', "If_Modified_Since": modified},
        {"If_Modified_Since": "Sat, 01 Jan 2000 00:00:00 GMT"},
        {"If_Modified_Since": "yesterday"},
    ):
        assert ask(site, PAGE, **stale).body == first.body


def body_on_the_wire(site: SampleSite, method: str, header: str) -> bytes:
    """Return the body of a response, even where http.client does not expect one."""
    host, port = site.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        lines = (f"{method} {PAGE} HTTP/1.1", f"Host: {host}", "Connection: close", header, "", "")
        connection.sendall("\r\n".join(lines).encode("ascii"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return answer.partition(b"\r\n\r\n")[2]


def test_head_tells_the_length_only(site: SampleSite) -> None:
    answer = ask(site, PAGE, "HEAD")
    assert answer.status == 200
    assert body_on_the_wire(site, "HEAD", "Accept: */*") == b""
    assert body_on_the_wire(site, "GET", "Accept: */*") == ask(site, PAGE).body
    assert int(answer.headers["Content-Length"]) == len(ask(site, PAGE).body)


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/%2e%2e/server.py",
        "/..%2Fserver.py",
        "/harbor-courier/../../server.py",
        "/harbor-courier/%2e%2e/%2e%2e/README.md",
        "//etc/passwd",
        "/%2Fetc/passwd",
        "/_redirects",
        "/harbor-courier/layout.html",
        "/harbor-courier/layout",
        "/harbor-courier",
        "/",
        "/%00",
        "/" + "a" * 5000,
    ],
)
def test_nothing_else_is_served(site: SampleSite, path: str) -> None:
    answer = ask(site, path)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<h1>" in answer.body and b"{{" not in answer.body


def test_a_page_is_its_layout_filled_in(tmp_path: Path) -> None:
    outlet = tmp_path / "paper"
    outlet.mkdir()
    (tmp_path / "_redirects").write_text("/old 302 /paper/a\n")
    (tmp_path / "404.html").write_text("no {{base}}")
    (outlet / "layout.html").write_text("<h1>{{title}}</h1>{{none}}<a href='{{base}}/'>{{body}}")
    (outlet / "a.html").write_text("---\ntitle: It’s <5: a & b\n---\n<p>{{base}} {{title}}</p>\n")
    (outlet / "b.html").write_text("<p>{{base}}</p>")
    (outlet / "f.xml").write_bytes(b"\xe9 {{base}}")
    with SampleSite(tmp_path) as site:
        assert ask(site, "/old").headers["Location"] == "/paper/a"
        page = ask(site, "/paper/a").body.decode()
        assert page.startswith(f"<h1>It’s &lt;5: a &amp; b</h1><a href='{site.base}/'>")
        assert page.endswith(f"<p>{site.base} {{{{title}}}}</p>\n")
        assert ask(site, "/paper/b").body == f"<p>{site.base}</p>".encode()
        assert ask(site, "/paper/f.xml").body == b"\xe9 " + site.base.encode()
        assert ask(site, "/gone").body == f"no {site.base}".encode()
        assert site.requests == [
            ("GET", "/old", 302),
            ("GET", "/paper/a", 200),
            ("GET", "/paper/b", 200),
            ("GET", "/paper/f.xml", 200),
            ("GET", "/gone", 404),
        ]


def start(*args: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, str(SERVER), *args], stdout=subprocess.PIPE, text=True)


def test_a_command_runs_with_the_address_and_its_exit_code_is_kept() -> None:
    code = (
        "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).status, flush=True); "
        "sys.exit(7)"
    )
    with start("--", sys.executable, "-c", code, "{base}/feeds.opml") as process:
        assert process.communicate(timeout=30)[0] == "200\n"
    assert process.returncode == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_the_server(number: signal.Signals) -> None:
    code = (
        f"import signal, sys; signal.signal({int(number)}, lambda *_: sys.exit(5)); "
        "print('up', flush=True); signal.pause()"
    )
    with start("--", sys.executable, "-c", code) as process:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        process.send_signal(number)
        # The end of the output shows that the command is gone, too: it had inherited the pipe.
        assert process.communicate(timeout=30)[0] == ""
    assert process.returncode == 5


def test_without_a_command_it_serves_until_it_is_told_to_end() -> None:
    with start() as process:
        assert process.stdout is not None
        assert "/feeds.opml" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_a_command_that_is_not_there() -> None:
    with start("--", "/nowhere/command") as process:
        assert process.wait(timeout=30) == 127


def test_a_port_that_was_asked_for_and_is_taken(site: SampleSite) -> None:
    with start("--port", site.base.rpartition(":")[2]) as process:
        assert process.wait(timeout=30) == 1
