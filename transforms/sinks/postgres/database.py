"""PostgreSQL as a database that is filled from runs, each in one transaction."""

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
from transforms.sinks.postgres.loading import Loading
from transforms.sinks.postgres.options import PostgresOptions
from transforms.sinks.postgres.tables import TABLES, Db, lock, ready
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
"""Unless the connection string says otherwise: a server that is gone is noticed in a minute."""

_SHOWN: Final = ("host", "hostaddr", "port", "dbname", "user", "service")


@dataclass(frozen=True)
class PostgresDatabase:
    """The tables of one schema of a database. Every call has a connection of its own."""

    options: PostgresOptions

    def __post_init__(self) -> None:
        _parameters(self.options.postgres or "")

    @property
    def name(self) -> str:
        """How messages name it: where it is, without its password."""
        given = _parameters(self.options.postgres or "")
        shown = [f"{key}={given[key]}" for key in _SHOWN if key in given]
        return f"PostgreSQL ({' '.join([*shown, f'schema={self.options.postgres_schema}'])})"

    def list_loaded_runs(self) -> set[str]:
        """See :meth:`transforms.sinks.databases.Database.list_loaded_runs`."""
        with self._transaction() as db:
            self._check(db)
            ready(db, self.options.postgres_schema)
            self._check_rights(db)
            return {run_id for (run_id,) in db.execute('SELECT "run_id" FROM "loaded_runs"')}

    def load(self, run: CommittedRun) -> dict[str, int]:
        """See :meth:`transforms.sinks.databases.Database.load`."""
        with self._transaction() as db:
            lock(db, self.options.postgres_schema)
            ready(db, self.options.postgres_schema)
            started = read_start_time(run.folder)
            entered = db.execute(
                'INSERT INTO "loaded_runs" ("run_id", "started_at") VALUES (%s, %s) '
                "ON CONFLICT DO NOTHING",
                [run.run_id, started],
            )
            if entered.rowcount == 0:
                return {}
            loading = Loading(db, run, started)
            rows = {record.TABLE: loading.load(record) for record in RECORDS}
            rows = {table: count for table, count in rows.items() if count}
            db.execute(
                'UPDATE "loaded_runs" SET "rows" = %s WHERE "run_id" = %s',
                [Jsonb(rows), run.run_id],
            )
        if loading.replaced:
            _LOG.warning(
                "%s: run %s: %d texts with characters that PostgreSQL refuses (NUL, lone "
                "surrogates), each replaced by U+FFFD",
                *(self.name, run.run_id, loading.replaced),
            )
        return rows

    @contextmanager
    def _transaction(self) -> Iterator[Db]:
        """A transaction with the schema as search path; its errors are UsageErrors."""
        try:
            with self._connect() as db:
                milliseconds = str(int(self.options.postgres_timeout_sec * 1000))
                for setting, value in (
                    ("search_path", f'"{self.options.postgres_schema}"'),
                    ("statement_timeout", milliseconds),
                    ("idle_in_transaction_session_timeout", milliseconds),
                    # The server, too, is to notice a loader that is gone: it holds the lock.
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
            message = f"{self.name}: {_reason(error)}; docs/sinks.md lists the rights that it takes"
            raise UsageError(message) from error
        except psycopg.Error as error:
            raise UsageError(f"{self.name}: {_reason(error)}") from error

    def _connect(self) -> Db:
        parameters = _DEFAULTS | _parameters(self.options.postgres or "")
        try:
            # PreparedJob statements would not survive a pooler between here and the server.
            return psycopg.connect(**parameters, client_encoding="utf8", prepare_threshold=None)
        except psycopg.Error as error:
            raise UsageError(f"cannot connect: {_reason(error)}") from error

    def _check(self, db: Db) -> None:
        (encoding, read_only, temporary) = db.execute(
            "SELECT current_setting('server_encoding'), current_setting('transaction_read_only'), "
            "has_database_privilege(current_database(), 'TEMPORARY')"
        ).fetchone() or ("", "", False)
        require(encoding == "UTF8", f"its encoding is {encoding}; create one with ENCODING 'UTF8'")
        require(read_only == "off", "it is read-only, such as a standby; name the primary server")
        require(temporary, "it takes the right TEMPORARY on the database")

    def _check_rights(self, db: Db) -> None:
        lacking = db.execute(
            "SELECT DISTINCT wanted FROM pg_class, unnest(%s::text[]) AS wanted WHERE relnamespace "
            "= %s::regnamespace AND relname = ANY(%s) AND NOT has_table_privilege(oid, wanted)",
            [
                ["SELECT", "INSERT", "UPDATE", "DELETE"],
                f'"{self.options.postgres_schema}"',
                list(TABLES),
            ],
        )
        rights = ", ".join(sorted(wanted for (wanted,) in lacking))
        require(not rights, f"it takes the right {rights} on all tables of the schema")


def _parameters(dsn: str) -> dict[str, Any]:
    """The connection string by its parts.

    Raises:
        UsageError: it is none. What it says is not repeated, as a part of it is a password.
    """
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.Error as error:
        message = "--postgres is no connection string: postgresql://HOST/DATABASE or host=... "
        raise UsageError(message + "dbname=..., a password in a URL %-encoded") from error
    for key in ("host", "port", "dbname"):
        value = str(given.get(key, ""))
        wrong = "@" in value or (key == "port" and not re.fullmatch(r"[0-9,]*", value))
        require(not wrong, f"--postgres: no {key}; in a password write @ as %40 and / as %2F")
    return dict(given)


def _reason(error: psycopg.Error) -> str:
    """The error in one line, without the record that it is about."""
    return " ".join((error.diag.message_primary or str(error)).split())
