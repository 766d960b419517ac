"""The rules of robots.txt (RFC 9309), parsed with protego."""

import datetime as dt
from typing import Final

from protego import Protego

from transforms.core.errors import ItemError
from transforms.core.version import PRODUCT
from transforms.fetching.http_messages import Response
from transforms.state.records import RobotsFile

MAX_BYTES: Final = 512 * 1024
"""The maximum bytes of a robots.txt that are read; RFC 9309, 2.5 asks for at least 500 KiB."""

LIFETIME: Final = dt.timedelta(hours=24)
"""The time for which a robots.txt is used again (RFC 9309, 2.4)."""

RETRY: Final = dt.timedelta(hours=1)
"""The time without requests to a site whose robots.txt cannot be read."""


class Robots:
    """The rules of a robots.txt for one user agent.

    >>> at = dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc)
    >>> text = "User-agent: *\\nDisallow: /private\\nCrawl-delay: 3"
    >>> robots = Robots(RobotsFile("https://a.example", 200, text, at))
    >>> robots.allows("https://a.example/private/x"), robots.allows("https://a.example/")
    (False, True)
    >>> robots.crawl_delay
    3.0
    """

    def __init__(self, file: RobotsFile, agent: str = PRODUCT) -> None:
        self.file = file
        self._agent = agent
        self._rules = Protego.parse(file.text if file.status == 200 else "")

    @property
    def fresh_until(self) -> dt.datetime:
        """The time until which the rules may be used, UTC."""
        return self.file.fetched_at + (RETRY if self.is_unreachable else LIFETIME)

    def is_fresh(self, now: dt.datetime) -> bool:
        """Return whether the rules may still be used."""
        return now < self.fresh_until

    @property
    def is_unreachable(self) -> bool:
        """True if rules may exist but cannot be read; then nothing is allowed (2.3.1.4)."""
        status = self.file.status
        return status is None or status == 429 or status >= 500

    def allows(self, url: str) -> bool:
        """Return whether the URL may be fetched; without a robots.txt, all may (2.3.1.3)."""
        return not self.is_unreachable and bool(self._rules.can_fetch(url, self._agent))

    @property
    def crawl_delay(self) -> float:
        """The seconds between requests that the site asks for; 0 if it does not."""
        delay = self._rules.crawl_delay(self._agent)
        return max(0.0, float(delay)) if delay is not None else 0.0


def to_robots_file(origin: str, response: Response | ItemError, now: dt.datetime) -> RobotsFile:
    """Convert the response to a request for robots.txt, or its error.

    Args:
        origin: the origin whose robots.txt was requested.
        response: the response after redirects.
        now: the time of the response, UTC.
    """
    if isinstance(response, ItemError):
        # After too many redirects, the file counts as missing (2.3.1.2).
        status = 404 if response.error_type == "TooManyRedirects" else response.http_status
        return RobotsFile(origin, status, "", now)
    body = response.body if response.status == 200 else b""
    if len(body) >= MAX_BYTES:
        body = body[:MAX_BYTES].rpartition(b"\n")[0]  # a rule cut in half may mean the opposite
    return RobotsFile(origin, response.status, body.decode("utf-8-sig", "replace"), now)
