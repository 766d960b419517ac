"""The main job without end: the stages of a run, polled, with state and windows of their own."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.io.gcp.pubsub import (
    ReadFromPubSub,
    WriteToPubSub,
    parse_subscription,
    parse_topic,
)
from apache_beam.transforms.periodicsequence import PeriodicImpulse

from pipeline.graph import IngestJob, make_stages
from pipeline.micro_batch_stage import PackElements, WriteMicroBatches
from pipeline.micro_batches import MicroBatchWriter
from transforms.core.elements import AcceptedArticle, Entry, Feed
from transforms.core.errors import UsageError
from transforms.core.options import flag, require
from transforms.feeds.schedule import IntervalLimits
from transforms.group_stories import keep
from transforms.storage.text_store import InlineTextStore
from transforms.streaming.drop_known import DropKnownArticles, DropKnownEntries
from transforms.streaming.fetch_pages import ReadPages
from transforms.streaming.poll_feeds import FeedToPoll, PollFeeds
from transforms.streaming.pubsub import ReadMessages, message_of

_LIST_SECONDS = 600.0


@dataclass(frozen=True)
class StreamOptions:
    """How a job without end goes on."""

    window_sec: float = flag(
        "seconds of the windows of time whose records become visible together",
        default=60.0,
        type=float,
        metavar="SECONDS",
    )
    shortest_poll_sec: float = flag(
        "least seconds between two requests for a feed",
        default=300.0,
        type=float,
        metavar="SECONDS",
    )
    longest_poll_sec: float = flag(
        "most seconds between two requests for a feed, unless it asks for more",
        default=86_400.0,
        type=float,
        metavar="SECONDS",
    )
    remember_days: float = flag(
        "days for which an entry or article is remembered that no feed lists any more",
        default=90.0,
        type=float,
        metavar="DAYS",
    )

    pubsub_feeds: str | None = flag(
        "Pub/Sub subscription (projects/P/subscriptions/S) whose messages name feeds that are to "
        "be asked now, listed or not: an address, or JSON with the key feed (Dataflow)",
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
    def pace(self) -> IntervalLimits:
        """How often feeds are asked."""
        seconds = (self.shortest_poll_sec, self.longest_poll_sec)
        return IntervalLimits(*(dt.timedelta(seconds=each) for each in seconds))


def _check_name(name: str, value: str | None, parse: Callable[[str], object]) -> None:
    try:
        _ = value is None or parse(value)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from error


def build_stream(
    pipeline: beam.Pipeline, job: IngestJob, options: StreamOptions, output: str
) -> beam.PCollection:
    """Add the graph of a stream to a pipeline; yields the ids of the runs that it shows."""
    run, state = job.run, job.state
    stages = make_stages(job, InlineTextStore())
    life = dt.timedelta(days=options.remember_days)

    listed = pipeline | "Feeds" >> _ListFeeds(job.feeds)
    events = []
    if options.pubsub_feeds:
        messages = pipeline | "Messages" >> ReadFromPubSub(subscription=options.pubsub_feeds)
        events = [messages | "ReadMessages" >> ReadMessages(run)]
    feeds = [listed, *(event.main for event in events)] | "WantedFeeds" >> beam.Flatten()
    retries = pipeline | "Retries" >> beam.Create(job.retries).with_output_types(Entry)

    polled = feeds | "PollFeeds" >> PollFeeds(
        run, (stages.fetch_feeds.stage, stages.parse.stage), stages.fetcher, state, options.pace
    )
    entries = (polled.main, retries) | "Entries" >> beam.Flatten()
    fresh = entries | "DropDuplicateEntries" >> DropKnownEntries(run, state, life)
    extracted = fresh.main | "ReadPages" >> ReadPages(
        (stages.fetch_pages.stage, stages.extract.stage), stages.fetcher
    )
    articles = extracted.main | "DropDuplicateArticles" >> DropKnownArticles(run, state, life)
    kept = articles.main | "Keep" >> beam.Map(keep).with_output_types(AcceptedArticle)
    analysed = kept | "AnalyseArticles" >> stages.analyse

    ended = (*events, polled, fresh, extracted, articles, analysed)
    sides = ("dead_letters", "outcomes", "feed_reports", "state_changes")
    shown = {
        "Analysed": analysed.main,
        "Retries": retries,
        **{side: [getattr(s, side) for s in ended] | side >> beam.Flatten() for side in sides},
    }
    if options.pubsub_records:
        records = (analysed.main, shown["dead_letters"]) | "Records" >> beam.Flatten()
        messages = records | "Messages of records" >> beam.Map(message_of)
        _ = messages | "Send" >> WriteToPubSub(options.pubsub_records, with_attributes=True)
    packs = [each | f"Pack_{what}" >> PackElements() for what, each in shown.items()]
    windows = MicroBatchWriter(run, output, job.staging, job.formats)
    gathered = packs | "Packs" >> beam.Flatten()
    return gathered | "WriteMicroBatches" >> WriteMicroBatches(windows, options.window_sec)


class _ListFeeds(beam.PTransform):
    """The feeds that are listed, now and again.

    An impulse without end gives them: a bounded source would end the stream's time, and the state
    of all that hangs on it. A stream that goes on from a savepoint finds feeds that are new.
    """

    def __init__(self, feeds: Sequence[Feed]) -> None:
        super().__init__()
        self.feeds = [FeedToPoll(feed.url, feed.position) for feed in feeds]

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        ticks = begin | PeriodicImpulse(fire_interval=_LIST_SECONDS, apply_windowing=False)
        feeds = self.feeds
        return ticks | "List" >> beam.FlatMap(lambda _: feeds).with_output_types(FeedToPoll)
