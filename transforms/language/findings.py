"""What the analysis finds in one text."""

from typing import NamedTuple

from schemas import Entity, Quote, TopicTag


class Findings(NamedTuple):
    """The records of what was found in one text."""

    entities: list[Entity]
    quotes: list[Quote]
    topics: list[TopicTag]
