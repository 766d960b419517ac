"""PostgreSQL as a database of runs: what a real server holds after what happened to it."""

import dataclasses
import itertools
import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import psycopg
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.load_databases import load_missing_runs
from sample.server import SampleSite
from schemas import (
    RECORDS,
    SCHEMA_VERSION,
    Article,
    DeadLetter,
    Entity,
    Evidence,
    FeedHealth,
    Mention,
    Quote,
    Record,
    Story,
    TopicTag,
)
from schemas.fields import fields_of
from schemas.migrations import ADDED_COLUMNS
from schemas.sql import sql_type
from tests.support.command_line import LOCAL, Command, CommandResult
from tests.support.example_records import TIME, article
from tests.support.hdfs_like_filesystem import SCHEME, HdfsLikeFileSystem
from tests.support.output_runs import example, write_run
from tests.support.paths import ROOT
from tests.support.postgres_server import PostgresServer, serve_postgres
from tests.support.web_server import WebReply, WebServer
from transforms.core.errors import UsageError
from transforms.sinks.postgres.database import PostgresDatabase
from transforms.sinks.postgres.options import PostgresOptions
from transforms.sinks.postgres.tables import TABLES
from transforms.storage.runs import read_committed_run

assert HdfsLikeFileSystem.scheme() == SCHEME
HERE: Final = Path(__file__).parent
DATABASE: Final = "news"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with serve_postgres() as server:
        server.create_database(DATABASE)
        yield server


@dataclass
class Tables:
    """The tables of a schema of its own, through Newsbeam and beside it."""

    server: PostgresServer
    schema: str

    @property
    def dsn(self) -> str:
        return self.server.dsn(DATABASE)

    @property
    def flags(self) -> list[str]:
        return ["--postgres", self.dsn, "--postgres_schema", self.schema]

    def database(self, **options: Any) -> PostgresDatabase:
        given = {"postgres": self.dsn, "postgres_schema": self.schema} | options
        return PostgresDatabase(PostgresOptions(**given))

    def load(self, output: Path, *run_ids: str) -> list[dict[str, int]]:
        database = self.database()
        return [database.load(read_committed_run(str(output), run_id)) for run_id in run_ids]

    def connect(self, **more: Any) -> "psycopg.Connection[tuple[Any, ...]]":
        path = f"-c search_path={self.schema} -c timezone=UTC -c datestyle=ISO"
        return psycopg.connect(self.dsn, options=path, autocommit=True, **more)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(query, values).fetchall()

    def records(self, record: type[Record]) -> list[dict[str, Any]]:
        """All of a table, by key."""
        names = [f.name for f in fields_of(record)]
        columns = ", ".join(f'"{name}"' for name in names)
        query = f'SELECT {columns} FROM "{record.TABLE}" ORDER BY "{record.KEY}" COLLATE "C"'
        return [dict(zip(names, row, strict=True)) for row in self.rows(query)]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        return {record.TABLE: self.records(record) for record in RECORDS}

    def described(self) -> dict[str, list[tuple[Any, ...]]]:
        """Columns with types, constraints, indexes and comments."""
        ours = [self.schema]
        return {
            "columns": self.rows(
                "SELECT table_name, column_name, data_type, udt_name, is_nullable, column_default "
                "FROM information_schema.columns WHERE table_schema = %s ORDER BY 1, 2",
                *ours,
            ),
            "constraints": self.rows(
                "SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid) FROM "
                "pg_constraint WHERE connamespace = %s::regnamespace ORDER BY 1, 2, 3",
                *ours,
            ),
            "indexes": self.rows(
                "SELECT tablename, indexname, replace(indexdef, schemaname || '.', '') FROM "
                "pg_indexes WHERE schemaname = %s ORDER BY 1, 2",
                *ours,
            ),
            "comments": self.rows(
                "SELECT c.relname, a.attname, col_description(c.oid, a.attnum), "
                "obj_description(c.oid) FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid "
                "WHERE relnamespace = %s::regnamespace AND relkind = 'r' AND attnum > 0 AND "
                "relname <> ALL(ARRAY['schema_versions', 'loaded_runs']) ORDER BY 1, 2",
                *ours,
            ),
        }


_NUMBERS = itertools.count(1)


@pytest.fixture
def tables(server: PostgresServer) -> Tables:
    return Tables(server, f"test_{next(_NUMBERS)}")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys, "load")


STORY: Final = article("https://a.example/1", "She said so.", run_id="one")
ID: Final = STORY.article_id
RECORDS_OF_ONE: Final[list[Record]] = [
    replace(STORY, authors=["Ana “A” O'Neil", "B, {C}", "\\N", "NULL", ""], feed_title=None),
    example(
        Entity,
        entity_id="e1",
        article_id=ID,
        run_id="one",
        mentions=[Mention(0, 3, 'S"h\\e'), Mention(4, 8, "ünï\t{}")],
    ),
    example(Quote, quote_id="q1", article_id=ID, run_id="one", topics=["a", "b"], confidence=0.1),
    example(Quote, quote_id="q2", article_id=ID, run_id="one", speaker_name="Lena Maris"),
    example(
        TopicTag, tag_id="t1", article_id=ID, run_id="one", evidence=[Evidence(0, 3, "S", "r")]
    ),
    example(Story, story_id="s1", run_id="one", members=[ID], first_seen_article=ID),
    example(DeadLetter, dead_letter_id="d1", run_id="one"),
    example(FeedHealth, feed_health_id="f1", run_id="one", next_due=TIME, http_status=200),
]


def as_rows(records: list[Record], record: type[Record]) -> list[dict[str, Any]]:
    mine = (dataclasses.asdict(r) for r in records if type(r) is record)
    return sorted(mine, key=lambda row: str(row[record.KEY]))


@pytest.mark.parametrize("file_format", ["parquet", "jsonl"])
def test_what_a_run_wrote_is_what_the_tables_hold(
    tables: Tables, tmp_path: Path, file_format: str
) -> None:
    write_run(tmp_path, "one", RECORDS_OF_ONE, file_format=file_format)
    (counts,) = tables.load(tmp_path, "one")
    assert counts == {r.TABLE: len(as_rows(RECORDS_OF_ONE, r)) for r in RECORDS}
    for record in RECORDS:
        assert tables.records(record) == as_rows(RECORDS_OF_ONE, record)
    assert tables.rows("SELECT run_id, started_at, rows FROM loaded_runs") == [
        ("one", TIME, counts)
    ]


def test_a_run_is_loaded_once(tables: Tables, tmp_path: Path, command: Command) -> None:
    write_run(tmp_path, "one", RECORDS_OF_ONE)
    first = command("--output", tmp_path, *tables.flags)
    once = tables.everything()
    again = command("--output", tmp_path, *tables.flags)
    assert (first.code, again.code, first.err, again.err) == (0, 0, "", "")
    assert first.out.startswith("1 run loaded into PostgreSQL (host=")
    assert again.out.startswith("no runs missing in PostgreSQL (host=")
    assert tables.load(tmp_path, "one") == [{}]
    assert tables.everything() == once


def test_a_database_that_was_away_catches_up(tables: Tables, tmp_path: Path) -> None:
    for minute, name in enumerate(("c", "b", "a")):  # by name the other way round
        row = example(Story, story_id="s", run_id=name, members=["m"] * (minute + 1))
        write_run(tmp_path, name, [row], minute=minute)
    tables.load(tmp_path, "b")
    (said,) = load_missing_runs(str(tmp_path), [tables.database()])
    assert said.startswith("2 runs loaded into ")
    assert tables.rows("SELECT run_id FROM loaded_runs ORDER BY loaded_at") == [
        ("b",),
        ("c",),
        ("a",),
    ]
    assert tables.rows("SELECT run_id, cardinality(members) FROM stories") == [("a", 3)]


def test_runs_are_read_through_beams_file_systems(tables: Tables, tmp_path: Path) -> None:
    write_run(tmp_path, "one", RECORDS_OF_ONE)
    (said,) = load_missing_runs(f"{SCHEME}://{tmp_path}", [tables.database()])
    assert said.startswith("1 run loaded into ")
    for record in RECORDS:
        assert tables.records(record) == as_rows(RECORDS_OF_ONE, record)


def test_a_run_without_records_is_loaded_too(tables: Tables, tmp_path: Path) -> None:
    write_run(tmp_path, "none", [])
    assert tables.load(tmp_path, "none") == [{}]
    assert tables.database().list_loaded_runs() == {"none"}


RUNS_OF_AN_ARTICLE: Final[list[list[Record]]] = [
    [
        replace(STORY, run_id="0"),
        example(Quote, quote_id="q0", article_id=ID, run_id="0"),
        example(Entity, entity_id="e", article_id=ID, run_id="0", count=2),
        example(Story, story_id="s", run_id="0", members=[ID]),
        example(DeadLetter, dead_letter_id="d", run_id="0", attempts=1),
    ],
    [  # the same article anew, such as by another output: other quotes, and the entity again
        replace(STORY, run_id="1", text="They said so."),
        example(Quote, quote_id="q1", article_id=ID, run_id="1"),
        example(Entity, entity_id="e", article_id=ID, run_id="1", count=3),
        example(Story, story_id="s", run_id="1", members=[ID, "x"]),
        example(
            DeadLetter,
            dead_letter_id="d",
            run_id="1",
            attempts=2,
            first_seen_at=TIME.replace(day=21),
            day=TIME.date().replace(day=21),
        ),
    ],
    [  # a version of it, which stands beside it
        replace(STORY, run_id="2", article_id="v2", version=2, lineage_id=ID),
        example(Quote, quote_id="q2", article_id="v2", run_id="2"),
    ],
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_later_run_counts_in_whatever_order_they_come(
    tables: Tables, tmp_path: Path, order: tuple[int, ...]
) -> None:
    for number, records in enumerate(RUNS_OF_AN_ARTICLE):
        write_run(tmp_path, str(number), records, minute=number)
    tables.load(tmp_path, *map(str, order))
    assert [(a["article_id"], a["run_id"], a["text"]) for a in tables.records(Article)] == sorted(
        [(ID, "1", "They said so."), ("v2", "2", STORY.text)]
    )
    assert [q["quote_id"] for q in tables.records(Quote)] == ["q1", "q2"]
    assert [(e["run_id"], e["count"]) for e in tables.records(Entity)] == [("1", 3)]
    assert [s["members"] for s in tables.records(Story)] == [[ID, "x"]]
    (letter,) = tables.records(DeadLetter)
    assert (letter["run_id"], letter["attempts"]) == ("1", 2)
    assert (letter["first_seen_at"], letter["day"]) == (TIME, TIME.date())


@pytest.mark.parametrize("between", [0, 1500])
def test_two_records_of_one_key_in_one_run(tables: Tables, tmp_path: Path, between: int) -> None:
    late, early = TIME.replace(hour=12), TIME.replace(hour=3)
    twice: list[Record] = [
        example(DeadLetter, dead_letter_id="d", first_seen_at=late, run_id="one"),
        *(example(DeadLetter, dead_letter_id=f"{n}", run_id="one") for n in range(between)),
        example(DeadLetter, dead_letter_id="d", first_seen_at=early, run_id="one"),
        example(Story, story_id="s", members=["first"], run_id="one"),
        *(example(Story, story_id=f"{n}", run_id="one") for n in range(between)),
        example(Story, story_id="s", members=["second"], run_id="one"),
    ]
    write_run(tmp_path, "one", twice)
    tables.load(tmp_path, "one")
    query = "SELECT first_seen_at FROM dead_letters WHERE dead_letter_id = 'd'"
    assert tables.rows(query) == [(early,)]
    assert tables.rows("SELECT members FROM stories WHERE story_id = 's'") == [(["first"],)]
    assert tables.rows("SELECT count(*) FROM stories") == [(between + 1,)]


def refused(text: str) -> str:
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(st.text(st.characters()), min_size=4, max_size=4), data=st.data())
def test_any_text_comes_through(
    tables: Tables, tmp_path: Path, texts: list[str], data: st.DataObject
) -> None:
    whole = all(refused(t) == t.replace("\0", "\ufffd") for t in texts)  # as Parquet wants them
    file_format = data.draw(st.sampled_from(["parquet", "jsonl"] if whole else ["jsonl"]))
    run_id = f"run-{next(_NUMBERS)}"
    title, text, author, mention = texts
    records: list[Record] = [
        replace(STORY, run_id=run_id, title=title, text=text, authors=[author, "B"]),
        example(Entity, article_id=ID, run_id=run_id, mentions=[Mention(0, 1, mention)]),
    ]
    write_run(tmp_path, run_id, records, file_format=file_format, minute=next(_NUMBERS))
    tables.load(tmp_path, run_id)
    (stored,) = tables.records(Article)
    assert [stored["title"], stored["text"], *stored["authors"]] == [
        *map(refused, (title, text, author, "B"))
    ]
    (entity,) = tables.records(Entity)
    assert entity["mentions"] == [{"start": 0, "end": 1, "text": refused(mention)}]


def test_characters_that_are_refused_are_replaced_and_counted(
    tables: Tables, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    odd: list[Record] = [replace(STORY, text="a\0b", title="c\ud800d"), *RECORDS_OF_ONE[1:]]
    write_run(tmp_path, "one", odd, file_format="jsonl")
    with caplog.at_level(logging.WARNING):
        tables.load(tmp_path, "one")
    assert tables.rows("SELECT text, title FROM articles") == [("a\ufffdb", "c\ufffdd")]
    (logged,) = caplog.messages
    assert "run one: 2 texts with characters that PostgreSQL rejects" in logged


def test_no_name_or_address_is_too_long_for_an_index(tables: Tables, tmp_path: Path) -> None:
    long = "".join(f"{n * n:x}" for n in range(20_000))
    records: list[Record] = [
        replace(STORY, canonical_url=long, url=long, authors=[long]),
        example(Entity, name=long, wikidata_id=long),
        example(Quote, speaker_name=long, text=long),
        example(DeadLetter, source=long, message=long),
        example(FeedHealth, feed_url=long),
    ]
    write_run(tmp_path, "one", records)
    tables.load(tmp_path, "one")
    query = "SELECT count(*) FROM quotes WHERE speaker_name = %s"
    assert tables.rows(query, long) == [(1,)]


# Tables and their versions


def test_fresh_tables_are_those_of_the_records(tables: Tables) -> None:
    assert tables.database().list_loaded_runs() == set()
    described = tables.described()
    columns = {
        (table, name): (udt.removeprefix("_") + ("[]" if kind == "ARRAY" else ""), nullable)
        for table, name, kind, udt, nullable, _ in described["columns"]
    }
    udt_names = {"bigint": "int8", "double precision": "float8", "boolean": "bool"}
    for record in RECORDS:
        assert (record.TABLE, "p", f"PRIMARY KEY ({record.KEY})") in described["constraints"]
        for field in fields_of(record):
            kind = sql_type(field, "postgresql")
            wanted = (udt_names.get(kind, kind), "YES" if field.nullable else "NO")
            assert columns.pop((record.TABLE, field.name)) == wanted
    assert {table for table, _ in columns} == {"schema_versions", "loaded_runs"}
    comments = {(table, name): text for table, name, text, _ in described["comments"]}
    assert comments["quotes", "speaker_role"] == "Title or affiliation as stated."
    assert all(text and about for _, _, text, about in described["comments"])
    assert tables.rows("SELECT version FROM schema_versions") == [(SCHEMA_VERSION,)]


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_migrated_tables_are_like_fresh_ones(server: PostgresServer, version: int) -> None:
    fresh, old = (Tables(server, f"test_{next(_NUMBERS)}") for _ in range(2))
    fresh.database().list_loaded_runs()
    script = HERE.joinpath(f"postgres_version_{version}.sql").read_text(encoding="utf-8")
    with old.connect() as connection:
        connection.execute(f'CREATE SCHEMA "{old.schema}"')
        connection.execute(script)
    assert old.described() != fresh.described()
    old.database().list_loaded_runs()
    assert old.described() == fresh.described()
    versions = old.rows("SELECT version FROM schema_versions ORDER BY version")
    assert versions == [(version,), (SCHEMA_VERSION,)]
    old.database().list_loaded_runs()
    assert old.rows("SELECT count(*) FROM schema_versions") == [(2,)]


ADDED_LATER: Final = {column.name for column in ADDED_COLUMNS}
HEALTH: Final = example(FeedHealth, run_id="one", failure_class=None)


def test_rows_of_version_1_stay_and_are_completed(tables: Tables) -> None:
    script = (HERE / "postgres_version_1.sql").read_text(encoding="utf-8")
    with tables.connect() as connection:
        connection.execute(f'CREATE SCHEMA "{tables.schema}"')
        connection.execute(script)
        for record in (STORY, HEALTH):
            row = {n: v for n, v in dataclasses.asdict(record).items() if n not in ADDED_LATER}
            names, holders = ", ".join(f'"{n}"' for n in row), ", ".join(["%s"] * len(row))
            query = f'INSERT INTO "{record.TABLE}" ({names}) VALUES ({holders})'
            connection.execute(query, list(row.values()))
    tables.database().list_loaded_runs()
    assert tables.records(Article) == [dataclasses.asdict(STORY)]
    assert tables.records(FeedHealth) == [dataclasses.asdict(HEALTH)]


@pytest.mark.parametrize("file_format", ["parquet", "jsonl"])
def test_files_of_version_1_are_completed(tables: Tables, tmp_path: Path, file_format: str) -> None:
    write_run(tmp_path, "one", [STORY, HEALTH], file_format=file_format)
    for path in tmp_path.rglob(f"*.{file_format}"):
        if file_format == "parquet":
            table = pq.read_table(path, partitioning=None)
            pq.write_table(table.drop_columns([*ADDED_LATER & {*table.column_names}]), path)
        else:
            row = json.loads(path.read_text(encoding="utf-8"))
            kept = {name: value for name, value in row.items() if name not in ADDED_LATER}
            path.write_text(json.dumps(kept), encoding="utf-8")
    tables.load(tmp_path, "one")
    assert tables.records(Article) == [dataclasses.asdict(STORY)]
    assert tables.records(FeedHealth) == [dataclasses.asdict(HEALTH)]


def test_files_of_a_later_version_are_left(tables: Tables, tmp_path: Path) -> None:
    write_run(tmp_path, "one", [STORY, replace(HEALTH, schema_version=SCHEMA_VERSION + 1)])
    with pytest.raises(UsageError, match="run one was written by a later Newsbeam; update"):
        tables.load(tmp_path, "one")
    assert tables.database().list_loaded_runs() == set() and tables.records(Article) == []


def test_a_torn_file_is_named(tables: Tables, tmp_path: Path) -> None:
    write_run(tmp_path, "one", RECORDS_OF_ONE)
    (path,) = (tmp_path / "runs/one/parquet/topics").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UsageError, match=rf"cannot read {path} of run one: Parquet magic"):
        tables.load(tmp_path, "one")
    assert tables.database().list_loaded_runs() == set() and tables.records(Article) == []


# Two at once, and killed ones


def waiting(tables: Tables, count: int = 1) -> list[int]:
    """The server processes that wait for a lock, once there are so many."""
    query = (
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'newsbeam' "
        "AND wait_event_type = 'Lock'"
    )
    ends = time.monotonic() + 120
    while len(pids := [pid for (pid,) in tables.rows(query)]) < count:
        assert time.monotonic() < ends, "no loader came so far"
        time.sleep(0.02)
    return pids


def loader(tables: Tables, output: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "pipeline", "load", "--output", str(output), *tables.flags]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("how", ["the loader", "its server process"])
def test_a_killed_load_has_not_happened(tables: Tables, tmp_path: Path, how: str) -> None:
    write_run(tmp_path, "one", RECORDS_OF_ONE)
    tables.database().list_loaded_runs()
    with tables.connect() as other, loader(tables, tmp_path) as process, other.transaction():
        # Holds the loader up after articles, entities and quotes.
        other.execute("LOCK TABLE topics IN SHARE MODE")
        (pid,) = waiting(tables)
        if how == "the loader":
            process.send_signal(signal.SIGKILL)
            assert process.wait(timeout=30) == -signal.SIGKILL
        else:
            tables.rows("SELECT pg_terminate_backend(%s)", pid)
            out, err = process.communicate(timeout=60)
            assert process.returncode == 1 and out == ""
            assert "terminating connection due to administrator command" in err
            assert err.startswith("newsbeam: PostgreSQL (host=") and err.count("\n") == 1
        assert not any(tables.everything().values())
    assert tables.database().list_loaded_runs() == set()
    assert tables.load(tmp_path, "one") != [{}]
    for record in RECORDS:
        assert tables.records(record) == as_rows(RECORDS_OF_ONE, record)


def test_two_loaders_at_once(tables: Tables, tmp_path: Path) -> None:
    for minute in range(3):
        write_run(tmp_path, f"r{minute}", RECORDS_OF_ONE, minute=minute)
    with loader(tables, tmp_path) as one, loader(tables, tmp_path) as two:
        ended = [p.communicate(timeout=120) for p in (one, two)]
        assert [one.returncode, two.returncode] == [0, 0], ended
    assert tables.rows("SELECT run_id FROM loaded_runs ORDER BY loaded_at, run_id") == [
        ("r0",),
        ("r1",),
        ("r2",),
    ]
    assert tables.rows("SELECT count(*) FROM schema_versions") == [(1,)]
    for record in RECORDS:
        assert tables.records(record) == as_rows(RECORDS_OF_ONE, record)


def test_the_second_loader_waits_and_finds_the_run_there(tables: Tables, tmp_path: Path) -> None:
    write_run(tmp_path, "one", RECORDS_OF_ONE)
    tables.database().list_loaded_runs()
    results: list[dict[str, int]] = []
    threads = [
        threading.Thread(target=lambda: results.extend(tables.load(tmp_path, "one")))
        for _ in range(2)
    ]
    with tables.connect() as other:
        with other.transaction():
            other.execute("LOCK TABLE topics IN SHARE MODE")
            for thread in threads:
                thread.start()
            assert len(waiting(tables, 2)) == 2
        for thread in threads:
            thread.join(timeout=60)
    assert sorted(map(len, results)) == [0, len(RECORDS)]


def test_a_load_does_not_wait_for_ever(tables: Tables, tmp_path: Path) -> None:
    write_run(tmp_path, "one", RECORDS_OF_ONE)
    tables.database().list_loaded_runs()
    with tables.connect() as other, other.transaction():
        other.execute("LOCK TABLE topics IN SHARE MODE")
        with pytest.raises(UsageError, match=r"no answer within 0\.2 seconds; another load may"):
            tables.database(postgres_timeout_sec=0.2).load(read_committed_run(str(tmp_path), "one"))
    assert not any(tables.everything().values())


# What the user is told


def refusal(command: Command, output: Path, *flags: object) -> str:
    """What a load that cannot begin says."""
    ended = command("--output", output, *flags)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("newsbeam: ") and ended.err.count("\n") == 1
    return ended.err


@pytest.mark.parametrize(
    ("dsn", "message"),
    [
        ("host=/nowhere dbname=x", "PostgreSQL (host=/nowhere dbname=x schema=newsbeam): cannot"),
        ("postgresql://127.0.0.1:1/x", "Connection refused"),
        ("{admin} dbname=no_such", 'database "no_such" does not exist'),
        ("{admin} user=no_such", 'role "no_such" does not exist'),
        ("nonsense", "--postgres is not a connection string"),
        ("postgresql://u:p@ss@127.0.0.1/x", "--postgres: no host; in a password write @ as %40"),
        ("postgresql://u:p/ss@127.0.0.1/x", "--postgres: no port; in a password write @ as %40"),
        ("host=127.0.0.1 sslmode=sometimes", 'invalid sslmode value: "sometimes"'),
    ],
)
def test_a_database_that_cannot_be_reached(
    server: PostgresServer, tmp_path: Path, command: Command, dsn: str, message: str
) -> None:
    assert message in refusal(
        command, tmp_path, "--postgres", dsn.format(admin=server.dsn(DATABASE))
    )


def test_wrong_usage(tables: Tables, tmp_path: Path, command: Command) -> None:
    assert "name a database: --postgres DSN" in refusal(command, tmp_path)
    assert f"there are no runs in {tmp_path}" in refusal(command, tmp_path, *tables.flags)
    for name in ("Big", "pg_x", "a-b", 'a"b', "", "x" * 64):
        flags = ["--postgres", tables.dsn, "--postgres_schema", name]
        assert "--postgres_schema: lower-case letters" in refusal(command, tmp_path, *flags)
    flags = [*tables.flags, "--postgres_timeout_sec", "0"]
    assert "--postgres_timeout_sec is from" in refusal(command, tmp_path, *flags)


SECRET: Final = "h7-9(secret)"


def test_passwords_are_never_shown(
    tables: Tables, tmp_path: Path, command: Command, caplog: pytest.LogCaptureFixture
) -> None:
    with tables.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS locked")
        connection.execute(f"CREATE ROLE locked LOGIN SUPERUSER PASSWORD '{SECRET}'")
    write_run(tmp_path, "one", RECORDS_OF_ONE)
    schema = ["--postgres_schema", tables.schema]
    locked = f"{tables.server.dsn(DATABASE, 'locked')} password="
    with caplog.at_level(logging.DEBUG):
        ended = command("--output", tmp_path, "--postgres", locked + SECRET, *schema)
        said = [refusal(command, tmp_path, "--postgres", locked + "x" + SECRET, *schema)]
        assert 'password authentication failed for user "locked"' in said[0]
        for dsn in (
            f"postgresql://u:{SECRET}@127.0.0.1:1/x",
            f"postgresql://u:{SECRET}@more@127.0.0.1/x",
            f"postgresql://u:{SECRET}/more@127.0.0.1/x",
            f"postgresql://u:{SECRET}:more@127.0.0.1:port/x",
            f"postgresql://u:%zz{SECRET}@127.0.0.1/x",
            f"host=127.0.0.1 port=1 password={SECRET}",
            f"host=127.0.0.1 password='{SECRET}",
            f"host=127.0.0.1 port=1 password={SECRET} {SECRET}",
        ):
            said.append(refusal(command, tmp_path, "--postgres", dsn))
    assert ended.code == 0 and "user=locked" in ended.out
    shown = " ".join([ended.out, ended.err, *said, caplog.text, repr(tables.database())])
    assert "secret" not in shown


def test_the_rights_it_takes(tables: Tables, tmp_path: Path, command: Command) -> None:
    write_run(tmp_path, "one", RECORDS_OF_ONE)
    role = f"{tables.schema}_role"
    flags = ["--postgres", tables.server.dsn(DATABASE, role), "--postgres_schema", tables.schema]
    with tables.connect() as connection:

        def refused_until(message: str, *granted: str) -> None:
            assert message in refusal(command, tmp_path, *flags)
            for statement in granted:
                connection.execute(statement)

        connection.execute(f"CREATE ROLE {role} LOGIN")
        refused_until("permission denied for database news; docs/sinks.md lists the rights")
        tables.database().list_loaded_runs()
        of = f"IN SCHEMA {tables.schema} TO {role}"
        refused_until(
            f"permission denied for schema {tables.schema}; docs/sinks.md lists",
            f"GRANT USAGE ON SCHEMA {tables.schema} TO {role}",
        )
        refused_until(
            "permission denied for table schema_versions", f"GRANT SELECT ON ALL TABLES {of}"
        )
        refused_until(
            "the user needs the right DELETE, INSERT, UPDATE on all tables of the schema",
            f"GRANT INSERT, UPDATE ON ALL TABLES {of}",
        )
        refused_until("the user needs the right DELETE on all", f"GRANT DELETE ON ALL TABLES {of}")
        connection.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on")
        refused_until("it is read-only, such as a standby", f"ALTER ROLE {role} RESET ALL")
        connection.execute(f"REVOKE TEMPORARY ON DATABASE {DATABASE} FROM PUBLIC")
        refused_until(
            "the user needs the right TEMPORARY on the database",
            f"GRANT TEMPORARY ON DATABASE {DATABASE} TO PUBLIC",
        )
        assert command("--output", tmp_path, *flags).code == 0
        assert len(tables.records(Quote)) == 2


def test_tables_that_do_not_fit(tables: Tables, tmp_path: Path, command: Command) -> None:
    with tables.connect() as connection:
        connection.execute(f"CREATE SCHEMA {tables.schema}")
        connection.execute("CREATE TABLE quotes (line text)")
        said = refusal(command, tmp_path, *tables.flags)
        assert "it has tables that are not Newsbeam's (quotes); name another" in said
        connection.execute("DROP TABLE quotes")
        tables.database().list_loaded_runs()
        connection.execute(f"INSERT INTO schema_versions VALUES ({SCHEMA_VERSION + 1})")
        said = refusal(command, tmp_path, *tables.flags)
        assert f"its tables are of version {SCHEMA_VERSION + 1}, and this Newsbeam knows" in said
        latin = "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0"
        connection.execute(latin)
    said = refusal(command, tmp_path, "--postgres", tables.server.dsn("latin"))
    assert "its encoding is LATIN1; create one with ENCODING 'UTF8'" in said


def test_without_the_driver(
    tables: Tables, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "transforms.sinks.postgres.database")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = refusal(command, tmp_path, *tables.flags)
    assert said == "newsbeam: --postgres needs a driver: pip install 'psycopg[binary]'\n"


# With the main job


TEXT: Final = (
    "The council voted on Tuesday to close the harbor bridge for repairs until spring. “We had no "
    "other choice,” said Mayor Ana Torres, who had asked for more time. Ferries run every hour."
)


@pytest.fixture
def feed(web: WebServer) -> str:
    """A feed with one article."""
    page = f"<html lang=en><title>Bridge</title><article><h1>Bridge</h1><p>{TEXT}</p></article>"
    item = f"<item><title>Bridge</title><link>{web.html('/bridge', page)}</link></item>"
    body = f"<rss version='2.0'><channel><title>T</title>{item}</channel></rss>"
    web.replies["/feed"] = WebReply(body.encode(), headers={"Content-Type": "application/rss+xml"})
    return f"{web.base}/feed"


def ingest(
    capsys: pytest.CaptureFixture[str], feed: str, output: Path, *flags: str
) -> CommandResult:
    command = ["--feeds", feed, "--output", str(output), "--max_dead_letter_ratio", "1"]
    return Command(capsys, "ingest")(*command, flags=[*LOCAL, "--host_delay_sec", "0", *flags])


@pytest.mark.usefixtures("reused_workers")
def test_a_database_that_fails_after_the_run_gets_it_with_the_next(
    tables: Tables, feed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables.database().list_loaded_runs()
    with tables.connect() as other, other.transaction():
        other.execute("LOCK TABLE topics IN SHARE MODE")
        flags = [*tables.flags, "--postgres_timeout_sec", "0.5"]
        ended = ingest(capsys, feed, tmp_path, *flags, "--formats", "jsonl")
    assert ended.code == 1
    assert f"records in {tmp_path}" in ended.out
    said = ended.err.splitlines()[-1]  # after lines of progress, if it took long
    assert said.startswith(
        f"newsbeam: the records are in {tmp_path}, but a database lacks them: PostgreSQL (host="
    )
    assert said.endswith("; the next run loads them, or `newsbeam load`")
    assert tables.records(Article) == []
    again = ingest(capsys, feed, tmp_path, *tables.flags, "--only_due_feeds")
    assert again.code == 0 and "1 run loaded into PostgreSQL" in again.out
    assert [a["text"] for a in tables.records(Article)] == [TEXT]
    assert len(list((tmp_path / "runs").iterdir())) == 1  # nothing was due


def test_a_database_that_is_away_is_found_out_before_the_run(
    web: WebServer, feed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = ingest(capsys, feed, tmp_path / "out", "--postgres", "host=/nowhere dbname=x")
    assert (ended.code, ended.out) == (2, "")
    assert "cannot connect" in ended.err and ended.err.count("\n") == 1
    assert web.requests == [] and not (tmp_path / "out").exists()


@pytest.mark.usefixtures("reused_workers")
def test_who_said_what_about_elections(
    tables: Tables, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with SampleSite() as site:
        for _ in range(2):
            ended = ingest(capsys, f"{site.base}/feeds.opml", tmp_path, *tables.flags)
            assert ended.code == 0, ended.err

    def lines(table: str) -> list[dict[str, Any]]:
        paths = sorted(tmp_path.glob(f"runs/*/jsonl/{table}/**/*.jsonl"))
        texts = (path.read_text(encoding="utf-8") for path in paths)
        return [json.loads(line) for text in texts for line in text.splitlines()]

    about = {t["article_id"] for t in lines("topics") if t["topic_id"] == "elections"}
    wanted = [
        (q["day"], q["article_id"], q["start"], q["speaker_name"], q["text"])
        for q in lines("quotes")
        if q["speaker_name"] and q["article_id"] in about
    ]
    assert len(wanted) > 50
    answer = tables.rows(
        "SELECT day::text, article_id, start, speaker_name, text FROM quotes WHERE speaker_name "
        "IS NOT NULL AND article_id IN (SELECT article_id FROM topics WHERE topic_id = 'elections')"
    )
    assert sorted(answer) == sorted(wanted)
    letters = {letter["dead_letter_id"] for letter in lines("dead_letters")}
    for record in RECORDS:
        count = len(letters) if record is DeadLetter else len(lines(record.TABLE))
        assert tables.rows(f'SELECT count(*) FROM "{record.TABLE}"') == [(count,)]
    assert {*TABLES} == {
        name
        for (name,) in tables.rows(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", tables.schema
        )
    }
