import pytest

from tests.support.quotes import FindQuotes, check_invariants

Row = tuple[str, str, str, str]
"""Content, speaker, cue and rule."""

CASES: list[tuple[str, list[Row]]] = [
    (
        "Despite Marsh's promise that the gates would open, nobody came.",
        [("that the gates would open", "Marsh", "promise", "clause")],
    ),
    (
        "The survey found that most farmers oppose the dam.",
        [("that most farmers oppose the dam", "The survey", "found", "clause")],
    ),
    (
        "About three in 10 voters said they would stay at home.",
        [("they would stay at home", "About three in 10 voters", "said", "clause")],
    ),
    (
        "He and his brother said the pier was closed.",
        [("the pier was closed", "He and his brother", "said", "clause")],
    ),
    (
        "Berg tweeted that the gate was open.",
        [("that the gate was open", "Berg", "tweeted", "clause")],
    ),
    (
        "Prosecutors allege that Marsh stole the boat.",
        [("that Marsh stole the boat", "Prosecutors", "allege", "clause")],
    ),
    (
        "The mayor said that the pier was closed.",
        [("that the pier was closed", "The mayor", "said", "clause")],
    ),
    (
        "Anna Lowe said the pier would open in May.",
        [("the pier would open in May", "Anna Lowe", "said", "clause")],
    ),
    (
        "She said she had never seen the letter.",
        [("she had never seen the letter", "She", "said", "clause")],
    ),
    (
        "The company says its boats are safe.",
        [("its boats are safe", "The company", "says", "clause")],
    ),
    (
        "Anna Lowe told reporters that the ferry had sunk.",
        [("that the ferry had sunk", "Anna Lowe", "told", "clause")],
    ),
    (
        "Lee argued that the tax hurts small farms.",
        [("that the tax hurts small farms", "Lee", "argued", "clause")],
    ),
    (
        "Lee noted that the bridge was built in 1910.",
        [("that the bridge was built in 1910", "Lee", "noted", "clause")],
    ),
    (
        "The council announced that the school would close.",
        [("that the school would close", "The council", "announced", "clause")],
    ),
    (
        "A nurse from Skerray said the ward was full.",
        [("the ward was full", "A nurse from Skerray", "said", "clause")],
    ),
    (
        "People close to the talks said the deal was dead.",
        [("the deal was dead", "People close to the talks", "said", "clause")],
    ),
    (
        "Many of her neighbours said they would leave.",
        [("they would leave", "Many of her neighbours", "said", "clause")],
    ),
    (
        "Officials warned that the dam could fail.",
        [("that the dam could fail", "Officials", "warned", "clause")],
    ),
    (
        "The minister acknowledged that the plan had failed.",
        [("that the plan had failed", "The minister", "acknowledged", "clause")],
    ),
    (
        "The minister insisted the plan was sound.",
        [("the plan was sound", "The minister", "insisted", "clause")],
    ),
    (
        "He claimed that he had paid the bill.",
        [("that he had paid the bill", "He", "claimed", "clause")],
    ),
    (
        "Lee asked whether the pier was safe.",
        [("whether the pier was safe", "Lee", "asked", "clause")],
    ),
    ("Lee asked why the pier was closed.", [("why the pier was closed", "Lee", "asked", "clause")]),
    (
        "The report suggests that costs will rise.",
        [("that costs will rise", "The report", "suggests", "clause")],
    ),
    (
        "The pilot explained that fog had delayed the flight.",
        [("that fog had delayed the flight", "The pilot", "explained", "clause")],
    ),
    (
        "The pier was closed, the mayor said.",
        [("The pier was closed", "the mayor", "said", "clause-before")],
    ),
    (
        "The pier will open in May, according to Anna Lowe.",
        [("The pier will open in May", "Anna Lowe", "according to", "according-to-clause")],
    ),
    (
        "According to the mayor, the pier was closed for repairs.",
        [("the pier was closed for repairs", "the mayor", "According to", "according-to-clause")],
    ),
    (
        "According to a new survey, most farmers oppose the dam.",
        [("most farmers oppose the dam", "a new survey", "According to", "according-to-clause")],
    ),
    (
        "The pier, Lee added, would stay closed.",
        [("The pier, Lee added, would stay closed", "Lee", "added", "parenthesis")],
    ),
    (
        "The bridge, the engineer said, could not carry trucks.",
        [
            (
                "The bridge, the engineer said, could not carry trucks",
                "the engineer",
                "said",
                "parenthesis",
            )
        ],
    ),
    (
        "Most farmers oppose the dam, according to a survey by the union.",
        [
            (
                "Most farmers oppose the dam",
                "a survey by the union",
                "according to",
                "according-to-clause",
            )
        ],
    ),
    (
        "The harbour will be dredged in June, the port authority announced.",
        [
            (
                "The harbour will be dredged in June",
                "the port authority",
                "announced",
                "clause-before",
            )
        ],
    ),
    (
        "Anna Lowe vowed to rebuild the pier.",
        [("to rebuild the pier", "Anna Lowe", "vowed", "infinitive")],
    ),
    (
        "Anna Lowe promised to repair the roof.",
        [("to repair the roof", "Anna Lowe", "promised", "infinitive")],
    ),
    (
        "The teachers asked the council to repair the roof.",
        [("the council to repair the roof", "The teachers", "asked", "clause")],
    ),
    (
        "The union called on the mayor to resign.",
        [("the mayor to resign", "The union", "called", "preposition")],
    ),
    (
        "The union called for a new election.",
        [("a new election", "The union", "called", "call-for")],
    ),
    (
        "Lee criticized the plan to sell the harbour.",
        [("the plan to sell the harbour", "Lee", "criticized", "object")],
    ),
    (
        "Lee accused the council of hiding the costs.",
        [("the council of hiding the costs", "Lee", "accused", "object")],
    ),
    (
        "The company announced a merger with its oldest rival.",
        [("a merger with its oldest rival", "The company", "announced", "object")],
    ),
    (
        "The mayor described the harbour as a treasure.",
        [("the harbour as a treasure", "The mayor", "described", "object")],
    ),
    (
        "He mentioned the new school in his speech.",
        [("the new school in his speech", "He", "mentioned", "object")],
    ),
    (
        "She noted the absence of the mayor.",
        [("the absence of the mayor", "She", "noted", "object")],
    ),
    (
        "As the Herald reported, the mayor had sold his house.",
        [("the mayor had sold his house", "the Herald", "reported", "as-clause")],
    ),
    (
        "The union issued a statement saying the strike would go on.",
        [("the strike would go on", "The union", "saying", "clause")],
    ),
    (
        "Lee walked out of the meeting, saying that the figures were wrong.",
        [("that the figures were wrong", "Lee", "saying", "clause")],
    ),
    (
        "The mayor said the pier was closed and warned that the bridge could fail.",
        [
            ("the pier was closed", "The mayor", "said", "clause"),
            ("that the bridge could fail", "The mayor", "warned", "clause"),
        ],
    ),
    (
        "But the mayor said on Monday that the pier was closed.",
        [("that the pier was closed", "the mayor", "said", "clause")],
    ),
    ("The mayor has said the pier is safe.", [("the pier is safe", "The mayor", "said", "clause")]),
    (
        "The witness testified that the gate was open.",
        [("that the gate was open", "The witness", "testified", "clause")],
    ),
    (
        "Anna Lowe, the mayor, said the gate was open.",
        [("the gate was open", "Anna Lowe", "said", "clause")],
    ),
    (
        "The coach admitted that the team had played badly.",
        [("that the team had played badly", "The coach", "admitted", "clause")],
    ),
    (
        "The editor wrote that the town had changed.",
        [("that the town had changed", "The editor", "wrote", "clause")],
    ),
    (
        "Lee declared that the war was over.",
        [("that the war was over", "Lee", "declared", "clause")],
    ),
    (
        "The lawyer stated that her client was innocent.",
        [("that her client was innocent", "The lawyer", "stated", "clause")],
    ),
    (
        "Scientists predict that the lake will dry up.",
        [("that the lake will dry up", "Scientists", "predict", "clause")],
    ),
    (
        "The police say that nobody was hurt.",
        [("that nobody was hurt", "The police", "say", "clause")],
    ),
    (
        "The mayor predicted that the town would grow.",
        [("that the town would grow", "The mayor", "predicted", "clause")],
    ),
    (
        "The agency reported that prices fell in March.",
        [("that prices fell in March", "The agency", "reported", "clause")],
    ),
    (
        "Lee denied that he had taken money.",
        [("that he had taken money", "Lee", "denied", "clause")],
    ),
    (
        "Anna Lowe and Peter Marsh said the vote was fair.",
        [("the vote was fair", "Anna Lowe and Peter Marsh", "said", "clause")],
    ),
    (
        "The bank said it would cut 300 jobs.",
        [("it would cut 300 jobs", "The bank", "said", "clause")],
    ),
    (
        "I told them that the shop was closed.",
        [("that the shop was closed", "I", "told", "clause")],
    ),
]


WITHOUT_INDIRECT_SPEECH = [
    "The mayor believes that the pier is closed.",
    "She wants to rebuild the pier.",
    "The pier was closed in May.",
    "The mayor added sugar to the tea.",
    "Berg found that the gate was open.",
    "She said it.",
    "When asked whether it was cold, Berg left the room.",
    "Asked about the gate, Marsh left the room.",
    "They told a story.",
    "He spoke for an hour in the rain.",
    "",
]

WITH_QUOTES_ONLY = [
    "“The pier is closed,” the mayor said.",
    "“The pier is closed,” said Anna Lowe.",
    "The mayor said that the pier was “a danger to us all” and closed it.",
    "“We are late,” he told reporters. “The gates were shut.”",
    "According to the mayor, the pier is “a danger to us all”.",
    "The mayor said: “The pier is closed.”",
]


@pytest.mark.parametrize(("text", "rows"), CASES, ids=[text for text, _ in CASES])
def test_indirect_speech(find: FindQuotes, text: str, rows: list[Row]) -> None:
    quotes = find(text)
    check_invariants(text, quotes)
    assert [(q.text, q.speaker, q.cue, q.method) for q in quotes] == rows
    assert {q.kind for q in quotes} == {"indirect"}


@pytest.mark.parametrize("text", WITHOUT_INDIRECT_SPEECH)
def test_no_indirect_speech(find: FindQuotes, text: str) -> None:
    assert find(text) == []


DENIED = {
    "The mayor did not say that the pier was closed.": "did not say",
    "Lee never said the pier was closed.": "never said",
    "Ida Berg didn't say whether the gate was open.": "didn't say",
}


@pytest.mark.parametrize(("text", "cue"), DENIED.items())
def test_cue_of_denied_speech_includes_the_negation(find: FindQuotes, text: str, cue: str) -> None:
    assert [q.cue for q in find(text)] == [cue]


RELAYED = {
    "The canal would stay open all year, Mulino said on Monday, according to Voice of America.": [
        ("The canal would stay open all year", "Mulino", "Voice of America"),
        ("The canal would stay open all year, Mulino said on Monday", "Voice of America", None),
    ],
    "The Northern Herald reported that Ida Berg said the dam would fail.": [
        ("that Ida Berg said the dam would fail", "The Northern Herald", None),
        ("the dam would fail", "Ida Berg", "The Northern Herald"),
    ],
    "The Northern Herald reported that the dam would fail.": [
        ("that the dam would fail", "The Northern Herald", None),
    ],
}


@pytest.mark.parametrize(("text", "rows"), RELAYED.items())
def test_relay_of_indirect_speech_is_in_via(
    find: FindQuotes, text: str, rows: list[tuple[str, str, str | None]]
) -> None:
    quotes = find(text)
    check_invariants(text, quotes)
    assert [(q.text, q.speaker, q.via) for q in quotes] == rows


@pytest.mark.parametrize("text", WITH_QUOTES_ONLY)
def test_quoted_text_is_not_indirect_speech_too(find: FindQuotes, text: str) -> None:
    quotes = find(text)
    assert quotes
    assert "indirect" not in {q.kind for q in quotes}


def test_quotes_and_indirect_speech_come_in_text_order(find: FindQuotes) -> None:
    text = "The mayor said that the pier was closed.\n“It is a danger to us all,” Anna Lowe said."
    quotes = find(text)
    check_invariants(text, quotes)
    assert [(q.kind, q.speaker) for q in quotes] == [
        ("indirect", "The mayor"),
        ("direct", "Anna Lowe"),
    ]


def test_content_ends_with_its_paragraph(find: FindQuotes) -> None:
    (quote,) = find("The mayor said that the pier was closed\nand the bridge was open")
    assert quote.text == "that the pier was closed"


def test_speaker_of_indirect_speech_has_name_and_role(find: FindQuotes) -> None:
    (quote,) = find("Mayor Anna Lowe said that the pier was closed.")
    assert (quote.speaker, quote.speaker_kind) == ("Anna Lowe", "named")
    assert quote.speaker_name == "Anna Lowe"
    assert quote.speaker_role == "Mayor"
    assert quote.confidence > 0.5
