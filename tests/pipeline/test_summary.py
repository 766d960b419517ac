import datetime as dt
import json

from pipeline.summary import Summary, summarise
from schemas import DeadLetter
from transforms.core.dead_letters import dead_letter
from transforms.core.elements import FeedReport, Outcome, Run
from transforms.core.errors import ItemError
from transforms.feed_health import feed_health, feed_state
from transforms.sinks.write_records import WrittenFile

RUN = Run("run-1", dt.datetime(2026, 11, 20, 12, tzinfo=dt.timezone.utc))


def summary(
    *kinds: str,
    entries: int,
    letters: int = 0,
    feeds: int = 1,
    retries: int = 0,
    skipped: dict[str, int] | None = None,
) -> Summary:
    report = FeedReport("https://a.example/feed", "ok", 200, entries, 900, 0.1)
    dead_letters: list[DeadLetter] = [
        dead_letter(RUN, "FetchPages", f"https://a.example/{i}", ItemError("Http404", "gone"))
        for i in range(letters)
    ]
    return summarise(
        run=RUN,
        feeds=feeds,
        skipped=skipped or {},
        retries=retries,
        stages={"Write.jsonl": {"in": 3}, "FetchPages": {"in": 2, "out": 1, "dead_letters": 1}},
        files=[
            WrittenFile("x", "articles/day=2026-11-20", form, 2, "a")
            for form in ("parquet", "jsonl")
        ],
        outcomes=[Outcome("https://a.example/feed", str(i), k, None) for i, k in enumerate(kinds)],
        health=[feed_health(report, {}, feed_state(report, None, RUN), RUN)],
        dead_letters=dead_letters,
        output="out",
    )


def test_a_run_that_adds_up() -> None:
    done = summary("article", "known", "dead_letter", entries=3, letters=1)
    assert done.adds_up and done.dead_letter_ratio == 1 / 4
    assert list(done.stages) == ["FetchPages", "Write.jsonl", "Write.parquet"]
    assert done.stages["Write.jsonl"] == {"in": 2, "out": 2}  # by the files, not the counter
    assert done.records == {"articles": 2}
    table = done.format_table()
    assert "entries: 3 = 1 article + 1 known + 1 dead letter" in table
    assert "dead letters: 1 FetchPages Http404\n  https://a.example/0: gone" in table
    assert json.loads(done.to_json())["outcomes"]["article"] == 1


def test_a_run_that_does_not_add_up_says_so() -> None:
    lost_entry = summary("article", entries=2)
    assert not lost_entry.adds_up and "entries: 2 IS NOT 1 article" in lost_entry.format_table()
    lost_feed = summary("article", entries=1, feeds=2)
    assert not lost_feed.adds_up and "feeds: 2 IS NOT 1 ok" in lost_feed.format_table()


def test_skipped_feeds_and_retried_entries_are_counted() -> None:
    done = summary("article", "known", entries=1, retries=1, feeds=3, skipped={"not_due": 2})
    assert done.adds_up
    assert "feeds: 3 = 1 ok + 2 not due" in done.format_table()


def test_many_dead_letters_are_counted_and_some_shown() -> None:
    done = summary(entries=0, letters=50)
    assert done.dead_letters == {"FetchPages Http404": 50}
    assert len(done.dead_letter_examples) == 20
    assert done.format_table().endswith("  and more in the dead_letters records")
