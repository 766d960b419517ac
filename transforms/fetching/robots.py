"""What a site's robots.txt allows, by RFC 9309, read with protego."""

import datetime as dt
from typing import Final

from protego import Protego

from transforms.core.errors import ItemError
from transforms.fetching.client import PRODUCT, Response
from transforms.state.records import RobotsFile

MAX_BYTES: Final = 512 * 1024
"""RFC 9309 asks to read at least 500 KiB; what is beyond is not read."""

LIFETIME: Final = dt.timedelta(hours=24)
"""How long an answer is used again (RFC 9309, 2.4)."""

RETRY: Final = dt.timedelta(hours=1)
"""How long a site whose robots.txt cannot be had is left alone."""


class Robots:
    """The rules of a robots.txt for us.

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
        """Until when what it says may be used."""
        return self.file.fetched_at + (RETRY if self.is_unreachable else LIFETIME)

    def is_fresh(self, now: dt.datetime) -> bool:
        """Whether what it says may still be used."""
        return now < self.fresh_until

    @property
    def is_unreachable(self) -> bool:
        """There may be rules that cannot be read for now, so all is disallowed (2.3.1.4)."""
        status = self.file.status
        return status is None or status == 429 or status >= 500

    def allows(self, url: str) -> bool:
        """Whether the address may be fetched. All may where there is no robots.txt (2.3.1.3)."""
        return not self.is_unreachable and bool(self._rules.can_fetch(url, self._agent))

    @property
    def crawl_delay(self) -> float:
        """Seconds between requests that the site asks for; 0 if it asks for none."""
        delay = self._rules.crawl_delay(self._agent)
        return max(0.0, float(delay)) if delay is not None else 0.0


def robots_file(origin: str, answer: Response | ItemError, now: dt.datetime) -> RobotsFile:
    """The robots.txt from the answer to its request, redirects followed."""
    if isinstance(answer, ItemError):
        # Too many redirects are as if there were none (2.3.1.2).
        status = 404 if answer.error_type == "TooManyRedirects" else answer.http_status
        return RobotsFile(origin, status, "", now)
    body = answer.body if answer.status == 200 else b""
    if len(body) >= MAX_BYTES:
        body = body[:MAX_BYTES].rpartition(b"\n")[0]  # half a rule may say the opposite
    return RobotsFile(origin, answer.status, body.decode("utf-8-sig", "replace"), now)
