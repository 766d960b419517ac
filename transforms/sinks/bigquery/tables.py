"""The tables of a BigQuery dataset: made from the records, and migrated from version to version.

The version is a label of the table of runs, which is written last: what is made or changed only
in part is finished the next time.
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
_STAGED_FOR: Final = dt.timedelta(days=1)
_ABOUT: Final = {
    RUNS: "Runs that these tables hold, each of them whole.",
    LOCK: "One row, by which loads keep out of each other's way.",
}


def dataset_of(client: bigquery.Client, name: str, location: str | None) -> bigquery.Dataset:
    """The dataset, made in the location if it is not there.

    Raises:
        UsageError: it is elsewhere, or is not there and no location says where to make it.
    """
    try:
        dataset = client.get_dataset(name)
    except NotFound as error:
        if location is None:
            message = "there is no such dataset; --bigquery_location EU (or US, ...) makes it there"
            raise UsageError(message) from error
        fresh = bigquery.Dataset(name)
        fresh.location = location
        dataset = client.create_dataset(fresh, exists_ok=True)
    require(
        location is None or str(dataset.location).lower() == location.lower(),
        f"it is in {dataset.location}, not in {location}; leave out --bigquery_location",
    )
    return dataset


def ready(client: bigquery.Client, dataset: str, partitions: str) -> None:
    """Make the tables that are not there, and bring those of an earlier version up to this one.

    Raises:
        UsageError: they are of a later version, or a column is of another type.
    """
    version = _version(client, dataset)
    require(
        version <= SCHEMA_VERSION,
        f"its tables are of schema version {version}, and this program writes {SCHEMA_VERSION}; "
        "update newsbeam",
    )
    for record in RECORDS:
        _make_or_migrate(client, _record_table(dataset, record, partitions))
    _make_or_migrate(client, _own_table(dataset, LOCK))
    if 0 < version < SCHEMA_VERSION and (statements := backfill_statements(dataset, version)):
        client.query(statements).result()
    runs = _own_table(dataset, RUNS)
    runs.labels = {VERSION_LABEL: str(SCHEMA_VERSION)}
    _make_or_migrate(client, runs)


def staging_schema(record: type[Record]) -> list[bigquery.SchemaField]:
    """The schema of records that wait to be merged: what an earlier version lacks is null."""
    return _schema(migrate_fields([], bigquery_schema(record)["fields"]))


def make_staging(client: bigquery.Client, dataset: str, name: str, record: type[Record]) -> None:
    """Make the table in which records of a run wait, unless it is there. It goes in a day."""
    table = bigquery.Table(f"{dataset}.{name}", schema=staging_schema(record))
    table.expires = now() + _STAGED_FOR
    try:
        client.create_table(table)
    except Conflict:
        client.update_table(table, ["expires"])


def _version(client: bigquery.Client, dataset: str) -> int:
    """The version of the tables; 0 where there are none."""
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


def _own_table(dataset: str, name: str) -> bigquery.Table:
    table = bigquery.Table(f"{dataset}.{name}", schema=_schema(BOOKKEEPING_FIELDS[name]))
    table.description = _ABOUT[name]
    return table


def _make_or_migrate(client: bigquery.Client, wanted: bigquery.Table) -> None:
    """Partitions and clustering of a table that is there stay as they are."""
    try:
        table = client.get_table(wanted.reference)
    except NotFound:
        client.create_table(wanted, exists_ok=True)
        return
    there = [field.to_api_repr() for field in table.schema]
    try:
        fields = migrate_fields(there, [field.to_api_repr() for field in wanted.schema])
    except ValueError as error:
        raise UsageError(f"table {table.table_id}: {error}; choose another dataset") from error
    schema, labels = _schema(fields), {**table.labels, **wanted.labels}
    if schema != list(table.schema) or labels != table.labels:
        table.schema, table.labels = schema, labels
        client.update_table(table, ["schema", "labels"])


def _schema(fields: list[dict[str, Any]]) -> list[bigquery.SchemaField]:
    return [bigquery.SchemaField.from_api_repr(field) for field in fields]
