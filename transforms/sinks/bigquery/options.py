"""The flags of the BigQuery sink. Imports no client, since most runs need none."""

import re
from dataclasses import dataclass
from typing import Final

from transforms.core.options import flag, require

DATASET_PATTERN: Final = r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]\.[A-Za-z0-9_]{1,1024}"
"""A regular expression of PROJECT.DATASET. A project may be DOMAIN:PROJECT."""
_PARTITIONS: Final = ("day", "month")


@dataclass(frozen=True)
class BigQueryOptions:
    """The dataset that runs are loaded into, and how to create it if it does not exist."""

    bigquery: str | None = flag(
        "BigQuery dataset into which all runs of the output are loaded; the credentials are "
        "Google's application default ones",
        default=None,
        metavar="PROJECT.DATASET",
    )
    bigquery_location: str | None = flag(
        "location of the dataset if it has to be created, such as EU or US",
        default=None,
        metavar="LOCATION",
    )
    bigquery_partitions: str = flag(
        "partitions of new tables: by the day of a record, or by its month, for runs with records "
        "of more than 4,000 days",
        default="day",
        choices=_PARTITIONS,
    )
    bigquery_endpoint: str | None = flag(
        "address of the API if it is not Google's own; an address with http:// counts as an "
        "emulator and gets no credentials",
        default=None,
        metavar="URL",
    )

    def __post_init__(self) -> None:
        require(
            self.bigquery is None or bool(re.fullmatch(DATASET_PATTERN, self.bigquery)),
            f"--bigquery: {self.bigquery!r} is not of the form PROJECT.DATASET",
        )
        require(
            self.bigquery_endpoint is None
            or self.bigquery_endpoint.startswith(("https://", "http://")),
            "--bigquery_endpoint is an address with https:// or http://",
        )
        require(
            self.bigquery_partitions in _PARTITIONS, "--bigquery_partitions is one of day, month"
        )
