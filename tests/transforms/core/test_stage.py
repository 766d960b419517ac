from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from pipeline.summary import read_stage_counts
from schemas import DeadLetter
from transforms.core.elements import FeedReport, Outcome, OutcomeKind, Run
from transforms.core.errors import ItemError
from transforms.core.stage import SideOutput, Stage, apply_stage
from transforms.feed_health import SummariseFeeds
from transforms.state.store import StateHandle


@dataclass
class Halve(Stage[list[int], int]):
    """Halves the even numbers of lists."""

    name = "Halve"

    run: Run

    def size(self, element: list[int]) -> int:
        return len(element)

    def source(self, element: list[int]) -> str:
        return f"numbers {element}"

    def fail(self, element: list[int], error: Exception) -> Iterator[SideOutput]:
        yield from super().fail(element, error)
        for number in element:
            yield Outcome("feed", str(number), OutcomeKind.DEAD_LETTER, None)

    def process(self, element: list[int]) -> Iterator[int | SideOutput]:
        for number in element:
            if number % 2:
                raise ItemError("Odd", "it is\nodd", attempts=2)
            yield 2 // number * number // 2
            yield Outcome("feed", str(number), OutcomeKind.ARTICLE, None)


def test_an_error_costs_one_input(run: Run) -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner())
    out = apply_stage(pipeline | beam.Create([[2], [3], [0], [4, 5]]), Halve(run), int)
    assert_that(out.main, equal_to([1]), "main")
    assert_that(
        out.dead_letters | beam.Map(lambda d: (d.source, d.error_type, d.message, d.attempts)),
        equal_to(
            [
                ("numbers [3]", "Odd", "it is odd", 2),
                ("numbers [0]", "ZeroDivisionError", "integer division or modulo by zero", 1),
                ("numbers [4, 5]", "Odd", "it is odd", 2),
            ]
        ),
        "dead",
    )
    assert_that(
        out.outcomes | "kind" >> beam.Map(lambda o: (o.entry_key, o.kind)),
        equal_to(
            [("2", "article"), *((n, "dead_letter") for n in ("3", "0", "4", "5"))],
        ),
        "outcomes",
    )
    result = pipeline.run()
    assert read_stage_counts(result) == {"Halve": {"in": 5, "out": 1, "dead_letters": 3}}


def test_a_dead_letter_has_the_same_id_in_every_run(run: Run) -> None:
    def letter(error: Exception, of: Run = run) -> DeadLetter:
        return Halve(of).dead_letter("number 3", error)

    again = letter(ItemError("Odd", "odd"), Run("run-2", run.started_at))
    assert letter(ItemError("Odd", "odd")).dead_letter_id == again.dead_letter_id
    assert letter(ItemError("Odd", "other")).dead_letter_id != again.dead_letter_id
    assert len(letter(ValueError("x" * 9999)).message) == 1000
    assert letter(ValueError()).message == "ValueError"


def test_feed_health_counts_how_entries_ended(
    pipeline: beam.Pipeline, run: Run, state: StateHandle
) -> None:
    reports = [
        FeedReport("a", "ok", 200, 4, 900, 0.5),
        FeedReport("b", "failed", 404, 0, 0, 0.0),
    ]
    kinds = ["article", "article", "known", "dead_letter"]
    outcomes = [Outcome("a", str(i), kind, None) for i, kind in enumerate(kinds)]
    with pipeline:
        of_reports = pipeline | "Reports" >> beam.Create(reports)
        of_outcomes = pipeline | "Outcomes" >> beam.Create(outcomes)
        health = (of_reports, of_outcomes) | SummariseFeeds(run, state)
        rows = health.health | "row" >> beam.Map(
            lambda h: (
                h.feed_url,
                h.status,
                h.http_status,
                h.entries_seen,
                h.entries_new,
                h.entries_failed,
                h.consecutive_failures,
            )
        )
        expected = [("a", "ok", 200, 4, 2, 1, 0), ("b", "failed", 404, 0, 0, 0, 1)]
        assert_that(rows, equal_to(expected))
