"""Load the records of a run into the tables of a PostgreSQL database.

Batches of records are copied into a temporary table and upserted from there: COPY loads large
texts several times as fast as INSERT.

The final content of the tables does not depend on the order of loads. If two records have the same
key, the one from the run that started later stays. Replacing an article removes the entities,
quotes and topics that an earlier run found in it. A dead letter keeps the time when it was first
seen.
"""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, Final

from psycopg.types.json import Jsonb

from schemas import Article, DeadLetter, Record
from schemas.fields import Field, fields_of
from schemas.migrations import values_before
from transforms.sinks.databases import ANNOTATIONS, FIRST_SEEN_COLUMNS
from transforms.sinks.postgres.tables import EMPTY_LIST, PostgresConnection
from transforms.sinks.run_rows import read_row_batches
from transforms.storage.record_files import Row
from transforms.storage.runs import CommittedRun

_REJECTED: Final = re.compile("[\x00\ud800-\udfff]")
"""Characters that PostgreSQL rejects in texts: NUL and lone surrogates."""


class RunLoader:
    """A loader of one run, in a transaction that has already entered the run in ``loaded_runs``."""

    def __init__(self, db: PostgresConnection, run: CommittedRun, started: dt.datetime) -> None:
        self._db = db
        self._run = run
        self._parameters = {"run": run.run_id, "started": started}
        self.replaced = 0
        """The number of texts in which characters that PostgreSQL rejects were replaced."""

    def load_records(self, record: type[Record]) -> int:
        """Load all records of one type, and return their number."""
        fields, upsert = fields_of(record), _upsert_statement(record)
        columns = _columns(fields)
        cleaned = [(f.name, self._cleaner(f)) for f in fields]
        count = 0
        for batch in read_row_batches(self._run, record):
            if not count:
                self._db.execute(
                    f'CREATE TEMPORARY TABLE "incoming_{record.TABLE}" ON COMMIT DROP AS '
                    f'SELECT {columns} FROM "{record.TABLE}" WITH NO DATA'
                )
            rows = _unique(batch, record)
            with self._db.cursor() as cursor:
                with cursor.copy(f'COPY "incoming_{record.TABLE}" ({columns}) FROM STDIN') as copy:
                    for row in rows:
                        values = ((row.get(name), clean) for name, clean in cleaned)
                        copy.write_row(
                            [v if v is None or not clean else clean(v) for v, clean in values]
                        )
                cursor.execute(upsert, self._parameters)
                if record is Article:
                    self._delete_annotations(cursor.fetchall())
                cursor.execute(f'TRUNCATE "incoming_{record.TABLE}"')
            count += len(rows)
        return count

    def _delete_annotations(self, articles: list[tuple[str, str]]) -> None:
        """Delete the annotations by earlier runs of replaced articles: their offsets are stale."""
        ids, run_ids = ([article[i] for article in articles] for i in range(2))
        for record in ANNOTATIONS:
            self._db.execute(
                f'DELETE FROM "{record.TABLE}" AS old USING unnest(%s::text[], %s::text[]) '
                "AS new(id, run_id) WHERE old.article_id = new.id AND old.run_id <> new.run_id",
                [ids, run_ids],
            )

    def _cleaner(self, field: Field) -> Callable[[Any], Any] | None:
        """Return the function that cleans the values of a column; None if they hold no text."""
        if field.record:
            return lambda value: Jsonb(self._clean(value))
        return self._clean if field.kind == "string" else None

    def _clean(self, value: Any) -> Any:
        """Replace each rejected character in a value by U+FFFD, which keeps all offsets."""
        if isinstance(value, str):
            if _REJECTED.search(value):
                self.replaced += 1
                return _REJECTED.sub("\ufffd", value)
        elif isinstance(value, list):
            return [self._clean(item) for item in value]
        elif isinstance(value, dict):
            return {name: self._clean(item) for name, item in value.items()}
        return value


def _unique(rows: list[Row], record: type[Record]) -> list[Row]:
    """Return the first row of each key, since ON CONFLICT rejects two rows of one key.

    Dead letters are first sorted by time, so that the earliest stays.
    """
    if record is DeadLetter:
        rows = sorted(rows, key=lambda row: row["first_seen_at"])
    return list({row[record.KEY]: row for row in reversed(rows)}.values())


def _upsert_statement(record: type[Record]) -> str:
    """Return the statement that upserts records from the temporary table into their table."""
    fields, key = fields_of(record), record.KEY
    before = values_before(record.TABLE)
    values = ", ".join(
        f'COALESCE("{f.name}", {EMPTY_LIST if f.repeated else before[f.name]})'
        if f.name in before
        else f'"{f.name}"'
        for f in fields
    )
    # If a run has two records of one key, the first stays: the run is not later than itself.
    newer = (
        "COALESCE((%(started)s, %(run)s) > (SELECT r.started_at, r.run_id FROM loaded_runs r "
        "WHERE r.run_id = stored.run_id), true)"
    )
    sets = [f'"{f.name}" = EXCLUDED."{f.name}"' for f in fields if f.name != key]
    where = newer
    if record is DeadLetter:
        sets = [
            f'"{f.name}" = LEAST(stored."{f.name}", EXCLUDED."{f.name}")'
            if f.name in FIRST_SEEN_COLUMNS
            else f'"{f.name}" = CASE WHEN {newer} THEN EXCLUDED."{f.name}" '
            f'ELSE stored."{f.name}" END'
            for f in fields
            if f.name != key
        ]
        where = "true"
    source = f'SELECT {values} FROM "incoming_{record.TABLE}" AS incoming'
    if record in ANNOTATIONS:
        source += (
            " WHERE NOT EXISTS (SELECT FROM articles a WHERE a.article_id = incoming.article_id "
            "AND a.run_id <> incoming.run_id)"
        )
    return (
        f'INSERT INTO "{record.TABLE}" AS stored ({_columns(fields)}) {source} '
        f'ON CONFLICT ("{key}") DO UPDATE SET {", ".join(sets)} WHERE {where}'
        + (" RETURNING article_id, run_id" if record is Article else "")
    )


def _columns(fields: tuple[Field, ...]) -> str:
    return ", ".join(f'"{f.name}"' for f in fields)
