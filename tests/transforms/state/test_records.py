import datetime as dt
import random
from dataclasses import replace

import pytest

from schemas.ids import alias_key, link_key, stable_id, version_id
from tests.support.example_records import TIME, state_lines
from transforms.state.loaded_state import State, format_line
from transforms.state.records import (
    FailedEntry,
    FeedState,
    HostState,
    KnownArticle,
    KnownEntry,
    RobotsFile,
    StateRecord,
)
from transforms.state.retries import MAX_ATTEMPTS, retry_time

KEY, LINEAGE = link_key("https://a.example/1"), stable_id("https://a.example/1")
HASH = stable_id("text")
HOUR = dt.timedelta(hours=1)
FEED = FeedState("https://a.example/feed", TIME, "https://a.example/new", '"e"', published=[TIME])
ROBOTS = RobotsFile("https://a.example", 200, "User-agent: *\nDisallow: /x", TIME)
HOST = HostState("a.example", TIME, TIME + HOUR, "it answered 429", 2, [ROBOTS])
ENTRY = KnownEntry(KEY, TIME, "ab" * 8, LINEAGE)
ARTICLE = KnownArticle(LINEAGE, TIME, 3, HASH, from_page=True)
FAILED = FailedEntry(KEY, TIME, FEED.feed_url, "ab" * 8, 2, "Http503", TIME + HOUR, "{}")


def state_of(*records: StateRecord) -> State:
    state = State()
    for record in records:
        state.apply(format_line(record))
    return state


def test_what_is_remembered_comes_back() -> None:
    other = replace(FAILED, key=alias_key(FEED.feed_url, "2"))
    state = state_of(FEED, HOST, ENTRY, ARTICLE, other)
    for found in (state, state_of()):
        if found is not state:
            for line in state_lines(state):
                found.apply(line)
        assert found.feeds == {FEED.feed_url: FEED}
        assert found.hosts == {HOST.host: HOST}
        assert found.entry(KEY) == ENTRY
        assert found.article(LINEAGE) == ARTICLE
        assert found.failed == {other.key: other}
        assert len(found) == 1
    assert found.entry(link_key("https://a.example/2")) is None
    assert found.article(stable_id("another")) is None


def test_an_entry_without_a_fingerprint_has_none() -> None:
    assert state_of(replace(ENTRY, fingerprint="")).entry(KEY) == replace(ENTRY, fingerprint="")


def test_the_later_word_counts_whatever_the_order() -> None:
    early: list[StateRecord] = [FEED, HOST, ENTRY, ARTICLE, FAILED]
    late: list[StateRecord] = [
        replace(FEED, at=TIME + HOUR, failures=3),
        replace(HOST, at=TIME + HOUR, closures=0),
        replace(ENTRY, at=TIME + HOUR, fingerprint="cd" * 8),
        replace(ARTICLE, at=TIME + HOUR, version=4),
    ]
    chance = random.Random(3)
    expected = state_lines(state_of(*early, *late))
    assert expected == sorted(map(format_line, late))
    for _ in range(50):
        records = chance.sample([*early, *late, *early], 14)
        if set(map(format_line, late)) <= set(map(format_line, records)):
            assert state_lines(state_of(*records)) == expected


@pytest.mark.parametrize("failed_first", [True, False])
def test_an_entry_that_worked_is_failed_no_more(failed_first: bool) -> None:
    later = replace(ENTRY, at=TIME + HOUR)
    order = (FAILED, later) if failed_first else (later, FAILED)
    assert state_of(*order).failed == {}
    again = replace(FAILED, at=TIME + 2 * HOUR)  # changed by its feed, and failed since
    assert state_of(*order, again).failed == {KEY: again}


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", '["entry"]', '["entry", "zz", "", "", 1]', '["other", {}]', '["feed"]']
)
def test_what_is_no_line_is_an_error(line: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, IndexError)):
        State().apply(line)


def test_a_failed_entry_waits_for_its_time_or_for_a_change() -> None:
    assert FAILED.waits("ab" * 8, TIME) and FAILED.waits("", TIME)
    assert not FAILED.waits("ab" * 8, TIME + HOUR)
    assert not FAILED.waits("cd" * 8, TIME)
    never = replace(FAILED, not_before=None)
    assert never.waits("ab" * 8, TIME + 1000 * HOUR) and not never.waits("cd" * 8, TIME)


@pytest.mark.parametrize("temporary", [True, False])
def test_tries_are_spaced_and_end(temporary: bool) -> None:
    def due(attempts: int, not_before: dt.datetime | None = None) -> dt.datetime | None:
        return retry_time(attempts, temporary=temporary, not_before=not_before, at=TIME)

    times = [due(attempts) for attempts in range(MAX_ATTEMPTS[temporary] + 1)]
    assert times[0] == TIME and times[-1] is None
    steps = [time - TIME for time in times if time is not None]
    assert steps == sorted(steps) and steps[-1] <= dt.timedelta(days=1)
    assert due(1, TIME + 50 * HOUR) == TIME + 50 * HOUR


def test_versions_have_ids_of_their_own() -> None:
    ids = [version_id(LINEAGE, number) for number in (1, 2, 3)]
    assert ids[0] == LINEAGE and len(set(ids)) == 3
    assert ARTICLE.article_id == ids[2]
