import datetime as dt
import re
from itertools import pairwise

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span

from schemas import Entity
from schemas.ids import stable_id
from transforms.language.document import read_document
from transforms.language.entities.find import find_entities
from transforms.language.entities.gazetteer import Gazetteer, load_gazetteer
from transforms.language.entities.names import MAX_NAME_LENGTH
from transforms.language.entities.rules import (
    CREDIT_RULES,
    LABEL_RULES,
    LABELS,
    NAME_VARIANTS,
    STATES,
    TITLES,
)
from transforms.language.model import analyse_texts, load_model
from transforms.language.record_keys import RecordKeys

DAY = dt.date(2026, 11, 24)
MARKED = re.compile(r"\{(\w+)\|([^{}]*)\}")
TOKENIZER = spacy.blank("en")


@pytest.fixture(scope="session")
def nlp() -> Language:
    return load_model()


@pytest.fixture(scope="session")
def shipped() -> Gazetteer:
    return load_gazetteer()


def find(doc: Doc, text: str, gazetteer: Gazetteer | None = None) -> list[Entity]:
    return find_entities(read_document(doc, text), RecordKeys("a", "r", DAY), gazetteer)


def parse_markup(nlp: Language, markup: str) -> tuple[Doc, str]:
    """Return a text whose mentions are those in {LABEL|...}, instead of those by the model."""
    text, offsets, position = "", [], 0
    for match in MARKED.finditer(markup):
        text += markup[position : match.start()]
        offsets.append((len(text), len(text) + len(match[2]), match[1]))
        text += match[2]
        position = match.end()
    text += markup[position:]
    [doc] = analyse_texts(nlp, [text])
    spans = [doc.char_span(*span, alignment_mode="expand") for span in offsets]
    doc.set_ents([span for span in spans if span])
    return doc, text


def find_in_markup(nlp: Language, markup: str) -> list[tuple[str, str, list[str]]]:
    """Return the name, label and mentions of each entity."""
    doc, text = parse_markup(nlp, markup)
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
        ("The Hague", "GPE", "Hague"),
        ("The New York Times", "ORG", "New York Times"),
        ("the New York Times", "ORG", "New York Times"),
        ("Sen. Ada Brook", "PERSON", "Ada Brook"),
        ("Superintendent Ada Brook", "PERSON", "Ada Brook"),
        ("former Vice President Ada Brook", "PERSON", "Ada Brook"),
        ("Lt. Gov. Ada Brook", "PERSON", "Ada Brook"),
        ("President-elect Ada Brook", "PERSON", "Ada Brook"),
        ("Vıce President Ada Brook", "PERSON", "Ada Brook"),
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
        ("pro-Brook", "PERSON", "Brook"),
        ("Anti-Harbor Watch", "ORG", "Harbor Watch"),
        ("un-Ellerian", "ORG", None),
        ("Mayor Ada Brook", "ORG", "Ada Brook"),
        ("Rep. Brook", "GPE", "Brook"),
        ("President Brook Foundation", "ORG", "President Brook Foundation"),
        ("General Harbor", "ORG", "General Harbor"),
        ("Ada Brook 47.3 percent", "PERSON", "Ada Brook"),
        ("Harbor Watch 12 percent", "ORG", "Harbor Watch"),
        ("Radio 4", "ORG", "Radio 4"),
        ("Harbor Board voted last week", "ORG", "Harbor Board"),
        ("Harbor Watch @harborwatch", "ORG", "Harbor Watch"),
    ],
)
def test_trims_mentions(nlp: Language, mention: str, label: str, name: str | None) -> None:
    entities = find_in_markup(nlp, f"We saw {{{label}|{mention}}} there.")
    assert [entity[0] for entity in entities] == ([name] if name else [])


@pytest.mark.parametrize(
    ("markup", "entities"),
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
            "Is the {ORG|HW} {ORG|Harbor Watch} or {ORG|Hill Watch}?",
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
def test_clusters_mentions(
    nlp: Language, markup: str, entities: list[tuple[str, str, list[str]]]
) -> None:
    assert find_in_markup(nlp, markup) == entities


@pytest.mark.parametrize(
    ("sentence", "mentions"),
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
def test_finds_further_mentions(nlp: Language, sentence: str, mentions: list[str]) -> None:
    [(_, _, texts)] = find_in_markup(nlp, f"{{PERSON|Ada Brook}} left the room. {sentence}")
    assert texts == ["Ada Brook", *mentions]


@pytest.mark.parametrize(
    ("markup", "entities"),
    [
        pytest.param(
            "We met Mayor {ORG|Ada Brook} and Rep. {GPE|Poe}.",
            [("Ada Brook", "PERSON", ["Ada Brook"]), ("Poe", "PERSON", ["Poe"])],
            id="title before the name",
        ),
        pytest.param(
            "The house of the mayor of {GPE|Wick}; the Chief {ORG|Harbor Board} clerk.",
            [("Wick", "GPE", ["Wick"]), ("Harbor Board", "ORG", ["Harbor Board"])],
            id="title not before a person",
        ),
        pytest.param(
            "It was {ORG|Lester Wick} and {GPE|Maria van Poe} and {ORG|Martha Poe University}."
            " Ana {ORG|Lucía Paredes} saw it.",
            [
                ("Lester Wick", "PERSON", ["Lester Wick"]),
                ("Maria van Poe", "PERSON", ["Maria van Poe"]),
                ("Martha Poe University", "ORG", ["Martha Poe University"]),
                ("Ana Lucía Paredes", "PERSON", ["Ana Lucía Paredes"]),
            ],
            id="given name",
        ),
        pytest.param(
            "A {ORG|Harbor Watch/Ellery Post} poll, 9/11, {ORG|AC/DC}.",
            [
                ("Harbor Watch", "ORG", ["Harbor Watch"]),
                ("Ellery Post", "ORG", ["Ellery Post"]),
                ("AC/DC", "ORG", ["AC/DC"]),
            ],
            id="organisations joined by a slash",
        ),
        pytest.param(
            "We saw {ORG|Harbor Party’s Martha Poe} there.",
            [("Harbor Party", "ORG", ["Harbor Party"]), ("Martha Poe", "PERSON", ["Martha Poe"])],
            id="person after a possessive organisation",
        ),
        pytest.param(
            "Sen. {PERSON|Ada Brook} (D-N.C.), {PERSON|Ned Poe}, R-Tenn., and {PERSON|Al Wick}"
            " ({ORG|Vt.}) of {GPE|North Carolina} spoke.",
            [
                ("Ada Brook", "PERSON", ["Ada Brook"]),
                ("North Carolina", "GPE", ["N.C.", "North Carolina"]),
                ("Ned Poe", "PERSON", ["Ned Poe"]),
                ("Tenn.", "GPE", ["Tenn."]),
                ("Al Wick", "PERSON", ["Al Wick"]),
                ("Vt.", "GPE", ["Vt."]),
            ],
            id="states of politicians",
        ),
        pytest.param(
            "He is from {GPE|Ellery}, {ORG|VA}, not of the {ORG|VA}.",
            [("Ellery", "GPE", ["Ellery"]), ("VA", "GPE", ["VA"]), ("VA", "ORG", ["VA"])],
            id="postal state",
        ),
        pytest.param(
            "PORT ELLERY, Ohio, Sept. 3 (Wire) — Rain fell.\nBREAKING - Rain fell.\nWICK – Snow.",
            [
                ("Port Ellery", "GPE", ["PORT ELLERY"]),
                ("Ohio", "GPE", ["Ohio"]),
                ("WICK", "GPE", ["WICK"]),
            ],
            id="datelines",
        ),
        pytest.param(
            "{ORG|Brook Hid Her Old Health} Problems From Voters\n{ORG|Small Steps Toward} Better"
            " Harbor Savings\n{PERSON|Ada Brook} of the {ORG|Harbor Board} spoke.",
            [
                ("Ada Brook", "PERSON", ["Brook", "Ada Brook"]),
                ("Harbor Board", "ORG", ["Harbor Board"]),
            ],
            id="headings",
        ),
        pytest.param(
            "{PERSON|Ada Brook} Joins {ORG|Wick Foundation} After Years Abroad\nRain fell.",
            [
                ("Ada Brook", "PERSON", ["Ada Brook"]),
                ("Wick Foundation", "ORG", ["Wick Foundation"]),
            ],
            id="names in headings",
        ),
        pytest.param(
            "{PERSON|Ada Brook} came.\nBROOK: We won.\nPOE: They did not. BROOK won.",
            [("Ada Brook", "PERSON", ["Ada Brook", "BROOK"])],
            id="speakers of a transcript",
        ),
        pytest.param(
            "{PERSON|Ada Brook} met anti-Brook and Brook-led groups, not @Brook or Half-Brook.",
            [("Ada Brook", "PERSON", ["Ada Brook", "Brook", "Brook"])],
            id="prefixes and suffixes",
        ),
        pytest.param(
            "{ORG|Medicare}, {ORG|EB-5}, {GPE|Obamacare}, {ORG|Harbor Trade Agreement},"
            " {PERSON|Jim Crow}, {ORG|Super PAC}, {ORG|Brexit}, {GPE|Ellery Police}.",
            [
                ("Obamacare", "LAW", ["Obamacare"]),
                ("Harbor Trade Agreement", "LAW", ["Harbor Trade Agreement"]),
                ("Jim Crow", "LAW", ["Jim Crow"]),
                ("Brexit", "EVENT", ["Brexit"]),
                ("Ellery Police", "ORG", ["Ellery Police"]),
            ],
            id="programmes and laws",
        ),
        pytest.param(
            "A veteran of the {GPE|Ellery} War and {PERSON|Adam Brook}, {GPE|Jr.} met.",
            [
                ("Ellery War", "EVENT", ["Ellery War"]),
                ("Adam Brook, Jr.", "PERSON", ["Adam Brook, Jr."]),
            ],
            id="completed names",
        ),
    ],
)
def test_corrects_names_of_the_model(
    nlp: Language, markup: str, entities: list[tuple[str, str, list[str]]]
) -> None:
    assert find_in_markup(nlp, markup) == entities


@pytest.mark.parametrize(
    "credit",
    [
        "By {PERSON|ANN LEE}",
        "By {PERSON|Ann Lee} and {PERSON|Bob Ray}",
        "By {PERSON|Ann Lee}, Harbor Watch",
        "The bridge. (Photo by {PERSON|Ann Lee}/AP)",
        "AP Photo/{PERSON|Ann Lee}",
        "Credit: {PERSON|Ann Lee}",
        "{PERSON|Ann Lee}/Getty Images",
        "(Reporting by {PERSON|Ann Lee}; Editing by {PERSON|Bob Ray})",
        "{PERSON|Ann Lee} and {PERSON|Bob Ray} contributed to this report.",
        "{PERSON|Ann Lee} reported from the harbor.",
        "{PERSON|Ann Lee} is a reporter at Harbor Watch.",
        "Follow {PERSON|Ann Lee} on Twitter.",
        "— {PERSON|Ann Lee}",
    ],
)
def test_people_only_in_credits_are_no_entities(nlp: Language, credit: str) -> None:
    people = [e[0] for e in find_in_markup(nlp, f"{{PERSON|Ned Poe}} spoke.\nRain fell.\n{credit}")]
    assert "Ned Poe" in people
    assert not {"Ann Lee", "ANN LEE", "Bob Ray"} & {*people}
    named_twice = find_in_markup(nlp, f"{{PERSON|Ann Lee}} spoke.\nRain fell.\n{credit}")
    assert ("Ann Lee" if "ANN" not in credit else "ANN LEE").casefold() in {
        mention.casefold() for _, _, mentions in named_twice for mention in mentions[1:]
    }


@pytest.mark.parametrize(
    "line",
    [
        "By Monday, {PERSON|Ann Lee} had won the harbor.",
        "“It is over.” — {PERSON|Ann Lee}",
        "{PERSON|Ann Lee} is a plumber in the harbor.",
        "They follow {PERSON|Ann Lee} everywhere.",
    ],
)
def test_people_outside_credits_are_entities(nlp: Language, line: str) -> None:
    assert "Ann Lee" in [
        name for name, _, _ in find_in_markup(nlp, f"Rain fell.\n{line}\nSnow fell.")
    ]


def test_record(nlp: Language) -> None:
    doc, text = parse_markup(nlp, "Yes, {PERSON|Ada Brook} and the {ORG|Wick Board}.")
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


def test_rules_are_valid() -> None:
    ids = [rule.id for rule in LABEL_RULES] + [variants.id for variants in NAME_VARIANTS]
    assert len(set(ids)) == len(ids)
    assert {rule.label for rule in LABEL_RULES} <= LABELS | {""}
    assert all(rule.instead_of <= LABELS for rule in LABEL_RULES)
    assert len({rule.id for rule in CREDIT_RULES}) == len(CREDIT_RULES)
    assert len(set(STATES.values())) == 50
    assert STATES["N.C."] == STATES["NC"] == STATES["North Carolina"] == "North Carolina"
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
    "Barack Obama",
    "New York Times",
    "NATO",
    "Netflix",
    "St. Lucia",
    "VA",
    "(D-N.C.)",
]
PARTS = [
    "Sen.",
    "pro-",
    "/",
    "-",
    "By ",
    ":",
    "Mr. ",
    "'s",
    "’s",
    "the ",
    "The ",
    "U.S.",
    "US ",
    "(CBP)",
    "C B P",
    "J. ",
    " Jr.",
]
MARKS = [" ", ", ", "\n", "\r", "\x85", "\x00", "\ud800", "e\u0301", "ﾞﾞ", "ß", "İ", " (", "“", "—"]
PIECES = st.sampled_from(NAMES + PARTS + MARKS)
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=25).map("".join)


@st.composite
def docs(draw: st.DrawFn) -> tuple[Doc, str]:
    """Return any text, with any spans as the mentions by the model."""
    text = draw(TEXTS)
    [doc] = analyse_texts(TOKENIZER, [text])
    cuts = sorted(draw(st.sets(st.integers(0, len(doc)), max_size=16)))
    labels = st.sampled_from([*sorted(LABELS), "PERSON", "DATE"])
    doc.set_ents([Span(doc, a, b, draw(labels)) for a, b in pairwise(cuts) if draw(st.booleans())])
    return doc, text + draw(st.sampled_from(["", "s", " Ada Brook"]))


@settings(max_examples=300, deadline=None)
@given(docs(), st.booleans())
def test_invariants(shipped: Gazetteer, case: tuple[Doc, str], with_gazetteer: bool) -> None:
    doc, text = case
    gazetteer = shipped if with_gazetteer else None
    entities = find(doc, text, gazetteer)
    assert entities == find(doc, text, gazetteer)
    assert len({entity.entity_id for entity in entities}) == len(entities)
    assert [e.first_start for e in entities] == sorted(e.first_start for e in entities)
    for entity in entities:
        assert entity.label in LABELS
        assert entity.name == " ".join(entity.name.split())
        assert with_gazetteer or entity.wikidata_id is None
        assert entity.count == len(entity.mentions)
        assert entity.first_start == entity.mentions[0].start
        assert [m.start for m in entity.mentions] == sorted(m.start for m in entity.mentions)
    mentions = sorted((m.start, m.end, m.text) for e in entities for m in e.mentions)
    for start, end, printed in mentions:
        assert text[start:end] == printed
        assert 2 <= end - start <= MAX_NAME_LENGTH
        assert "\n" not in printed
        assert printed[0].isalnum()
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
