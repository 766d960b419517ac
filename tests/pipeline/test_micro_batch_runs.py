"""Windows of a stream: what is shown once stays so, whatever is given again."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import BytesCoder
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.testing import test_pipeline, test_stream

from pipeline.micro_batch_runs import MicroBatchWriter, StreamProgress, pack
from pipeline.micro_batch_timer import WriteMicroBatches
from pipeline.summary import Summary
from schemas import Article
from tests.support.example_records import TIME, article
from tests.support.hdfs_like_filesystem import SCHEME
from tests.transforms.test_group_stories import COPY, FIRST, OTHER, WIRE
from transforms.core.dead_letters import dead_letter
from transforms.core.elements import FeedReport, Outcome, Run
from transforms.feed_health import feed_state
from transforms.state.records import StateChange

FEED = "https://a.example/feed"
RUN = Run("stream", TIME, is_streaming=True)


def numbered(number: int) -> Article:
    return article(
        f"https://a.example/{number}", f"Text {number}.", url=f"https://a.example/{number}"
    )


def report(entries: int) -> list[Any]:
    """A feed that was read: its report, and what is known of it from now on."""
    read = FeedReport(FEED, "ok", 200, entries)
    return [read, StateChange(feed=feed_state(read, None, RUN))]


def outcome(of: Article, kind: str = "article") -> Outcome:
    return Outcome(FEED, of.canonical_url, kind, of.article_id)


@pytest.fixture
def tick(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets a second pass."""
    time = [TIME]
    monkeypatch.setattr("pipeline.micro_batch_runs.now", lambda: time[0])

    def tick() -> None:
        time[0] += dt.timedelta(seconds=1)

    return tick


@pytest.fixture(params=["here", "elsewhere"])
def windows(request: pytest.FixtureRequest, tmp_path: Path) -> MicroBatchWriter:
    """On this machine's file system and on another."""
    (tmp_path / "runs").mkdir()
    output = str(tmp_path) if request.param == "here" else f"{SCHEME}://{tmp_path}"
    return MicroBatchWriter(RUN, output, f"{output}/.staging/stream", ["jsonl", "parquet"])


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """The records that can be seen, in the order of their runs."""
    files = sorted(folder.glob(f"runs/*/jsonl/{table}/**/*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def ids(folder: Path) -> list[str]:
    return [row["article_id"] for row in rows(folder, "articles")]


def show(
    windows: MicroBatchWriter, before: StreamProgress, *elements: Any
) -> tuple[Summary, StreamProgress]:
    summary, after = windows.write([pack(elements)], before)
    assert summary is not None
    return summary, after


def test_a_window_is_a_run(
    windows: MicroBatchWriter, tick: Callable[[], None], tmp_path: Path
) -> None:
    one, two = numbered(1), numbered(2)
    lost = dead_letter(RUN, "FetchPages", "https://a.example/3", ValueError("no"))
    first, after = show(windows, StreamProgress(), *report(3), one, outcome(one), lost)
    tick()
    second, after = show(windows, after, two, outcome(two), outcome(two, "dead_letter"))
    assert (first.run_id, second.run_id) == ("stream-20261120T093000Z", "stream-20261120T093001Z")
    assert (first.on_the_way, second.on_the_way) == (2, 0)
    assert first.adds_up and second.adds_up
    assert ids(tmp_path) == [one.article_id, two.article_id]
    assert [row["run_id"] for row in rows(tmp_path, "articles")] == [first.run_id, second.run_id]
    assert [row["message"] for row in rows(tmp_path, "dead_letters")] == ["no"]
    (health,) = rows(tmp_path, "feed_health")
    assert (health["entries_seen"], health["entries_new"]) == (3, 1)
    assert health["run_id"] == first.run_id
    learnt = (tmp_path / "runs" / first.run_id / "learnt.state").read_text()
    assert '["feed",{' in learnt
    assert [p.name for p in (tmp_path / ".staging").rglob("*") if p.is_file()] == ["head"]


def test_what_has_ended_since_counts_for_the_next_report_of_its_feed(
    windows: MicroBatchWriter, tick: Callable[[], None], tmp_path: Path
) -> None:
    _, after = show(windows, StreamProgress(), *report(1))
    tick()
    _, after = show(windows, after, outcome(numbered(1)))
    tick()
    show(windows, after, *report(1), outcome(numbered(1), "known"))
    assert [row["entries_new"] for row in rows(tmp_path, "feed_health")] == [0, 1]


def test_a_window_that_is_given_again_is_shown_once(
    windows: MicroBatchWriter, tick: Callable[[], None], tmp_path: Path
) -> None:
    lost = dead_letter(RUN, "FetchPages", "https://a.example/9", ValueError("no"))
    before = StreamProgress()
    _, checkpoint = show(windows, before, numbered(0))
    tick()
    _, later = show(windows, checkpoint, numbered(1), lost)
    tick()
    show(windows, later, numbered(2))
    tick()
    # Back to the checkpoint: the same comes again in other windows, with what is new, and changed.
    changed = replace(numbered(2), text="Changed since.")
    _, after = show(windows, checkpoint, numbered(1), changed, numbered(3))
    tick()
    assert after.replayed_runs == ["stream-20261120T093001Z", "stream-20261120T093002Z"]
    _, after = show(windows, after, lost, numbered(2), numbered(4))
    assert ids(tmp_path) == [numbered(n).article_id for n in range(5)]
    assert [row["text"] for row in rows(tmp_path, "articles")][2] == "Text 2."
    assert len(rows(tmp_path, "dead_letters")) == 1


def test_after_some_days_nothing_is_given_again(
    windows: MicroBatchWriter, tick: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, checkpoint = show(windows, StreamProgress(), numbered(0))
    tick()
    show(windows, checkpoint, numbered(1))
    tick()
    _, after = show(windows, checkpoint, numbered(2))
    assert after.replayed_runs == ["stream-20261120T093001Z"]
    monkeypatch.setattr("pipeline.micro_batch_runs.now", lambda: TIME + dt.timedelta(days=4))
    _, after = show(windows, after, numbered(3))
    assert after.replayed_runs == []


def test_a_stream_of_another_name_goes_on_from_a_savepoint(
    windows: MicroBatchWriter, tick: Callable[[], None], tmp_path: Path
) -> None:
    _, savepoint = show(windows, StreamProgress(), numbered(0))
    tick()
    show(windows, savepoint, numbered(1))
    tick()
    run, staging = Run("b", TIME, is_streaming=True), f"{windows.output}/.staging/b"
    other = replace(windows, run=run, staging=staging)
    _, after = show(other, savepoint, numbered(1), numbered(2))
    tick()
    show(other, after, numbered(1), numbered(3))
    assert sorted(ids(tmp_path)) == sorted(numbered(n).article_id for n in range(4))


def test_a_commit_that_was_cut_off_is_made_by_the_next(
    windows: MicroBatchWriter,
    tick: Callable[[], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cut_off(*_: object) -> None:
        raise OSError("gone")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="gone"):
        patched.setattr("pipeline.micro_batch_runs.commit", cut_off)
        windows.write([pack([numbered(1)])], StreamProgress())
    tick()
    show(windows, StreamProgress(), numbered(1))
    assert ids(tmp_path) == [numbered(1).article_id]


def test_a_second_has_one_window(windows: MicroBatchWriter, tick: Callable[[], None]) -> None:
    _, after = show(windows, StreamProgress(), numbered(1))
    assert windows.write([pack([numbered(2)])], after) == (None, after)
    tick()
    show(windows, after, numbered(2))


def test_a_copy_of_an_earlier_story_has_its_id(
    windows: MicroBatchWriter, tick: Callable[[], None], tmp_path: Path
) -> None:
    _, after = show(windows, StreamProgress(), FIRST, OTHER)
    tick()
    show(windows, after, COPY, numbered(1))
    stories = {row["article_id"]: row["story_id"] for row in rows(tmp_path, "articles")}
    assert stories[COPY.article_id] == stories[FIRST.article_id]
    assert len(set(stories.values())) == 3
    found = [row["story_id"] for row in rows(tmp_path, "stories")]
    assert sorted(found) == sorted(set(stories.values()))
    assert len(WIRE.split()) > 200


def test_windows_are_shown_by_the_clock_and_the_rest_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    stream = (
        test_stream.TestStream(coder=BytesCoder())
        .add_elements([pack([numbered(1)])])
        .advance_processing_time(20)
        .add_elements([pack([numbered(2)])])
        .advance_watermark_to_infinity()
    )
    windows = MicroBatchWriter(RUN, str(tmp_path), f"{tmp_path}/.staging/stream", ["jsonl"])
    streaming = PipelineOptions(streaming=True)
    runner = BundleBasedDirectRunner()
    with test_pipeline.TestPipeline(runner=runner, options=streaming) as pipeline:
        keyed = pipeline | stream | beam.WithKeys("").with_output_types(tuple[str, bytes])
        _ = keyed | WriteMicroBatches(windows, 10.0)
    assert sorted(ids(tmp_path)) == sorted(numbered(n).article_id for n in (1, 2))
