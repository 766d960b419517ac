"""Pub/Sub: messages that name feeds come in, and records go out as messages."""

import json
from collections.abc import Iterator
from typing import Any, Final

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage

from schemas import Record, TopicTag
from schemas.jsonable import to_line
from transforms.core.elements import Run
from transforms.core.errors import ItemError
from transforms.core.stage import CompositeTransform, Stage, StageOutput, run_stage
from transforms.core.urls import UrlError, web_url
from transforms.streaming.poll_feeds import FeedToPoll

_SHOWN: Final = 200


def feed_of(message: bytes) -> str:
    """The feed that a message names: it is its address, or JSON such as ``{"feed": ADDRESS}``.

    Raises:
        ItemError: it names none.

    >>> feed_of(b'{"feed": "https://example.org/rss"}'), feed_of(b" https://example.org/rss ")
    ('https://example.org/rss', 'https://example.org/rss')
    """
    try:
        text = message.decode("utf-8").strip()
        url = json.loads(text)["feed"] if text.startswith("{") else text
        return web_url(url)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = error if isinstance(error, UrlError) else "neither an address nor a feed event"
        raise ItemError("BadMessage", f"the message names no feed: {reason}") from error


class ReadMessages(CompositeTransform):
    """Messages to the feeds that they name, which are due now."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.stage = _ReadMessages(run)

    def expand(self, messages: beam.PCollection) -> StageOutput:
        return run_stage(messages, self.stage, FeedToPoll)


class _ReadMessages(Stage):
    name = "ReadMessages"

    def source(self, element: bytes) -> str:
        return element[:_SHOWN].decode("utf-8", "replace")

    def handle(self, element: bytes) -> Iterator[Any]:
        yield FeedToPoll(feed_of(element), 0, True)


def message_of(record: Record) -> PubsubMessage:
    """A record as a message: JSON, with what subscribers filter and recognise copies by.

    A message may come twice; ``id`` is the same in both.
    """
    attributes = {"table": record.TABLE, "id": str(getattr(record, record.KEY))}
    if isinstance(record, TopicTag):
        attributes["topic"] = record.topic_id
    return PubsubMessage(to_line(record).encode(), attributes)
