"""The databases that the flags name, and the loading of runs into them."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import LoadError
from transforms.core.errors import UsageError
from transforms.core.options import from_flags
from transforms.sinks.bigquery.options import BigQueryOptions
from transforms.sinks.databases import Database, load_runs
from transforms.sinks.postgres.options import PostgresOptions


def open_databases(args: argparse.Namespace) -> list[Database]:
    """Return the databases that the flags name, and create or migrate their tables.

    Raises:
        UsageError: see :meth:`transforms.sinks.databases.Database.list_loaded_runs`.
    """
    return _open(from_flags(PostgresOptions, args), from_flags(BigQueryOptions, args))


@dataclass(frozen=True)
class BigQueryLoader:
    """Loads runs into BigQuery on a worker, where the launcher does not wait for the job's end.

    Workers load no other database. Its connection string may hold a password, which everybody who
    sees the job would see.
    """

    bigquery: BigQueryOptions

    def __call__(self, output: str) -> list[str]:
        """Load the missing runs like :func:`load_after_run`.

        Raises:
            LoadError: the database cannot be opened, or lacks runs.
        """
        try:
            databases = _open(PostgresOptions(), self.bigquery)
        except UsageError as error:
            raise LoadError(str(error)) from error
        return load_after_run(output, databases)


def _open(postgres: PostgresOptions, bigquery: BigQueryOptions) -> list[Database]:
    databases: list[Database] = []
    if postgres.postgres is not None:
        databases.append(_open_postgres(postgres))
    if bigquery.bigquery is not None:
        databases.append(_open_bigquery(bigquery))
    for database in databases:
        database.list_loaded_runs()
    return databases


def _open_postgres(options: PostgresOptions) -> Database:
    try:
        from transforms.sinks.postgres.database import PostgresDatabase
    except ImportError as error:
        message = "--postgres needs a driver: pip install 'psycopg[binary]'"
        raise UsageError(message) from error
    return PostgresDatabase(options)


def _open_bigquery(options: BigQueryOptions) -> Database:
    try:
        from transforms.sinks.bigquery.database import BigQueryDatabase
    except ImportError as error:
        message = "--bigquery needs Google's client: pip install 'newsbeam[gcp]'"
        raise UsageError(message) from error
    return BigQueryDatabase(options)


def load_missing_runs(output: str, databases: Sequence[Database]) -> list[str]:
    """Load the runs of an output folder into each database that lacks them.

    Returns:
        One message per database, about the number of runs that were loaded.

    Raises:
        LoadError: at least one database lacks runs. The other databases were loaded.
    """
    messages: list[str] = []
    errors: list[UsageError] = []
    for database in databases:
        try:
            loaded = load_runs(output, [database])[database.name]
        except UsageError as error:
            errors.append(error)
        else:
            runs = "1 run" if len(loaded) == 1 else f"{len(loaded)} runs"
            result = f"{runs} loaded into" if loaded else "no runs missing in"
            messages.append(f"{result} {database.name}")
    if errors:
        raise LoadError("; ".join(map(str, errors))) from errors[0]
    return messages


def load_after_run(output: str, databases: Sequence[Database]) -> list[str]:
    """Load the missing runs after a run was committed.

    Returns:
        See :func:`load_missing_runs`.

    Raises:
        LoadError: for any error and for Ctrl-C. The message says where the records are, and how to
            load them.
    """
    try:
        return load_missing_runs(output, databases)
    except (Exception, KeyboardInterrupt) as error:
        reason = str(error) or ("interrupted" if isinstance(error, KeyboardInterrupt) else "")
        message = (
            f"the records are in {output}, but a database lacks them: "
            f"{reason or type(error).__name__}; the next run loads them, or `newsbeam load`"
        )
        raise LoadError(message) from error
