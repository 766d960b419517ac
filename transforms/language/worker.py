"""What is found in one text, and the work of the process that finds it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from schemas import Article, Entity, Quote, TopicTag
from transforms.language.entities.gazetteer import Choice
from transforms.language.topics.taxonomy import Taxonomy


class Findings(NamedTuple):
    """What was found in one text."""

    entities: list[Entity]
    quotes: list[Quote]
    topics: list[TopicTag]


def load_analyser(
    model: str, taxonomy: Taxonomy | None, gazetteer: Choice
) -> Callable[[Sequence[Article]], list[Findings]]:
    """The work of a process of its own, which alone pays for loading spaCy: articles in batches."""
    from transforms.language.analyser import Analyser

    return Analyser(model, taxonomy, gazetteer).analyse
