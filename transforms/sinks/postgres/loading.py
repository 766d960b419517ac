"""How the records of a run get into the tables of a PostgreSQL database.

They are copied in batches into a temporary table and put from there into their own: COPY takes
large texts several times as fast as INSERT. What the tables hold does not depend on the order in
which runs are loaded: of two records of one key that of the run that started later stays, and
with an article go the entities, quotes and topics that an earlier run found in it. A dead letter
keeps the time when it was first seen.
"""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, Final

from psycopg.types.json import Jsonb

from schemas import RECORDS, Article, DeadLetter, Record
from schemas.fields import Field, fields_of
from schemas.migrations import ADDED_COLUMNS
from transforms.sinks.postgres.tables import Db
from transforms.sinks.run_rows import Row, read_row_batches
from transforms.storage.runs import CommittedRun

_REFUSED: Final = re.compile("[\x00\ud800-\udfff]")
_OF_ARTICLES: Final = tuple(
    r for r in RECORDS if r is not Article and any(f.name == "article_id" for f in fields_of(r))
)
_FIRST_SEEN: Final = ("day", "first_seen_at")


class Loading:
    """A run on its way into the tables, in a transaction in which it is a loaded run."""

    def __init__(self, db: Db, run: CommittedRun, started: dt.datetime) -> None:
        self._db = db
        self._run = run
        self._of = {"run": run.run_id, "started": started}
        self.replaced = 0
        """Texts with characters that PostgreSQL refuses."""

    def load(self, record: type[Record]) -> int:
        """All records of a type; how many there are."""
        fields, put = fields_of(record), _put(record)
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
                cursor.execute(put, self._of)
                if record is Article:
                    self._forget_findings(cursor.fetchall())
                cursor.execute(f'TRUNCATE "incoming_{record.TABLE}"')
            count += len(rows)
        return count

    def _forget_findings(self, articles: list[tuple[str, str]]) -> None:
        """Remove what earlier runs found in articles: it points into texts that are replaced."""
        ids, run_ids = ([article[i] for article in articles] for i in range(2))
        for record in _OF_ARTICLES:
            self._db.execute(
                f'DELETE FROM "{record.TABLE}" AS old USING unnest(%s::text[], %s::text[]) '
                "AS new(id, run_id) WHERE old.article_id = new.id AND old.run_id <> new.run_id",
                [ids, run_ids],
            )

    def _cleaner(self, field: Field) -> Callable[[Any], Any] | None:
        """What a column's values go through; None for those that hold no text."""
        if field.record:
            return lambda value: Jsonb(self._clean(value))
        return self._clean if field.kind == "string" else None

    def _clean(self, value: Any) -> Any:
        """The value with U+FFFD for each character that is refused: offsets stay as they are."""
        if isinstance(value, str):
            if _REFUSED.search(value):
                self.replaced += 1
                return _REFUSED.sub("\ufffd", value)
        elif isinstance(value, list):
            return [self._clean(item) for item in value]
        elif isinstance(value, dict):
            return {name: self._clean(item) for name, item in value.items()}
        return value


def _unique(rows: list[Row], record: type[Record]) -> list[Row]:
    """One row a key, the first: ON CONFLICT takes none twice."""
    if record is DeadLetter:
        rows = sorted(rows, key=lambda row: row["first_seen_at"])
    return list({row[record.KEY]: row for row in reversed(rows)}.values())


def _put(record: type[Record]) -> str:
    """The statement that moves records from the temporary table to their own."""
    fields, key = fields_of(record), record.KEY
    before = {c.name: c.before for c in ADDED_COLUMNS if c.table == record.TABLE}
    values = ", ".join(
        f'COALESCE("{f.name}", {before[f.name]})' if f.name in before else f'"{f.name}"'
        for f in fields
    )
    # Within a run the first of a key stays: the run is not later than itself.
    newer = (
        "COALESCE((%(started)s, %(run)s) > (SELECT r.started_at, r.run_id FROM loaded_runs r "
        "WHERE r.run_id = kept.run_id), true)"
    )
    sets = [f'"{f.name}" = EXCLUDED."{f.name}"' for f in fields if f.name != key]
    where = newer
    if record is DeadLetter:
        sets = [
            f'"{f.name}" = LEAST(kept."{f.name}", EXCLUDED."{f.name}")'
            if f.name in _FIRST_SEEN
            else f'"{f.name}" = CASE WHEN {newer} THEN EXCLUDED."{f.name}" ELSE kept."{f.name}" END'
            for f in fields
            if f.name != key
        ]
        where = "true"
    given = f'SELECT {values} FROM "incoming_{record.TABLE}" AS incoming'
    if record in _OF_ARTICLES:
        given += (
            " WHERE NOT EXISTS (SELECT FROM articles a WHERE a.article_id = incoming.article_id "
            "AND a.run_id <> incoming.run_id)"
        )
    return (
        f'INSERT INTO "{record.TABLE}" AS kept ({_columns(fields)}) {given} '
        f'ON CONFLICT ("{key}") DO UPDATE SET {", ".join(sets)} WHERE {where}'
        + (" RETURNING article_id, run_id" if record is Article else "")
    )


def _columns(fields: tuple[Field, ...]) -> str:
    return ", ".join(f'"{f.name}"' for f in fields)
