"""What a number of feeds needs, from what one of each costs. Pure arithmetic, no measurement."""

from dataclasses import dataclass
from typing import Final

from benchmarks.scale.costs import Costs

DAY: Final = 86_400.0
MONTH_DAYS: Final = 30.0
GIB: Final = float(2**30)


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


@dataclass(frozen=True)
class Machine:
    """A worker. ``busy`` is how much of its processors a run may be counted on to use."""

    cores: int = 4
    memory_gib: float = 15.0
    busy: float = 0.7


@dataclass(frozen=True)
class Prices:
    """Dollars: list prices of one region at one time, to be replaced by one's own."""

    core_hour: float = 0.056
    memory_gib_hour: float = 0.003557
    nat_gib: float = 0.045
    storage_gib_month: float = 0.020
    table_gib_month: float = 0.020


@dataclass(frozen=True)
class Politeness:
    """How a host is asked: one request at a time, a pause, and the time that an answer takes."""

    pause_sec: float = 1.0
    answer_sec: float = 0.3


@dataclass(frozen=True)
class Needs:
    """What a load needs. ``host_hours`` is how long the busiest host is asked in a day."""

    articles: float
    requests: float
    core_seconds: float
    workers: int
    state_gib: float
    state_load_sec: float
    traffic_gib: float
    stored_gib_month: float
    records: float
    host_hours: float
    dollars_month: float
    first_bottleneck: str


def needs(
    load: Load, costs: Costs, machine: Machine, prices: Prices, politeness: Politeness
) -> Needs:
    """What a load needs in a day, and what gives way first as it grows."""
    polls, articles = load.feeds * load.polls, load.feeds * load.articles
    changed = polls * (1 - load.unchanged)
    cpu = polls * load.unchanged * costs.unchanged
    cpu += changed * (costs.feed + load.entries * costs.known) + articles * costs.article
    state = articles * load.remembered_days
    state_gib, load_sec = state * costs.state_bytes / GIB, state * costs.state_seconds
    workers = _workers(cpu, load.runs, costs.start + load_sec, machine)
    cpu += load.runs * workers * machine.cores * (costs.start + load_sec)
    traffic = (articles * costs.page_bytes + changed * load.entries * 1000) / GIB
    stored = articles * costs.disk_bytes * MONTH_DAYS / GIB
    host = load.busiest_host * (load.polls + load.articles)
    host_hours = host * (politeness.pause_sec + politeness.answer_sec) / 3600
    hours = cpu / 3600 / machine.busy * MONTH_DAYS
    memory_gib = machine.memory_gib / machine.cores
    dollars = hours * (prices.core_hour + memory_gib * prices.memory_gib_hour)
    dollars += traffic * MONTH_DAYS * prices.nat_gib
    dollars += stored * (prices.storage_gib_month + prices.table_gib_month)
    return Needs(
        articles=articles,
        requests=polls + articles,
        core_seconds=cpu,
        workers=workers,
        state_gib=state_gib,
        state_load_sec=load_sec,
        traffic_gib=traffic,
        stored_gib_month=stored,
        records=articles * costs.records,
        host_hours=host_hours,
        dollars_month=dollars,
        first_bottleneck=_bottleneck(load, costs, machine, state_gib, load_sec, host_hours),
    )


def _workers(cpu: float, runs: float, start: float, machine: Machine) -> int:
    """How many end a run before the next one is due."""
    seconds = max(1.0, DAY / runs * machine.busy - start)
    return max(1, -(-int(cpu / runs) // max(1, int(seconds * machine.cores))))


def _bottleneck(
    load: Load,
    costs: Costs,
    machine: Machine,
    state_gib: float,
    load_sec: float,
    host_hours: float,
) -> str:
    """What a load first runs into that more workers do not mend."""
    free = machine.memory_gib - machine.cores * costs.base_mib / 1024
    limits = {
        "the state does not fit a worker's memory": machine.cores * state_gib / max(free, 0.01),
        "reading the state takes a run's time": load_sec / (DAY / load.runs / 2),
        "the busiest host cannot be asked as often": host_hours / 24,
    }
    what, most = max(limits.items(), key=lambda item: item[1])
    return what if most > 1 else f"none yet ({what}: {most:.0%} of the way)"


def predicted_seconds(costs: Costs, articles: int, workers: int, cores: int) -> float:
    """How long a run over so many new articles takes, all on one machine of so many cores.

    What starts, starts once a worker, side by side as far as there are cores.
    """
    at_once = min(workers, cores)
    return costs.start * workers / at_once + articles * costs.article / at_once
