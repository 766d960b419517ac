import datetime as dt
import json
from pathlib import Path

import apache_beam as beam
import duckdb
import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from schemas import RECORDS, Article, Record, TopicTag
from schemas.jsonable import from_json, json_line, to_json
from tests.examples import article
from transforms.options import UsageError
from transforms.sinks import files
from transforms.sinks.commit import commit, known_entries, prepare
from transforms.sinks.duckdb import write_views
from transforms.sinks.files import WriteRecords, WrittenFile, partition_of

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


def write(staging: Path, records: list[Record], file_format: str) -> list[WrittenFile]:
    """Run the sink; the files that it says it wrote."""
    listed = staging / "listed"

    class Note(beam.DoFn):
        def process(self, element: WrittenFile) -> None:
            with listed.open("a", encoding="utf-8") as out:
                out.write(json_line(to_json(element)) + "\n")

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        written = pipeline | beam.Create(records) | WriteRecords(str(staging), file_format)
        _ = written | beam.ParDo(Note())
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    return [from_json(WrittenFile, json.loads(line)) for line in lines]


@pytest.mark.parametrize("file_format", files.FORMATS)
def test_a_run_from_records_to_a_query(tmp_path: Path, file_format: str) -> None:
    staging = prepare(tmp_path, "r1")
    written = write(staging, [*ARTICLES, TAG], file_format)
    assert sum(file.rows for file in written) == 6
    assert not any((tmp_path / "runs").iterdir())

    run = commit(tmp_path, staging, written, [("k", "id"), ("a", "b")], "{}")
    assert run == tmp_path / "runs" / "r1"
    day = run / file_format / "articles" / "day=2026-11-19"
    assert [p.name for p in day.iterdir()] == [f"part-00000.{file_format}"]
    assert (run / file_format / "topics" / "day=2026-11-19" / "topic=elections").is_dir()
    assert known_entries(tmp_path) == {"k": "id", "a": "b"}

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
    (jsonl,) = write(prepare(tmp_path, "a"), [ARTICLES[0]], "jsonl")
    (parquet,) = write(prepare(tmp_path, "b"), [ARTICLES[0]], "parquet")
    line = json.loads(Path(jsonl.path).read_text(encoding="utf-8"))
    (row,) = pq.read_table(parquet.path, partitioning=None).to_pylist()
    assert from_json(Article, line) == Article(**row) == ARTICLES[0]


def test_rows_are_sorted_and_large_bundles_make_several_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_MAX_BUFFERED_ROWS", 3)
    written = write(tmp_path, list(ARTICLES), "jsonl")
    assert len(written) > 2
    for file in written:
        lines = Path(file.path).read_text(encoding="utf-8").splitlines()
        keys = [json.loads(line)["article_id"] for line in lines]
        assert keys == sorted(keys) and keys[0] == file.first_key and len(keys) == file.rows


def test_files_of_bundles_that_failed_are_left_out(tmp_path: Path) -> None:
    staging = prepare(tmp_path, "r1")
    written = write(staging, [ARTICLES[0]], "jsonl")
    stray = Path(written[0].path).with_name("stray.jsonl")
    stray.write_text("half a li")
    run = commit(tmp_path, staging, written, [], "{}")
    assert [p.name for p in run.rglob("*.jsonl")] == ["part-00000.jsonl"]


def test_a_run_that_was_cut_off_is_begun_anew(tmp_path: Path) -> None:
    (prepare(tmp_path, "r1") / "left").touch()
    assert list(prepare(tmp_path, "r1").iterdir()) == []


def test_a_run_is_never_written_over(tmp_path: Path) -> None:
    staging = prepare(tmp_path, "r1")
    commit(tmp_path, staging, [], [], "{}")
    with pytest.raises(UsageError, match="already has a run r1"):
        prepare(tmp_path, "r1")


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write to the output folder"):
        prepare(tmp_path / "file" / "out", "r1")


def test_views_of_several_runs(tmp_path: Path) -> None:
    output = tmp_path / "it's here"
    for record, file_format in ((0, "parquet"), (1, "jsonl"), (2, "parquet")):
        staging = prepare(output, f"r{record}")
        commit(output, staging, write(staging, [ARTICLES[record]], file_format), [], "{}")
    write_views(output)
    with duckdb.connect(str(output / "newsbeam.duckdb"), read_only=True) as db:
        found = db.sql("SELECT * FROM articles ORDER BY canonical_url").to_arrow_table()
    assert [Article(**row) for row in found.to_pylist()] == ARTICLES[:3]


def test_partitions() -> None:
    assert partition_of(ARTICLES[0]) == "articles/day=2026-11-19"
    assert partition_of(TAG) == "topics/day=2026-11-19/topic=elections"
