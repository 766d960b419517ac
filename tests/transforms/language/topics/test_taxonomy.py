"""Reading of taxonomy files."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from transforms.language.topics.tagger import TopicTagger
from transforms.language.topics.taxonomy import Rule
from transforms.language.topics.taxonomy_file import SHIPPED_TAXONOMY, TaxonomyError, load_taxonomy

VALID = """\
version: "1"
iptc_release: "2026-07-02"
fields: {title: 3, lede: 2, body: 1}
topics:
  - id: border
    label: Border
    description: Who may cross it.
    iptc: ["20000634"]
    threshold: 0.5
    rules:
      - id: b-deport
        weight: 2
        phrases: [deport*, border patrol]
      - id: b-title
        weight: 1.5
        pattern: "title \\\\d{2}"
        near: [law*]
        within: 5
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "mine.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_valid_file(tmp_path: Path) -> None:
    (loaded,) = load_taxonomy(write(tmp_path, VALID)).topics
    assert loaded.rules[0] == Rule(id="b-deport", weight=2, phrases=("deport*", "border patrol"))
    assert loaded.rules[1].pattern == r"title \d{2}"
    assert (loaded.rules[1].near, loaded.rules[1].within) == (("law*",), 5)
    assert load_taxonomy(str(write(tmp_path, "\ufeff" + VALID))).version == "1"


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("version:", "verison:", 1, "unknown key 'verison' in the file; known are"),
        ('version: "1"\n', "", 1, "lacks version"),
        ('"1"', "1", 1, "version must be a text"),
        ('"1"', '" "', 1, "version is empty"),
        ('"1"', '"1"\nversion: "2"', 2, "'version' is twice"),
        ('"2026-07-02"', '"July"', 2, "iptc_release must be a date"),
        ('"2026-07-02"', '"2026-7-2"', 2, "iptc_release must be a date"),
        ('"2026-07-02"', '"2026-02-30"', 2, "iptc_release must be a date"),
        ("{title: 3,", "{title: 0,", 3, "title must be above 0"),
        ("{title: 3, ", "{", 3, "lacks title"),
        ("{title: 3, lede: 2, body: 1}", "3", 3, "fields must be a mapping"),
        ("id: border", "id: Border_1", 5, "topic id 'Border_1': use a-z"),
        ("    label: Border\n", "", 5, "a topic lacks label"),
        ("label: Border", "label: no", 6, "label must be a text (put it in quotes), not 'no'"),
        ("label: Border", "label: [x]", 6, "label must be a text"),
        ('["20000634"]', "[20000634]", 8, "iptc must be a text"),
        ('["20000634"]', "[]", 8, "iptc must be a list that is not empty"),
        ('["20000634"]', '["2000063"]', 8, "'2000063' is not a Media Topic code"),
        ('["20000634"]', '["20000580"]', 8, "20000580 (political campaigns) is retired"),
        ('["20000634"]', '["20000634", "20000634"]', 8, "code 20000634 is already in line 8"),
        ("threshold: 0.5", "threshold: 1", 9, "threshold must lie between 0 and 1"),
        ("threshold: 0.5", "threshold: 0.5\n    model: 1.1", 10, "model must be a mapping"),
        (
            "threshold: 0.5",
            "threshold: 0.5\n    model: {share: 0.9, chance: 0.5, sure: 0.9}",
            10,
            "the topic model has no label 'border'; remove model",
        ),
        (
            "id: border",
            "model: {share: 1.1, chance: 0.5, sure: 0.9}\n    id: elections",
            5,
            "share must be above 0 and at most 1",
        ),
        (
            "id: border",
            "model: {share: 0.9, chance: 1, sure: 0.9}\n    id: elections",
            5,
            "chance must lie between 0 and 1",
        ),
        (
            "id: border",
            "model: {share: 0.9, chance: 0.5}\n    id: elections",
            5,
            "model lacks sure",
        ),
        ("threshold: 0.5", "threshold: 0.5\n    fields: {lede: 1}", 10, "fields lacks body, title"),
        ("threshold: 0.5", "threshold: high", 9, "threshold must be a number, not 'high'"),
        ("threshold: 0.5", "threshold: .nan", 9, "threshold must be a plain number"),
        ("threshold: 0.5", "threshold: !!float x", 9, "threshold must be a plain number"),
        ("threshold: 0.5", "threshold: 0.5\n    parent: sea", 5, "parent 'sea' of 'border'"),
        ("threshold: 0.5", "threshold: 0.5\n    parent: border", 5, "is its own ancestor"),
        ("weight: 2", "weight: 11", 12, "weight must be above 0 and at most 10"),
        ("weight: 2", "weight: -1", 12, "weight must be a plain number"),
        ("[deport*, border patrol]", "deport*", 13, "phrases must be a list"),
        ("[deport*, border patrol]", "[a, a]", 13, "phrase 'a' is already in line 13"),
        (
            "[deport*, border patrol]",
            "\n          - a-b\n          - A b",
            15,
            "is already in line 14",
        ),
        ("border patrol", "''", 13, "phrases is empty"),
        ("border patrol", '"..."', 13, "ends with '...'"),
        ("border patrol", "border_patrol", 13, "has '_' before 'patrol'"),
        ("border patrol", "dep*ort", 13, "has '' before 'ort'"),
        ("border patrol", "de*", 13, "has a * after fewer than 3 letters"),
        ("border patrol", "a b c d e f g h i", 13, "has more than 8 words"),
        ("border patrol]", "on]", 13, "phrases must be a text (put it in quotes), not 'on'"),
        ("border patrol]", "x]\n        case: 1", 14, "case must be true or false, not '1'"),
        ("border patrol]", "x]\n        within: 3", 14, "within needs near or not_near"),
        ("border patrol]", 'x]\n        pattern: "x"', 11, "either phrases or a pattern"),
        ("        phrases: [deport*, border patrol]\n", "", 11, "either phrases or a pattern"),
        ("id: b-title", "id: b-deport", 14, "rule id 'b-deport' is already in line 11"),
        ("near: [law*]", "near: [law court]", 17, "near: 'law court' must be a single word"),
        ("within: 5", "within: 51", 18, "within must be a whole number from 1 to 50"),
        ("within: 5", "within: 1.5", 18, "within must be a whole number from 1 to 50"),
        ("near: [law*]", "near: [a]\n        nearby: [b]", 18, "unknown key 'nearby' in a rule"),
        ("near: [law*]", "near: &x [a]\n        not_near: *x", 18, "an alias (*name) is not"),
        ("fields:", "\tfields:", 3, "correct the YAML"),
        ("label: Border", "label: \x07", 6, "remove the character"),
        ("label: Border", "[x]: Border", 6, "unknown key None in a topic"),
    ],
)
def test_broken_files(tmp_path: Path, old: str, new: str, line: int, problem: str) -> None:
    assert old in VALID
    path = write(tmp_path, VALID.replace(old, new, 1))
    with pytest.raises(TaxonomyError) as caught:
        load_taxonomy(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: ")
    assert problem in message


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("a*", "has '*'"),
        ("a+", "has '+'"),
        ("a{2,}", "has '{'"),
        ("(a)", "has '('"),
        ("(?=a)", "has '('"),
        (r"(?:a)\1", r"has '\\'"),
        ("^a", "has '^'"),
        ("(?:a{1,9}){1,9}", "has {1,9} in a wrong place"),
        ("a{1,2}?", "has ? in a wrong place"),
        ("?a", "has ? in a wrong place"),
        ("a{3,2}", "has {3,2} in a wrong place"),
        ("a?a?a?a?a?a?a?a?a?a?b", "too many ways"),
        ("(?:a|b)(?:a?|c)(?:.{1,99}|.{1,99})", "too many ways"),
        ("a{201}", "too many ways"),
        ("(?:a", "lacks a )"),
        ("a)", "has a ) too many"),
        ("[z-a]", "is no regular expression"),
        ("[a", "has '['"),
        ("a?", "can match nothing"),
        ("a|", "can match nothing"),
    ],
)
def test_unsafe_patterns(tmp_path: Path, pattern: str, problem: str) -> None:
    path = write(tmp_path, VALID.replace('"title \\\\d{2}"', f"'{pattern}'"))
    with pytest.raises(TaxonomyError) as caught:
        load_taxonomy(path)
    assert str(caught.value).startswith(f"{path}:16: pattern ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ":1: empty"),
        (b"version: 1\nlabel: \xff\n", ":2: not UTF-8"),
        (b"[" * 100_000, "correct the YAML"),
        (b"- a\n", ":1: the file must be a mapping"),
        (b"a: 1\n---\nb: 2\n", "correct the YAML"),
        (b" " * (5 << 20), "larger than"),
    ],
)
def test_files_that_are_no_taxonomy(tmp_path: Path, content: bytes, problem: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(TaxonomyError) as caught:
        load_taxonomy(path)
    assert re.match(rf"{re.escape(str(path))}:[1-9]\d*: ", str(caught.value))
    assert problem in str(caught.value)


@pytest.mark.parametrize("name", ["", "missing.yaml", "\0"])
def test_unreadable_files(tmp_path: Path, name: str) -> None:
    path = f"{tmp_path}/{name}"
    with pytest.raises(TaxonomyError, match="cannot be read"):
        load_taxonomy(path)


# The head of the shipped file: enough of every kind of line, and quick to read.
HEAD = SHIPPED_TAXONOMY.read_bytes().split(b"  - id: elections")[0]
SCRAPS = [b"", b"\n", b":", b"- ", b"[", b"]", b"*", b"&a ", b"\xff", b"\0", b'"', b"0", b"(?:"]


@given(
    st.lists(
        st.tuples(st.integers(0, len(HEAD)), st.integers(0, 40), st.sampled_from(SCRAPS)),
        min_size=1,
        max_size=3,
    )
)
@example([(0, 0, b"")])
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_mutated_file_gives_a_taxonomy_or_a_clear_error(
    tmp_path: Path, edits: list[tuple[int, int, bytes]]
) -> None:
    content = HEAD
    for start, length, scrap in edits:
        content = content[:start] + scrap + content[start + length :]
    path = write(tmp_path, content)
    try:
        loaded = load_taxonomy(path)
    except TaxonomyError as error:
        assert re.match(rf"{re.escape(str(path))}:[1-9]\d*: .{{10,}}", str(error)), str(error)
    else:
        assert TopicTagger(loaded).analyse("The border patrol deported them.")
