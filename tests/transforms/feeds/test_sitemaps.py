import datetime as dt

import pytest

from transforms.core.clock import now
from transforms.core.errors import ItemError
from transforms.feeds.parsed_feed import MAX_ENTRIES, ParsedFeed
from transforms.feeds.parsing import parse_feed

NEWS = """<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/xsl" href="style.xsl"?>
<!-- made by <rss> tools -->
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
  xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
  xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>https://lake.example/a?id=1&amp;b=2</loc><lastmod>2026-11-24</lastmod>
<news:news>
<news:publication>
<news:name>Lake Gazette</news:name><news:language>en</news:language>
</news:publication>
<news:publication_date>2026-11-23T10:00:00+01:00</news:publication_date>
<news:title><![CDATA[Ferries & buses resume]]></news:title>
<news:keywords>Ferries, Buses, Ferries,</news:keywords>
</news:news>
<image:image><image:loc>https://lake.example/ferry.jpg</image:loc></image:image></url>
<url><loc> https://lake.example/b </loc>
<news:news>
<news:publication>
<news:name>Lake Gazette</news:name><news:language>en</news:language>
</news:publication>
<news:publication_date>2026-11-25</news:publication_date><news:title>Caf&eacute; opens</news:title>
</news:news></url>
<url><loc>https://lake.example/</loc></url>
</urlset>"""


def day(number: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2026, 11, number, hour, tzinfo=dt.timezone.utc)


def parse(text: str | bytes) -> ParsedFeed:
    body = text.encode() if isinstance(text, str) else text
    return parse_feed(body, url="https://lake.example/sitemap.xml")


def plain(*pages: str) -> str:
    return f"<urlset>{''.join(f'<url>{page}</url>' for page in pages)}</urlset>"


def test_a_news_sitemap_is_a_feed_with_the_latest_page_first() -> None:
    feed = parse(NEWS)
    assert (feed.title, feed.language, feed.entry_count) == ("Lake Gazette", "en", 2)
    cafe, ferries = feed.entries
    assert (cafe.title, cafe.link) == ("Café opens", "https://lake.example/b")
    assert (cafe.published_at, cafe.modified_at) == (day(25), None)
    assert (ferries.title, ferries.link) == (
        "Ferries & buses resume",
        "https://lake.example/a?id=1&b=2",
    )
    assert (ferries.published_at, ferries.modified_at) == (day(23, 9), day(24))
    assert ferries.tags == ["Ferries", "Buses"]
    assert ferries.image_url == "https://lake.example/ferry.jpg"


def test_a_plain_sitemap_has_no_titles() -> None:
    feed = parse(plain("<loc>/a</loc>", "<loc>/b</loc><lastmod>2026-11-20</lastmod>"))
    assert [(e.link, e.title, e.published_at) for e in feed.entries] == [
        ("/b", "", day(20)),
        ("/a", "", None),
    ]


def test_only_the_latest_pages_of_a_large_sitemap_count() -> None:
    times = [day(1) + dt.timedelta(minutes=n) for n in range(MAX_ENTRIES + 200)]
    pages = [
        f"<loc>https://lake.example/{n}</loc><lastmod>{time.isoformat()}</lastmod>"
        for n, time in enumerate(times)
    ]
    feed = parse(plain(*pages))
    assert feed.entry_count == len(feed.entries) == MAX_ENTRIES
    assert feed.entries[0].link.endswith(f"/{MAX_ENTRIES + 199}")
    assert feed.entries[-1].link.endswith("/200")


@pytest.mark.parametrize(
    "broken",
    [
        NEWS.replace("&amp;", "&"),
        NEWS.removesuffix("</urlset>"),
        NEWS + "<url>",
        NEWS.replace("UTF-8", "UTF-16").encode("utf-16"),
        NEWS.replace(' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"', ""),
        "\ufeff\n" + NEWS,
    ],
)
def test_mistakes_in_the_markup_lose_no_page(broken: str | bytes) -> None:
    assert parse(broken) == parse(NEWS)


def test_the_time_of_the_request_is_no_date_of_a_page() -> None:
    time = now().isoformat()
    entries = parse(plain(*(f"<loc>/{n}</loc><lastmod>{time}</lastmod>" for n in range(3)))).entries
    assert {(e.published_at, e.modified_at) for e in entries} == {(None, None)}
    assert len({e.fingerprint for e in entries}) == 1


def test_a_changed_page_has_another_fingerprint() -> None:
    first, second = (
        parse(plain(f"<loc>/a</loc><lastmod>2026-11-{n}</lastmod>")).entries[0] for n in (20, 21)
    )
    assert first.fingerprint != second.fingerprint


def test_a_sitemap_index_is_refused_with_its_sitemaps() -> None:
    names = [f"pages-{n}" for n in range(6)] + ["news"]
    urls = [f"<sitemap><loc>https://lake.example/{name}.xml</loc></sitemap>" for name in names]
    with pytest.raises(ItemError) as caught:
        parse(f"<sitemapindex>{''.join(urls)}</sitemapindex>")
    assert caught.value.error_type == "NotAFeed"
    assert caught.value.message.startswith(
        "a sitemap index and no feed; use its sitemaps instead: https://lake.example/news.xml, "
    )
    assert caught.value.message.endswith("pages-3.xml and 2 more")


@pytest.mark.parametrize("text", ["<urlset", "<urlset><url><loc>https://a", "<sitemapindex>"])
def test_a_sitemap_that_is_cut_off_is_no_empty_feed(text: str) -> None:
    with pytest.raises(ItemError, match="cut off"):
        parse(text)


def test_an_empty_sitemap_is_an_empty_feed() -> None:
    assert parse("<urlset></urlset>").entries == []


def test_a_sitemap_reads_no_entities() -> None:
    entities = '<!DOCTYPE urlset [<!ENTITY x SYSTEM "/etc/hostname"><!ENTITY y "yy">]>'
    (entry,) = parse(entities + plain("<loc>https://lake.example/&x;&y;</loc>")).entries
    assert entry.link == "https://lake.example/&x;&y;"


@pytest.mark.parametrize("tag", ["<a>", "<url>", "<![CDATA[", "&"])
def test_hostile_markup_costs_little(tag: str) -> None:
    with pytest.raises(ItemError):
        parse("<urlset>" + tag * 300_000)
