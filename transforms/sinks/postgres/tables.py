"""Create the tables of a PostgreSQL schema from the record types, and migrate earlier versions.

The table ``schema_versions`` holds the version of the tables, which is the ``SCHEMA_VERSION`` of
the records. All functions work in the transaction of the caller and under a lock, so that a
migration happens once and as a whole.
"""

from typing import Any, Final

from psycopg import Connection, sql

from schemas import RECORDS, SCHEMA_VERSION, Record
from schemas.fields import fields_of
from schemas.migrations import ADDED_COLUMNS
from schemas.sql import create_table, sql_type
from transforms.core.errors import UsageError

PostgresConnection = Connection[tuple[Any, ...]]

EMPTY_LIST: Final = "'{}'"
"""The SQL of an empty list, for columns of lists that earlier versions lack."""

_BOOKKEEPING_TABLES: Final = {
    "schema_versions": """CREATE TABLE "schema_versions" (
  "version" integer PRIMARY KEY,
  "applied_at" timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE "schema_versions" IS 'Versions that these tables have had; the highest is theirs.';
""",
    "loaded_runs": """CREATE TABLE "loaded_runs" (
  "run_id" text PRIMARY KEY,
  "started_at" timestamptz NOT NULL,
  "loaded_at" timestamptz NOT NULL DEFAULT now(),
  "rows" jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE "loaded_runs" IS 'Runs that these tables hold, each of them whole.';
COMMENT ON COLUMN "loaded_runs"."rows" IS 'Records that the run brought, by table.';
""",
}

TABLES: Final = (*_BOOKKEEPING_TABLES, *(record.TABLE for record in RECORDS))

# A B-tree limits the length of its keys, and a page may contain a name or address of any length:
# one such record would keep its run out of the database. SP-GiST has no such limit.
_INDEXES: Final = (
    ("articles", "btree", "day"),
    ("articles", "btree", "lineage_id"),
    ("articles", "btree", "story_id"),
    ("articles", "spgist", "canonical_url"),
    ("entities", "btree", "article_id"),
    ("entities", "spgist", "name"),
    ("entities", "spgist", "wikidata_id"),
    ("quotes", "btree", "article_id"),
    ("quotes", "btree", "day"),
    ("quotes", "spgist", "speaker_name"),
    ("quotes", "gin", "topics"),
    ("topics", "btree", "article_id"),
    ("topics", "btree", "quote_id"),
    ("topics", "btree", "topic_id, day"),
    ("stories", "btree", "day"),
    ("dead_letters", "btree", "day"),
    ("feed_health", "spgist", "feed_url"),
    ("feed_health", "btree", "day"),
)


def lock_tables(db: PostgresConnection, schema: str) -> None:
    """Lock the tables against other loads and migrations until the transaction ends.

    As for all functions here, ``schema`` must be the search path of the transaction.
    """
    db.execute("SELECT pg_advisory_xact_lock(hashtextextended('newsbeam ' || %s, 0))", [schema])


def prepare_tables(db: PostgresConnection, schema: str) -> None:
    """Create the tables if there are none, and migrate the tables of an earlier version.

    Raises:
        UsageError: The tables are of a later version, or not Newsbeam's.
        psycopg.Error: The database rejects a statement.
    """
    if _version(db, schema) == SCHEMA_VERSION:
        return
    lock_tables(db, schema)
    version = _version(db, schema)
    if version is None:
        _create(db, schema)
    elif version > SCHEMA_VERSION:
        raise UsageError(
            f"its tables are of version {version}, and this Newsbeam knows none after "
            f"{SCHEMA_VERSION}; update it"
        )
    elif version < SCHEMA_VERSION:
        _migrate(db, schema, version)


def _version(db: PostgresConnection, schema: str) -> int | None:
    """Return the version of the tables; None if there are none."""
    if "schema_versions" not in _existing_tables(db, schema):
        return None
    # The schema is named so that the error for a missing privilege names it.
    row = db.execute(f'SELECT max("version") FROM "{schema}"."schema_versions"').fetchone()
    return row[0] if row else None


def _existing_tables(db: PostgresConnection, schema: str) -> set[str]:
    """Return which of Newsbeam's table names exist in the schema."""
    rows = db.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE nspname = %s AND relname = ANY(%s)",
        [schema, list(TABLES)],
    )
    return {name for (name,) in rows}


def _create(db: PostgresConnection, schema: str) -> None:
    if foreign := _existing_tables(db, schema):
        raise UsageError(
            f"it has tables that are not Newsbeam's ({', '.join(sorted(foreign))}); name another "
            "--postgres_schema"
        )
    exists = db.execute("SELECT FROM pg_namespace WHERE nspname = %s", [schema]).fetchone()
    if exists is None:  # IF NOT EXISTS would need a privilege even if the schema exists
        db.execute(f'CREATE SCHEMA "{schema}"')
    for statement in _BOOKKEEPING_TABLES.values():
        db.execute(statement)
    _finish(db, schema)


def _migrate(db: PostgresConnection, schema: str, version: int) -> None:
    fields = {(r.TABLE, f.name): f for r in RECORDS for f in fields_of(r)}
    for column in (c for c in ADDED_COLUMNS if c.version > version):
        field = fields[column.table, column.name]
        table, name = f'"{column.table}"', f'"{column.name}"'
        db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {sql_type(field, 'postgresql')}")
        before = EMPTY_LIST if field.repeated else column.before
        if before != "NULL":
            db.execute(f"UPDATE {table} SET {name} = {before}")
        if not field.nullable:
            db.execute(f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL")
    _finish(db, schema)


def _finish(db: PostgresConnection, schema: str) -> None:
    """Create missing tables and indexes, and set the comments and the version."""
    present = _existing_tables(db, schema)
    for record in RECORDS:
        if record.TABLE not in present:
            db.execute(create_table(record, "postgresql"))
        _comment(db, record)
    for table, method, columns in _INDEXES:
        name = f"{table}_{columns.replace(', ', '_')}"
        db.execute(f'CREATE INDEX IF NOT EXISTS "{name}" ON "{table}" USING {method} ({columns})')
    db.execute('INSERT INTO "schema_versions" ("version") VALUES (%s)', [SCHEMA_VERSION])


def _comment(db: PostgresConnection, record: type[Record]) -> None:
    texts = {f'TABLE "{record.TABLE}"': (record.__doc__ or "").partition("\n")[0]}
    texts |= {f'COLUMN "{record.TABLE}"."{f.name}"': f.doc for f in fields_of(record)}
    for what, text in texts.items():
        db.execute(sql.SQL(f"COMMENT ON {what} IS {{}}").format(text))
