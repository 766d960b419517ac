import argparse
import datetime as dt
import re
import sys
from itertools import chain, combinations
from typing import Any

import pytest

from pipeline.flags.ingest import add_database_flags
from pipeline.load_databases import open_databases
from schemas import RECORDS, Article
from schemas.bigquery import bigquery_clustering, bigquery_schema, migrate_fields
from schemas.fields import fields_of
from tests.support.example_records import TIME
from transforms.core.errors import UsageError
from transforms.sinks.bigquery.options import BigQueryOptions
from transforms.sinks.bigquery.sql import backfill_statements, load_script

TABLES = [record.TABLE for record in RECORDS]

# From "GoogleSQL lexical structure and syntax"; an emulator takes some of them as names.
RESERVED = """
all and any array as asc assert_rows_modified at between by case cast collate contains create cross
cube current default define desc distinct else end enum escape except exclude exists extract fetch
following for from full group grouping groups hash having if ignore in inner intersect interval into
is join lateral left like limit lookup merge natural new no not null nulls of on or order outer over
partition preceding proto qualify range recursive respect right rollup rows select set some struct
tablesample then to treat unbounded union unnest using when where window with within
"""


def script(*tables: str, run_id: str = "run-1") -> str:
    return load_script("p-1.news", run_id, TIME, {table: f"staging_{table}" for table in tables})


def test_no_name_is_a_reserved_word() -> None:
    """Words of the language are in capitals here, names are not."""
    for text in (script(*TABLES), backfill_statements("p-1.news", 1)):
        bare = re.sub(r"`[^`]*`|'[^']*'", "", text)
        assert not set(re.findall(r"\b[a-z][a-z_]*\b", bare)) & {*RESERVED.split()}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.TABLE)
def test_every_column_is_written(record: Any) -> None:
    text = script(record.TABLE)
    merge = text[text.index(f"MERGE INTO `p-1.news.{record.TABLE}`") :]
    update, insert = re.search(r"UPDATE SET (.*)\n", merge), re.search(r"INSERT \((.*?)\)", merge)
    assert update is not None and insert is not None
    names = [field.name for field in fields_of(record)]
    assert re.findall(r"`(\w+)`", insert[1]) == names
    changed = re.findall(r"`(\w+)` =", update[1])
    assert sorted(changed) == sorted(set(names) - {record.KEY})
    assert set(bigquery_clustering(record)) <= {f.name for f in fields_of(record) if not f.repeated}


def test_only_what_is_staged_is_read() -> None:
    for tables in chain.from_iterable(combinations(TABLES, n) for n in range(3)):
        text = script(*tables)
        assert set(re.findall(r"`p-1\.news\.staging_(\w+)`", text)) == set(tables)
        assert text.count("MERGE INTO") == len(tables)
        forgets = text.count("DELETE FROM")
        assert forgets == (3 if Article.TABLE in tables else 0)
        assert text.index("BEGIN TRANSACTION") < text.index("INSERT INTO `p-1.news.loaded_runs`")


@pytest.mark.parametrize("run_id", ["a'b", "a b", "", "a`b", "a\n", "ä"])
def test_odd_ids_are_refused(run_id: str) -> None:
    with pytest.raises(ValueError, match="characters that are not allowed"):
        script("articles", run_id=run_id)


def test_a_time_says_its_zone() -> None:
    offset = dt.timezone(dt.timedelta(hours=2))
    text = load_script("p-1.news", "r", TIME.astimezone(offset), {})
    assert "TIMESTAMP '2026-11-20 09:30:00+00:00'" in text


def test_columns_are_added_and_constraints_lifted() -> None:
    there: list[dict[str, Any]] = [
        {"name": "a", "type": "STRING", "mode": "REQUIRED"},
        {"name": "n", "type": "INT64"},
        {"name": "mine", "type": "STRING", "mode": "NULLABLE"},
        {
            "name": "r",
            "type": "STRUCT",
            "mode": "REPEATED",
            "fields": [{"name": "x", "type": "BOOL"}],
        },
    ]
    inner = [
        {"name": "x", "type": "BOOLEAN", "mode": "REQUIRED"},
        {"name": "y", "type": "INTEGER", "mode": "REQUIRED"},
    ]
    wanted: list[dict[str, Any]] = [
        {"name": "new", "type": "INTEGER", "mode": "REQUIRED", "description": "New."},
        {"name": "A", "type": "STRING", "mode": "NULLABLE", "description": "An a."},
        {"name": "n", "type": "INTEGER", "mode": "REQUIRED"},
        {"name": "r", "type": "RECORD", "mode": "REPEATED", "fields": inner},
    ]
    fields = migrate_fields(there, wanted)
    assert [(f["name"], f.get("mode", "NULLABLE")) for f in fields] == [
        ("a", "NULLABLE"),
        ("n", "NULLABLE"),
        ("mine", "NULLABLE"),
        ("r", "REPEATED"),
        ("new", "NULLABLE"),
    ]
    assert fields[0]["description"] == "An a."
    modes = [(f["name"], f.get("mode", "NULLABLE")) for f in fields[3]["fields"]]
    assert modes == [("x", "NULLABLE"), ("y", "NULLABLE")]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.TABLE)
def test_a_schema_fits_itself(record: Any) -> None:
    fields = bigquery_schema(record)["fields"]
    assert migrate_fields(fields, fields) == fields


@pytest.mark.parametrize(
    ("kind", "mode"), [("INTEGER", "NULLABLE"), ("STRING", "REPEATED"), ("TIMESTAMP", "REQUIRED")]
)
def test_another_type_is_named(kind: str, mode: str) -> None:
    there = [{"name": "r", "type": "RECORD", "fields": [{"name": "x", "type": kind, "mode": mode}]}]
    inner = [{"name": "x", "type": "STRING", "mode": "NULLABLE"}]
    wanted = [{"name": "r", "type": "RECORD", "mode": "NULLABLE", "fields": inner}]
    with pytest.raises(ValueError, match=rf"column r.x is {kind} {mode}, not STRING NULLABLE"):
        migrate_fields(there, wanted)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bigquery": "news"}, "'news' is not of the form PROJECT.DATASET"),
        ({"bigquery": "my-project.news;"}, "PROJECT.DATASET"),
        ({"bigquery_endpoint": "localhost:9050"}, "--bigquery_endpoint is an address"),
        ({"bigquery_partitions": "hour"}, "--bigquery_partitions"),
    ],
)
def test_flags_are_checked(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        BigQueryOptions(**given)
    BigQueryOptions(bigquery="example.com:my-project.news_1")


def test_without_the_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transforms.sinks.bigquery.database", None)
    parser = argparse.ArgumentParser()
    add_database_flags(parser)
    with pytest.raises(UsageError, match=r"pip install 'newsbeam\[gcp\]'"):
        open_databases(parser.parse_args(["--bigquery", "my-project.news"]))
