"""A news site on loopback that publishes articles while a test runs."""

import random
import threading
from typing import Final

from tests.support.web_server import WebReply, WebServer

_WORDS: Final = [
    "harbor",
    "council",
    "bridge",
    "repairs",
    "mayor",
    "ferries",
    "spring",
    "vote",
    "budget",
    "school",
    "teacher",
    "road",
    "hospital",
    "water",
    "union",
    "strike",
    "rain",
    "winter",
    "market",
    "bread",
    "police",
    "court",
    "judge",
    "train",
    "garden",
    "theatre",
]


class Publisher:
    """A thread that adds an entry with its page to each feed at intervals, until it has added all.

    Args:
        hosts: the host of each feed, by the feed's name.
        entries: how many entries each feed gets.
        every_sec: seconds between two entries of a feed.
        shown: a feed shows so many of its latest entries, as real feeds do.
    """

    def __init__(
        self,
        web: WebServer,
        hosts: dict[str, str],
        *,
        entries: int,
        every_sec: float,
        shown: int = 10,
    ) -> None:
        self._web = web
        self._hosts = hosts
        self._entries = entries
        self._shown = shown
        self._every_sec = every_sec
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._publish, daemon=True)
        self.links: list[str] = []
        """The pages that are published."""

    @property
    def feeds(self) -> list[str]:
        """The addresses of the feeds."""
        return [f"{self._base(name)}/feed/{name}" for name in self._hosts]

    @property
    def is_done(self) -> bool:
        """True once all entries are published."""
        return not self._thread.is_alive()

    def _base(self, name: str) -> str:
        return self._web.base.replace("127.0.0.1", self._hosts[name])

    def _publish(self) -> None:
        for number in range(self._entries):
            for name in self._hosts:
                path = f"/page/{name}/{number}"
                self._web.html(path, _page(name, number))
                self.links.append(self._base(name) + path)
                self._web.replies[f"/feed/{name}"] = self._feed(name, number)
            if self._ended.wait(self._every_sec):
                return

    def _feed(self, name: str, last: int) -> WebReply:
        items = "".join(
            f"<item><title>{_title(name, n)}</title><guid>{name}-{n}</guid>"
            f"<link>{self._base(name)}/page/{name}/{n}</link></item>"
            for n in range(max(0, last + 1 - self._shown), last + 1)
        )
        body = f"<rss version='2.0'><channel><title>The {name}</title>{items}</channel></rss>"
        return WebReply(body.encode(), headers={"Content-Type": "application/rss+xml"})

    def __enter__(self) -> "Publisher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def _title(name: str, number: int) -> str:
    return f"News {number} of the {name}"


def _page(name: str, number: int) -> str:
    generator = random.Random(f"{name} {number}")
    sentences = (" ".join(generator.choices(_WORDS, k=12)).capitalize() + "." for _ in range(12))
    quote = "“We had no other choice,” said Mayor Ana Torres, who had asked for more time."
    title, text = _title(name, number), f"{' '.join(sentences)} {quote}"
    head = f"<html lang=en><head><title>{title}</title></head>"
    return f"{head}<body><article><h1>{title}</h1><p>{text}</p></article></body></html>"
