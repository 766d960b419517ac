"""The benchmark of quotes and the trainer of the ranker, on a corpus written for these tests."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.polnear import GoldDocument, find_marked_segments, read_documents
from benchmarks.quote_scoring import (
    MISSING,
    NO_SOURCE,
    RESOLVED,
    RIGHT,
    WRONG,
    QuoteScore,
    classify_mention,
    judge_speaker,
    match_spans,
)
from benchmarks.quotes import find_document_quotes, format_tables, parse_documents
from benchmarks.train import CandidateGroup, Penalty, fit_weights, train_models, write_weights
from transforms.language.quotes.ranker import (
    QUOTE_TABLE,
    REPORT_TABLE,
    SPEAKER_TABLE,
    Ranker,
    parse_weights,
)

# Marked as in brat: [source], {cue}, <content>.
ARTICLES = {
    "pier": (
        "[Anna Lowe] {said} <“We will rebuild the pier.”>\n"
        "The old “harbour queen” lay on the slip. [The mayor] {called} it <“a wreck”>.\n"
        "[Peter Marsh] {said} <that the work would take a year>.\n"
    ),
    "dam": (
        "<“The dam is safe,”> {said} [Ida Berg], an engineer.\n"
        "[She] {told} reporters <that the gates had been tested>. The “Golden Oar” won.\n"
        "[Critics] {called} the test <“a farce”>.\n"
    ),
}


ROLES = {"]": "Source", "}": "Cue", ">": "Content"}


def marked_up(text: str) -> tuple[str, str]:
    """The plain text and the standoff lines of a text with marked attributions."""
    plain, start = "", 0
    lines: list[str] = []
    parts: list[str] = []
    for character in text:
        if character in "[{<":
            start = len(plain)
        elif character in ROLES:
            name, role = f"T{len(lines) + 1}", ROLES[character]
            lines.append(f"{name}\t{role} {start} {len(plain)}\t{plain[start:]}")
            parts.append(f"{role}:{name}")
        else:
            plain += character
    events = [
        f"E{number}\tAttribution:T1 {' '.join(parts[number : number + 3])}"
        for number in range(0, len(parts), 3)
    ]
    return plain, "\n".join([*lines, *events]) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpus")
    (root / "text").mkdir()
    (root / "attributions").mkdir()
    for name, article in ARTICLES.items():
        plain, standoff = marked_up(article)
        (root / "text" / f"{name}.txt").write_bytes(plain.encode())
        (root / "attributions" / f"{name}_a1.ann").write_text(standoff, encoding="utf-8")
        (root / "attributions" / f"{name}_b2.ann").write_text("", encoding="utf-8")
    return root


def test_gold_is_derived_from_attributions(folder: Path) -> None:
    dam, pier = read_documents(folder)
    found = [(g.kind, pier.text[slice(*g.spans[0])], g.source, g.cue) for g in pier.quotes]
    assert found == [
        ("direct", "We will rebuild the pier.", "Anna Lowe", "said"),
        ("direct", "a wreck", "The mayor", "called"),
    ]
    assert [pier.text[slice(*span)] for span in pier.unattributed] == ["harbour queen"]
    (indirect,) = dam.indirect
    assert dam.text[slice(*indirect.spans[0])] == "that the gates had been tested"
    assert (indirect.source, indirect.cue) == ("She", "told")


def test_a_folder_without_annotations_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"NAME_WHO\.ann"):
        list(read_documents(tmp_path))


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("''It is cold,'' Berg said.", ["It is cold,"]),
        ('"One," he said. "Two."', ["One,", "Two."]),
        ("“One.\n“Two,” he said.", ["One.", "Two,"]),
        ("“One “two” three", ["One", "two"]),
        ("don't", []),
        ("“…”", []),
    ],
)
def test_marked_segments(text: str, segments: list[str]) -> None:
    assert [text[start:end] for start, end in find_marked_segments(text)] == segments


@pytest.mark.parametrize(
    ("source", "speaker", "verdict"),
    [
        ("Mayor Anna Lowe", "Anna Lowe", RIGHT),
        ("Anna Lowe, the mayor of Ostby,", "Lowe", RIGHT),
        ("Anna Lowe", "Peter Lowe", RIGHT),  # heads only
        ("Anna Lowe", "Peter Marsh", WRONG),
        ("Anna Lowe", None, MISSING),
        (None, "Anna Lowe", NO_SOURCE),
        ("she", "Anna Lowe", RESOLVED),
        ("she", "She", RIGHT),
        ("she", "he", WRONG),
        ("Anna Lowe", "she", WRONG),
        ("the mayor", "Anna Lowe", RESOLVED),
        ("a mayor", "Anna Lowe", WRONG),
        ("officials in Ostby", "officials", RIGHT),
        ("the White House", "White House", RIGHT),
        ("Anna Lowe’s lawyer", "the lawyer", RIGHT),
        ("Lowe and Marsh", "Peter Marsh", RIGHT),
    ],
)
def test_judgement_of_speakers(source: str | None, speaker: str | None, verdict: str) -> None:
    assert judge_speaker(source, speaker, "The mayor met officials.") == verdict


def test_kinds_of_mentions() -> None:
    text = "Officials spoke. The officials left."
    kinds = [
        classify_mention(m, text) for m in ("Officials", "Anna Lowe", "he", "some of them", "")
    ]
    assert kinds == ["description", "named", "pronoun", "description", "none"]


def test_pairs_are_the_best_ones() -> None:
    assert match_spans([[(0, 10)], [(12, 20)]], [(0, 9), (1, 9), (19, 40)]) == {0: 0}


def documents(folder: Path) -> list[GoldDocument]:
    return list(read_documents(folder))


def test_the_pipeline_is_scored(folder: Path) -> None:
    quotes, speech = QuoteScore(), QuoteScore()
    for each in parse_documents(documents(folder)):
        found = find_document_quotes(each, None)
        quotes.add_quotes(each.document, found)
        speech.add_speech(each.document, found)
    assert quotes.detection == (4, 4, 4)
    assert quotes.end_to_end == (4, 4, 4)
    assert quotes.accuracy("named") == (3, 3, 3)  # "Critics" is written in no other way
    assert (quotes.claimed, quotes.unattributed) == (0, 2)
    assert speech.detection == (2, 2, 2)
    lines = "\n".join(format_tables(quotes, speech))
    assert "quotes, end to end              1.000   1.000  1.000" in lines


def test_a_wrong_speaker_counts(folder: Path) -> None:
    score = QuoteScore()
    (each, _) = parse_documents(documents(folder))
    wrong = [
        replace(q, speaker="Nobody Else")
        for q in find_document_quotes(each, None)
        if q.kind != "indirect"
    ]
    score.add_quotes(each.document, wrong)
    assert score.detection.f1 == 1.0
    assert score.end_to_end.right == 0
    assert score.accuracy().precision == 0.0


def test_fit_prefers_what_is_right() -> None:
    groups = [CandidateGroup([["a", "x"], ["b", "x"]], [True, False])] * 12
    weights = fit_weights(groups, Penalty(1, 5))
    assert weights["a"] > 0 > weights["b"]
    assert "x" not in weights  # it tells nothing


def test_training_ends_in_a_file_that_the_ranker_reads(folder: Path, tmp_path: Path) -> None:
    parsed = list(parse_documents(documents(folder))) * 3
    weights = train_models(
        parsed, dict.fromkeys((SPEAKER_TABLE, QUOTE_TABLE, REPORT_TABLE), Penalty(1, 2))
    )
    write_weights(weights, tmp_path / "ranker.tsv", len(parsed))
    read = parse_weights((tmp_path / "ranker.tsv").read_text(encoding="utf-8"))
    assert read == weights
    found = find_document_quotes(parsed[1], Ranker(read))
    assert [(q.text, q.speaker) for q in found] == [
        ("We will rebuild the pier.", "Anna Lowe"),
        ("a wreck", "The mayor"),
        ("that the work would take a year", "Peter Marsh"),
    ]


def test_the_command_prints_its_tables(folder: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.quotes", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "quotes, end to end" in done.stdout
    assert "2 documents; CPU time: quotes / spaCy = " in done.stdout
    usage = subprocess.run(command[:3], capture_output=True, text=True, check=False)
    assert usage.returncode == 1
    assert "usage: python -m benchmarks.quotes FOLDER" in usage.stderr
