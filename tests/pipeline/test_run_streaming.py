"""The streaming stages, with a simulated clock; for a real one see test_streaming_on_flink."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import BytesCoder
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.testing import test_pipeline, test_stream
from apache_beam.testing.util import assert_that, equal_to

from pipeline.cli import run_command
from pipeline.graph import IngestJob
from pipeline.options import StreamOptions
from pipeline.runners.flink import FlinkError, cancel_jobs
from pipeline.streaming_graph import build_stream
from schemas import TopicTag
from schemas.ids import alias_key, first_version_id, link_key, version_id
from tests.support.example_records import TIME, article, entry, extracted
from transforms.core.clock import now
from transforms.core.elements import Feed, Run
from transforms.core.isolated_process import IsolatedWorkerHandle, LimitOptions
from transforms.feeds.schedule import IntervalLimits
from transforms.fetch_feeds import FeedFetching
from transforms.fetching.options import FetchOptions
from transforms.language.options import AnalysisOptions
from transforms.parse_entries import EntryParsing
from transforms.state.loaded_state import State, format_line
from transforms.state.records import FeedState, KnownArticle, KnownEntry
from transforms.state.store import StateHandle
from transforms.streaming.drop_known import DropKnownArticles, DropKnownEntries
from transforms.streaming.poll_feeds import FeedPolling, FeedToPoll, QueuedFeed
from transforms.streaming.pubsub import ReadMessages, to_message

LIFE = dt.timedelta(days=90)
OLD, NEW = "aa" * 8, "bb" * 8
LINK = "https://a.example/1"
FAR_FUTURE = 10_000_000_000
SUBSCRIPTION = "projects/my-project/subscriptions/feeds"
TOPIC = "projects/my-project/topics/records"


@pytest.fixture
def streaming() -> test_pipeline.TestPipeline:
    """Return a pipeline on the runner whose clock tests can set."""
    options = PipelineOptions(streaming=True)
    return test_pipeline.TestPipeline(runner=BundleBasedDirectRunner(), options=options)


def one_by_one(
    pipeline: beam.Pipeline, items: Sequence[Any], kind: type, forget_before: int | None = None
) -> beam.PCollection:
    """Return the items, each in its own bundle; years pass before item ``forget_before``."""
    stream = test_stream.TestStream(coder=BytesCoder())
    for number in range(len(items)):
        if number == forget_before:
            stream = stream.advance_processing_time(FAR_FUTURE)
        stream = stream.add_elements([str(number).encode()])
    numbers = pipeline | stream.advance_watermark_to_infinity()
    return numbers | beam.Map(lambda n: items[int(n)]).with_output_types(kind)


def kinds(out: Any) -> beam.PCollection:
    return out.outcomes | beam.Map(lambda o: (o.kind, o.entry_key))


def test_an_entry_passes_once_unless_its_feed_changes_it(
    streaming: beam.Pipeline, state: StateHandle
) -> None:
    first = entry(LINK, fingerprint=OLD)
    other = entry(LINK, fingerprint=OLD, feed_url="https://b.example/feed")
    changed = entry(LINK, fingerprint=NEW)
    with streaming as pipeline:
        entries = one_by_one(pipeline, [first, first, other, changed, changed], type(first))
        out = entries | DropKnownEntries(state, LIFE)
        assert_that(out.main, equal_to([first, replace(changed, edited=True)]), "main")
        assert_that(kinds(out), equal_to([("known", first.key)] * 3), "known")


def test_an_entry_at_another_address_is_known_by_its_own_id(
    streaming: beam.Pipeline, state: StateHandle
) -> None:
    alias = alias_key("https://a.example/feed", "g1")
    first = entry(LINK, fingerprint=OLD, alias=alias)
    moved = entry("https://a.example/new", fingerprint=OLD, alias=alias)
    edited = entry("https://a.example/new", fingerprint=NEW, alias=alias)
    with streaming as pipeline:
        entries = one_by_one(pipeline, [first, moved, edited], type(first))
        out = entries | DropKnownEntries(state, LIFE)
        same = replace(edited, edited=True, lineage=first_version_id(first.key))
        assert_that(out.main, equal_to([first, same]), "main")
        assert_that(kinds(out), equal_to([("known", moved.key)]), "known")


def test_entries_of_an_earlier_run_are_known(
    streaming: beam.Pipeline, state: StateHandle, known: State
) -> None:
    known.apply(format_line(KnownEntry(link_key(LINK), TIME, OLD, "cc" * 16)))
    same, changed = entry(LINK, fingerprint=OLD), entry(LINK, fingerprint=NEW)
    with streaming as pipeline:
        out = one_by_one(pipeline, [same, changed, same], type(same)) | DropKnownEntries(
            state, LIFE
        )
        again = [replace(e, edited=True, lineage="cc" * 16) for e in (changed, same)]
        assert_that(out.main, equal_to(again), "main")
        assert_that(kinds(out), equal_to([("known", LINK)]), "known")


def test_an_entry_is_forgotten_in_time(streaming: beam.Pipeline, state: StateHandle) -> None:
    first = entry(LINK, fingerprint=OLD)
    with streaming as pipeline:
        entries = one_by_one(pipeline, [first, first, first], type(first), forget_before=2)
        out = entries | DropKnownEntries(state, LIFE)
        assert_that(out.main, equal_to([first, first]), "main")


def test_an_article_passes_once_and_again_as_another_version(
    streaming: beam.Pipeline, state: StateHandle
) -> None:
    first = extracted(article(LINK, "Ten were hurt."))
    copy = extracted(article(LINK, "Ten were hurt.", url="https://a.example/amp/1"))
    edited = extracted(article(LINK, "Eleven were hurt."), edited=True)
    lineage = first.article.lineage_id
    with streaming as pipeline:
        articles = one_by_one(pipeline, [first, copy, edited, edited], type(first))
        out = articles | DropKnownArticles(state, LIFE)
        ids = out.main | "id" >> beam.Map(lambda e: (e.article.article_id, e.article.version))
        assert_that(ids, equal_to([(lineage, 1), (version_id(lineage, 2), 2)]), "main")
        expected = [("known", copy.entry.key), ("known", edited.entry.key)]
        assert_that(kinds(out), equal_to(expected), "known")


def test_articles_of_an_earlier_run_are_known(
    streaming: beam.Pipeline, state: StateHandle, known: State
) -> None:
    there = article(LINK, "Ten were hurt.")
    known.apply(format_line(KnownArticle(there.lineage_id, TIME, 1, there.text_hash, True)))
    edited = extracted(article(LINK, "Eleven were hurt."), edited=True)
    with streaming as pipeline:
        articles = one_by_one(pipeline, [extracted(there), edited], type(edited))
        out = articles | DropKnownArticles(state, LIFE)
        versions = out.main | "version" >> beam.Map(lambda e: e.article.version)
        assert_that(versions, equal_to([2]), "main")
        assert_that(kinds(out), equal_to([("known", LINK)]), "known")


def test_the_time_of_the_first_poll_of_a_feed(
    run: Run, state: StateHandle, documents: IsolatedWorkerHandle, known: State
) -> None:
    at, hour = now(), dt.timedelta(hours=1)
    states = {
        "new": None,
        "due": FeedState("due", at, "due", next_due=at - hour),
        "later": FeedState("later", at, "later", next_due=at + hour),
        "retired": FeedState("retired", at, "retired", retired=True),
        "closed": FeedState("closed", at, "closed", closed_until=at + hour, next_due=at + hour),
    }
    for each in filter(None, states.values()):
        known.apply(format_line(each))
    parsing = EntryParsing(run, documents)
    polling = FeedPolling(FeedFetching(run, state, 1000), parsing, IntervalLimits())
    polling.fetching.open()
    due, now_due = dict[str, Any](), dict[str, Any]()
    for name in states:
        items = dict[str, QueuedFeed]()
        list(polling.add(items, polling.make_item(FeedToPoll(name, 0)), at))
        due[name] = items[name].due
        later = at + dt.timedelta(minutes=1)
        list(polling.add(items, polling.make_item(FeedToPoll(name, 0, True)), later))
        now_due[name] = items[name].due
    polling.fetching.close()
    assert due == {
        "new": at,
        "due": at - hour,
        "later": at + hour,
        "retired": None,
        "closed": at + hour,
    }
    asked = dict.fromkeys(("new", "due", "later"), later)
    assert now_due == {**asked, "retired": None, "closed": at + hour}


def test_messages_name_feeds_or_are_dead_letters(streaming: beam.Pipeline, run: Run) -> None:
    url = "https://example.org/rss"
    good = [url.encode(), json.dumps({"feed": url, "why": "ping"}).encode()]
    bad = [
        b"",
        b"\xff\xfe",
        b"ftp://example.org/rss",
        b"{",
        b'{"url": "x"}',
        b'{"feed": 5}',
        b"[1]",
    ]
    bad.append(b'{"a":' * 100_000)
    stream = test_stream.TestStream(coder=BytesCoder()).add_elements([*good, *bad])
    with streaming as pipeline:
        messages = pipeline | stream.advance_watermark_to_infinity()
        out = messages | ReadMessages(run)
        assert_that(out.main, equal_to([FeedToPoll(url, 0, True)] * 2), "main")
        errors = out.dead_letters | beam.Map(lambda d: (d.stage, d.error_type))
        assert_that(errors, equal_to([("ReadMessages", "BadMessage")] * len(bad)), "dead")


def test_messages_of_records_have_attributes_to_filter_by() -> None:
    written = article(LINK)
    message = to_message(written)
    assert json.loads(message.data)["url"] == LINK
    assert message.attributes == {"table": "articles", "id": written.article_id}
    tag = TopicTag(
        tag_id="t1",
        run_id="run-1",
        day=TIME.date(),
        article_id=written.article_id,
        quote_id=None,
        topic_id="elections",
        label="Elections",
        iptc_codes=[],
        score=0.9,
        evidence=[],
        title_evidence=[],
        taxonomy_version="1",
    )
    expected = {"table": "topics", "id": "t1", "topic": "elections"}
    assert to_message(tag).attributes == expected


def graph(state: StateHandle, fetching: FetchOptions, folder: Path, **options: Any) -> list[str]:
    """Return the names of the transforms of a streaming graph, as engines get it."""
    job = IngestJob(
        run=Run("stream", TIME, is_streaming=True),
        feeds=[Feed("https://a.example/feed", 0)],
        retries=[],
        state=state,
        fetching=fetching,
        limits=LimitOptions(),
        processes=1,
        analysis=AnalysisOptions(),
        taxonomy=None,
        gazetteer=None,
        staging=str(folder / "staging"),
        formats=["jsonl"],
    )
    pipeline = beam.Pipeline(options=PipelineOptions(streaming=True))
    build_stream(pipeline, job, StreamOptions(**options), str(folder))
    transforms = pipeline.to_runner_api().components.transforms.values()
    return [transform.unique_name for transform in transforms]


def test_the_graph_has_pub_sub_only_with_its_flags(
    state: StateHandle, fetching: FetchOptions, tmp_path: Path
) -> None:
    names = graph(state, fetching, tmp_path, pubsub_feeds=SUBSCRIPTION, pubsub_records=TOPIC)
    assert {"Messages/Read", "Send/ToProtobufX"} <= set(names)
    names = graph(state, fetching, tmp_path)
    assert not {"Messages/Read", "Send/ToProtobufX"} & set(names)


def test_the_error_names_a_cluster_that_does_not_answer() -> None:
    with pytest.raises(
        FlinkError, match=r"cannot query the Flink cluster at http://127\.0\.0\.1:1"
    ):
        cancel_jobs("http://127.0.0.1:1", "newsbeam-x")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--streaming needs an engine with timers"),
        (["--runner=DirectRunner"], "use --poll_interval_sec"),
        (["--runner=PortableRunner", "--job_endpoint=embed"], "--streaming needs an engine"),
        (["--runner=FlinkRunner", "--pubsub_feeds", SUBSCRIPTION], "needs --runner=DataflowRunner"),
        (["--runner=FlinkRunner", "--pubsub_records", TOPIC], "--pubsub_records needs"),
        (
            ["--runner=DataflowRunner", "--pubsub_feeds", "feeds"],
            "--pubsub_feeds: PubSub subscript",
        ),
        (["--runner=FlinkRunner", "--poll_interval_sec", "5"], "is for bounded runs"),
        (["--runner=FlinkRunner", "--window_sec", "0"], "--window_sec must be at least 1"),
        (["--runner=FlinkRunner", "--longest_poll_sec", "5"], "must not be below"),
    ],
)
def test_unsupported_flags_are_usage_errors(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["ingest", "--streaming", "--feeds", "https://a.example/feed"]
    assert run_command([*command, "--output", str(tmp_path / "news"), *flags]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "news").exists()
