from pathlib import Path

import pytest

from tests.support.web_server import WebReply, WebServer
from transforms.core.errors import UsageError
from transforms.feeds.list_reader import read_feed_lists
from transforms.fetching.options import FetchOptions, HttpOptions, PolitenessOptions

OPML = b"""<?xml version="1.0"?>
<opml version="2.0"><head><title>Mine</title></head><body>
<outline text="News"><outline type="rss" text="A" xmlUrl="https://a.example/feed"/></outline>
<outline text="no feed"/><outline text="B" xmlUrl="local.xml"/>
</body></opml>"""


def urls(*names: str | Path) -> list[str]:
    return [
        feed.url
        for feed in read_feed_lists(
            list(map(str, names)), FetchOptions(HttpOptions(), PolitenessOptions())
        )
    ]


def test_a_plain_list_has_comments_files_and_each_feed_once(tmp_path: Path) -> None:
    (tmp_path / "local.xml").write_text("<rss/>")
    path = tmp_path / "feeds.txt"
    path.write_text(
        "# news\n\nhttps://a.example/feed#new  # a comment\nlocal.xml\nhttps://a.example/feed#new\n",
        encoding="utf-8-sig",
    )
    assert urls(path) == ["https://a.example/feed#new", str(tmp_path / "local.xml")]


def test_opml_outlines_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "local.xml").write_text("<rss/>")
    path = tmp_path / "feeds.opml"
    path.write_bytes(OPML)
    assert urls(path) == ["https://a.example/feed", str(tmp_path / "local.xml")]


@pytest.mark.parametrize(
    "body", ["<rss/>", ' \ufeff{"version": ""}', "<?xml version='1.0'?><feed/>"]
)
def test_a_file_that_is_a_feed_stands_for_itself(tmp_path: Path, body: str) -> None:
    path = tmp_path / "one.xml"
    path.write_text(body, encoding="utf-8")
    assert urls(path, "https://a.example/feed") == [str(path), "https://a.example/feed"]


def test_positions_follow_the_lists() -> None:
    feeds = read_feed_lists(
        ["https://b.example/", "https://a.example/"],
        FetchOptions(HttpOptions(), PolitenessOptions()),
    )
    assert [(feed.position, feed.url[8]) for feed in feeds] == [(0, "b"), (1, "a")]


def test_a_list_from_the_web(web: WebServer, fetching: FetchOptions) -> None:
    web.replies["/list.txt"] = WebReply(b"/feed.xml\nhttps://a.example/\n")
    feeds = read_feed_lists([f"{web.base}/list.txt"], fetching)
    assert [feed.url for feed in feeds] == [f"{web.base}/feed.xml", "https://a.example/"]
    with pytest.raises(UsageError, match=r"cannot read the feed list .*404"):
        read_feed_lists([f"{web.base}/none.opml"], fetching)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# nothing\n", "no feed in"),
        (b"ftp://a.example/feed\nnot a feed\n", "no feed in"),
        (b"<opml><body>", "no feed in"),
        (b"%PDF-1.7", "the feed list .* is a PDF document"),
    ],
)
def test_a_list_without_feeds_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "feeds"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        urls(path)


@pytest.mark.parametrize("name", ["feed:{}", "feed://{host}/feed"])
def test_an_address_may_have_the_scheme_of_feeds(name: str) -> None:
    url = "http://a.example/feed"
    assert urls(name.format(url, host="a.example")) == [url]


def test_a_missing_list(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the feed list .*No such file"):
        urls(tmp_path / "none.txt")


def test_opml_reads_no_external_entities(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("https://secret.example/")
    path = tmp_path / "feeds.opml"
    path.write_text(
        f'<!DOCTYPE opml [<!ENTITY x SYSTEM "{tmp_path}/secret">]>\n'
        '<opml><body><outline xmlUrl="https://a.example/"/><outline text="x">&x;</outline>'
        "</body></opml>"
    )
    assert urls(path) == ["https://a.example/"]
