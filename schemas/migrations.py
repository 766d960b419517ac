"""The columns that each version of the schema added, and their values in earlier records.

To add a column, list it here once and increase :data:`schemas.records.SCHEMA_VERSION`. Databases
are migrated from this list, and files of earlier versions are read with it. Any other kind of
change needs its own migration in each database.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class AddedColumn:
    """A column that a version of the schema added.

    Attributes:
        version: The version that added it.
        table: The table of its record type.
        name: The name of the column.
        before: Its value in records of earlier versions, as an SQL expression over the other
            columns that every database understands. Lists are empty there: databases differ in how
            they write an empty list, so this is not used for them.
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
    AddedColumn(3, "articles", "modified_at"),
    AddedColumn(3, "articles", "summary"),
    AddedColumn(3, "articles", "image_url"),
    AddedColumn(3, "articles", "section"),
    AddedColumn(3, "articles", "tags"),
)
"""All added columns, in the order of the versions. The first version is 1."""


def values_before(table: str) -> dict[str, str]:
    """Return the SQL value of each added column of a table in records of earlier versions."""
    return {column.name: column.before for column in ADDED_COLUMNS if column.table == table}
