"""Measurement of the politeness and speed of `ingest` with many hosts, from the hosts' logs.

usage: python -m benchmarks.politeness [--hosts 50] [--articles 20] [--delay 0.25]

Every host is a loopback address with a feed, articles and a robots.txt, and behaves as one of the
`KINDS`. Violations are counted from the hosts' logs and the plan of the site alone; the
program's own reports are not used.

All feeds are read before the first page is requested, so a run has two phases. The real time of a
phase runs from its first request to the end of its last. Its ideal time is that of the slowest
host: the sum of its answers and of the required pauses between them. The ratio is ideal time to
real time.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, repeat
from pathlib import Path
from typing import Any, Final

from tests.support.local_servers import ENDLESS_HEADERS, LocalServers, LoggedRequest, Reply

KINDS: Final = {
    "rules": "robots.txt disallows some articles, and everything to other agents",
    "crawl-delay": "robots.txt asks for twice the delay",
    "down": "robots.txt is always an error",
    "robots-busy": "robots.txt is busy at first",
    "busy": "an article answers 429 with seconds",
    "drip": "an article never ends, slowly",
    "plain": "robots.txt allows all",
    "busy-until": "an article answers 429 with a time",
    "flood": "an article never ends, fast",
    "headers": "the headers of an article never end",
    "no-robots": "there is no robots.txt",
    "feed-busy": "the feed is busy at first",
    "closes": "an article answers 503 and asks to be left alone for an hour",
    "hangs-up": "the connection of an article is cut off",
}
VIOLATIONS: Final = (
    "disallowed",
    "too soon",
    "two at once",
    "before Retry-After",
    "robots.txt again",
    "before robots.txt",
    "no user agent",
)
TOLERANCE: Final = 0.005
TARGET: Final = 0.9
"""The minimum ratio of ideal to real time."""
_MAX_ATTEMPTS: Final = 2
_TIMEOUT_SECONDS: Final = 3.0
_MAX_BYTES: Final = 1_000_000
_SPECIAL: Final = 1
"""The number of the article that behaves as its host's kind says."""
_WORDS: Final = (
    "harbor council budget voted river bridge minister plan night storm workers school report "
    "market price energy train city court judge season coach team farm water village museum"
)


@dataclass(frozen=True)
class HostPlan:
    """The behaviour of a host, the seconds between requests, and its number of articles."""

    host: str
    kind: str
    delay: float
    articles: int

    def path(self, number: int) -> str:
        """Return the path of an article."""
        closed = self.kind == "rules" and number % 4 == 0
        return f"/{'closed' if closed else 'news'}/{number}"

    def allows(self, path: str) -> bool:
        """Tell whether robots.txt lets the pipeline request a path."""
        return path == "/robots.txt" or not (self.kind == "down" or path.startswith("/closed/"))


def plan_hosts(hosts: int, articles: int, delay: float) -> list[HostPlan]:
    """Return the hosts of a site, of all kinds in turn."""
    kinds = list(KINDS)
    return [
        HostPlan(
            f"127.0.0.{number + 2}", kind, delay * (2 if kind == "crawl-delay" else 1), articles
        )
        for number in range(hosts)
        for kind in [kinds[number % len(kinds)]]
    ]


def add_answers(web: LocalServers, plan: HostPlan) -> None:
    """Add the answers of a host to the server."""
    links = [web.base(plan.host) + plan.path(number) for number in range(plan.articles)]
    items = "".join(f"<item><title>{link}</title><link>{link}</link></item>" for link in links)
    feed = f"<rss version='2.0'><channel><title>{plan.host}</title>{items}</channel></rss>"
    kind, host, busy = plan.kind, plan.host, Reply(status=503, retry_in=1)
    rules = {
        "rules": "User-agent: newsbeam\nDisallow: /closed/\n\nUser-agent: *\nDisallow: /\n",
        "crawl-delay": f"User-agent: *\nCrawl-delay: {plan.delay}\n",
    }.get(kind, "User-agent: *\nDisallow: /closed/\n")
    robots = Reply(rules.encode())
    fed = Reply(feed.encode(), headers={"Content-Type": "application/rss+xml"})
    robots_txt: dict[str, Reply | Sequence[Reply]] = {
        "down": Reply(status=500),
        "no-robots": Reply(status=404),
        "robots-busy": [busy, robots],
    }
    web.answers[f"{host}/robots.txt"] = robots_txt.get(kind, robots)
    web.answers[f"{host}/feed.xml"] = [busy, fed] if kind == "feed-busy" else fed
    for number in range(plan.articles):
        web.answers[host + plan.path(number)] = make_article(f"{host} {number}")
    special = host + plan.path(_SPECIAL)
    page = make_article(special)
    specials: dict[str, Reply | Sequence[Reply]] = {
        "busy": [Reply(status=429, retry_in=1), page],
        "busy-until": [Reply(status=429, retry_in=1, as_date=True), page],
        "closes": Reply(status=503, retry_in=3600),
        "drip": replace(page, pieces=repeat(b"."), pause=0.02),
        "flood": replace(page, pieces=repeat(bytes(65_536))),
        "headers": Reply(status=ENDLESS_HEADERS, pieces=repeat(b"X-More: and more\r\n")),
        "hangs-up": [Reply(status=ENDLESS_HEADERS, pieces=[b"X-Less: "]), page],
    }
    web.answers[special] = specials.get(kind, page)


def make_article(title: str) -> Reply:
    """Return an article page whose text depends on the title alone."""
    chance = random.Random(title)
    texts = (" ".join(chance.choices(_WORDS.split(), k=20)) for _ in range(3))
    body = "".join(f"<p>The {text}.</p>" for text in texts)
    page = f"<html><head><title>{title}</title></head><body><article>{body}</article></body></html>"
    return Reply(page.encode(), headers={"Content-Type": "text/html; charset=utf-8"})


def pause_after(request: LoggedRequest, delay: float) -> float:
    """Return the seconds that must pass between the end of a request and the next start."""
    return max(delay, request.retry_after or 0.0)


def count_violations(log: Iterable[LoggedRequest], site: Iterable[HostPlan]) -> Counter[str]:
    """Count the violations of each kind in a log."""
    by_host = group_by_host(log)
    found = Counter(dict.fromkeys(VIOLATIONS, 0))
    for plan in site:
        found.update(_find_violations(by_host.get(plan.host, []), plan))
    return found


def group_by_host(log: Iterable[LoggedRequest]) -> dict[str, list[LoggedRequest]]:
    """Return the requests of each host in the order of their starts."""
    ordered = sorted(log, key=lambda request: (request.host, request.start))
    return {host: list(group) for host, group in groupby(ordered, key=lambda request: request.host)}


def _find_violations(log: Sequence[LoggedRequest], plan: HostPlan) -> Iterable[str]:
    answered, attempts, free_at, retry_at = False, 0, 0.0, 0.0
    ended = float("-inf")
    for number, request in enumerate(log):
        start = request.start + TOLERANCE
        if not plan.allows(request.path):
            yield "disallowed"
        if number and start < ended:
            yield "two at once"
        elif number and start < free_at:
            yield "too soon"
        if start < retry_at:
            yield "before Retry-After"
        if not request.agent.startswith("newsbeam/"):
            yield "no user agent"
        if request.path == "/robots.txt":
            attempts += 1
            if answered or attempts > _MAX_ATTEMPTS:
                yield "robots.txt again"
            answered = answered or (request.status != 429 and request.status < 500)
        elif not attempts:
            yield "before robots.txt"
        ended = max(ended, request.end)
        free_at = max(free_at, request.end + plan.delay)
        if request.retry_after is not None:
            retry_at = max(retry_at, request.end + request.retry_after)


@dataclass(frozen=True)
class Phase:
    """The ideal and real seconds of a phase, and the host that determines the ideal."""

    ideal: float
    real: float
    slowest: str


def _measure_phase(log: Sequence[LoggedRequest], site: Mapping[str, HostPlan]) -> Phase:
    """Measure the phase that consists of the given requests."""
    sums = {
        host: sum(request.end - request.start for request in requests)
        + sum(pause_after(request, site[host].delay) for request, _ in pairwise(requests))
        for host, requests in group_by_host(log).items()
    }
    slowest = max(sums, key=sums.__getitem__)
    real = max(request.end for request in log) - min(request.start for request in log)
    return Phase(sums[slowest], real, slowest)


def measure_phases(log: Sequence[LoggedRequest], site: Sequence[HostPlan]) -> tuple[Phase, Phase]:
    """Measure the phase before the first page, which reads feeds, and the phase of pages."""
    page_paths = ("/news/", "/closed/")
    first = min(request.start for request in log if request.path.startswith(page_paths))
    by_host = {plan.host: plan for plan in site}
    feeds = [request for request in log if request.start < first]
    pages = [request for request in log if request.start >= first]
    return _measure_phase(feeds, by_host), _measure_phase(pages, by_host)


@dataclass(frozen=True)
class Measurement:
    """A run over a site: the log of its hosts and the summary of the run."""

    site: list[HostPlan]
    log: list[LoggedRequest]
    summary: dict[str, Any]

    def violations(self) -> Counter[str]:
        """Count the violations of each kind."""
        return count_violations(self.log, self.site)

    def ratio(self) -> float:
        """Return ideal time divided by real time, over both phases."""
        both = measure_phases(self.log, self.site)
        return sum(p.ideal for p in both) / sum(p.real for p in both)


def measure_politeness(hosts: int, articles: int, delay: float) -> Measurement:
    """Run `ingest` in its own process over a site of ``hosts`` hosts."""
    site = plan_hosts(hosts, articles, delay)
    with (
        LocalServers([plan.host for plan in site]) as web,
        tempfile.TemporaryDirectory() as folder,
    ):
        for plan in site:
            add_answers(web, plan)
        feeds = Path(folder, "feeds.txt")
        feeds.write_text("".join(f"{web.base(plan.host)}/feed.xml\n" for plan in site))
        flags = {
            "feeds": feeds,
            "output": f"{folder}/out",
            "formats": "jsonl",
            "host_delay_sec": delay,
            "fetch_timeout_sec": _TIMEOUT_SECONDS,
            "max_fetch_bytes": _MAX_BYTES,
            "fetch_attempts": _MAX_ATTEMPTS,
            "allow_private_networks": "127.0.0.0/8",
            "max_dead_letter_ratio": 1,
        }
        named = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
        command = [sys.executable, "-m", "pipeline", "ingest", *named]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (summary,) = Path(folder, "out").glob("runs/*/summary.json")
        return Measurement(site, list(web.log), json.loads(summary.read_text(encoding="utf-8")))


def format_table(measured: Measurement) -> str:
    """Return the measurement as a table."""
    site, summary = measured.site, measured.summary
    lines = [f"{'kind':<13}{'hosts':>6}{'requests':>10}{'violations':>12}  behaviour"]
    for kind, about in KINDS.items():
        hosts = {plan.host: plan for plan in site if plan.kind == kind}
        log = [request for request in measured.log if request.host in hosts]
        count = count_violations(log, hosts.values()).total()
        lines.append(f"{kind:<13}{len(hosts):>6}{len(log):>10}{count:>12}  {about}")
    broken = measured.violations()
    lines.append(f"{'all':<13}{len(site):>6}{len(measured.log):>10}{broken.total():>12}")
    lines += ["", "violations: " + ", ".join(f"{broken[kind]} {kind}" for kind in VIOLATIONS)]
    sign = "=" if summary["adds_up"] else "IS NOT"
    ends = " + ".join(f"{count} {kind}" for kind, count in summary["outcomes"].items() if count)
    lines.append(f"entries: {summary['entries']} {sign} {ends}")
    dead = (f"{count} {name}" for name, count in summary["dead_letters"].items())
    lines += ["dead letters: " + ", ".join(dead), ""]
    kinds = {plan.host: plan.kind for plan in site}
    for name, part in zip(("feeds", "pages"), measure_phases(measured.log, site), strict=True):
        slowest = f"{part.slowest}, {kinds[part.slowest]}"
        lines.append(f"{name}: {part.real:.2f} s; ideal {part.ideal:.2f} s, by {slowest}")
    start, end = min(a.start for a in measured.log), max(a.end for a in measured.log)
    lines.append(f"from the first request to the end of the last: {end - start:.2f} s")
    lines.append(f"ratio, ideal / real: {measured.ratio():.3f}")
    return "\n".join(lines)


def main() -> int:
    """Measure and print; return 1 if the run was impolite or its ratio is below `TARGET`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=50, help="number of hosts")
    parser.add_argument("--articles", type=int, default=20, help="articles per host")
    parser.add_argument(
        "--delay", type=float, default=0.25, help="seconds between requests to a host"
    )
    args = parser.parse_args()
    measured = measure_politeness(args.hosts, args.articles, args.delay)
    print(format_table(measured))
    polite = not measured.violations().total() and measured.summary["adds_up"]
    return 0 if polite and measured.ratio() >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
