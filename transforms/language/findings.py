"""The result of the analysis of one text."""

from typing import NamedTuple

from schemas import Entity, Quote, TopicTag


class Findings(NamedTuple):
    """The entities, quotes and topic tags of one text."""

    entities: list[Entity]
    quotes: list[Quote]
    topics: list[TopicTag]
