"""The databases that a command names, and the runs that they have yet to take in."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from transforms.core.errors import UsageError
from transforms.core.options import add_flags, from_flags
from transforms.sinks.bigquery.options import BigQueryOptions
from transforms.sinks.databases import Database, load_runs
from transforms.sinks.postgres.options import PostgresOptions


class LoadError(Exception):
    """A database did not take runs that are in the output. The message is for the user."""


def add_database_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of every kind of database."""
    add_flags(PostgresOptions, parser, "PostgreSQL")
    add_flags(BigQueryOptions, parser, "BigQuery")


def open_databases(args: argparse.Namespace) -> list[Database]:
    """The databases that the flags name, each of which answers and fits.

    Raises:
        UsageError: see :meth:`transforms.sinks.databases.Database.list_loaded_runs`.
    """
    return _open(from_flags(PostgresOptions, args), from_flags(BigQueryOptions, args))


@dataclass(frozen=True)
class LoadOnWorker:
    """Databases that a worker fills when nobody waits for the run: BigQuery alone.

    The way into the others may hold a password, which all who see the job would see.
    """

    bigquery: BigQueryOptions

    def __call__(self, output: str) -> list[str]:
        """See :func:`load_after_run`.

        Raises:
            LoadError: the database does not take the runs.
        """
        try:
            databases = _open(PostgresOptions(), self.bigquery)
        except UsageError as error:
            raise LoadError(str(error)) from error
        return load_after_run(output, databases)


def _open(postgres: PostgresOptions, bigquery: BigQueryOptions) -> list[Database]:
    databases: list[Database] = []
    if postgres.postgres is not None:
        databases.append(_postgres(postgres))
    if bigquery.bigquery is not None:
        databases.append(_bigquery(bigquery))
    for database in databases:
        database.list_loaded_runs()
    return databases


def _postgres(options: PostgresOptions) -> Database:
    try:
        from transforms.sinks.postgres.database import PostgresDatabase
    except ImportError as error:
        message = "--postgres needs a driver: pip install 'psycopg[binary]'"
        raise UsageError(message) from error
    return PostgresDatabase(options)


def _bigquery(options: BigQueryOptions) -> Database:
    try:
        from transforms.sinks.bigquery.database import BigQueryDatabase
    except ImportError as error:
        message = "--bigquery needs Google's client: pip install 'newsbeam[gcp]'"
        raise UsageError(message) from error
    return BigQueryDatabase(options)


def load_missing_runs(output: str, databases: Sequence[Database]) -> list[str]:
    """Load what the databases lack, each for itself; says what each took.

    Raises:
        LoadError: at least one could not take a run. The others have theirs.
    """
    said: list[str] = []
    failed: list[UsageError] = []
    for database in databases:
        try:
            loaded = load_runs(output, [database])[database.name]
        except UsageError as error:
            failed.append(error)
        else:
            runs = "1 run" if len(loaded) == 1 else f"{len(loaded)} runs"
            what = f"{runs} loaded into" if loaded else "no runs missing in"
            said.append(f"{what} {database.name}")
    if failed:
        raise LoadError("; ".join(map(str, failed))) from failed[0]
    return said


def load_after_run(output: str, databases: Sequence[Database]) -> list[str]:
    """The same once a run can be seen: whatever happens now, its records are safe.

    Raises:
        LoadError: it says so, and how the databases get them.
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
