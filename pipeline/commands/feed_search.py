"""The search for the feeds of sites: their pages, the links in these, and the usual addresses."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, NamedTuple

from pipeline.commands.failure_causes import explain_error
from pipeline.commands.feed_documents import DocumentReader
from transforms.core.errors import ItemError
from transforms.core.isolated_process import LimitOptions
from transforms.core.progress import Progress
from transforms.feeds.discovery import FeedFacts, list_usual_feed_urls
from transforms.fetching.fetcher import Fetcher, FetchResult, ResponseStream
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import FetchOptions

_MISSING_STATUSES: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class FoundFeed(NamedTuple):
    """A feed of a site.

    Attributes:
        url: the address to list.
        final_url: the address that it was read from, after all redirects.
        facts: the summary of the feed.
    """

    url: str
    final_url: str
    facts: FeedFacts


@dataclass
class SiteSearch:
    """The search for the feeds of one site.

    Attributes:
        site: the address of the site or page.
        results: the result of each requested candidate, best candidates first; None while its
            response is pending.
        usual_urls: the usual addresses to try next if no candidate is a feed.
        page_error: the error of the page itself.
    """

    site: str
    results: dict[str, FoundFeed | ItemError | None] = field(default_factory=dict)
    usual_urls: list[str] = field(default_factory=list)
    page_error: ItemError | None = None

    @property
    def feeds(self) -> list[FoundFeed]:
        """The feeds found so far."""
        return [result for result in self.results.values() if isinstance(result, FoundFeed)]

    def has_all_results(self) -> bool:
        """Tell whether no response is pending."""
        return all(result is not None for result in self.results.values())

    def explain_failure(self) -> str:
        """Return the reason why no feed was found."""
        errors = [result for result in self.results.values() if isinstance(result, ItemError)]
        reasons = []
        if self.page_error:
            message = explain_error(self.page_error, self.site)
            reasons.append(f"{self.page_error.error_type}: {message}")
        if errors:
            types = Counter(error.error_type for error in errors).most_common()
            counted = ", ".join(f"{count} {error_type}" for error_type, count in types)
            reasons.append(f"none of {len(errors)} addresses tried is a feed ({counted})")
        return "; ".join(reasons)


def find_feeds(
    sites: Iterable[str], *, fetching: FetchOptions, limits: LimitOptions
) -> list[SiteSearch]:
    """Search each site: its page, the links in it and, if none is a feed, the usual addresses.

    Args:
        sites: the addresses of sites or pages.
        fetching: how requests are sent.
        limits: the limits of time and memory per document.

    Returns:
        The searches, in the order of the sites.
    """
    searches = [SiteSearch(site) for site in sites]
    with Fetcher(fetching) as fetcher, DocumentReader(limits) as reader:
        _FeedFinder(fetcher, reader).run(searches)
    return searches


def find_feeds_of_pages(
    pages: Mapping[str, Response],
    results: Mapping[str, FoundFeed | ItemError],
    fetcher: Fetcher,
    reader: DocumentReader,
) -> dict[str, list[str]]:
    """Return the feeds that each page links to.

    Args:
        pages: the responses, by the address of the page.
        results: the addresses that were requested already; links to others are requested.
        fetcher: sends the requests.
        reader: reads the documents.
    """
    searches = [SiteSearch(url) for url in pages]
    _FeedFinder(fetcher, reader, results, guess=False).run_pages(searches, pages)
    return {search.site: [feed.url for feed in search.feeds] for search in searches}


class _FeedFinder:
    """Requests pages and candidates, each address once even if several sites lead to it."""

    def __init__(
        self,
        fetcher: Fetcher,
        reader: DocumentReader,
        results: Mapping[str, FoundFeed | ItemError] = MappingProxyType({}),
        *,
        guess: bool = True,
    ) -> None:
        self._stream = ResponseStream[SiteSearch | str](fetcher)  # a site's page, or a candidate
        self._reader = reader
        self._guess = guess  # whether to try the usual addresses
        self._results = dict(results)
        self._waiting: dict[str, list[SiteSearch]] = {}
        self._progress = Progress("FindFeeds")

    def run(self, searches: Iterable[SiteSearch]) -> None:
        """Search until no response is pending."""
        for search in searches:
            self._stream.add([(search, Request(search.site, is_page=True))])
        self._handle_results()

    def run_pages(self, searches: Iterable[SiteSearch], pages: Mapping[str, Response]) -> None:
        """Search pages that are there already until no response is pending."""
        for search in searches:
            self._handle_page(search, pages[search.site])
        self._handle_results()

    def _handle_results(self) -> None:
        for key, result in self._stream.remaining():
            self._progress.add(1)
            if isinstance(key, SiteSearch):
                self._handle_page(key, result)
            else:
                self._handle_candidate(key, result)

    def _handle_page(self, search: SiteSearch, result: FetchResult) -> None:
        """Take the page of a site, and request its candidates."""
        if isinstance(result, ItemError):
            search.page_error = result
            if result.http_status in _MISSING_STATUSES:
                search.usual_urls = list_usual_feed_urls(search.site)
        else:
            site = self._reader.read_site(result)
            if isinstance(site, FeedFacts):
                search.results[search.site] = make_found_feed(search.site, result, site)
                return
            candidates: list[str] = []
            if isinstance(site, ItemError):
                search.page_error = site
            else:
                candidates = site
            for url in candidates:
                self._request(search, url)
            usual_urls = list_usual_feed_urls(result.url)
            if self._guess:
                search.usual_urls = [url for url in usual_urls if url not in candidates]
        self._request_usual(search)

    def _handle_candidate(self, url: str, result: FetchResult) -> None:
        """Take the result of a candidate, for all searches that wait for it."""
        feed: FoundFeed | ItemError
        if isinstance(result, ItemError):
            feed = result
        else:
            facts = self._reader.read_feed(result)
            feed = facts if isinstance(facts, ItemError) else make_found_feed(url, result, facts)
        self._results[url] = feed
        for search in self._waiting.pop(url):
            search.results[url] = feed
            self._request_usual(search)

    def _request(self, search: SiteSearch, url: str) -> None:
        search.results[url] = self._results.get(url)
        if search.results[url] is None:
            if url not in self._waiting:
                self._stream.add([(url, Request(url))])
            self._waiting.setdefault(url, []).append(search)

    def _request_usual(self, search: SiteSearch) -> None:
        """Request the next usual address, if all candidates so far were no feeds."""
        while search.usual_urls and search.has_all_results() and not search.feeds:
            self._request(search, search.usual_urls.pop(0))


def make_found_feed(url: str, response: Response, facts: FeedFacts) -> FoundFeed:
    """Return the feed that was requested at an address, under the address to list."""
    return FoundFeed(response.moved_to or url, response.url, facts)
