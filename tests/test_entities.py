import datetime as dt
import re
from itertools import pairwise

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span

from schemas import Entity, stable_id
from transforms.language.entities import (
    LABEL_RULES,
    LABELS,
    MAX_LENGTH,
    SAME_NAMES,
    TITLES,
    find_entities,
)
from transforms.language.model import analyse_texts, load_model

DAY = dt.date(2026, 11, 24)
MARKED = re.compile(r"\{(\w+)\|([^{}]*)\}")
TOKENIZER = spacy.blank("en")


@pytest.fixture(scope="session")
def nlp() -> Language:
    return load_model()


def find(doc: Doc, text: str) -> list[Entity]:
    return find_entities(doc, text, article_id="a", run_id="r", day=DAY)


def marked(nlp: Language, markup: str) -> tuple[Doc, str]:
    """A text with the mentions in {LABEL|...}, in place of those that the model finds."""
    text, spans, at = "", [], 0
    for match in MARKED.finditer(markup):
        text += markup[at : match.start()]
        spans.append((len(text), len(text) + len(match[2]), match[1]))
        text += match[2]
        at = match.end()
    text += markup[at:]
    [doc] = analyse_texts(nlp, [text])
    found = [doc.char_span(*span, alignment_mode="expand") for span in spans]
    doc.set_ents([span for span in found if span])
    return doc, text


def found(nlp: Language, markup: str) -> list[tuple[str, str, list[str]]]:
    """Name, label and mentions of each entity."""
    doc, text = marked(nlp, markup)
    return [(e.name, e.label, [m.text for m in e.mentions]) for e in find(doc, text)]


@pytest.mark.parametrize(
    ("mention", "label", "name"),
    [
        ("Ada Brook's", "PERSON", "Ada Brook"),
        ("Ada Brook’s", "PERSON", "Ada Brook"),
        ("Ada Brooks’", "PERSON", "Ada Brooks"),
        ("Ada Brook’s plan", "PERSON", "Ada Brook"),
        ("Brook’s 2020", "ORG", "Brook"),
        ("McDonald's", "ORG", "McDonald's"),
        ("“Harbor Watch”", "ORG", "Harbor Watch"),
        ("Harbor Watch (HW", "ORG", "Harbor Watch"),
        ("the United Nations", "ORG", "United Nations"),
        ("The United Nations", "ORG", "United Nations"),
        ("the federal Harbor Board", "ORG", "Harbor Board"),
        ("The Hague", "GPE", "The Hague"),
        ("The New York Times", "ORG", "The New York Times"),
        ("the New York Times", "ORG", "New York Times"),
        ("Sen. Ada Brook", "PERSON", "Ada Brook"),
        ("Superintendent Ada Brook", "PERSON", "Ada Brook"),
        ("former Vice President Ada Brook", "PERSON", "Ada Brook"),
        ("Lt. Gov. Ada Brook", "PERSON", "Ada Brook"),
        ("President-elect Ada Brook", "PERSON", "Ada Brook"),
        ("Mr. Brook", "PERSON", "Brook"),
        ("Drew Brook", "PERSON", "Drew Brook"),
        ("Ada Brook, 52", "PERSON", "Ada Brook"),
        ("Adam Brook Jr.", "PERSON", "Adam Brook Jr."),
        ("Ada Brook\nPort Ellery", "PERSON", "Ada Brook"),
        ("Port Ellery — Officials", "GPE", "Port Ellery"),
        ("U.S.", "GPE", "U.S."),
        ("Ellery Inc.", "ORG", "Ellery Inc."),
        ("Ada  Brook", "PERSON", "Ada Brook"),
        ("President", "PERSON", None),
        ("X", "ORG", None),
        ("2020", "ORG", None),
        ("n’t", "GPE", None),
        ("Very " * 30 + "Long Board", "ORG", None),
        ("Tuesday", "DATE", None),
    ],
)
def test_trims_mentions(nlp: Language, mention: str, label: str, name: str | None) -> None:
    entities = found(nlp, f"We saw {{{label}|{mention}}} there.")
    assert [entity[0] for entity in entities] == ([name] if name else [])


@pytest.mark.parametrize(
    ("markup", "groups"),
    [
        pytest.param(
            "{PERSON|Ada Brook} won. {PERSON|Brook} lost, {PERSON|ADA BROOK’s} aide said."
            " {PERSON|Ada} wept.",
            [("Ada Brook", "PERSON", ["Ada Brook", "Brook", "ADA BROOK", "Ada"])],
            id="surname, capitals, possessive, given name",
        ),
        pytest.param(
            "{PERSON|LÓPEZ BRETÓN} and {PERSON|Lopez-Breton} are {PERSON|Ana María López Bretón}.",
            [
                (
                    "Ana María López Bretón",
                    "PERSON",
                    ["LÓPEZ BRETÓN", "Lopez-Breton", "Ana María López Bretón"],
                )
            ],
            id="accents, hyphens, two surnames",
        ),
        pytest.param(
            "{PERSON|John Q. Public}, {PERSON|John Public}, {PERSON|J. Public},"
            " {PERSON|J.Q. Public} and {PERSON|John Quincy Public}.",
            [
                (
                    "John Quincy Public",
                    "PERSON",
                    [
                        "John Q. Public",
                        "John Public",
                        "J. Public",
                        "J.Q. Public",
                        "John Quincy Public",
                    ],
                )
            ],
            id="initials and middle names",
        ),
        pytest.param(
            "{PERSON|Ada Brook} met {PERSON|Ned Brook}; {PERSON|Brook} laughed.",
            [
                ("Ada Brook", "PERSON", ["Ada Brook"]),
                ("Ned Brook", "PERSON", ["Ned Brook"]),
                ("Brook", "PERSON", ["Brook"]),
            ],
            id="two people of one surname",
        ),
        pytest.param(
            "{PERSON|Sen. Ada Brook} met Mayor {PERSON|Ned Brook}."
            " Senator {PERSON|Brook} laughed; {PERSON|Mayor Brook} did not.",
            [
                ("Ada Brook", "PERSON", ["Ada Brook", "Brook"]),
                ("Ned Brook", "PERSON", ["Ned Brook", "Brook"]),
            ],
            id="two people of one surname told apart by title",
        ),
        pytest.param(
            "{PERSON|Adam Brook} and {PERSON|Adam Brook Jr.} met; {PERSON|Brook} spoke"
            " before {PERSON|Brook Jr.} did.",
            [
                ("Adam Brook", "PERSON", ["Adam Brook", "Brook"]),
                ("Adam Brook Jr.", "PERSON", ["Adam Brook Jr.", "Brook Jr."]),
            ],
            id="father and son",
        ),
        pytest.param(
            "{PERSON|Adam Brook Jr.} came. {PERSON|Brook} spoke.",
            [("Adam Brook Jr.", "PERSON", ["Adam Brook Jr.", "Brook"])],
            id="son alone",
        ),
        pytest.param(
            "{GPE|Brook} and {ORG|Brook} and {ORG|Brook} are {PERSON|Ada Brook}.",
            [("Ada Brook", "PERSON", ["Brook", "Brook", "Brook", "Ada Brook"])],
            id="surname labelled a place",
        ),
        pytest.param(
            "{PERSON|Ada Ellery} lives in {GPE|Ellery}.",
            [("Ada Ellery", "PERSON", ["Ada Ellery"]), ("Ellery", "GPE", ["Ellery"])],
            id="place of a person's surname",
        ),
        pytest.param(
            "{PERSON|Ada Brook Ned Poe}\n{PERSON|Ada Brook} met {PERSON|Ned Poe}.",
            [
                ("Ada Brook", "PERSON", ["Ada Brook", "Ada Brook"]),
                ("Ned Poe", "PERSON", ["Ned Poe", "Ned Poe"]),
            ],
            id="two names run together",
        ),
        pytest.param(
            "{PERSON|Rips Ada Brook}\n{PERSON|Ada Brook} wept. {PERSON|Ada Brook} left.",
            [("Ada Brook", "PERSON", ["Ada Brook"] * 3)],
            id="stray word before a name",
        ),
        pytest.param(
            "{PERSON|Brook Says} She Will Run\n{PERSON|Ada Brook} spoke.",
            [("Ada Brook", "PERSON", ["Brook", "Ada Brook"])],
            id="verb after a name",
        ),
        pytest.param(
            "{ORG|Customs and Border Protection (CBP)} hired. {PERSON|CBP} pays, says CBP.",
            [
                (
                    "Customs and Border Protection",
                    "ORG",
                    ["Customs and Border Protection", "CBP", "CBP", "CBP"],
                )
            ],
            id="stated acronym",
        ),
        pytest.param(
            "{ORG|Harbor Watch} ({ORG|HaWa}) and {ORG|HaWa}.",
            [("Harbor Watch", "ORG", ["Harbor Watch", "HaWa", "HaWa"])],
            id="stated abbreviation of other letters",
        ),
        pytest.param(
            "{GPE|D.H.S.} is the {ORG|Department of Harbor Safety}, or {ORG|DHS}.",
            [
                (
                    "Department of Harbor Safety",
                    "ORG",
                    ["D.H.S.", "Department of Harbor Safety", "DHS"],
                )
            ],
            id="acronym by initials",
        ),
        pytest.param(
            "{ORG|HW}: {ORG|Harbor Watch} or {ORG|Hill Watch}?",
            [
                ("HW", "ORG", ["HW"]),
                ("Harbor Watch", "ORG", ["Harbor Watch"]),
                ("Hill Watch", "ORG", ["Hill Watch"]),
            ],
            id="acronym of two names",
        ),
        pytest.param(
            "{GPE|US}, {GPE|U.S.}, {GPE|the United States}. {GPE|U.K.}, {GPE|United Kingdom}.",
            [
                ("United States", "GPE", ["US", "U.S.", "United States"]),
                ("United Kingdom", "GPE", ["U.K.", "United Kingdom"]),
            ],
            id="countries",
        ),
        pytest.param(
            "{ORG|The U.S. Senate} voted. {ORG|the Senate} rose.",
            [("U.S. Senate", "ORG", ["U.S. Senate", "Senate"])],
            id="with and without the country",
        ),
        pytest.param(
            "{GPE|PORT ELLERY} (Wire) — {GPE|Port Ellery} slept.",
            [("Port Ellery", "GPE", ["PORT ELLERY", "Port Ellery"])],
            id="dateline",
        ),
        pytest.param(
            "{ORG|Ellery} met {GPE|Ellery} and {GPE|Ellery}; {LOC|Wick} met {ORG|Wick}.",
            [("Ellery", "GPE", ["Ellery"] * 3), ("Wick", "LOC", ["Wick"] * 2)],
            id="label by majority, ties by order",
        ),
        pytest.param(
            "{PERSON|Border Patrol} and {GPE|Border Patrol} and {PERSON|Twitter}.",
            [("Border Patrol", "ORG", ["Border Patrol"] * 2), ("Twitter", "ORG", ["Twitter"])],
            id="label by rule",
        ),
    ],
)
def test_groups_mentions(
    nlp: Language, markup: str, groups: list[tuple[str, str, list[str]]]
) -> None:
    assert found(nlp, markup) == groups


@pytest.mark.parametrize(
    ("missed", "mentions"),
    [
        ("Later Ada Brook spoke.", ["Ada Brook"]),
        ("It was said by Brook.", ["Brook"]),
        ("Then Sen. Brook's aide left.", ["Brook"]),
        ("The brook ran dry.", []),
        ("They asked the Brook Foundation.", []),
        ("It was said by Brooks.", []),
        ("It was said by d'Brook and by Half-Brook.", []),
        ("It was said by @Brook, see brook.org or Brook.org.", []),
        ("Mary Brook spoke.", []),
    ],
)
def test_adds_what_the_model_missed(nlp: Language, missed: str, mentions: list[str]) -> None:
    [(_, _, texts)] = found(nlp, f"{{PERSON|Ada Brook}} left the room. {missed}")
    assert texts == ["Ada Brook", *mentions]


def test_record(nlp: Language) -> None:
    doc, text = marked(nlp, "Yes, {PERSON|Ada Brook} and the {ORG|Wick Board}.")
    first, second = find(doc, text)
    assert (first.article_id, first.run_id, first.day) == ("a", "r", DAY)
    assert (first.name, first.label, first.wikidata_id) == ("Ada Brook", "PERSON", None)
    assert (first.first_start, first.count) == (5, 1)
    assert first.entity_id == stable_id("a", "Ada Brook", "PERSON")
    assert second.first_start == 23


def test_with_the_model(nlp: Language) -> None:
    text = (
        "PORT ELLERY, Ohio — Senator Maria Delgado of Ohio criticized the Department of Homeland"
        " Security on Monday.\nDelgado said that DHS had ignored the United States Senate."
    )
    [doc] = analyse_texts(nlp, [text])
    by_name = {entity.name: entity for entity in find(doc, text)}
    assert [m.text for m in by_name["Maria Delgado"].mentions] == ["Maria Delgado", "Delgado"]
    assert [m.text for m in by_name["Department of Homeland Security"].mentions] == [
        "Department of Homeland Security",
        "DHS",
    ]
    assert by_name["Ohio"].count == 2


def test_tables_are_sound() -> None:
    ids = [rule.id for rule in LABEL_RULES] + [same.id for same in SAME_NAMES]
    assert len(set(ids)) == len(ids)
    assert {rule.label for rule in LABEL_RULES} <= LABELS
    forms = [form for title in TITLES.values() for form in title]
    assert len(set(forms)) == len(forms)


NAMES = [
    "Ada Brook",
    "ADA BROOK",
    "Brook",
    "Ned Brook",
    "Wick-Poe",
    "Hague",
    "Customs Border Police",
]
PARTS = ["Sen.", "Mr. ", "'s", "’s", "the ", "The ", "U.S.", "US ", "(CBP)", "C B P", "J. ", " Jr."]
MARKS = [" ", ", ", "\n", "\r", "\x85", "\x00", "\ud800", "e\u0301", "ﾞﾞ", "ß", "İ", " (", "“", "—"]
PIECES = st.sampled_from(NAMES + PARTS + MARKS)
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=25).map("".join)


@st.composite
def docs(draw: st.DrawFn) -> tuple[Doc, str]:
    """Any text, with any spans as the model's mentions."""
    text = draw(TEXTS)
    [doc] = analyse_texts(TOKENIZER, [text])
    cuts = sorted(draw(st.sets(st.integers(0, len(doc)), max_size=16)))
    labels = st.sampled_from([*sorted(LABELS), "PERSON", "DATE"])
    doc.set_ents([Span(doc, a, b, draw(labels)) for a, b in pairwise(cuts) if draw(st.booleans())])
    return doc, text + draw(st.sampled_from(["", "s", " Ada Brook"]))


@settings(max_examples=300, deadline=None)
@given(docs())
def test_invariants(case: tuple[Doc, str]) -> None:
    doc, text = case
    entities = find(doc, text)
    assert entities == find(doc, text)
    assert len({entity.entity_id for entity in entities}) == len(entities)
    assert [e.first_start for e in entities] == sorted(e.first_start for e in entities)
    for entity in entities:
        assert entity.label in LABELS
        assert entity.name == " ".join(entity.name.split())
        assert entity.count == len(entity.mentions)
        assert entity.first_start == entity.mentions[0].start
        assert [m.start for m in entity.mentions] == sorted(m.start for m in entity.mentions)
    mentions = sorted((m.start, m.end, m.text) for e in entities for m in e.mentions)
    for start, end, shown in mentions:
        assert text[start:end] == shown
        assert 2 <= end - start <= MAX_LENGTH
        assert "\n" not in shown
        assert shown[0].isalnum()
    for (_, end, _), (start, _, _) in pairwise(mentions):
        assert end <= start


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("“It is not safe.” Said Jonah Feld, a lawyer, on the bridge.", "Jonah Feld"),
        ("The pier is closed. Put Emmett Sayles on a stage and he teaches.", "Emmett Sayles"),
        ("Said Arif told the court he was sorry.", "Said Arif"),
        ("The essay was short. Edward Said wrote it.", "Edward Said"),
    ],
)
def test_a_verb_that_begins_a_sentence_is_no_part_of_a_name(
    nlp: Language, text: str, name: str
) -> None:
    [doc] = analyse_texts(nlp, [text])
    assert [e.name for e in find(doc, text) if e.label == "PERSON"] == [name]
