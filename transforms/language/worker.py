"""The work of the process that analyses texts."""

from collections.abc import Callable, Sequence

from schemas import Article
from transforms.language.entities.gazetteer import Choice
from transforms.language.findings import Findings
from transforms.language.topics.taxonomy import Taxonomy


def load_analyser(
    model: str, taxonomy: Taxonomy | None, gazetteer: Choice
) -> Callable[[Sequence[Article]], list[Findings]]:
    """The work of a process of its own, which alone pays for loading spaCy: articles in batches."""
    from transforms.language.analyser import Analyser

    return Analyser(model, taxonomy, gazetteer).analyse
