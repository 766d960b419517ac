"""The tables of a PostgreSQL database: made from the records, and migrated from version to version.

Their version is that of the records (``SCHEMA_VERSION``), and the table ``schema_versions`` has
it. All is done in the transaction of the caller, under a lock, so that it is done whole and once.
"""

from typing import Any, Final

from psycopg import Connection, sql

from schemas import RECORDS, SCHEMA_VERSION, Record
from schemas.fields import fields_of
from schemas.migrations import ADDED_COLUMNS
from schemas.sql import create_table, sql_type
from transforms.core.errors import UsageError

Db = Connection[tuple[Any, ...]]

_OWN: Final = {
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

TABLES: Final = (*_OWN, *(record.TABLE for record in RECORDS))

# What a page may make as long as it likes (names, addresses) is no key of a B-tree, whose keys are
# short: one such record would keep its run out of the database. SP-GiST takes any length.
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


def lock(db: Db, schema: str) -> None:
    """Wait until no other program makes, migrates or fills these tables, to the transaction's end.

    The schema is the search path of the transaction, as for all that is here.
    """
    db.execute("SELECT pg_advisory_xact_lock(hashtextextended('newsbeam ' || %s, 0))", [schema])


def ready(db: Db, schema: str) -> None:
    """Make the tables where there are none; migrate those of an earlier version.

    Raises:
        UsageError: they are of a later version, or not Newsbeam's.
        psycopg.Error: the database refuses.
    """
    if _version(db, schema) == SCHEMA_VERSION:
        return
    lock(db, schema)
    version = _version(db, schema)
    if version is None:
        _make(db, schema)
    elif version > SCHEMA_VERSION:
        raise UsageError(
            f"its tables are of version {version}, and this Newsbeam knows none after "
            f"{SCHEMA_VERSION}; update it"
        )
    elif version < SCHEMA_VERSION:
        _migrate(db, schema, version)


def _version(db: Db, schema: str) -> int | None:
    """The version of the tables; None if there are none."""
    if "schema_versions" not in _present(db, schema):
        return None
    # With the schema's name, so that a user who may not use it is told that.
    row = db.execute(f'SELECT max("version") FROM "{schema}"."schema_versions"').fetchone()
    return row[0] if row else None


def _present(db: Db, schema: str) -> set[str]:
    """Which of our tables' names are taken in the schema."""
    taken = db.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE nspname = %s AND relname = ANY(%s)",
        [schema, list(TABLES)],
    )
    return {name for (name,) in taken}


def _make(db: Db, schema: str) -> None:
    if foreign := _present(db, schema):
        raise UsageError(
            f"it has tables that are not Newsbeam's ({', '.join(sorted(foreign))}); name another "
            "--postgres_schema"
        )
    there = db.execute("SELECT FROM pg_namespace WHERE nspname = %s", [schema]).fetchone()
    if there is None:  # asked first, as IF NOT EXISTS takes a right that the user may lack
        db.execute(f'CREATE SCHEMA "{schema}"')
    for statement in _OWN.values():
        db.execute(statement)
    _complete(db, schema)


def _migrate(db: Db, schema: str, version: int) -> None:
    fields = {(r.TABLE, f.name): f for r in RECORDS for f in fields_of(r)}
    for column in (c for c in ADDED_COLUMNS if c.version > version):
        field = fields[column.table, column.name]
        table, name = f'"{column.table}"', f'"{column.name}"'
        db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {sql_type(field, 'postgresql')}")
        if column.before != "NULL":
            db.execute(f"UPDATE {table} SET {name} = {column.before}")
        if not field.nullable:
            db.execute(f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL")
    _complete(db, schema)


def _complete(db: Db, schema: str) -> None:
    """What does not depend on the version before: new tables, indexes, comments, the version."""
    present = _present(db, schema)
    for record in RECORDS:
        if record.TABLE not in present:
            db.execute(create_table(record, "postgresql"))
        _comment(db, record)
    for table, method, columns in _INDEXES:
        name = f"{table}_{columns.replace(', ', '_')}"
        db.execute(f'CREATE INDEX IF NOT EXISTS "{name}" ON "{table}" USING {method} ({columns})')
    db.execute('INSERT INTO "schema_versions" ("version") VALUES (%s)', [SCHEMA_VERSION])


def _comment(db: Db, record: type[Record]) -> None:
    texts = {f'TABLE "{record.TABLE}"': (record.__doc__ or "").partition("\n")[0]}
    texts |= {f'COLUMN "{record.TABLE}"."{f.name}"': f.doc for f in fields_of(record)}
    for what, text in texts.items():
        db.execute(sql.SQL(f"COMMENT ON {what} IS {{}}").format(text))
