from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from transforms.core.errors import UsageError
from transforms.feeds.list_parser import ListedFeed, parse_feed_list
from transforms.feeds.list_writer import (
    format_list_line,
    format_opml,
    format_plain_list,
    relocate_feed_files,
)

URL = "https://a.example/feed"


def read(data: bytes) -> list[ListedFeed]:
    return parse_feed_list(data, "feeds", "")


def test_titles_are_read_from_both_kinds() -> None:
    plain = (
        "# all\nhttps://a.example/1 # One\nhttps://a.example/2#part\n"
        "https://a.example/3   # # x\nhttps://a.example/4 # News, 1 entry\n"
        "https://a.example/5 # 12 entries\n"
    )
    opml = (
        '<opml version="2.0"><body><outline text="Group"><outline><outline text="One" '
        'xmlUrl="https://a.example/1"/></outline></outline>'
        '<outline text="https://a.example/2#part" xmlUrl="https://a.example/2#part"/>'
        '<outline text="short" title="# x" xmlUrl="https://a.example/3"/>'
        '<outline title="" text="News" xmlUrl="https://a.example/4"/>'
        '<outline xmlUrl="https://a.example/5"/></body></opml>'
    )
    titles = ["One", None, "# x", "News", None]
    assert [feed.title for feed in read(plain.encode())] == titles
    assert [feed.title for feed in read(opml.encode())] == titles


def test_opml_is_well_formed_and_says_what_it_must() -> None:
    feeds = [ListedFeed(URL + "?a=1&b=2", "“<A> & 'B'”"), ListedFeed(URL)]
    data = format_opml(feeds, title="Mine")
    assert data.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<opml version=\"2.0\">")
    root = etree.fromstring(data)
    assert root.findtext("head/title") == "Mine"
    assert [dict(outline.attrib) for outline in root.findall("body/outline")] == [
        {
            "type": "rss",
            "text": "“<A> & 'B'”",
            "title": "“<A> & 'B'”",
            "xmlUrl": "https://a.example/feed?a=1&b=2",
        },
        {"type": "rss", "text": URL, "xmlUrl": URL},
    ]


CONTROLS = "A\x00 \x1b[31m\r\n\x85 b\u2028c\ud800\uffff\t#d "


def test_titles_are_cleaned() -> None:
    feeds = [ListedFeed(URL, CONTROLS), ListedFeed(URL + "/2", "\n\x07 ")]
    wanted = [ListedFeed(URL, "A [31m b c\ufffd #d"), ListedFeed(URL + "/2")]
    assert read(format_opml(feeds)) == wanted
    assert read(format_plain_list(feeds)) == wanted


titles = st.none() | st.text(max_size=40)
listed = st.lists(st.tuples(st.integers(0, 99), titles), max_size=6, unique_by=lambda feed: feed[0])


@given(listed)
def test_a_round_trip_keeps_addresses_order_and_titles(feeds: list[tuple[int, str | None]]) -> None:
    plain = format_plain_list(ListedFeed(f"https://a.example/{n}", title) for n, title in feeds)
    once = read(plain)
    assert [feed.url for feed in once] == [f"https://a.example/{n}" for n, _ in feeds]
    assert read(format_opml(once)) == once
    assert format_plain_list(read(format_opml(once))) == format_plain_list(once)


def test_ten_thousand_feeds() -> None:
    feeds = [ListedFeed(f"https://a{n}.example/feed", f"Paper {n}") for n in range(10_000)]
    assert read(format_opml(feeds)) == read(format_plain_list(feeds)) == feeds


def test_the_number_of_entries_is_said_and_no_part_of_the_title() -> None:
    lines = [format_list_line(ListedFeed(URL, "A, B"), 1), format_list_line(ListedFeed(URL), 0)]
    assert lines == [f"{URL} # A, B, 1 entry", f"{URL} # 0 entries"]
    assert read("\n".join(lines).encode()) == [ListedFeed(URL, "A, B"), ListedFeed(URL)]


@pytest.mark.parametrize("path", ["a #1.xml", "#a.xml", " a.xml", "a\nb.xml", "a\udcff.xml", ""])
def test_paths_that_a_plain_list_cannot_contain(path: str) -> None:
    with pytest.raises(UsageError, match="a plain list cannot contain"):
        format_plain_list([ListedFeed(path)])


@pytest.mark.parametrize("path", ["a\x01.xml", "a\udcff.xml"])
def test_paths_that_opml_cannot_contain(path: str) -> None:
    with pytest.raises(UsageError, match="OPML cannot contain"):
        format_opml([ListedFeed(path)])


def test_files_keep_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    feeds = [ListedFeed(URL), ListedFeed("lists/in/a.xml", "A"), ListedFeed("b.xml")]
    inside, outside = str(tmp_path / "lists/in/a.xml"), str(tmp_path / "b.xml")
    assert [feed.url for feed in relocate_feed_files(feeds, None)] == [URL, inside, outside]
    placed = relocate_feed_files(feeds, Path("lists"))
    assert placed == [ListedFeed(URL), ListedFeed("in/a.xml", "A"), ListedFeed(outside)]


LAUGHS = "<!DOCTYPE opml [<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)
)


@pytest.mark.parametrize("name", ["a9", "x"])
def test_opml_expands_no_entities_that_it_declares(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    outline = f"<outline text='&{name};' xmlUrl='{URL}'>&{name};</outline>"
    opml = f"{LAUGHS}<!ENTITY x SYSTEM '{tmp_path}/secret'>]><opml><body>{outline}</body></opml>"
    assert read(opml.encode()) == [ListedFeed(URL, f"&{name};")]


def test_opml_in_another_encoding() -> None:
    opml = (
        "<?xml version='1.0' encoding='ISO-8859-1'?><opml><body><outline text='Zürich' "
        f"xmlUrl='{URL}'/></body></opml>"
    )
    assert read(opml.encode("latin-1")) == [ListedFeed(URL, "Zürich")]
