"""The BigQuery sink against an emulator: see tests/support/bigquery_server.py."""

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

pytest.importorskip("google.cloud.bigquery", reason="it takes the extra gcp")

from google.cloud import bigquery

from pipeline.cli import run_command
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
from schemas.bigquery import bigquery_clustering, bigquery_schema
from schemas.jsonable import to_json
from schemas.migrations import ADDED_COLUMNS
from tests.support.bigquery_server import (
    PYTHON,
    ApiRequest,
    ApiResponse,
    FailingServer,
    Failure,
    error_response,
    no_failure,
    serve_emulator,
    serve_with_failures,
    starts_job,
)
from tests.support.command_line import LOCAL
from tests.support.example_records import TIME, article
from tests.support.hdfs_like_filesystem import SCHEME, HdfsLikeFileSystem
from tests.support.leases import use_lease_timing
from tests.support.output_runs import example, write_run
from tests.support.web_server import WebReply, WebServer
from transforms.core.errors import UsageError
from transforms.sinks.bigquery.database import BigQueryDatabase, _client
from transforms.sinks.bigquery.options import BigQueryOptions
from transforms.sinks.bigquery.sql import BOOKKEEPING_FIELDS
from transforms.sinks.databases import load_runs
from transforms.storage.runs import CommittedRun, read_committed_run

assert HdfsLikeFileSystem.scheme() == SCHEME
pytestmark = [pytest.mark.bigquery, pytest.mark.xdist_group("bigquery")]

DAY = TIME.date()
NEXT_DAY = DAY.replace(day=DAY.day + 1)
NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emulator")


@pytest.fixture(scope="session")
def emulator(folder: Path) -> Iterator[str]:
    python = os.environ.get(PYTHON)
    if not python:
        pytest.skip(f"there is no emulator of BigQuery: .ci/bigquery makes one and sets {PYTHON}")
    with serve_emulator(python, folder) as url:
        yield url


@pytest.fixture
def server(emulator: str) -> Iterator[FailingServer]:
    with serve_with_failures(emulator) as started:
        yield started


@pytest.fixture
def options(server: FailingServer) -> BigQueryOptions:
    name = f"project-1.news_{next(NUMBERS)}"
    return BigQueryOptions(bigquery=name, bigquery_location="EU", bigquery_endpoint=server.url)


def load(output: Path, options: BigQueryOptions) -> list[str]:
    """Load what a new process would load, and return the run ids."""
    database = BigQueryDatabase(options, first_backoff_sec=0.01)
    return load_runs(str(output), [database])[database.name]


def rows(options: BigQueryOptions, table: str) -> list[dict[str, Any]]:
    client = _client(options, "EU")
    return [dict(row) for row in client.list_rows(f"{options.bigquery}.{table}")]


def content(options: BigQueryOptions) -> dict[str, list[str]]:
    """All records, and the runs; the times of loading aside."""
    tables = [record.TABLE for record in RECORDS]
    held = {table: sorted(map(str, rows(options, table))) for table in tables}
    return held | {"runs": sorted(str(row["run_id"]) for row in rows(options, "loaded_runs"))}


def of_run(run_id: str, records: Sequence[Record]) -> list[Record]:
    return [replace(record, run_id=run_id) for record in records]


ARTICLE = article("https://a.example/1", "Text “é” 𝄞.", authors=["A", "B"])
OTHER = article("https://a.example/2", day=NEXT_DAY, published_at=None, language=None)
FOUND: list[Record] = [
    example(
        Entity,
        entity_id="e1",
        article_id=ARTICLE.article_id,
        mentions=[Mention(start=0, end=4, text="Text"), Mention(start=6, end=7, text="é")],
    ),
    example(Quote, quote_id="q1", article_id=ARTICLE.article_id, topics=["elections"]),
    example(
        TopicTag,
        tag_id="t1",
        article_id=ARTICLE.article_id,
        iptc_codes=["1", "2"],
        evidence=[Evidence(start=0, end=4, text="Text", rule="r")],
    ),
]
ALL: list[Record] = [
    ARTICLE,
    OTHER,
    *FOUND,
    example(Story, story_id="s1", members=[ARTICLE.article_id, OTHER.article_id]),
    example(DeadLetter, dead_letter_id="d1"),
    example(FeedHealth, feed_health_id="f1"),
]


def test_tables_are_as_the_schemas_say(options: BigQueryOptions) -> None:
    assert BigQueryDatabase(options).list_loaded_runs() == set()
    client = _client(options, None)
    assert client.get_dataset(options.bigquery or "").location == "EU"
    for record in RECORDS:
        table = client.get_table(f"{options.bigquery}.{record.TABLE}")
        fields = [field.to_api_repr() for field in table.schema]
        assert fields == bigquery_schema(record)["fields"]
        assert all(field["description"] for field in fields) and table.description
        assert (table.time_partitioning.type_, table.time_partitioning.field) == ("DAY", "day")
        assert tuple(table.clustering_fields or ()) == bigquery_clustering(record)
        assert not table.require_partition_filter
    runs = client.get_table(f"{options.bigquery}.loaded_runs")
    assert runs.labels == {"newsbeam_schema_version": str(SCHEMA_VERSION)}


def test_tables_by_month(options: BigQueryOptions) -> None:
    BigQueryDatabase(replace(options, bigquery_partitions="month")).list_loaded_runs()
    table = _client(options, None).get_table(f"{options.bigquery}.quotes")
    assert table.time_partitioning.type_ == "MONTH"


@pytest.mark.parametrize("file_format", ["parquet", "jsonl"])
def test_records_come_back_as_they_were(
    tmp_path: Path, options: BigQueryOptions, server: FailingServer, file_format: str
) -> None:
    write_run(tmp_path, "run-1", of_run("run-1", ALL), file_format=file_format)
    database = BigQueryDatabase(options)
    database.list_loaded_runs()
    loaded = database.load(read_committed_run(str(tmp_path), "run-1"))
    assert loaded == {record.TABLE: 2 if record.TABLE == "articles" else 1 for record in RECORDS}
    for record in RECORDS:
        came = [record(**_nested(row)) for row in rows(options, record.TABLE)]
        went = [r for r in of_run("run-1", ALL) if isinstance(r, record)]
        key = record.KEY
        assert sorted(came, key=lambda r: getattr(r, key)) == sorted(
            went, key=lambda r: getattr(r, key)
        )
    client = _client(options, "EU")
    left = {table.table_id for table in client.list_tables(options.bigquery or "")}
    assert left == {record.TABLE for record in RECORDS} | {"loaded_runs", "load_lock"}
    made = [a.json for a in server.requests if b"staging_" in a.body and a.path.count("/tables?")]
    assert made and all(int(table["expirationTime"]) > 0 for table in made)

    # A second time nothing is begun.
    begun = sum(bool(request.job_id) for request in server.requests)
    assert database.load(read_committed_run(str(tmp_path), "run-1")) == {}
    assert load(tmp_path, options) == []
    assert sum(bool(request.job_id) for request in server.requests) == begun
    assert rows(options, "load_lock") == [{"loads": 1}]


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = {"mentions": Mention, "evidence": Evidence, "title_evidence": Evidence}
    return {
        name: [inner[name](**item) for item in value] if name in inner else value
        for name, value in row.items()
    }


def test_what_the_tables_hold_does_not_depend_on_the_order_of_loads(
    tmp_path: Path, options: BigQueryOptions
) -> None:
    moved = replace(ARTICLE, day=NEXT_DAY, title="Later")
    runs: dict[str, list[Record]] = {
        "a": [ARTICLE, *FOUND, example(DeadLetter, dead_letter_id="d", message="first")],
        "b": [
            moved,
            replace(FOUND[0], day=NEXT_DAY),
            example(Quote, quote_id="q2", article_id=ARTICLE.article_id, day=NEXT_DAY),
            example(
                DeadLetter,
                dead_letter_id="d",
                day=NEXT_DAY,
                first_seen_at=TIME.replace(day=NEXT_DAY.day),
                message="second",
            ),
        ],
        "c": [OTHER, example(Story, story_id="s")],
    }
    for minute, (run_id, records) in enumerate(runs.items()):
        write_run(tmp_path, run_id, of_run(run_id, records), minute=minute)
    seen = []
    for number, order in enumerate(itertools.permutations(runs)):
        database = BigQueryDatabase(replace(options, bigquery=f"{options.bigquery}_{number}"))
        database.list_loaded_runs()
        for run_id in order:
            assert database.load(read_committed_run(str(tmp_path), run_id))
        seen.append(content(replace(options, bigquery=f"{options.bigquery}_{number}")))
    assert all(other == seen[0] for other in seen)

    last = replace(options, bigquery=f"{options.bigquery}_{number}")
    articles = {(row["title"], row["day"]) for row in rows(last, "articles")}
    assert articles == {("Later", NEXT_DAY), (OTHER.title, NEXT_DAY)}
    assert [row["quote_id"] for row in rows(last, "quotes")] == ["q2"]
    assert [row["run_id"] for row in rows(last, "entities")] == ["b"]
    assert rows(last, "topics") == []
    (dead,) = rows(last, "dead_letters")
    assert (dead["message"], dead["day"], dead["first_seen_at"]) == ("second", DAY, TIME)


def test_a_key_twice_in_a_run_is_one_record(tmp_path: Path, options: BigQueryOptions) -> None:
    early = example(DeadLetter, dead_letter_id="d", run_id="r")
    late = replace(early, first_seen_at=TIME.replace(hour=23))
    write_run(tmp_path, "r", [late, early])
    load(tmp_path, options)
    assert [row["first_seen_at"] for row in rows(options, "dead_letters")] == [TIME]


def test_cut_off_anywhere_a_run_is_loaded_whole_the_next_time(
    tmp_path: Path, options: BigQueryOptions, server: FailingServer
) -> None:
    write_run(tmp_path, "run-1", of_run("run-1", [ARTICLE, FOUND[1]]))
    load(tmp_path, options)
    whole = content(options)
    changes = sum(request.method != "GET" for request in server.requests)
    assert changes > 15
    cut = 0
    for number, done in itertools.product(range(changes), (False, True)):
        fresh = replace(options, bigquery=f"{options.bigquery}_{number}_{done}")
        server.failure = _cut_off(number, done)
        try:
            load(tmp_path, fresh)
        except UsageError as error:
            assert "cut off" in str(error)
            cut += 1
        server.failure = no_failure
        if "loaded_runs" in _tables(fresh):  # all of it or nothing
            held = content(fresh)
            assert held in (whole, {name: [] for name in held})
        load(tmp_path, fresh)
        assert content(fresh) == whole, (number, done)
    assert cut >= 2 * (changes - 2)  # all but the removal of two staging tables


def _cut_off(number: int, done: bool) -> Failure:
    """Refuse a change and all that come after it; what it asks may be done all the same."""
    changes = itertools.count()

    def failure(request: ApiRequest, answer: Callable[[], ApiResponse]) -> ApiResponse | None:
        if request.method == "GET" or next(changes) < number:
            return None
        if done:
            answer()
        return error_response(400, "invalid", "cut off")

    return failure


def _tables(options: BigQueryOptions) -> set[str]:
    client = _client(options, "EU")
    names = {f"{item.project}.{item.dataset_id}" for item in client.list_datasets()}
    if options.bigquery not in names:
        return set()
    return {table.table_id for table in client.list_tables(options.bigquery or "")}


def test_killed_between_load_and_merge(
    tmp_path: Path, options: BigQueryOptions, server: FailingServer
) -> None:
    write_run(tmp_path, "run-1", of_run("run-1", ALL))
    command = [sys.executable, "-m", "pipeline", "load", "--output", str(tmp_path)]
    for name in ("bigquery", "bigquery_location", "bigquery_endpoint"):
        command += [f"--{name}", str(getattr(options, name))]
    reached = threading.Event()
    gone = threading.Event()

    def failure(request: ApiRequest, _answer: Callable[[], ApiResponse]) -> ApiResponse | None:
        if not starts_job(request, "merge"):
            return None
        reached.set()
        gone.wait(60)
        return error_response(400, "invalid", "nobody is there to read this")

    server.failure = failure
    with subprocess.Popen(command) as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGKILL)
        process.wait()
        gone.set()
    assert rows(options, "loaded_runs") == rows(options, "articles") == []

    server.failure = no_failure
    server.requests.clear()
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == (
        f"1 run loaded into BigQuery dataset {options.bigquery}\n"
    )
    assert len(rows(options, "articles")) == 2 and len(rows(options, "loaded_runs")) == 1
    # The jobs of the one that was killed are found, and nothing is sent again.
    assert sum(starts_job(request, "load") for request in server.requests) == len(RECORDS)
    assert not any(request.method == "PUT" for request in server.requests)


def test_what_an_earlier_load_staged_may_have_expired(
    tmp_path: Path, options: BigQueryOptions, server: FailingServer
) -> None:
    write_run(tmp_path, "run-1", of_run("run-1", [ARTICLE]))
    server.failure = lambda request, _: (
        error_response(400, "invalid", "cut off") if starts_job(request, "merge") else None
    )
    with pytest.raises(UsageError, match=r"cut off"):
        load(tmp_path, options)
    server.failure = no_failure
    (staging,) = (table for table in _tables(options) if table.startswith("staging_"))
    _client(options, "EU").delete_table(f"{options.bigquery}.{staging}")
    assert load(tmp_path, options) == ["run-1"]
    assert len(rows(options, "articles")) == 1


def test_two_that_load_the_same_run_at_a_time(
    tmp_path: Path, options: BigQueryOptions, server: FailingServer
) -> None:
    write_run(tmp_path, "run-1", of_run("run-1", ALL))
    first, second = BigQueryDatabase(options), BigQueryDatabase(options)
    first.list_loaded_runs()
    run = read_committed_run(str(tmp_path), "run-1")
    overtaken: list[dict[str, int]] = []

    def failure(request: ApiRequest, _answer: Callable[[], ApiResponse]) -> ApiResponse | None:
        if starts_job(request, "merge") and not overtaken:
            overtaken.append({})
            overtaken.append(second.load(run))
        return None

    server.failure = failure
    assert first.load(run) == overtaken[1] != {}
    assert len(rows(options, "articles")) == 2 and rows(options, "load_lock") == [{"loads": 1}]
    merges = [request.job_id for request in server.requests if starts_job(request, "merge")]
    assert len(merges) == 2 and len(set(merges)) == 1


def test_a_run_that_is_there_is_not_merged_again(
    tmp_path: Path, options: BigQueryOptions, server: FailingServer
) -> None:
    write_run(tmp_path, "run-1", of_run("run-1", ALL))
    database = BigQueryDatabase(options)
    load(tmp_path, options)
    database._read_run_ids = set  # type: ignore[method-assign]  # as if it had come in since
    server.forget_jobs()
    assert database.load(read_committed_run(str(tmp_path), "run-1")) == {}
    assert len(rows(options, "articles")) == 2 and rows(options, "load_lock") == [{"loads": 1}]


def test_a_merge_that_fails_leaves_nothing(tmp_path: Path, options: BigQueryOptions) -> None:
    write_run(tmp_path, "run-1", of_run("run-1", ALL))
    database = BigQueryDatabase(options)
    database.list_loaded_runs()
    _client(options, None).delete_table(f"{options.bigquery}.feed_health")  # the last to merge
    with pytest.raises(UsageError, match=r"run run-1.*feed_health"):
        database.load(read_committed_run(str(tmp_path), "run-1"))
    for table in ("articles", "quotes", "loaded_runs"):
        assert rows(options, table) == []
    assert load(tmp_path, options) == ["run-1"]  # by another job, with the table made anew
    assert len(rows(options, "feed_health")) == 1


def test_a_merge_that_another_one_aborts_is_tried_again(
    tmp_path: Path,
    options: BigQueryOptions,
    server: FailingServer,
) -> None:
    write_run(tmp_path, "run-1", of_run("run-1", ALL))
    message = "Transaction is aborted due to concurrent update against table load_lock"
    aborted: dict[str, ApiResponse] = {}

    def failure(request: ApiRequest, _answer: Callable[[], ApiResponse]) -> ApiResponse | None:
        if starts_job(request, "merge") and request.job_id.endswith(("_1", "_2")):
            if request.job_id in aborted:
                return error_response(409, "duplicate", "Already Exists")
            aborted[request.job_id] = _failed_job(request, message)
            return aborted[request.job_id]
        named = [job_id for job_id in aborted if f"/{job_id}?" in request.path]
        return aborted[named[0]] if named else None

    server.failure = failure
    assert load(tmp_path, options) == ["run-1"]
    assert len(aborted) == 2 and len(rows(options, "articles")) == 2


def _failed_job(request: ApiRequest, message: str) -> ApiResponse:
    error = {"reason": "invalidQuery", "message": message}
    job = {
        **request.json,
        "status": {"state": "DONE", "errorResult": error, "errors": [error]},
        "statistics": {"query": {}},
    }
    return ApiResponse(200, {"content-type": "application/json"}, json.dumps(job).encode())


def test_answers_that_are_lost_or_late_are_asked_for_again(
    tmp_path: Path, options: BigQueryOptions, server: FailingServer
) -> None:
    write_run(tmp_path, "run-1", of_run("run-1", [ARTICLE, FOUND[1]]))
    failed: set[tuple[str, str]] = set()

    def failure(request: ApiRequest, answer: Callable[[], ApiResponse]) -> ApiResponse | None:
        if (request.method, request.path) in failed:
            return None
        failed.add((request.method, request.path))
        if request.job_id:
            answer()  # the job is begun, but its answer is lost
        return error_response(503, "backendError", "try again")

    server.failure = failure
    assert load(tmp_path, options) == ["run-1"]
    assert len(failed) > 20
    assert len(rows(options, "articles")) == len(rows(options, "quotes")) == 1


@pytest.mark.parametrize("file_format", ["parquet", "jsonl"])
def test_bigquery_reads_files_of_cloud_storage_itself(
    folder: Path,
    options: BigQueryOptions,
    server: FailingServer,
    monkeypatch: pytest.MonkeyPatch,
    file_format: str,
) -> None:
    bucket = f"bucket-{file_format}"
    records = [r for r in ALL if not isinstance(r, TopicTag)]  # DuckDB reads folders as columns
    write_run(folder / "buckets" / bucket, "r", of_run("r", records), file_format=file_format)
    local = read_committed_run(str(folder / "buckets" / bucket), "r")

    def address(path: str) -> str:
        return path.replace(str(folder / "buckets"), "gs:/")

    files = {table: [*map(address, paths)] for table, paths in local.files.items()}
    run = CommittedRun("r", address(local.folder), file_format, files)
    monkeypatch.setattr(
        "transforms.sinks.bigquery.database.read_start_time", lambda _: TIME
    )  # Cloud Storage itself is not here
    database = BigQueryDatabase(options)
    database.list_loaded_runs()
    assert database.load(run)["articles"] == 2
    assert len(rows(options, "articles")) == 2
    assert not any("upload" in request.path for request in server.requests)
    begun = [
        request.json["configuration"]["load"]
        for request in server.requests
        if starts_job(request, "load")
    ]
    sources = itertools.chain(*(load["sourceUris"] for load in begun))
    assert sorted(sources) == sorted(itertools.chain(*files.values()))


def test_more_files_than_a_job_takes_are_named_by_a_pattern(
    options: BigQueryOptions, server: FailingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.sinks.bigquery.database.read_start_time", lambda _: TIME)
    root = "gs://bucket/out/runs/r/parquet/topics"
    files = [f"{root}/day=2026-11-20/topic={i}/part-00000.parquet" for i in range(10_001)]
    database = BigQueryDatabase(options)
    database.list_loaded_runs()
    with pytest.raises(UsageError, match=r"table topics of run r"):  # there are no such files
        database.load(CommittedRun("r", "gs://bucket/out/runs/r", "parquet", {"topics": files}))
    (begun,) = (request.json for request in server.requests if starts_job(request, "load"))
    assert begun["configuration"]["load"]["sourceUris"] == [f"{root}/*.parquet"]


def test_tables_of_an_earlier_version_are_migrated(
    tmp_path: Path, options: BigQueryOptions
) -> None:
    client = _client(options, "EU")
    dataset = bigquery.Dataset(options.bigquery or "")
    dataset.location = "EU"
    client.create_dataset(dataset)
    for record in RECORDS:
        added = {column.name for column in ADDED_COLUMNS if column.table == record.TABLE}
        fields = [f for f in bigquery_schema(record)["fields"] if f["name"] not in added]
        schema = [bigquery.SchemaField.from_api_repr(field) for field in fields]
        client.create_table(bigquery.Table(f"{options.bigquery}.{record.TABLE}", schema=schema))
        if record is Article:
            row = {k: v for k, v in to_json(ARTICLE).items() if k not in added}
            client.load_table_from_file(
                io.BytesIO(json.dumps(row).encode()),
                f"{options.bigquery}.articles",
                job_config=bigquery.LoadJobConfig(
                    schema=schema, source_format="NEWLINE_DELIMITED_JSON"
                ),
            ).result()
    runs = bigquery.Table(f"{options.bigquery}.loaded_runs", schema=_RUNS)
    runs.labels = {"newsbeam_schema_version": "1"}
    client.create_table(runs)

    write_run(tmp_path, "run-2", of_run("run-2", [replace(OTHER, version=7)]), minute=1)
    assert load(tmp_path, options) == ["run-2"]
    (one, two) = sorted(rows(options, "articles"), key=lambda row: str(row["run_id"]))
    assert (one["lineage_id"], one["version"], one["noindex"]) == (ARTICLE.article_id, 1, False)
    assert (one["summary"], one["tags"] or []) == (None, [])
    assert two["version"] == 7
    labels = client.get_table(f"{options.bigquery}.loaded_runs").labels
    assert labels == {"newsbeam_schema_version": str(SCHEMA_VERSION)}
    modes = {f.name: f.mode for f in client.get_table(f"{options.bigquery}.articles").schema}
    assert modes["version"] == "NULLABLE" and modes["title"] == "REQUIRED"


_RUNS = [bigquery.SchemaField.from_api_repr(field) for field in BOOKKEEPING_FIELDS["loaded_runs"]]


@pytest.mark.parametrize("file_format", ["parquet", "jsonl"])
def test_files_of_an_earlier_version_are_filled_up(
    tmp_path: Path, options: BigQueryOptions, file_format: str
) -> None:
    write_run(tmp_path, "run-1", of_run("run-1", [ARTICLE]), file_format=file_format)
    added = {column.name for column in ADDED_COLUMNS}
    (path,) = tmp_path.rglob(f"*.{file_format}")
    if file_format == "parquet":
        table = pq.read_table(path, partitioning=None)
        pq.write_table(table.drop_columns([n for n in table.column_names if n in added]), path)
    else:
        line = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({k: v for k, v in line.items() if k not in added}) + "\n")
    load(tmp_path, options)
    (row,) = rows(options, "articles")
    assert (row["lineage_id"], row["version"], row["noindex"]) == (ARTICLE.article_id, 1, False)


def test_what_a_later_program_wrote_is_refused(tmp_path: Path, options: BigQueryOptions) -> None:
    later = replace(ARTICLE, schema_version=SCHEMA_VERSION + 1)
    write_run(tmp_path, "run-1", of_run("run-1", [later]))
    with pytest.raises(UsageError, match=r"run run-1 was written by a later Newsbeam"):
        load(tmp_path, options)
    assert rows(options, "articles") == []
    client = _client(options, "EU")
    runs = client.get_table(f"{options.bigquery}.loaded_runs")
    runs.labels = {"newsbeam_schema_version": str(SCHEMA_VERSION + 1)}
    client.update_table(runs, ["labels"])
    message = f"of schema version {SCHEMA_VERSION + 1}, and this program writes {SCHEMA_VERSION}"
    with pytest.raises(UsageError, match=message):
        load(tmp_path, options)


def test_a_table_that_does_not_fit(options: BigQueryOptions) -> None:
    client = _client(options, "EU")
    dataset = bigquery.Dataset(options.bigquery or "")
    dataset.location = "EU"
    client.create_dataset(dataset)
    schema = [bigquery.SchemaField("title", "INTEGER")]
    client.create_table(bigquery.Table(f"{options.bigquery}.articles", schema=schema))
    database = BigQueryDatabase(options)
    expected = "table articles: column title is INTEGER NULLABLE, not STRING REQUIRED"
    with pytest.raises(UsageError, match=rf"{options.bigquery}: {expected}"):
        database.list_loaded_runs()
    client.create_table(bigquery.Table(f"{options.bigquery}.loaded_runs", schema=schema))
    with pytest.raises(UsageError, match=r"loaded_runs is not Newsbeam's"):
        database.list_loaded_runs()


def test_a_dataset_is_made_only_where_it_is_said_to_be(options: BigQueryOptions) -> None:
    elsewhere = replace(options, bigquery_location=None)
    with pytest.raises(UsageError, match=r"no such dataset; create it with --bigquery_location EU"):
        BigQueryDatabase(elsewhere)
    BigQueryDatabase(options)
    BigQueryDatabase(elsewhere)
    with pytest.raises(UsageError, match=r"it is in EU, not in US"):
        BigQueryDatabase(replace(options, bigquery_location="US"))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            error_response(403, "accessDenied", "Access Denied: Dataset"),
            "not allowed .*Access Denied.*roles/bigquery.dataEditor.*roles/bigquery.jobUser",
        ),
        (
            error_response(403, "quotaExceeded", "Quota exceeded: too many"),
            "Quota exceeded: too many$",
        ),
        (
            error_response(400, "invalid", "Too many partitions produced by query"),
            "Too many partitions.*--bigquery_partitions month",
        ),
        (
            error_response(400, "invalid", "Cannot read and write in different locations"),
            "different locations.*the bucket and the dataset",
        ),
    ],
)
def test_errors_say_what_to_do(
    options: BigQueryOptions, server: FailingServer, answer: ApiResponse, message: str
) -> None:
    BigQueryDatabase(options)
    server.failure = lambda request, _: answer if request.method == "POST" else None
    with pytest.raises(UsageError, match=rf"^BigQuery dataset {options.bigquery}: .*{message}"):
        BigQueryDatabase(options).list_loaded_runs()


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(UsageError, match=r"no valid Google credentials.*gcloud auth"):
        BigQueryDatabase(BigQueryOptions(bigquery="project-1.news"))


def test_a_worker_fills_it_when_nobody_waits_for_the_run(
    web: WebServer, tmp_path: Path, options: BigQueryOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_lease_timing(monkeypatch)
    # The launcher loads no database.
    monkeypatch.setattr("pipeline.commands.ingest.open_databases", lambda _: [])
    page = "<html><body><article><p>" + "Mayor Kim Lee said the bridge is safe. " * 20 + "</p>"
    item = f"<item><title>Bridge</title><link>{web.html('/bridge', page)}</link></item>"
    feed = f"<rss version='2.0'><channel><title>T</title>{item}</channel></rss>"
    web.replies["/feed"] = WebReply(feed.encode(), headers={"Content-Type": "application/rss+xml"})
    flags = [
        "--bigquery",
        str(options.bigquery),
        "--bigquery_endpoint",
        str(options.bigquery_endpoint),
    ]
    flags += ["--bigquery_location", "EU", "--template_location", "unused", "--run_id", "one"]
    command = ["ingest", "--feeds", f"{web.base}/feed", "--output", f"{SCHEME}://{tmp_path}"]
    assert run_command([*command, *flags, *LOCAL, "--host_delay_sec", "0"]) == 0
    assert content(options)["runs"] == ["one"]
    assert [row["url"] for row in rows(options, "articles")] == [f"{web.base}/bridge"]
