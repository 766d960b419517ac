"""SQL that merges a staged run into a BigQuery dataset. This module only builds text."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final

from schemas import RECORDS, Article, DeadLetter, Record
from schemas.fields import fields_of
from schemas.migrations import ADDED_COLUMNS, values_before
from transforms.sinks.databases import ANNOTATIONS, FIRST_SEEN_COLUMNS

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
"""The bookkeeping tables, which make every load happen once and as a whole."""


def load_script(
    dataset: str, run_id: str, started_at: dt.datetime, staged: Mapping[str, str]
) -> str:
    """Return the script that merges a staged run in one transaction.

    It changes nothing if the dataset already has the run. It returns one row with one column:
    whether the run was merged.

    The final content of the tables does not depend on the order of loads. A record replaces the
    stored record of its key, unless that one is from a run that started later. Replacing an
    article removes the entities, quotes and topics that another run found in it. A dead letter
    keeps the time when it was first seen.

    BigQuery lets two transactions that only insert rows run at the same time, which would store a
    record twice. So every script updates the row of the lock table, and BigQuery aborts one of
    the two.

    Args:
        dataset: The dataset, as PROJECT.DATASET.
        run_id: The id of the run.
        started_at: The start time of the run.
        staged: The staging table of each table for which the run has records.

    Raises:
        ValueError: The id or a name has characters that are not allowed.
    """
    names = _Names(dataset, run_id, started_at, staged)
    by_table = {record.TABLE: record for record in RECORDS}
    merges = [_merge(record, names) for table, record in by_table.items() if table in staged]
    if Article.TABLE in staged:
        merges[1:1] = [_delete_annotations(record, names) for record in ANNOTATIONS]
    return f"""\
DECLARE is_merged BOOL DEFAULT FALSE;
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
{"".join(merges)}SET is_merged = TRUE;
END IF;
COMMIT TRANSACTION;
SELECT is_merged;
"""


def backfill_statements(dataset: str, since: int) -> str:
    """Return the statements that fill the columns added after version ``since``, if any."""
    return "".join(
        f"UPDATE {_table(dataset, c.table)} SET `{c.name}` = {c.before} WHERE `{c.name}` IS NULL;\n"
        for c in ADDED_COLUMNS
        if c.version > since and c.before != "NULL"
    )


class _Names:
    """The names and literals of a load, quoted for the statements."""

    def __init__(
        self, dataset: str, run_id: str, started_at: dt.datetime, staged: Mapping[str, str]
    ) -> None:
        self._dataset = dataset
        self._staged = staged
        self.run = f"'{_check_name(run_id)}'"
        self.started = f"TIMESTAMP '{started_at.astimezone(dt.timezone.utc).isoformat(' ')}'"
        self.runs = self.table(RUNS)
        self.lock = self.table(LOCK)

    def table(self, name: str) -> str:
        return _table(self._dataset, name)

    def staging(self, record: type[Record]) -> str:
        return self.table(self._staged[record.TABLE])


def _merge(record: type[Record], names: _Names) -> str:
    """Return the statements that merge the staged records of one type, in any partition.

    The first statement reads the days of the existing records, from two columns only. The merge
    then reads, and is billed for, just these partitions: BigQuery prunes partitions by a variable
    but not by the result of a join. Annotations have the day of their article.
    """
    columns = [field.name for field in fields_of(record)]
    listed = ", ".join(f"`{column}`" for column in columns)
    values = ", ".join(f"incoming.`{column}`" for column in columns)
    sets = ", ".join(_assignment(record, column) for column in columns if column != record.KEY)
    owner = Article if record in ANNOTATIONS else record
    otherwise = ""
    if record is DeadLetter:
        earliest = ", ".join(_assignment(record, column) for column in FIRST_SEEN_COLUMNS)
        otherwise = f"WHEN MATCHED THEN UPDATE SET {earliest}\n"
    return f"""\
SET days = ARRAY(
SELECT DISTINCT day FROM {names.table(owner.TABLE)}
WHERE {owner.KEY} IN (SELECT {owner.KEY} FROM {names.staging(record)}));
MERGE INTO {names.table(record.TABLE)} AS stored
USING (
{_incoming(record, names)}) AS incoming
ON stored.{record.KEY} = incoming.{record.KEY} AND stored.day IN UNNEST(days)
WHEN MATCHED AND stored.run_id NOT IN UNNEST(later) THEN UPDATE SET {sets}
{otherwise}WHEN NOT MATCHED THEN INSERT ({listed}) VALUES ({values});
"""


def _incoming(record: type[Record], names: _Names) -> str:
    """Return the query of the staged records: one per key, with values for added columns."""
    before = values_before(record.TABLE)
    listed = ", ".join(
        f"COALESCE(`{f.name}`, {before[f.name]}) AS `{f.name}`"
        if f.name in before and not f.repeated  # BigQuery reads a missing list as an empty one
        else f"`{f.name}`"
        for f in fields_of(record)
    )
    condition = "TRUE"
    if record in ANNOTATIONS:
        condition = (
            f"article_id NOT IN (SELECT article_id FROM {names.table(Article.TABLE)} "
            f"WHERE day IN UNNEST(days) AND run_id IN UNNEST(later))"
        )
    order = ", ".join(FIRST_SEEN_COLUMNS if record is DeadLetter else ("day",))
    return f"""\
SELECT {listed} FROM {names.staging(record)} WHERE {condition}
QUALIFY ROW_NUMBER() OVER (PARTITION BY {record.KEY} ORDER BY {order}) = 1"""


def _assignment(record: type[Record], column: str) -> str:
    if record is DeadLetter and column in FIRST_SEEN_COLUMNS:
        return f"`{column}` = LEAST(stored.`{column}`, incoming.`{column}`)"
    return f"`{column}` = incoming.`{column}`"


def _delete_annotations(record: type[Record], names: _Names) -> str:
    """Return the statement that deletes earlier annotations, whose offsets no longer apply."""
    return f"""\
DELETE FROM {names.table(record.TABLE)}
WHERE day IN UNNEST(days) AND run_id NOT IN UNNEST(later)
AND article_id IN (SELECT article_id FROM {names.staging(Article)});
"""


def _table(dataset: str, name: str) -> str:
    return f"`{_check_name(dataset)}.{_check_name(name)}`"


def _check_name(text: str) -> str:
    if not re.fullmatch(r"[\w.:-]+", text, re.ASCII):
        raise ValueError(f"{text!r} has characters that are not allowed in ids and names")
    return text
