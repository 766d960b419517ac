"""The fields that tell which article and run a record belongs to."""

import datetime as dt
from dataclasses import dataclass

from schemas import Article


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """The fields that every record of an article has in common."""

    article_id: str
    run_id: str
    day: dt.date

    @classmethod
    def of_article(cls, article: Article) -> "RecordKeys":
        """Return the keys of the records of an article."""
        return cls(article.article_id, article.run_id, article.day)
