"""The PostgreSQL database of runs. Each run is loaded in one transaction."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

from schemas import RECORDS
from transforms.core.errors import UsageError
from transforms.core.options import require
from transforms.sinks.postgres.loading import RunLoader
from transforms.sinks.postgres.options import PostgresOptions
from transforms.sinks.postgres.tables import TABLES, PostgresConnection, lock_tables, prepare_tables
from transforms.storage.runs import CommittedRun, read_start_time

_LOG = logging.getLogger("newsbeam.databases")

_DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "application_name": "newsbeam",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""Defaults of the connection string, in seconds; ``tcp_user_timeout`` in milliseconds.

They detect within a minute that a server is gone.
"""

_NAME_PARTS: Final = ("host", "hostaddr", "port", "dbname", "user", "service")


@dataclass(frozen=True)
class PostgresDatabase:
    """The tables of one schema of a database. Every call opens a new connection."""

    options: PostgresOptions

    def __post_init__(self) -> None:
        _parse_dsn(self.options.postgres or "")

    @property
    def name(self) -> str:
        """The name of the database in messages: its address without the password."""
        parts = _parse_dsn(self.options.postgres or "")
        shown = [f"{key}={parts[key]}" for key in _NAME_PARTS if key in parts]
        return f"PostgreSQL ({' '.join([*shown, f'schema={self.options.postgres_schema}'])})"

    def list_loaded_runs(self) -> set[str]:
        """See :meth:`transforms.sinks.databases.Database.list_loaded_runs`."""
        with self._transaction() as db:
            self._check_server(db)
            prepare_tables(db, self.options.postgres_schema)
            self._check_rights(db)
            return {run_id for (run_id,) in db.execute('SELECT "run_id" FROM "loaded_runs"')}

    def load(self, run: CommittedRun) -> dict[str, int]:
        """See :meth:`transforms.sinks.databases.Database.load`."""
        with self._transaction() as db:
            lock_tables(db, self.options.postgres_schema)
            prepare_tables(db, self.options.postgres_schema)
            started = read_start_time(run.folder)
            inserted = db.execute(
                'INSERT INTO "loaded_runs" ("run_id", "started_at") VALUES (%s, %s) '
                "ON CONFLICT DO NOTHING",
                [run.run_id, started],
            )
            if inserted.rowcount == 0:
                return {}
            loader = RunLoader(db, run, started)
            rows = {record.TABLE: loader.load_records(record) for record in RECORDS}
            rows = {table: count for table, count in rows.items() if count}
            db.execute(
                'UPDATE "loaded_runs" SET "rows" = %s WHERE "run_id" = %s',
                [Jsonb(rows), run.run_id],
            )
        if loader.replaced:
            _LOG.warning(
                "%s: run %s: %d texts with characters that PostgreSQL rejects (NUL, lone "
                "surrogates), each replaced by U+FFFD",
                *(self.name, run.run_id, loader.replaced),
            )
        return rows

    @contextmanager
    def _transaction(self) -> Iterator[PostgresConnection]:
        """Open a transaction with the schema as search path. Its errors become UsageErrors."""
        try:
            with self._connect() as db:
                milliseconds = str(int(self.options.postgres_timeout_sec * 1000))
                for setting, value in (
                    ("search_path", f'"{self.options.postgres_schema}"'),
                    ("statement_timeout", milliseconds),
                    ("idle_in_transaction_session_timeout", milliseconds),
                    # The server must also detect a dead client, which would keep the lock.
                    ("tcp_keepalives_idle", "30"),
                    ("tcp_keepalives_interval", "10"),
                    ("tcp_keepalives_count", "3"),
                ):
                    db.execute("SELECT set_config(%s, %s, true)", [setting, value])
                yield db
        except UsageError as error:
            raise UsageError(f"{self.name}: {error}") from error
        except psycopg.errors.QueryCanceled as error:
            message = (
                f"{self.name}: no answer within {self.options.postgres_timeout_sec:g} seconds; "
                "another load may be under way, or --postgres_timeout_sec is too short"
            )
            raise UsageError(message) from error
        except psycopg.errors.InsufficientPrivilege as error:
            message = (
                f"{self.name}: {_reason(error)}; docs/sinks.md lists the rights that Newsbeam needs"
            )
            raise UsageError(message) from error
        except psycopg.Error as error:
            raise UsageError(f"{self.name}: {_reason(error)}") from error

    def _connect(self) -> PostgresConnection:
        parameters = _DEFAULTS | _parse_dsn(self.options.postgres or "")
        try:
            # Prepared statements do not survive a connection pooler such as PgBouncer.
            return psycopg.connect(**parameters, client_encoding="utf8", prepare_threshold=None)
        except psycopg.Error as error:
            raise UsageError(f"cannot connect: {_reason(error)}") from error

    def _check_server(self, db: PostgresConnection) -> None:
        (encoding, read_only, temporary) = db.execute(
            "SELECT current_setting('server_encoding'), current_setting('transaction_read_only'), "
            "has_database_privilege(current_database(), 'TEMPORARY')"
        ).fetchone() or ("", "", False)
        require(encoding == "UTF8", f"its encoding is {encoding}; create one with ENCODING 'UTF8'")
        require(read_only == "off", "it is read-only, such as a standby; name the primary server")
        require(temporary, "the user needs the right TEMPORARY on the database")

    def _check_rights(self, db: PostgresConnection) -> None:
        missing = db.execute(
            "SELECT DISTINCT required FROM pg_class, unnest(%s::text[]) AS required WHERE "
            "relnamespace = %s::regnamespace AND relname = ANY(%s) "
            "AND NOT has_table_privilege(oid, required)",
            [
                ["SELECT", "INSERT", "UPDATE", "DELETE"],
                f'"{self.options.postgres_schema}"',
                list(TABLES),
            ],
        )
        rights = ", ".join(sorted(right for (right,) in missing))
        require(not rights, f"the user needs the right {rights} on all tables of the schema")


def _parse_dsn(dsn: str) -> dict[str, Any]:
    """Return the parts of a connection string by name.

    Raises:
        UsageError: It is invalid. The message does not repeat it, since it may hold a password.
    """
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.Error as error:
        message = (
            "--postgres is not a connection string, such as postgresql://HOST/DATABASE or "
            "host=... dbname=...; in a URL, %-encode the password"
        )
        raise UsageError(message) from error
    for key in ("host", "port", "dbname"):
        value = str(parts.get(key, ""))
        wrong = "@" in value or (key == "port" and not re.fullmatch(r"[0-9,]*", value))
        require(not wrong, f"--postgres: no {key}; in a password write @ as %40 and / as %2F")
    return dict(parts)


def _reason(error: psycopg.Error) -> str:
    """Return the error in one line, without the record that it is about."""
    return " ".join((error.diag.message_primary or str(error)).split())
