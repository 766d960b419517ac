"""The streaming graph: the stages of a batch run, with timers and Beam state, in micro-batches."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import apache_beam as beam
from apache_beam.io.gcp.pubsub import (
    ReadFromPubSub,
    WriteToPubSub,
)
from apache_beam.transforms.periodicsequence import PeriodicImpulse

from pipeline.graph import IngestJob, make_workers
from pipeline.micro_batch_runs import MicroBatchWriter
from pipeline.micro_batch_timer import PackElements, WriteMicroBatches
from pipeline.options import StreamOptions
from transforms.analyse_articles import AnalyseArticles
from transforms.core.elements import AcceptedArticle, Entry, Feed
from transforms.group_stories import accept
from transforms.storage.text_store import InlineTextStore
from transforms.streaming.drop_known import DropKnownArticles, DropKnownEntries
from transforms.streaming.fetch_pages import FetchAndExtractPages
from transforms.streaming.poll_feeds import FeedToPoll, PollFeeds
from transforms.streaming.pubsub import ReadMessages, to_message

_LIST_INTERVAL_SECONDS: Final = 600.0


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
