"""Pub/Sub: messages that name feeds come in, and records go out as messages."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage

from schemas import Record, TopicTag
from schemas.jsonable import to_line
from transforms.core.elements import Run
from transforms.core.errors import ItemError
from transforms.core.stage import CompositeTransform, Stage, StageOutput, apply_stage
from transforms.core.urls import UrlError, web_url
from transforms.streaming.poll_feeds import FeedToPoll

_MAX_SOURCE_BYTES: Final = 200


def parse_feed_message(message: bytes) -> str:
    """Return the feed that a message names: an address, or JSON such as ``{"feed": ADDRESS}``.

    Raises:
        ItemError: it names none.

    >>> parse_feed_message(b'{"feed": "https://example.org/rss"}')
    'https://example.org/rss'
    >>> parse_feed_message(b" https://example.org/rss ")
    'https://example.org/rss'
    """
    try:
        text = message.decode("utf-8").strip()
        url = json.loads(text)["feed"] if text.startswith("{") else text
        return web_url(url)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = error if isinstance(error, UrlError) else "neither an address nor a feed event"
        raise ItemError("BadMessage", f"the message names no feed: {reason}") from error


@dataclass
class ReadMessages(CompositeTransform[beam.PCollection[bytes], StageOutput[FeedToPoll]]):
    """Reads messages as feeds that are due now."""

    run: Run

    def expand(self, messages: beam.PCollection[bytes]) -> StageOutput[FeedToPoll]:
        return apply_stage(messages, MessageReading(self.run), FeedToPoll)


@dataclass
class MessageReading(Stage[bytes, FeedToPoll]):
    """The stage that reads the feed from a message."""

    name = "ReadMessages"

    run: Run

    def source(self, element: bytes) -> str:
        return element[:_MAX_SOURCE_BYTES].decode("utf-8", "replace")

    def process(self, element: bytes) -> Iterator[FeedToPoll]:
        yield FeedToPoll(parse_feed_message(element), 0, True)


def to_message(record: Record) -> PubsubMessage:
    """Return a record as a message: JSON, with attributes to filter by.

    A message may be delivered twice. Its ``id`` is the same both times.
    """
    attributes = {"table": record.TABLE, "id": str(getattr(record, record.KEY))}
    if isinstance(record, TopicTag):
        attributes["topic"] = record.topic_id
    return PubsubMessage(to_line(record).encode(), attributes)
