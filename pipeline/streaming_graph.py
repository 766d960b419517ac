"""The streaming graph: the stages of a batch run, with timers and Beam state, in micro-batches."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import apache_beam as beam
from apache_beam.io.gcp.pubsub import (
    ReadFromPubSub,
    WriteToPubSub,
    parse_subscription,
    parse_topic,
)
from apache_beam.transforms.periodicsequence import PeriodicImpulse

from pipeline.graph import IngestJob, make_workers
from pipeline.micro_batch_runs import MicroBatchWriter
from pipeline.micro_batch_timer import PackElements, WriteMicroBatches
from transforms.analyse_articles import AnalyseArticles
from transforms.core.elements import AcceptedArticle, Entry, Feed
from transforms.core.errors import UsageError
from transforms.core.options import flag, require
from transforms.feeds.schedule import IntervalLimits
from transforms.group_stories import accept
from transforms.storage.text_store import InlineTextStore
from transforms.streaming.drop_known import DropKnownArticles, DropKnownEntries
from transforms.streaming.fetch_pages import FetchAndExtractPages
from transforms.streaming.poll_feeds import FeedToPoll, PollFeeds
from transforms.streaming.pubsub import ReadMessages, to_message

_LIST_INTERVAL_SECONDS: Final = 600.0


@dataclass(frozen=True)
class StreamOptions:
    """The intervals of a streaming job, and the names of its Pub/Sub subscription and topic."""

    window_sec: float = flag(
        "seconds between micro-batches, whose records become visible together",
        default=60.0,
        type=float,
        metavar="SECONDS",
    )
    shortest_poll_sec: float = flag(
        "minimum seconds between two requests for a feed",
        default=300.0,
        type=float,
        metavar="SECONDS",
    )
    longest_poll_sec: float = flag(
        "maximum seconds between two requests for a feed, unless it asks for more",
        default=86_400.0,
        type=float,
        metavar="SECONDS",
    )
    remember_days: float = flag(
        "days for which an entry or article is remembered after no feed lists it any more",
        default=90.0,
        type=float,
        metavar="DAYS",
    )

    pubsub_feeds: str | None = flag(
        "Pub/Sub subscription (projects/P/subscriptions/S) whose messages name feeds to request "
        "now, listed or not: an address, or JSON with the key feed (Dataflow)",
        default=None,
        metavar="SUBSCRIPTION",
    )
    pubsub_records: str | None = flag(
        "Pub/Sub topic (projects/P/topics/T) to which every record is sent as JSON, with the "
        "attributes table, id, and topic of topic tags (Dataflow)",
        default=None,
        metavar="TOPIC",
    )

    def __post_init__(self) -> None:
        require(self.window_sec >= 1, "--window_sec must be at least 1")
        require(self.shortest_poll_sec > 0, "--shortest_poll_sec must be above 0")
        message = "--longest_poll_sec must not be below --shortest_poll_sec"
        require(self.longest_poll_sec >= self.shortest_poll_sec, message)
        require(self.remember_days > 0, "--remember_days must be above 0")
        _check_name("--pubsub_feeds", self.pubsub_feeds, parse_subscription)
        _check_name("--pubsub_records", self.pubsub_records, parse_topic)

    @property
    def interval_limits(self) -> IntervalLimits:
        """The shortest and longest time between two requests for a feed."""
        seconds = (self.shortest_poll_sec, self.longest_poll_sec)
        return IntervalLimits(*(dt.timedelta(seconds=limit) for limit in seconds))


def _check_name(name: str, value: str | None, parse: Callable[[str], object]) -> None:
    try:
        _ = value is None or parse(value)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from error


def build_stream(
    pipeline: beam.Pipeline, job: IngestJob, options: StreamOptions, output: str
) -> beam.PCollection[str]:
    """Add the streaming graph to a pipeline.

    Returns:
        The ids of the runs that become visible, one per micro-batch.
    """
    run, state = job.run, job.state
    fetcher, documents, analyser = make_workers(job)
    texts = InlineTextStore()  # no text waits for long in a streaming job
    max_bytes = job.fetching.http.max_fetch_bytes
    lifetime = dt.timedelta(days=options.remember_days)

    listed = pipeline | "Feeds" >> _ListFeeds(job.feeds)
    messages = []
    if options.pubsub_feeds:
        received = pipeline | "Messages" >> ReadFromPubSub(subscription=options.pubsub_feeds)
        messages = [received | "ReadMessages" >> ReadMessages(run)]
    feeds = [listed, *(read.main for read in messages)] | "WantedFeeds" >> beam.Flatten()
    retries = pipeline | "Retries" >> beam.Create(job.retries).with_output_types(Entry)

    polled = feeds | "PollFeeds" >> PollFeeds(
        run, fetcher, documents, state, max_bytes, options.interval_limits
    )
    entries = (polled.main, retries) | "Entries" >> beam.Flatten()
    fresh = entries | "DropDuplicateEntries" >> DropKnownEntries(state, lifetime)
    extracted = fresh.main | "ReadPages" >> FetchAndExtractPages(run, fetcher, documents, texts)
    articles = extracted.main | "DropDuplicateArticles" >> DropKnownArticles(state, lifetime)
    accepted = articles.main | "Accept" >> beam.Map(accept).with_output_types(AcceptedArticle)
    analysed = accepted | "AnalyseArticles" >> AnalyseArticles(run, analyser, texts)

    stages = (*messages, polled, fresh, extracted, articles, analysed)
    side_outputs = ("dead_letters", "outcomes", "feed_reports", "state_changes")
    outputs = {
        "Analysed": analysed.main,
        "Retries": retries,
        **{n: [getattr(s, n) for s in stages] | n >> beam.Flatten() for n in side_outputs},
    }
    if options.pubsub_records:
        records = (analysed.main, outputs["dead_letters"]) | "Records" >> beam.Flatten()
        sent = records | "Messages of records" >> beam.Map(to_message)
        _ = sent | "Send" >> WriteToPubSub(options.pubsub_records, with_attributes=True)
    packs = [output | f"Pack_{name}" >> PackElements() for name, output in outputs.items()]
    writer = MicroBatchWriter(run, output, job.staging, job.formats)
    gathered = packs | "Packs" >> beam.Flatten()
    return gathered | "ShowWindows" >> WriteMicroBatches(writer, options.window_sec)


class _ListFeeds(beam.PTransform[beam.pvalue.PBegin, beam.PCollection[FeedToPoll]]):
    """Yields the listed feeds now and at intervals.

    The source is an unbounded impulse. A bounded source would move the watermark to its end, which
    clears the Beam state of all later steps. The repetition also tells a job that continues from a
    savepoint about new feeds.
    """

    def __init__(self, feeds: Sequence[Feed]) -> None:
        super().__init__()
        self.feeds = [FeedToPoll(feed.url, feed.position) for feed in feeds]

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[FeedToPoll]:
        ticks = begin | PeriodicImpulse(fire_interval=_LIST_INTERVAL_SECONDS, apply_windowing=False)
        feeds = self.feeds
        return ticks | "List" >> beam.FlatMap(lambda _: feeds).with_output_types(FeedToPoll)
