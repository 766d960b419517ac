from itertools import pairwise

import pytest

from benchmarks.entities import (
    SCORED,
    LabelledSpan,
    WeightedPrecisionRecall,
    format_report,
    read_labels,
    score_groups,
    score_mentions,
)

ADA, BROOK, POE = (
    LabelledSpan(0, 9, "PERSON"),
    LabelledSpan(20, 25, "PERSON"),
    LabelledSpan(40, 43, "PERSON"),
)
WICK, AS_ORG = LabelledSpan(60, 64, "GPE"), LabelledSpan(60, 64, "ORG")
GOLD = [{ADA: "a", BROOK: "a", POE: "p", WICK: "w"}]
FOUND = [{ADA: "1", BROOK: "1", POE: "1", AS_ORG: "2"}]


def test_mentions_are_right_by_place_and_label() -> None:
    assert score_mentions(GOLD, FOUND, "PERSON") == (3, 3, 3, 3)
    assert score_mentions(GOLD, FOUND, "all") == (3, 4, 3, 4)
    assert score_mentions(GOLD, FOUND, "GPE") == (0, 0, 0, 1)
    assert score_mentions(GOLD, FOUND, "ORG") == (0, 1, 0, 0)


def test_groups() -> None:
    shared = score_groups(GOLD, FOUND, shared=True)
    assert shared.precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3) / 3)
    assert shared.recall == 1
    everything = score_groups(GOLD, FOUND, shared=False)
    assert everything.precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3) / 4)
    assert everything.recall == pytest.approx(3 / 4)
    assert score_groups(GOLD, GOLD, shared=False).f1 == 1


def test_nothing_is_not_a_score() -> None:
    nothing = WeightedPrecisionRecall(0, 0, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (0, 0, 0)


def test_report() -> None:
    lines = [*format_report(GOLD, {"one": FOUND})]
    assert len(lines) == 1 + 4 + 2
    assert lines[1].split() == ["one,", "PERSON", "1.000", "1.000", "1.000"]


def test_the_labels_are_sound() -> None:
    labels = read_labels()
    assert len(labels) == 60
    for places in labels.values():
        assert {place.label for place in places} <= {*SCORED}
        ordered = sorted(places)
        assert all(a.start < a.end for a in ordered)
        assert all(a.end <= b.start for a, b in pairwise(ordered))
