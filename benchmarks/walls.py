"""How many news articles are taken for walls: ``python -m benchmarks.walls ARTICLES.jsonl.gz ...``.

The articles are those of :mod:`benchmarks.topics`. Each is judged without an entry, with an
entry of the same title, and with an entry of another article's title, as if its feed had rewritten
it.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.topics import EvaluationArticle, read_articles
from transforms.core.errors import ItemError
from transforms.extraction.article_check import check_article
from transforms.extraction.entry_agreement import ExpectedArticle

_LINK: Final = "https://a.example/2026/11/20/a-story"


def find_rejected(
    articles: Sequence[EvaluationArticle], titles: Iterable[str | None]
) -> Iterator[tuple[EvaluationArticle, str]]:
    """Yield the articles that are taken for something else, with the reason.

    Args:
        articles: the articles.
        titles: the title of each article's entry; None if nothing is known of the entry.
    """
    for article, title in zip(articles, titles, strict=True):
        expected = None if title is None else ExpectedArticle(_LINK, title, "", None)
        try:
            check_article(article.title, article.text, url=_LINK, expected=expected)
        except ItemError as error:
            yield article, error.message


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the articles that are taken for walls, and their number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="ARTICLES.jsonl.gz")
    files = parser.parse_args(arguments).files
    articles = [article for file in files for article in read_articles(file).values()]
    own = [article.title for article in articles]
    for name, titles in (
        ("nothing known", [None] * len(articles)),
        ("own title", own),
        ("another title", [*own[1:], *own[:1]]),
    ):
        rejected = list(find_rejected(articles, titles))
        for article, reason in rejected:
            print(f"  {reason}: {article.title[:70]}")
        print(f"{name}: {len(rejected)} of {len(articles)} articles are taken for walls")


if __name__ == "__main__":
    main()
