"""Create the tables of a BigQuery dataset from the record types, and migrate earlier versions.

The schema version is a label of the table of runs, which is written last. So the next run finishes
an interrupted migration.
"""

import datetime as dt
from typing import Any, Final

from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery

from schemas import RECORDS, SCHEMA_VERSION, Record
from schemas.bigquery import bigquery_clustering, bigquery_schema, migrate_fields
from transforms.core.clock import now
from transforms.core.errors import UsageError
from transforms.core.options import require
from transforms.sinks.bigquery.sql import BOOKKEEPING_FIELDS, LOCK, RUNS, backfill_statements

VERSION_LABEL: Final = "newsbeam_schema_version"
_STAGING_LIFETIME: Final = dt.timedelta(days=1)
_DESCRIPTIONS: Final = {
    RUNS: "Runs that these tables hold, each of them whole.",
    LOCK: "One row, by which loads keep out of each other's way.",
}


def get_or_create_dataset(
    client: bigquery.Client, name: str, location: str | None
) -> bigquery.Dataset:
    """Return a dataset, and create it in the location if it does not exist.

    Raises:
        UsageError: It is in another location, or does not exist and no location is named.
    """
    try:
        dataset = client.get_dataset(name)
    except NotFound as error:
        if location is None:
            message = "there is no such dataset; create it with --bigquery_location EU (or US, ...)"
            raise UsageError(message) from error
        fresh = bigquery.Dataset(name)
        fresh.location = location
        dataset = client.create_dataset(fresh, exists_ok=True)
    require(
        location is None or str(dataset.location).lower() == location.lower(),
        f"it is in {dataset.location}, not in {location}; leave out --bigquery_location",
    )
    return dataset


def prepare_tables(client: bigquery.Client, dataset: str, partitions: str) -> None:
    """Create missing tables, and migrate the tables of an earlier schema version.

    Args:
        client: The client.
        dataset: The dataset, as PROJECT.DATASET.
        partitions: ``day`` or ``month``, for new tables.

    Raises:
        UsageError: The tables are of a later version, or a column has another type.
    """
    version = _version(client, dataset)
    require(
        version <= SCHEMA_VERSION,
        f"its tables are of schema version {version}, and this program writes {SCHEMA_VERSION}; "
        "update newsbeam",
    )
    for record in RECORDS:
        _create_or_migrate(client, _record_table(dataset, record, partitions))
    _create_or_migrate(client, _bookkeeping_table(dataset, LOCK))
    if 0 < version < SCHEMA_VERSION and (statements := backfill_statements(dataset, version)):
        client.query(statements).result()
    runs = _bookkeeping_table(dataset, RUNS)
    runs.labels = {VERSION_LABEL: str(SCHEMA_VERSION)}
    _create_or_migrate(client, runs)


def staging_schema(record: type[Record]) -> list[bigquery.SchemaField]:
    """Return the schema of a staging table, in which added columns may be null."""
    return _schema(migrate_fields([], bigquery_schema(record)["fields"]))


def create_staging_table(
    client: bigquery.Client, dataset: str, name: str, record: type[Record]
) -> None:
    """Create a staging table that expires after a day, or extend an existing one."""
    table = bigquery.Table(f"{dataset}.{name}", schema=staging_schema(record))
    table.expires = now() + _STAGING_LIFETIME
    try:
        client.create_table(table)
    except Conflict:
        client.update_table(table, ["expires"])


def _version(client: bigquery.Client, dataset: str) -> int:
    """Return the schema version of the tables; 0 if there are none."""
    try:
        labels = client.get_table(f"{dataset}.{RUNS}").labels
    except NotFound:
        return 0
    label = str(labels.get(VERSION_LABEL, ""))
    require(label.isdecimal(), f"its table {RUNS} is not Newsbeam's; choose another dataset")
    return int(label)


def _record_table(dataset: str, record: type[Record], partitions: str) -> bigquery.Table:
    schema = _schema(bigquery_schema(record)["fields"])
    table = bigquery.Table(f"{dataset}.{record.TABLE}", schema=schema)
    table.description = " ".join((record.__doc__ or "").split())
    table.time_partitioning = bigquery.TimePartitioning(type_=partitions.upper(), field="day")
    table.clustering_fields = list(bigquery_clustering(record))
    table.require_partition_filter = False
    return table


def _bookkeeping_table(dataset: str, name: str) -> bigquery.Table:
    table = bigquery.Table(f"{dataset}.{name}", schema=_schema(BOOKKEEPING_FIELDS[name]))
    table.description = _DESCRIPTIONS[name]
    return table


def _create_or_migrate(client: bigquery.Client, target: bigquery.Table) -> None:
    """Create a table, or add columns to an existing one. Its partitions and clustering stay."""
    try:
        table = client.get_table(target.reference)
    except NotFound:
        client.create_table(target, exists_ok=True)
        return
    current = [field.to_api_repr() for field in table.schema]
    try:
        fields = migrate_fields(current, [field.to_api_repr() for field in target.schema])
    except ValueError as error:
        raise UsageError(f"table {table.table_id}: {error}; choose another dataset") from error
    schema, labels = _schema(fields), {**table.labels, **target.labels}
    if schema != list(table.schema) or labels != table.labels:
        table.schema, table.labels = schema, labels
        client.update_table(table, ["schema", "labels"])


def _schema(fields: list[dict[str, Any]]) -> list[bigquery.SchemaField]:
    return [bigquery.SchemaField.from_api_repr(field) for field in fields]
