"""Robustness on any text: no exception, valid quotes, and time linear in the length."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from tests.support.quotes import FindQuotes, check_invariants, find_quotes_in, select_quoted
from transforms.language.model import shield
from transforms.language.quotes.quotation_marks import quoted_segments

PIECES = st.sampled_from(
    (
        *"“”„‟\"«»‘’'`.,:;?!-—…()[]",
        "''", "``", "‘‘", "’’", "\n", "\n\n", " ", " ", " ", "\t", "\x00", "\u2028", "\xa0",
        "said", "Anna Lowe", "he", "told", "according to", "who", "what", "called", "“No,”",
        "the mayor", "’s", "'90s", "U.S.", "Mr.", "and", "reported", "is", "42", "that", "é", "😀",
        "says that", "the pier was closed", "vowed to", "called for", "as", "never", "not",
        "a statement", "saying", "criticized", "they", "WALLACE:", "- ",
    )
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=60).map("".join) | st.lists(PIECES, max_size=60).map(" ".join)


@settings(max_examples=160, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS | st.text(max_size=80))
@example("")
@example("\n")
@example("“")
@example("'a'\n'b")
@example("said “x")
@example(": “x y z” — A")
@example("“a” according to")
@example("'’s;?\n according to the mayor”``Anna Lowe said")
@example("’‘‘The Herald reported  the mayor'?``)Anna Lowe said.(, who : he told “!")
@example("0 aCCORDIng TO„")
@example("according to according to said that")
@example("“A: b”\n- Anna Lowe")
def test_any_text(find: FindQuotes, text: str) -> None:
    quotes = find(text)
    check_invariants(text, quotes)
    assert quotes == find(text)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_segments_of_any_text(text: str) -> None:
    segments = quoted_segments(text)
    for before, after in pairwise(segments):
        assert before.outer_end <= after.outer_start
    for segment in segments:
        assert (
            0
            <= segment.outer_start
            <= segment.start
            < segment.end
            <= segment.outer_end
            <= len(text)
        )
        assert "\n" not in text[segment.outer_start : segment.outer_end]


LONG = {
    "marks": "“" * 100_000,
    "closing marks": "”" * 100_000,
    "straight": '"' * 100_000,
    "apostrophes": "'" * 100_000,
    "quotes in one sentence": "said “a b” " * 15_000,
    "short quotes": "“a”" * 30_000,
    "singles": "'as 'as' as ' " * 8_000,
    "singles that never close": "‘a " * 30_000,
    "spaces": "“a" + " " * 100_000 + "b” said",
    "blank lines": "“a\n" + "\n" * 100_000 + "“b”",
    "nested": "“a " * 20_000 + "b” " * 20_000,
    "brackets": "“" + ")" * 100_000 + "” said he",
    "names": "“a,” " + "Anna " * 30_000 + "said",
    "commas": "“a,” said Anna" + ", a" * 30_000,
    "colons": "a: “b” " * 15_000,
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.timeout(120)  # quadratic time would take minutes
def test_long_runs_take_linear_time(nlp: Language, name: str) -> None:
    text = LONG[name]
    doc = nlp.make_doc(shield(text[:200_000]))  # unparsed: the time of this module counts
    quotes = find_quotes_in(doc, text, [])
    check_invariants(text, quotes)


@pytest.mark.parametrize("by_rule", [False, True])
@pytest.mark.timeout(120)  # quadratic time would take minutes
def test_quotes_in_flat_trees_take_linear_time(nlp: Language, by_rule: bool) -> None:
    size = 10_000
    words = ["Anna", *["said", "“", "a", "”"] * size]
    doc = Doc(
        nlp.vocab,
        words=words,
        spaces=[True, *[True, False, False, True] * size],
        tags=["NNP", *["VBD", "``", "DT", "''"] * size],
        heads=[1] * len(words),
        deps=["nsubj", "ROOT", *["conj"] * (len(words) - 2)],
    )
    quotes = select_quoted(find_quotes_in(doc, doc.text, [], by_rule=by_rule))
    assert {quote.speaker for quote in quotes} == {"Anna"}
    assert len(quotes) == size


@pytest.mark.parametrize("by_rule", [False, True])
@pytest.mark.parametrize(
    ("word", "tag", "dep"),
    [("said", "VBD", "ccomp"), ("according", "VBG", "prep"), ("said", "VBD", "parataxis")],
)
@pytest.mark.timeout(120)  # quadratic time would take minutes
def test_reports_in_flat_trees_take_linear_time(
    nlp: Language, word: str, tag: str, dep: str, by_rule: bool
) -> None:
    size = 20_000
    doc = Doc(
        nlp.vocab,
        words=["Anna", "spoke", *[word, "to", "Lee"] * size],
        tags=["NNP", "VBD", *[tag, "IN", "NNP"] * size],
        heads=[1] * (3 * size + 2),
        deps=["nsubj", "ROOT", *[dep, "prep", "pobj"] * size],
    )
    check_invariants(doc.text, find_quotes_in(doc, doc.text, [], by_rule=by_rule))
