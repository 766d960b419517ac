import datetime as dt
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import duckdb
import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from schemas import RECORDS, Article, Record, TopicTag
from schemas.jsonable import from_json, json_line, to_json
from tests.support.example_records import article
from tests.support.hdfs_like_filesystem import SCHEME, HdfsLikeFileSystem
from tests.support.leases import use_lease_timing
from transforms.core.errors import UsageError
from transforms.sinks import write_records
from transforms.sinks.commit import commit, staging_folder
from transforms.sinks.duckdb import write_views
from transforms.sinks.write_records import WriteRecords, WrittenFile, partition_of
from transforms.state.file_format import read_state_file, write_state_file
from transforms.storage.runs import list_committed_runs, read_committed_run

assert HdfsLikeFileSystem.scheme() == SCHEME

ARTICLES = [
    article(f"https://a.example/{i}", f"Text “{i}”.", day=dt.date(2026, 11, 19 + i % 2))
    for i in range(5)
]
TAG = TopicTag(
    tag_id="t1",
    article_id=ARTICLES[0].article_id,
    quote_id=None,
    run_id="run-1",
    day=dt.date(2026, 11, 19),
    topic_id="elections",
    label="Elections",
    iptc_codes=["20000574"],
    score=0.7,
    evidence=[],
    title_evidence=[],
    taxonomy_version="1",
)


def here(path: str) -> Path:
    return Path(path.removeprefix(f"{SCHEME}://"))


def write(
    staging: str, records: list[Record], file_format: str, **options: int
) -> list[WrittenFile]:
    """Run the sink and return the files that it yields."""
    listed = here(staging) / f"listed-{uuid.uuid4().hex}"

    class Note(beam.DoFn):
        def process(self, element: WrittenFile) -> None:
            with listed.open("a", encoding="utf-8") as out:
                out.write(json_line(to_json(element)) + "\n")

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        written = pipeline | beam.Create(records) | WriteRecords(staging, file_format, **options)
        _ = written | beam.ParDo(Note())
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    return [from_json(WrittenFile, json.loads(line)) for line in lines]


@pytest.fixture(params=["", f"{SCHEME}://"], ids=["local", "elsewhere"])
def output(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An output folder of this machine, and one of another file system."""
    use_lease_timing(monkeypatch)
    return f"{request.param}{tmp_path}"


def ingest(
    output: Path | str,
    run_id: str,
    records: list[Record],
    file_format: str,
    learnt: Sequence[str] = (),
) -> Path:
    """A committed run of these records."""
    with staging_folder(str(output), run_id) as staging:
        written = write(staging.folder, records, file_format)
        assert sum(file.rows for file in written) == len(records)
        assert run_id not in list_committed_runs(str(output))
        return here(commit(str(output), staging.folder, written, learnt, "{}"))


@pytest.mark.parametrize("file_format", write_records.FORMATS)
def test_a_run_from_records_to_a_query(tmp_path: Path, file_format: str, output: str) -> None:
    run = ingest(output, "r1", [*ARTICLES, TAG], file_format, ["line"])
    assert run == tmp_path / "runs" / "r1" and list_committed_runs(output) == ["r1"]
    day = run / file_format / "articles" / "day=2026-11-19"
    assert [p.name for p in day.iterdir()] == [f"part-00000.{file_format}"]
    assert (run / file_format / "topics" / "day=2026-11-19" / "topic=elections").is_dir()
    learnt = read_state_file(str(run / "learnt.state"))
    assert (learnt.runs, [*learnt.lines]) == (["r1"], ["line"])

    write_views(tmp_path)
    with duckdb.connect(str(tmp_path / "newsbeam.duckdb"), read_only=True) as db:
        rows = db.execute("SELECT article_id, text, authors FROM articles").fetchall()
        assert sorted(rows) == sorted((a.article_id, a.text, []) for a in ARTICLES)
        assert db.execute("SELECT topic_id, iptc_codes FROM topics").fetchall() == [
            ("elections", ["20000574"])
        ]
        for record in RECORDS:
            names = [f[0] for f in db.execute(f'DESCRIBE "{record.TABLE}"').fetchall()]
            assert names[0] == record.KEY and names[-1] == "schema_version"
        assert db.execute("SELECT count(*) FROM quotes").fetchall() == [(0,)]


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    runs = {name: ingest(tmp_path, name, [ARTICLES[0]], name) for name in write_records.FORMATS}
    (jsonl,) = runs["jsonl"].rglob("*.jsonl")
    (parquet,) = runs["parquet"].rglob("*.parquet")
    line = json.loads(jsonl.read_text(encoding="utf-8"))
    (row,) = pq.read_table(parquet, partitioning=None).to_pylist()
    assert from_json(Article, line) == Article(**row) == ARTICLES[0]


def test_rows_are_sorted_and_large_bundles_make_several_files(tmp_path: Path) -> None:
    written = write(str(tmp_path), list(ARTICLES), "jsonl", max_buffered_rows=3)
    assert len(written) > 2
    for file in written:
        lines = Path(file.path).read_text(encoding="utf-8").splitlines()
        keys = [json.loads(line)["article_id"] for line in lines]
        assert keys == sorted(keys) and keys[0] == file.first_key and len(keys) == file.rows


def test_files_of_bundles_that_failed_are_left_out(output: str) -> None:
    with staging_folder(output, "r1") as staging:
        written = write(staging.folder, [ARTICLES[0]], "jsonl")
        here(written[0].path).with_name("stray.jsonl").write_text("half a li")
        run = here(commit(output, staging.folder, written, [], "{}"))
    assert [p.name for p in run.rglob("*.jsonl")] == ["part-00000.jsonl"]


def test_a_commit_that_is_tried_again_changes_nothing(output: str) -> None:
    with staging_folder(output, "r1") as staging:
        first, second = (write(staging.folder, [a], "jsonl") for a in ARTICLES[:2])
        run = commit(output, staging.folder, first, ["one"], "{}")
        before = contents(here(run))
        assert commit(output, staging.folder, second, ["two"], "[]") == run
        assert contents(here(run)) == before and len(before) == 3


def test_a_commit_that_was_cut_off_is_made_whole_by_the_next_try(
    output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    with staging_folder(output, "r1") as staging:
        first = write(staging.folder, [*ARTICLES[:2]], "jsonl")
        second = write(staging.folder, [ARTICLES[2]], "jsonl")
        with monkeypatch.context() as patch, pytest.raises(OSError, match="the disk is full"):
            patch.setattr("transforms.sinks.commit.write_state_file", fail)
            commit(output, staging.folder, first, [], "{}")
        assert list_committed_runs(output) == []
        commit(output, staging.folder, second, [], "{}")
        run = read_committed_run(output, "r1")
    (path,) = run.files["articles"]
    assert [json.loads(line)["article_id"] for line in here(path).read_text().splitlines()] == [
        ARTICLES[2].article_id
    ]


def test_of_two_commits_at_once_one_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = str(tmp_path)
    with staging_folder(output, "r1") as staging:
        first, second = (write(staging.folder, [a], "jsonl") for a in ARTICLES[:2])

        def slow(*args: Any) -> None:
            monkeypatch.undo()
            commit(output, staging.folder, second, [], "second")
            write_state_file(*args)

        monkeypatch.setattr("transforms.sinks.commit.write_state_file", slow)
        run = here(commit(output, staging.folder, first, [], "first"))
    assert (run / "summary.json").read_text() == "second"


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_what_killed_runs_leave_behind_is_removed_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_lease_timing(monkeypatch)
    left = tmp_path / ".staging" / "killed" / "jsonl"
    left.mkdir(parents=True)
    (left / "half").touch()
    with staging_folder(f"{SCHEME}://{tmp_path}", "r1"):
        assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["lock.json"]


def test_what_killed_runs_leave_behind_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".staging" / "killed" / "jsonl"
    left.mkdir(parents=True)
    (left / "half").touch()
    with staging_folder(str(tmp_path), "r1") as staging:
        assert list(Path(staging.folder).iterdir()) == [] and not left.exists()
    assert [p.name for p in (tmp_path / ".staging").iterdir()] == ["lock"]


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        staging_folder(str(tmp_path), "r1"),
        pytest.raises(UsageError, match="another run is writing"),
        staging_folder(str(tmp_path), "r2"),
    ):
        raise AssertionError("two runs at once")
    with staging_folder(str(tmp_path), "r2") as staging:
        assert Path(staging.folder).is_dir()


def test_a_run_is_never_written_over(tmp_path: Path) -> None:
    ingest(tmp_path, "r1", [], "jsonl")
    with (
        pytest.raises(UsageError, match="already has a run r1"),
        staging_folder(str(tmp_path), "r1"),
    ):
        raise AssertionError("the run would be written over")


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UsageError, match="cannot write to the output folder"),
        staging_folder(str(tmp_path / "file" / "out"), "r1"),
    ):
        raise AssertionError("there is no folder")


def test_views_of_several_runs(tmp_path: Path) -> None:
    output = tmp_path / "it's here"
    for number, file_format in enumerate(("parquet", "jsonl", "parquet")):
        ingest(output, f"r{number}", [ARTICLES[number]], file_format)
    write_views(output)
    with duckdb.connect(str(output / "newsbeam.duckdb"), read_only=True) as db:
        found = db.sql("SELECT * FROM articles ORDER BY canonical_url").to_arrow_table()
    assert [Article(**row) for row in found.to_pylist()] == ARTICLES[:3]


def test_partitions() -> None:
    assert partition_of(ARTICLES[0]) == "articles/day=2026-11-19"
    assert partition_of(TAG) == "topics/day=2026-11-19/topic=elections"
