"""Rows per second into PostgreSQL: for a new run, for one that replaces it, and for bare COPY.

usage: python -m benchmarks.postgres --postgres DSN [--articles 3000]

Works in a schema ``newsbeam_benchmark``, which it drops. Bare COPY writes the same rows from memory
into tables without keys, indexes and checks. The difference is the cost of reading the rows from
files and of storing each row only once.
"""

import argparse
import datetime as dt
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import psycopg
import pyarrow.parquet as pq

from schemas import Article, Quote, Record
from schemas.arrow import arrow_table
from schemas.fields import Field, fields_of
from schemas.ids import stable_id
from transforms.sinks.postgres.database import PostgresDatabase
from transforms.sinks.postgres.options import PostgresOptions
from transforms.storage.runs import read_committed_run

SCHEMA: Final = "newsbeam_benchmark"
_QUOTES: Final = 13  # per article, as in the sample site
_TIME: Final = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.timezone.utc)
_VALUES: Final = {"integer": 1, "float": 0.5, "boolean": False}
_VALUES_OF_TIME: Final = {"timestamp": _TIME, "date": _TIME.date()}


def make_records(articles: int, run_id: str) -> Iterator[Record]:
    """Yield articles of 3,000 characters, and their quotes."""
    for number in range(articles):
        article_id = stable_id("article", number)
        yield _make_record(
            Article, article_id, article_id=article_id, run_id=run_id, text="words " * 500
        )
        for position in range(_QUOTES):
            key = stable_id(article_id, position)
            name = f"Speaker {number % 1000}"
            yield _make_record(Quote, key, article_id=article_id, run_id=run_id, speaker_name=name)


def _make_record(record: type[Record], key: str, **values: Any) -> Record:
    defaults: dict[str, Any] = {
        f.name: _make_value(f) for f in fields_of(record) if f.name != "schema_version"
    }
    return record(**(defaults | {record.KEY: key} | values))


def _make_value(field: Field) -> Any:
    if field.repeated:
        return ["elections"]
    return _VALUES_OF_TIME.get(field.kind) or _VALUES.get(field.kind, f"some {field.name}")


def write_run(output: Path, run_id: str, rows: Sequence[Record], minute: int) -> None:
    """Write a run of the given records, which started at the given minute."""
    folder = output / "runs" / run_id
    for record in (Article, Quote):
        path = folder / "parquet" / record.TABLE / "part-00000.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(arrow_table(record, [row for row in rows if type(row) is record]), path)
    started = (_TIME + dt.timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    (folder / "summary.json").write_text(json.dumps({"started_at": started}), encoding="utf-8")


def time_bare_copy(dsn: str, rows: Sequence[Record]) -> float:
    """Return the seconds that COPY alone takes."""
    with psycopg.connect(dsn) as db:
        values_by_record = [
            (
                record,
                [
                    [getattr(row, f.name) for f in fields_of(record)]
                    for row in rows
                    if type(row) is record
                ],
            )
            for record in (Article, Quote)
        ]
        started = time.perf_counter()
        for record, values in values_by_record:
            name = f'{SCHEMA}."bare_{record.TABLE}"'
            db.execute(f'CREATE TABLE {name} AS TABLE {SCHEMA}."{record.TABLE}" WITH NO DATA')
            with db.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
        db.commit()
        return time.perf_counter() - started


def measure_speeds(dsn: str, articles: int) -> dict[str, float]:
    """Return the rows per second of a new run, of one that replaces it, and of bare COPY."""
    database = PostgresDatabase(PostgresOptions(postgres=dsn, postgres_schema=SCHEMA))
    with psycopg.connect(dsn, autocommit=True) as db, tempfile.TemporaryDirectory() as folder:
        db.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        database.list_loaded_runs()
        speeds: dict[str, float] = {}
        try:
            for minute, run_id in enumerate(("new", "again")):
                rows = list(make_records(articles, run_id))
                write_run(Path(folder), run_id, rows, minute)
                started = time.perf_counter()
                loaded = database.load(read_committed_run(folder, run_id))
                speeds[run_id] = sum(loaded.values()) / (time.perf_counter() - started)
            speeds["bare COPY"] = len(rows) / time_bare_copy(dsn, rows)
        finally:
            db.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    return speeds


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postgres", required=True, metavar="DSN")
    parser.add_argument("--articles", type=int, default=3000)
    args = parser.parse_args()
    speeds = measure_speeds(args.postgres, args.articles)
    for name, speed in speeds.items():
        print(f"{name:<10}{speed:>10,.0f} rows/s  {speed / speeds['bare COPY']:.2f} of bare COPY")


if __name__ == "__main__":
    main()
