"""The analyser in an isolated process, the only one that loads spaCy: its loader and its calls."""

from collections.abc import Callable, Sequence
from typing import Final

from schemas import Article
from transforms.core.isolated_process import IsolatedWorker
from transforms.language.entities.gazetteer import GazetteerChoice
from transforms.language.findings import Findings
from transforms.language.topics.taxonomy import Taxonomy

BATCH_SIZE: Final = 16
"""The number of articles that the language model analyses together."""


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


def analyse(
    analyser: IsolatedWorker[Sequence[Article], list[Findings]], articles: Sequence[Article]
) -> list[Findings | Exception]:
    """Return the findings of each article, in order, or the error in their place.

    The articles are analysed together, within the time limit of one item. If that fails, each is
    analysed by itself, so that one bad article does not fail the others.
    """
    try:
        return [*analyser(articles)]
    except Exception as error:
        if len(articles) == 1:
            return [error]
        return [result for article in articles for result in analyse(analyser, [article])]
