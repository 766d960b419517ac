"""What a number of feeds needs, from what one of each costs. Pure arithmetic, no measurement."""

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
"""Changes of an article in a state: itself, and the two entries by which it is known."""
_TABLE_LOADS_PER_DAY: Final = 1500.0
"""Load jobs of a table a day that BigQuery lets through (its page "Quotas and limits")."""
_MICRO_BATCH_WORK: Final = 2.0
"""What packing and unpacking records costs beside writing them, as a multiple of that."""


@dataclass(frozen=True)
class Load:
    """What is asked for. Numbers are a day's, of one feed where they can be.

    ``unchanged`` is the share of polls that are answered with 304. A feed's document lists
    ``entries``. ``busiest_host`` is the number of feeds on the host that has most of them, and
    ``remembered_days`` how long what is known of an article is kept.
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
        """How often a table of a database is loaded: once a run, or once a window."""
        return self.runs or DAY / self.micro_batch_sec

    @property
    def is_stream(self) -> bool:
        """Whether it is one run without end: ``runs`` is 0."""
        return not self.runs


@dataclass(frozen=True)
class WorkerMachine:
    """A worker. ``busy`` is how much of its processors a run may be counted on to use.

    On each core there is a process of its own.
    """

    cores: int = 4
    memory_gib: float = 15.0
    disk_gib: float = 200.0
    busy: float = 0.7


@dataclass(frozen=True)
class Prices:
    """Dollars: list prices of one region at one time, to be replaced by one's own."""

    core_hour: float = 0.056
    stream_core_hour: float = 0.069
    memory_gib_hour: float = 0.003557
    nat_gib: float = 0.045
    storage_gib_month: float = 0.020
    table_gib_month: float = 0.020


@dataclass(frozen=True)
class HostTiming:
    """How a host is asked: one request at a time, a pause, and the time that an answer takes."""

    pause_sec: float = 1.0
    answer_sec: float = 0.3


@dataclass(frozen=True)
class Requirements:
    """What a load needs. ``host_hours`` is how long the busiest host is asked in a day.

    ``state_gib`` is what is kept of articles, on disk; ``state_process_gib`` the memory of each
    process for what is newer than the snapshot, and for feeds.
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
    """How much of what each bottleneck lets through is asked for; above 1 it is too much."""

    @property
    def first_bottleneck(self) -> str:
        """What gives way first."""
        return max(self.limits, key=lambda what: self.limits[what])


def estimate_requirements(
    load: Load, costs: Costs, machine: WorkerMachine, prices: Prices, politeness: HostTiming
) -> Requirements:
    """What a load needs in a day, and what gives way first as it grows."""
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
    if load.is_stream:  # which is paid for day and night
        hours = max(hours, workers * machine.cores * 24 * MONTH_DAYS)
    memory_gib = machine.memory_gib / machine.cores
    core = prices.stream_core_hour if load.is_stream else prices.core_hour
    dollars = hours * (core + memory_gib * prices.memory_gib_hour)
    dollars += traffic * MONTH_DAYS * prices.nat_gib
    dollars += stored * (prices.storage_gib_month + prices.table_gib_month)
    limits = {
        "asking the busiest host": host_hours / 24,
        "loading a BigQuery table": load.loads_per_day / _TABLE_LOADS_PER_DAY,
    }
    if load.is_stream:
        one_place = articles / DAY * costs.stages.get("write", 0.0) * _MICRO_BATCH_WORK
        limits["writing windows, at one place"] = one_place
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
    """How many of the articles that are known may be newer than the snapshot."""
    return (
        max(CHANGES_BEFORE_SNAPSHOT, SHARE_BEFORE_SNAPSHOT * known * _CHANGES_PER_ARTICLE)
        / _CHANGES_PER_ARTICLE
    )


def _count_workers(work: float, runs: float, start: float, machine: WorkerMachine) -> float:
    """How many end a run before the next one is due, or keep up with a stream."""
    seconds = (DAY / runs if runs else DAY) * machine.busy
    if runs:
        seconds -= start
    if seconds <= 0:
        return math.inf  # no number of them: each needs longer to begin
    return max(1, math.ceil(work / max(runs, 1.0) / (seconds * machine.cores)))


def predict_seconds(costs: Costs, articles: int, workers: int, cores: int) -> float:
    """How long a run over so many new articles takes, all on one machine of so many cores.

    What starts, starts once a worker, side by side as far as there are cores.
    """
    at_once = min(workers, cores)
    return costs.start * workers / at_once + articles * costs.article / at_once
