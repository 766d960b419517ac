"""What each version of the schema added, and what that means for records written before.

A column that a new version adds is named here, once, and :data:`schemas.records.SCHEMA_VERSION` is
raised. Databases are migrated by this, and files of earlier versions are read by it. A change of
another kind than a new column would have to be told the databases apart.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class AddedColumn:
    """A column, the version that brought it, and its value in a record of an earlier one.

    ``before`` is SQL over the columns of the record, in words that every database knows.
    """

    version: int
    table: str
    name: str
    before: str = "NULL"


ADDED_COLUMNS: Final = (
    AddedColumn(2, "articles", "lineage_id", "article_id"),
    AddedColumn(2, "articles", "version", "1"),
    AddedColumn(2, "articles", "noindex", "false"),
    AddedColumn(2, "articles", "tdm_reserved", "false"),
    AddedColumn(2, "feed_health", "failure_class"),
)
"""In the order of the versions. Version 1 is the first."""
