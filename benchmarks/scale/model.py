"""The model: computes the requirements of a number of feeds from unit costs."""

import math
from dataclasses import dataclass
from typing import Final

from benchmarks.scale.costs import Costs
from transforms.state.store import CHANGES_BEFORE_SNAPSHOT, SHARE_BEFORE_SNAPSHOT

DAY: Final = 86_400.0
MONTH_DAYS: Final = 30.0
GIB: Final = float(2**30)
_ENTRY_BYTES: Final = 1000.0
_CHANGES_PER_ARTICLE: Final = 3
"""State changes per article: the article and the two entries by which it is known."""
_TABLE_LOADS_PER_DAY: Final = 1500.0
"""Load jobs per table and day that BigQuery accepts (its page "Quotas and limits")."""
_MICRO_BATCH_WORK: Final = 2.0
"""The cost of packing and unpacking records, as a multiple of writing them."""


@dataclass(frozen=True)
class Load:
    """The work to be done.

    Attributes:
        feeds: number of feeds.
        polls: polls per feed and day.
        unchanged: share of the polls that are answered with 304.
        entries: entries that a feed lists.
        articles: new articles per feed and day.
        busiest_host: number of feeds on the host with the most feeds.
        runs: runs per day; 0 for one streaming run.
        remembered_days: how long the state of an article is kept.
        micro_batch_sec: seconds between the micro-batches of a streaming run.
    """

    feeds: int
    polls: float = 24.0
    unchanged: float = 0.8
    entries: float = 30.0
    articles: float = 4.0
    busiest_host: int = 1
    runs: float = 24.0
    remembered_days: float = 90.0
    micro_batch_sec: float = 60.0

    @property
    def loads_per_day(self) -> float:
        """The loads of a database table per day: one per run or micro-batch."""
        return self.runs or DAY / self.micro_batch_sec

    @property
    def is_stream(self) -> bool:
        """True if the load is one streaming run."""
        return not self.runs


@dataclass(frozen=True)
class WorkerMachine:
    """A worker, with one process per core.

    ``busy`` is the expected share of its processor time that a run uses.
    """

    cores: int = 4
    memory_gib: float = 15.0
    disk_gib: float = 200.0
    busy: float = 0.7


@dataclass(frozen=True)
class Prices:
    """List prices of one region at one time, in dollars. Replace them by your own."""

    core_hour: float = 0.056
    stream_core_hour: float = 0.069
    memory_gib_hour: float = 0.003557
    nat_gib: float = 0.045
    storage_gib_month: float = 0.020
    table_gib_month: float = 0.020


@dataclass(frozen=True)
class HostTiming:
    """The seconds of pause and of answer per request to a host, one request at a time."""

    pause_sec: float = 1.0
    answer_sec: float = 0.3


@dataclass(frozen=True)
class Requirements:
    """The requirements of a load, per day unless stated otherwise.

    ``host_hours`` is the time that requests to the busiest host take. ``state_gib`` is the state of
    articles on disk. ``state_process_gib`` is the memory per process for articles that are newer
    than the snapshot, and for feeds.
    """

    articles: float
    requests: float
    core_seconds: float
    workers: float
    state_gib: float
    state_process_gib: float
    state_load_sec: float
    traffic_gib: float
    stored_gib_month: float
    records: float
    host_hours: float
    dollars_month: float
    limits: dict[str, float]
    """The load of each bottleneck as a share of its capacity; above 1, it is overloaded."""

    @property
    def first_bottleneck(self) -> str:
        """The bottleneck with the largest share."""
        return max(self.limits, key=lambda name: self.limits[name])


def estimate_requirements(
    load: Load, costs: Costs, machine: WorkerMachine, prices: Prices, politeness: HostTiming
) -> Requirements:
    """Compute the requirements of a load."""
    polls, articles = load.feeds * load.polls, load.feeds * load.articles
    changed = polls * (1 - load.unchanged)
    work = polls * load.unchanged * costs.unchanged
    work += changed * (costs.feed + load.entries * costs.known) + articles * (
        costs.article + costs.heavier
    )
    known, state = articles * load.remembered_days, costs.state
    state_gib, process_gib, load_sec = known * state.stream_bytes / GIB, 0.0, 0.0
    if not load.is_stream:
        latest = min(known, _count_latest_articles(known))
        state_gib = known * state.row_bytes / GIB
        process_gib = (latest * state.change_bytes + load.feeds * state.feed_bytes) / GIB
        load_sec = known * state.row_seconds + latest * state.change_seconds
        load_sec += load.feeds * state.feed_seconds
    workers = _count_workers(work, load.runs, costs.start + load_sec, machine)
    starts = load.runs * workers * machine.cores * (costs.start + load_sec)
    traffic = (articles * costs.page_bytes + changed * load.entries * _ENTRY_BYTES) / GIB
    stored = articles * costs.disk_bytes * MONTH_DAYS / GIB
    host = load.busiest_host * (load.polls + load.articles)
    host_hours = host * (politeness.pause_sec + politeness.answer_sec) / 3600
    hours = (work + starts) / 3600 / machine.busy * MONTH_DAYS
    if load.is_stream:  # its workers are paid for day and night
        hours = max(hours, workers * machine.cores * 24 * MONTH_DAYS)
    memory_gib = machine.memory_gib / machine.cores
    core = prices.stream_core_hour if load.is_stream else prices.core_hour
    dollars = hours * (core + memory_gib * prices.memory_gib_hour)
    dollars += traffic * MONTH_DAYS * prices.nat_gib
    dollars += stored * (prices.storage_gib_month + prices.table_gib_month)
    limits = {
        "requests to the busiest host": host_hours / 24,
        "loading a BigQuery table": load.loads_per_day / _TABLE_LOADS_PER_DAY,
    }
    if load.is_stream:
        one_worker = articles / DAY * costs.stages.get("write", 0.0) * _MICRO_BATCH_WORK
        limits["writing micro-batches, by one worker"] = one_worker
    else:
        free = machine.memory_gib - machine.cores * costs.base_mib / 1024
        limits["the state in a worker's memory"] = machine.cores * process_gib / free
        limits["the state on a worker's disk"] = machine.cores * state_gib / machine.disk_gib
        limits["reading the state in half of a run's time"] = load_sec / (DAY / load.runs / 2)
    return Requirements(
        articles=articles,
        requests=polls + articles,
        core_seconds=work + starts,
        workers=workers,
        state_gib=state_gib,
        state_process_gib=process_gib,
        state_load_sec=load_sec,
        traffic_gib=traffic,
        stored_gib_month=stored,
        records=articles * costs.records,
        host_hours=host_hours,
        dollars_month=dollars,
        limits=limits,
    )


def _count_latest_articles(known: float) -> float:
    """Return the maximum number of known articles that are newer than the snapshot."""
    return (
        max(CHANGES_BEFORE_SNAPSHOT, SHARE_BEFORE_SNAPSHOT * known * _CHANGES_PER_ARTICLE)
        / _CHANGES_PER_ARTICLE
    )


def _count_workers(work: float, runs: float, start: float, machine: WorkerMachine) -> float:
    """Return the workers needed to end a run before the next one, or to keep up with a stream."""
    seconds = (DAY / runs if runs else DAY) * machine.busy
    if runs:
        seconds -= start
    if seconds <= 0:
        return math.inf  # each worker needs longer to start than it has
    return max(1, math.ceil(work / max(runs, 1.0) / (seconds * machine.cores)))


def predict_seconds(costs: Costs, articles: int, workers: int, cores: int) -> float:
    """Predict the seconds of a run over new articles, with all workers on one machine.

    Every worker starts once, in parallel as far as there are cores.
    """
    at_once = min(workers, cores)
    return costs.start * workers / at_once + articles * costs.article / at_once
