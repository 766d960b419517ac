"""Checks and usage of taxonomies, compared with what the tagger does."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.taxonomies import HEAD, format_topic, write_taxonomy
from transforms.language.topics.media_topics import load_media_topics_release
from transforms.language.topics.phrase_index import list_phrases
from transforms.language.topics.tagger import TopicTagger
from transforms.language.topics.taxonomy import FieldWeights, Rule, Taxonomy, Topic
from transforms.language.topics.taxonomy_check import Finding, check_taxonomy
from transforms.language.topics.taxonomy_file import load_taxonomy
from transforms.language.topics.taxonomy_usage import find_unused, measure_usage


def check(folder: Path, *topics: str, head: str = HEAD, overlaps: bool = False) -> list[Finding]:
    return check_taxonomy(
        load_taxonomy(write_taxonomy(folder, *topics, head=head)), overlaps=overlaps
    )


def check_one(folder: Path, *topics: str, head: str = HEAD) -> tuple[int, str, str]:
    (finding,) = check(folder, *topics, head=head)
    return finding


def test_no_findings(tmp_path: Path) -> None:
    family = (
        format_topic("law", "l-1 1: court*, judge"),
        format_topic("crime", "c-1 2: murder*, court case", more="parent: law"),
    )
    assert check(tmp_path, *family) == []


def test_codes(tmp_path: Path) -> None:
    text = format_topic("law", "l-1 1: court").replace(
        '"20000634"', '"20000634",\n      "99999999"'
    )
    assert check_one(tmp_path, text) == (
        9,
        "warning",
        "law: 99999999 is no IPTC Media Topic that this version knows; check the digits",
    )


def test_release(tmp_path: Path) -> None:
    assert load_media_topics_release() == "2026-07-02"
    head = HEAD.replace("2026-07-02", "2025-01-31")
    line, level, text = check_one(tmp_path, format_topic("law", "l-1 1: court"), head=head)
    assert (line, level) == (2, "note")
    assert "2025-01-31" in text and "2026-07-02" in text


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        (("a 2: deport*, deported",), 12),
        (("a 3: deport*", "b 1: deported"), 13),
        (("a 1: deported", "b 3: deport*"), 12),
        (("a 2: border patrol*", "b 1: border patrols"), 13),
        (("a 2: bor* pat*", "b 1: Border Patrol; case: true"), 13),
        (("a 2: deport*", "b 1: deported; near: [law]"), 13),
        (("a 2: deport*; near: [law*], within: 9", "b 1: deported; near: [laws], within: 4"), 13),
        (("a 2: deport*; not_near: [film]", "b 1: deported; not_near: [film*]"), 13),
        (("a 2: act 2020", "b 1: act 2020; case: true"), 13),
        (('a 2: "2020"; case: true', 'b 1: "2020"'), 13),
    ],
)
def test_phrases_that_never_count(tmp_path: Path, rules: tuple[str, ...], line: int) -> None:
    found, level, text = check_one(tmp_path, format_topic("law", *rules))
    assert (found, level) == (line, "warning")
    assert "never counts: it is shadowed by" in text


@pytest.mark.parametrize(
    "rules",
    [
        ("a 1: deport*", "b 2: deported"),
        ("a 2: Deport*; case: true", "b 1: deported"),
        ("a 2: deport*; case: true", "b 1: deported"),
        ("a 2: deport*; near: [law]", "b 1: deported"),
        ("a 2: deport*; near: [law]", "b 1: deported; near: [law*]"),
        ("a 2: deport*; near: [law], within: 3", "b 1: deported; near: [law]"),
        ("a 2: deport*; not_near: [film]", "b 1: deported"),
        ("a 2: deport*; not_near: [film*]", "b 1: deported; not_near: [film]"),
        ("a 2: deport*; not_near: [film]", "b 1: deported; not_near: [film], within: 4"),
        ("a 2: deport*; not_near: [deported]",),
        ("a 2: patrol", "b 2: border patrol"),
        ("a 2: patrol; near: [law]", "b 1: border patrol"),
    ],
)
def test_phrases_that_may_count(tmp_path: Path, rules: tuple[str, ...]) -> None:
    assert check(tmp_path, format_topic("law", *rules)) == []


def test_the_first_of_equally_heavy_phrases_may_go(tmp_path: Path) -> None:
    assert check_one(tmp_path, format_topic("law", "a 2: deported", "b 2: deport*")) == (
        12,
        "note",
        'law: "deported" is covered by "deport*" in line 13, of the same weight; it can go',
    )


def test_families(tmp_path: Path) -> None:
    """Check repeats within a family: a match of a topic counts for those above it, too."""

    def law(weight: float) -> str:
        return format_topic("law", f"l-1 {weight}: murder*")

    def crime(phrase: str) -> str:
        return format_topic("crime", f"c-1 2: {phrase}", more="parent: law")

    def found(weight: float, phrase: str) -> list[Finding]:
        return check(tmp_path, law(weight), crime(phrase))

    for weight in (1, 2):
        (finding,) = found(weight, "murder*")
        text = 'law: "murder*" stands in line 20 for crime, too, and what counts there counts here'
        assert finding == (12, "warning", f"{text}: remove it here")
    (finding,) = found(3, "murder*")
    assert finding.text.endswith("remove it here, or there if it should weigh 3 and not 2")
    (finding,) = found(1, "mur*")
    assert finding.line == 12 and '"murder*" (weight 1) never counts' in finding.text
    assert '"mur*" in line 20 for crime (weight 2)' in finding.text
    assert found(1, "murders") == []
    assert found(3, "mur*") == []
    other = crime("murder*").replace("parent: law", "# nothing more")
    assert check(tmp_path, law(2), other) == []
    others = (
        format_topic("fire", "f-1 2: arson", more="parent: crime"),
        format_topic("theft", "t-1 2: arson", more="parent: crime"),
    )
    assert check(tmp_path, law(2), crime("rob*"), *others) == []


def test_phrases_that_hide_a_stronger_one(tmp_path: Path) -> None:
    line, level, text = check_one(
        tmp_path, format_topic("law", "a 3: court, high", "b 1: high court judge*")
    )
    assert (line, level) == (13, "warning")
    assert text.startswith('law: "high court judge*" (weight 1) lowers the score')
    assert 'the stronger "court" in line 12 (weight 3)' in text
    taxonomy = load_taxonomy(tmp_path / "topics.yaml")
    (law,) = taxonomy.topics
    fewer = replace(taxonomy, topics=(replace(law, rules=law.rules[:1]),))
    (score,), (without,) = (
        TopicTagger(each).analyse("a high court judge").scores for each in (taxonomy, fewer)
    )
    assert score < without
    family = (
        format_topic("law", "l 1: high court"),
        format_topic("bench", "b 2: court*", more="parent: law"),
    )
    assert 'the stronger "court*" in line 20 for bench' in check_one(tmp_path, *family)[2]
    family = (
        format_topic("law", "l 2: court"),
        format_topic("bench", "b 1: high court", more="parent: law"),
    )
    assert 'the stronger "court" in line 12 for law' in check_one(tmp_path, *family)[2]


def test_near_and_not_near_that_exclude_each_other(tmp_path: Path) -> None:
    line, level, text = check_one(
        tmp_path, format_topic("a", "r 1: strike; near: [laws, law], not_near: [law*]")
    )
    assert (line, level) == (12, "warning")
    assert text.startswith("a: rule r never counts: its not_near forbids every word")
    _, level, text = check_one(
        tmp_path, format_topic("a", "r 1: strike; near: [laws, pay], not_near: [law*]")
    )
    assert level == "warning" and 'rule r: "laws" in near can never help' in text


def test_patterns(tmp_path: Path) -> None:
    text = format_topic("a", "r 1: title 42, rank, titled*").replace(
        "rules:\n", "rules:\n      - {id: p, weight: 1, pattern: 'title \\d{2}'}\n"
    )
    assert check_one(tmp_path, text) == (
        12,
        "note",
        'a: the pattern of rule p also matches "title 42"',
    )


def test_topics_that_no_text_can_have(tmp_path: Path) -> None:
    line, level, text = check_one(tmp_path, format_topic("a", "r 0.1: strike", threshold=0.3))
    assert (line, level) == (5, "warning")
    assert "all its phrases in the title and in the lede of a text of 60 words make 0.22" in text
    tagger = TopicTagger(load_taxonomy(tmp_path / "topics.yaml"))
    assert tagger.analyse("strike " + "word " * 59, "strike").scores == [0.2216]
    assert check(tmp_path, format_topic("a", "r 0.1: strike", threshold=0.22)) == []
    helped = (
        format_topic("a", "r 0.1: strike", threshold=0.3),
        format_topic("b", "s 1: pay", more="parent: a"),
    )
    assert check(tmp_path, *helped) == []


def test_thresholds_far_below_the_parent(tmp_path: Path) -> None:
    parent = format_topic("a", "r 2: strike", threshold=0.6)
    line, level, text = check_one(
        tmp_path, parent, format_topic("b", "s 2: p", threshold=0.4, more="parent: a")
    )
    assert (line, level) == (13, "note")
    assert "its parent a, 0.6, which needs 2.2 times the evidence" in text
    assert (
        check(tmp_path, parent, format_topic("b", "s 2: p", threshold=0.45, more="parent: a")) == []
    )


def test_overlaps_between_families(tmp_path: Path) -> None:
    shared = "fire, smoke, flame*, ash"
    topics = [
        format_topic("a", f"r 2: {shared}, rain"),
        format_topic("b", "s 2: snow", more="parent: a"),
        format_topic("c", f"t 2: {shared}, Rain; case: true"),
        format_topic("d", "u 2: fire, smoke, flame*, rain"),
    ]
    assert check(tmp_path, *topics) == []
    notes = check(tmp_path, *topics, overlaps=True)
    assert notes == [
        (5, "note", 'a: shares 4 phrases with d (line 29): "fire", "smoke", "flame*", "rain"')
    ]
    topics[2] = topics[2].replace(", case: true", "")
    notes = check(tmp_path, *topics, overlaps=True)
    assert [(n.line, n.text.partition(" with")[0]) for n in notes] == [
        (5, "a: shares 5 phrases"),
        (5, "a: shares 4 phrases"),
        (21, "c: shares 4 phrases"),
    ]
    topics[2] = topics[2].replace("# nothing more", "parent: a")
    assert len(check_taxonomy(load_taxonomy(write_taxonomy(tmp_path, *topics)), overlaps=True)) == 7


WORDS = st.sampled_from(["war", "warm", "War", "peace"])
SYMBOLS = st.builds(str.__add__, WORDS, st.sampled_from(["", "*"]))
CONTEXT = st.lists(st.sampled_from(["law", "law*", "laws", "film"]), max_size=2, unique=True)
RULES = st.builds(
    lambda phrase, weight, case, near, barred, within: Rule(
        "r", weight, (" ".join(phrase),), case=case, near=near, not_near=barred, within=within
    ),
    st.lists(SYMBOLS, min_size=1, max_size=2),
    st.sampled_from([1.0, 2.0]),
    st.booleans(),
    CONTEXT.map(tuple),
    CONTEXT.map(tuple),
    st.sampled_from([1, 2]),
)
TEXTS = st.lists(
    st.sampled_from(["war", "War", "warm", "wars", "Peace", "law", "laws", "film", "x", "."])
).map(" ".join)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
@given(st.lists(st.tuples(RULES, st.booleans()), min_size=1, max_size=5), st.lists(TEXTS))
def test_phrases_reported_as_useless_never_count(
    rules: list[tuple[Rule, bool]], texts: list[str]
) -> None:
    wide = [replace(r, lines=(n,)) for n, (r, is_wide) in enumerate(rules, 10) if is_wide]
    narrow = [replace(r, lines=(n,)) for n, (r, is_wide) in enumerate(rules, 10) if not is_wide]
    taxonomy = Taxonomy(
        "1",
        load_media_topics_release(),
        FieldWeights(1, 1, 1),
        (
            Topic("wide", "W", "W.", None, (), 0.1, tuple(wide)),
            Topic("narrow", "N", "N.", "wide", (), 0.1, tuple(narrow)),
        ),
        release_line=2,
    )
    numbers = {phrase.line: phrase.number for phrase in list_phrases(taxonomy)}
    found = check_taxonomy(taxonomy)
    dead = {numbers[f.line] for f in found if "never counts" in f.text}
    needless = {f.line for f in found if "can go" in f.text or f.text.endswith("remove it here")}
    tagger = TopicTagger(taxonomy)
    without = [
        TopicTagger(
            replace(
                taxonomy,
                topics=tuple(
                    replace(t, rules=tuple(r for r in t.rules if r.lines != (line,)))
                    for t in taxonomy.topics
                ),
            )
        )
        for line in needless
    ]
    for text in texts:
        hits = tagger.analyse(text).text_matches.by_topic
        assert dead.isdisjoint(hit.phrase_number for of_topic in hits for hit in of_topic)
        for fewer in without:
            others = fewer.analyse(text).text_matches.by_topic
            assert [[(h.start, h.end, h.rule.weight) for h in t] for t in others] == [
                [(h.start, h.end, h.rule.weight) for h in t] for t in hits
            ]


def test_a_large_taxonomy_is_checked_in_near_linear_time() -> None:
    def seconds(count: int) -> float:
        phrases = tuple(f"word{n % 97} word{n} same same same*" for n in range(count))
        rules = (Rule("r", 1, phrases), Rule("s", 2, ("same same",)))
        taxonomy = Taxonomy(
            "1", "2026-07-02", FieldWeights(1, 1, 1), (Topic("t", "T", "T.", None, (), 0.1, rules),)
        )
        started = time.process_time()
        assert len(check_taxonomy(taxonomy, overlaps=True)) == count
        return time.process_time() - started

    assert seconds(20_000) < 40 * min(seconds(2_000) for _ in range(3))


def test_usage_in_texts(tmp_path: Path) -> None:
    topics = [
        format_topic("law", "l-1 2: court*, judge", "l-2 1: jury, bench, gavel"),
        format_topic("crime", "c-1 2: murder, court case*", more="parent: law"),
    ]
    taxonomy = load_taxonomy(write_taxonomy(tmp_path, *topics))
    texts = [("Judge", "the jury " * 9), ("", "a court case"), ("", "nothing here")]
    usage = measure_usage(taxonomy, texts)
    assert usage.texts == 3
    assert (usage.texts_tagged["law"], usage.texts_matched["law"], usage.matches["law"]) == (
        2,
        2,
        11,
    )
    assert (usage.texts_tagged["crime"], usage.texts_matched["crime"], usage.matches["crime"]) == (
        1,
        1,
        1,
    )
    assert find_unused(taxonomy, usage) == [
        (12, "note", 'law: rule l-1: 1 of 2 never counted in these texts: "court*"'),
        (13, "note", 'law: rule l-2: 2 of 3 never counted in these texts: "bench", "gavel"'),
        (21, "note", 'crime: rule c-1: 1 of 2 never counted in these texts: "murder"'),
    ]
