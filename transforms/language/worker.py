"""The loader of the analyser. Only the isolated process that calls it loads spaCy."""

from collections.abc import Callable, Sequence

from schemas import Article
from transforms.language.entities.gazetteer import GazetteerChoice
from transforms.language.findings import Findings
from transforms.language.topics.taxonomy import Taxonomy


def load_analyser(
    model: str, taxonomy: Taxonomy | None, gazetteer: GazetteerChoice
) -> Callable[[Sequence[Article]], list[Findings]]:
    """Load the language model, and return the function that analyses a batch of articles.

    Args:
        model: the package or the folder of the spaCy model.
        taxonomy: the taxonomy; None for the shipped one.
        gazetteer: a gazetteer, "shipped" for the shipped one, or None for none.
    """
    from transforms.language.analyser import Analyser

    return Analyser(model, taxonomy, gazetteer).analyse
