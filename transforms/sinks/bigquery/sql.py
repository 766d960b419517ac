"""The statements by which a run that is staged becomes part of a BigQuery dataset. Pure text."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final

from schemas import RECORDS, Article, DeadLetter, Record
from schemas.fields import fields_of
from schemas.migrations import ADDED_COLUMNS

RUNS: Final = "loaded_runs"
LOCK: Final = "load_lock"

BOOKKEEPING_FIELDS: Final[dict[str, list[dict[str, Any]]]] = {
    RUNS: [
        {"name": "run_id", "type": "STRING", "mode": "REQUIRED", "description": "The run."},
        {
            "name": "started_at",
            "type": "TIMESTAMP",
            "mode": "REQUIRED",
            "description": "When it was started, UTC.",
        },
        {
            "name": "loaded_at",
            "type": "TIMESTAMP",
            "mode": "REQUIRED",
            "description": "When its records came in, UTC.",
        },
    ],
    LOCK: [
        {
            "name": "loads",
            "type": "INTEGER",
            "mode": "REQUIRED",
            "description": "Changed by every load, so that of two at a time one is aborted.",
        }
    ],
}
"""The tables beside those of the records, which hold what makes a load happen once and whole."""

_OF_ARTICLES: Final = tuple(
    r for r in RECORDS if r is not Article and any(f.name == "article_id" for f in fields_of(r))
)
_EARLIEST: Final = ("day", "first_seen_at")


def load_script(
    dataset: str, run_id: str, started_at: dt.datetime, staged: Mapping[str, str]
) -> str:
    """The script that takes in a staged run: all of it, or nothing where it is there already.

    ``staged`` names the staging table of each table of which the run has records. The script
    yields one row, which says whether the run was taken in.

    What the tables hold afterwards does not depend on the order of loads: a record replaces the
    one of its key unless a run that started later brought that one. With an article go the
    entities, quotes and topics that another run found in it. A dead letter keeps the time when
    it was first seen.

    BigQuery lets two transactions that only add rows go on side by side, and a record that both
    add would double. So each changes the row of the lock, and one of them is aborted.

    Raises:
        ValueError: the id of the run, or a name, has characters that ids and names have not.
    """
    names = _Names(dataset, run_id, started_at, staged)
    by_table = {record.TABLE: record for record in RECORDS}
    merges = [_merge(record, names) for table, record in by_table.items() if table in staged]
    if Article.TABLE in staged:
        merges[1:1] = [_forget(record, names) for record in _OF_ARTICLES]
    return f"""\
DECLARE taken_in BOOL DEFAULT FALSE;
DECLARE later ARRAY<STRING>;
DECLARE days ARRAY<DATE>;
INSERT INTO {names.lock} (`loads`)
SELECT 0 FROM (SELECT 1) WHERE NOT EXISTS (SELECT 1 FROM {names.lock});
BEGIN TRANSACTION;
IF NOT EXISTS (SELECT 1 FROM {names.runs} WHERE run_id = {names.run}) THEN
UPDATE {names.lock} SET `loads` = `loads` + 1 WHERE TRUE;
SET later = ARRAY(
SELECT run_id FROM {names.runs} WHERE started_at > {names.started}
OR (started_at = {names.started} AND run_id > {names.run}));
INSERT INTO {names.runs} (`run_id`, `started_at`, `loaded_at`)
VALUES ({names.run}, {names.started}, CURRENT_TIMESTAMP());
{"".join(merges)}SET taken_in = TRUE;
END IF;
COMMIT TRANSACTION;
SELECT taken_in;
"""


def backfill_statements(dataset: str, since: int) -> str:
    """The statements that give records of an earlier version what later ones added, if any."""
    return "".join(
        f"UPDATE {_table(dataset, c.table)} SET `{c.name}` = {c.before} WHERE `{c.name}` IS NULL;\n"
        for c in ADDED_COLUMNS
        if c.version > since and c.before != "NULL"
    )


class _Names:
    """What the statements are about, as they write it."""

    def __init__(
        self, dataset: str, run_id: str, started_at: dt.datetime, staged: Mapping[str, str]
    ) -> None:
        self._dataset = dataset
        self._staged = staged
        self.run = f"'{_sound(run_id)}'"
        self.started = f"TIMESTAMP '{started_at.astimezone(dt.timezone.utc).isoformat(' ')}'"
        self.runs = self.table(RUNS)
        self.lock = self.table(LOCK)

    def table(self, name: str) -> str:
        return _table(self._dataset, name)

    def staging(self, record: type[Record]) -> str:
        return self.table(self._staged[record.TABLE])


def _merge(record: type[Record], names: _Names) -> str:
    """A record takes the place of the one of its key, in whatever partition that is.

    The days of the records that are there come first, from the two columns that tell. The merge
    then reads, and is billed for, no partition but theirs: BigQuery leaves partitions out by a
    variable, but not by what a join finds. Findings are on the day of their article.
    """
    columns = [field.name for field in fields_of(record)]
    listed = ", ".join(f"`{column}`" for column in columns)
    values = ", ".join(f"incoming.`{column}`" for column in columns)
    sets = ", ".join(_change(record, column) for column in columns if column != record.KEY)
    owner = Article if record in _OF_ARTICLES else record
    otherwise = ""
    if record is DeadLetter:
        earliest = ", ".join(_change(record, column) for column in _EARLIEST)
        otherwise = f"WHEN MATCHED THEN UPDATE SET {earliest}\n"
    return f"""\
SET days = ARRAY(
SELECT DISTINCT day FROM {names.table(owner.TABLE)}
WHERE {owner.KEY} IN (SELECT {owner.KEY} FROM {names.staging(record)}));
MERGE INTO {names.table(record.TABLE)} AS kept
USING (
{_incoming(record, names)}) AS incoming
ON kept.{record.KEY} = incoming.{record.KEY} AND kept.day IN UNNEST(days)
WHEN MATCHED AND kept.run_id NOT IN UNNEST(later) THEN UPDATE SET {sets}
{otherwise}WHEN NOT MATCHED THEN INSERT ({listed}) VALUES ({values});
"""


def _incoming(record: type[Record], names: _Names) -> str:
    """The staged records, one a key, with what their version of the schema lacks."""
    before = {
        column.name: column.before for column in ADDED_COLUMNS if column.table == record.TABLE
    }
    listed = ", ".join(
        f"COALESCE(`{f.name}`, {before[f.name]}) AS `{f.name}`"
        if f.name in before
        else f"`{f.name}`"
        for f in fields_of(record)
    )
    condition = "TRUE"
    if record in _OF_ARTICLES:
        condition = (
            f"article_id NOT IN (SELECT article_id FROM {names.table(Article.TABLE)} "
            f"WHERE day IN UNNEST(days) AND run_id IN UNNEST(later))"
        )
    order = ", ".join(_EARLIEST if record is DeadLetter else ("day",))
    return f"""\
SELECT {listed} FROM {names.staging(record)} WHERE {condition}
QUALIFY ROW_NUMBER() OVER (PARTITION BY {record.KEY} ORDER BY {order}) = 1"""


def _change(record: type[Record], column: str) -> str:
    if record is DeadLetter and column in _EARLIEST:
        return f"`{column}` = LEAST(kept.`{column}`, incoming.`{column}`)"
    return f"`{column}` = incoming.`{column}`"


def _forget(record: type[Record], names: _Names) -> str:
    """Remove what earlier runs found in articles: it points into texts that are replaced."""
    return f"""\
DELETE FROM {names.table(record.TABLE)}
WHERE day IN UNNEST(days) AND run_id NOT IN UNNEST(later)
AND article_id IN (SELECT article_id FROM {names.staging(Article)});
"""


def _table(dataset: str, name: str) -> str:
    return f"`{_sound(dataset)}.{_sound(name)}`"


def _sound(text: str) -> str:
    if not re.fullmatch(r"[\w.:-]+", text, re.ASCII):
        raise ValueError(f"{text!r} has characters that ids and names have not")
    return text
