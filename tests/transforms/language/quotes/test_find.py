"""Quotes in quotation marks: their text, speaker, cue, kind and role, by the shape of the text."""

import pytest
from spacy.language import Language

from schemas import Entity, Mention
from schemas.ids import stable_id
from tests.support.quotes import (
    KEYS,
    FindQuotes,
    Row,
    check_invariants,
    find_quotes_in,
    select_quoted,
    summarize_quotes,
)
from transforms.language.model import analyse_texts
from transforms.language.quotes.cue_words import CUES
from transforms.language.quotes.quotation_marks import quoted_segments


@pytest.fixture(scope="session")
def find(find: FindQuotes) -> FindQuotes:
    """A function that finds direct and mixed quotes; `test_indirect_speech` covers the others."""
    return lambda text: select_quoted(find(text))


def make_entity(name: str, label: str, *mentions: Mention) -> Entity:
    return Entity(
        entity_id=stable_id("a", name, label),
        article_id="a",
        run_id="r",
        day=KEYS.day,
        name=name,
        label=label,
        wikidata_id=None,
        mentions=list(mentions),
        count=len(mentions),
        first_start=mentions[0].start,
    )


DIRECT: dict[str, tuple[str, list[Row]]] = {
    "said after": (
        "“The ferry is late again,” Mairi Gow said on Tuesday.",
        [("The ferry is late again,", "Mairi Gow", "said")],
    ),
    "said inverted": (
        '"The ferry is late again," said Mairi Gow, a nurse from Skerray.',
        [("The ferry is late again,", "Mairi Gow", "said")],
    ),
    "said before": (
        "Mairi Gow said: “The ferry is late again.”",
        [("The ferry is late again.", "Mairi Gow", "said")],
    ),
    "comma before": (
        "Colm Radley replied, “I never signed it.”",
        [("I never signed it.", "Colm Radley", "replied")],
    ),
    "split": (
        "“The harbour,” she said, “belongs to all of us.”",
        [("The harbour,", "she", "said"), ("belongs to all of us.", "she", "said")],
    ),
    "split into sentences": (
        "“We lost,” Colm Radley admitted. “We will try again in May.”",
        [
            ("We lost,", "Colm Radley", "admitted"),
            ("We will try again in May.", "Colm Radley", "admitted"),
        ],
    ),
    "several sentences in one pair": (
        "“It rained. It always rains here. Nobody minds,” joked Anna Lowe.",
        [("It rained. It always rains here. Nobody minds,", "Anna Lowe", "joked")],
    ),
    "question": (
        "“Who will pay for the bridge?” Anna Lowe asked.",
        [("Who will pay for the bridge?", "Anna Lowe", "asked")],
    ),
    "exclamation and pronoun": (
        "“Not one penny more!” he shouted from the gallery.",
        [("Not one penny more!", "he", "shouted")],
    ),
    "question then a sentence of its own": (
        "“Who will pay for the bridge?” Nobody on the quay had an answer that night.",
        [("Who will pay for the bridge?", None, None)],
    ),
    "full stop before the speaker": (
        "“The tide waits for nobody.” Anna Lowe said.",
        [("The tide waits for nobody.", "Anna Lowe", "said")],
    ),
    "the next sentence introduces its own quote": (
        "Colm Radley said, “We are ready.” Anna Lowe replied, “We are not.”",
        [("We are ready.", "Colm Radley", "said"), ("We are not.", "Anna Lowe", "replied")],
    ),
    "written": (
        "“We find no fault with the pilot,” the inspectors wrote.",
        [("We find no fault with the pilot,", "the inspectors", "wrote")],
    ),
    "tweeted": (
        "Anna Lowe tweeted: “Polls close at ten. Vote.”",
        [("Polls close at ten. Vote.", "Anna Lowe", "tweeted")],
    ),
    "posted": (
        "“Our doors stay open,” the library posted on Monday.",
        [("Our doors stay open,", "the library", "posted")],
    ),
    "testified": (
        "“I saw the van leave at noon,” Colm Radley testified.",
        [("I saw the van leave at noon,", "Colm Radley", "testified")],
    ),
    "told somebody": (
        "“We were never asked,” Mairi Gow told reporters in Oslo.",
        [("We were never asked,", "Mairi Gow", "told")],
    ),
    "insisted": (
        "“The sums add up,” the chancellor insisted.",
        [("The sums add up,", "the chancellor", "insisted")],
    ),
    "participle": (
        "Colm Radley dismissed the report, saying, “It was written by children.”",
        [("It was written by children.", "Colm Radley", "saying")],
    ),
    "added in a second sentence": (
        "Anna Lowe was furious. “They knew in March,” she added.",
        [("They knew in March,", "she", "added")],
    ),
    "according to": (
        "“The dam will hold until spring,” according to Anna Lowe.",
        [("The dam will hold until spring,", "Anna Lowe", "according to")],
    ),
    "colon and name": (
        "Anna Lowe: “We open the gates at noon.”",
        [("We open the gates at noon.", "Anna Lowe", ":")],
    ),
    "colon after a clause": (
        "Anna Lowe was blunt: “We open the gates at noon.”",
        [("We open the gates at noon.", "Anna Lowe", ":")],
    ),
    "dash and name": (
        "“Best soup in the county, and I have tried them all.” — Mairi Gow",
        [("Best soup in the county, and I have tried them all.", "Mairi Gow", "—")],
    ),
    "sentence before": (
        "Colm Radley spoke for an hour. “There is no money left in the fund.”",
        [("There is no money left in the fund.", "Colm Radley", "spoke")],
    ),
    "sentence after": (
        "“There is no money left in the fund.” Colm Radley was speaking in Oslo.",
        [("There is no money left in the fund.", "Colm Radley", "speaking")],
    ),
    "paragraph of the same speaker": (
        "“We lost,” Colm Radley said.\n“The fund has been empty since the spring of last year.”",
        [
            ("We lost,", "Colm Radley", "said"),
            ("The fund has been empty since the spring of last year.", "Colm Radley", None),
        ],
    ),
    "mark left open": (
        "“We lost,” Colm Radley said. “The fund is empty.\n“Nobody told us.”",
        [
            ("We lost,", "Colm Radley", "said"),
            ("The fund is empty.", "Colm Radley", "said"),
            ("Nobody told us.", "Colm Radley", "said"),
        ],
    ),
    "mark left open, speaker in the next paragraph": (
        "“The fund is empty and it was empty in May.\n“Nobody told us,” Colm Radley said.",
        [
            ("The fund is empty and it was empty in May.", "Colm Radley", "said"),
            ("Nobody told us,", "Colm Radley", "said"),
        ],
    ),
    "closed at the end of a paragraph that does not open": (
        "Anna Lowe said: “The roof leaks.\nThe walls do too.” The council has been told.",
        [("The roof leaks.", "Anna Lowe", "said"), ("The walls do too.", "Anna Lowe", "said")],
    ),
    "speaker with a clause": (
        "“The roof leaks,” said Anna Lowe, who chairs the parish council.",
        [("The roof leaks,", "Anna Lowe", "said")],
    ),
    "aside between speaker and cue": (
        "“The roof leaks,” Anna Lowe, the head of Skerray primary school, said.",
        [("The roof leaks,", "Anna Lowe", "said")],
    ),
    "relative clause with another verb": (
        "“The roof leaks,” said a builder who had warned the council twice.",
        [("The roof leaks,", "a builder", "said")],
    ),
    "long unattributed sentence": (
        "“Come back when the tide is out and bring your own spade.”",
        [("Come back when the tide is out and bring your own spade.", None, None)],
    ),
    "honorific": (
        "“I paid in full,” Mr. Radley said.",
        [("I paid in full,", "Mr. Radley", "said")],
    ),
    "two speakers together": (
        "“We will merge,” Anna Lowe and Colm Radley said in a statement.",
        [("We will merge,", "Anna Lowe and Colm Radley", "said")],
    ),
    "organisation": (
        "“No passenger was hurt,” Transport Scotland said.",
        [("No passenger was hurt,", "Transport Scotland", "said")],
    ),
    "document": (
        "“No passenger was hurt,” the report says.",
        [("No passenger was hurt,", "the report", "says")],
    ),
    "adverb between": (
        "“No passenger was hurt,” Anna Lowe later told the inquiry.",
        [("No passenger was hurt,", "Anna Lowe", "told")],
    ),
    "time between": (
        "“No passenger was hurt,” Anna Lowe said Friday.",
        [("No passenger was hurt,", "Anna Lowe", "said")],
    ),
}

MARKS: dict[str, tuple[str, list[Row]]] = {
    "german": (
        "„The train is on time,“ Anna Lowe said.",
        [("The train is on time,", "Anna Lowe", "said")],
    ),
    "german with a closing mark": (
        "„The train is on time,” Anna Lowe said.",
        [("The train is on time,", "Anna Lowe", "said")],
    ),
    "guillemets": (
        "«The train is on time,» Anna Lowe said.",
        [("The train is on time,", "Anna Lowe", "said")],
    ),
    "wire": (
        "''The train is on time,'' Anna Lowe said.",
        [("The train is on time,", "Anna Lowe", "said")],
    ),
    "wire with backticks": (
        "``The train is on time,'' Anna Lowe said.",
        [("The train is on time,", "Anna Lowe", "said")],
    ),
    "british curly": (
        "‘I don’t know the workers’ names,’ Anna Lowe said.",
        [("I don’t know the workers’ names,", "Anna Lowe", "said")],
    ),
    "british straight": (
        "'I don't know the drivers' names,' Anna Lowe said.",
        [("I don't know the drivers' names,", "Anna Lowe", "said")],
    ),
    "british with the comma outside": (
        "‘The gates’, Anna Lowe said, ‘were never locked’.",
        [("The gates", "Anna Lowe", "said"), ("were never locked", "Anna Lowe", "said")],
    ),
    "double inside single": (
        "‘He called it “a stroke of luck” and left,’ Anna Lowe said.",
        [("He called it “a stroke of luck” and left,", "Anna Lowe", "said")],
    ),
    "single inside double": (
        "“He said ‘never again’ and left,” Anna Lowe said.",
        [("He said ‘never again’ and left,", "Anna Lowe", "said")],
    ),
    "double inside double": (
        "“He said “never again” and left,” Anna Lowe said.",
        [("He said “never again” and left,", "Anna Lowe", "said")],
    ),
    "wrong closing mark": (
        "“The train is on time,“ said Anna Lowe. “It often is.”",
        [
            ("The train is on time,", "Anna Lowe", "said"),
            ("It often is.", "Anna Lowe", "said"),
        ],
    ),
    "unclosed mark ends with its paragraph": (
        "Anna Lowe said: “The train is on time.\nThe weather was fine all day in Oslo.",
        [("The train is on time.", "Anna Lowe", "said")],
    ),
    "stray closing mark": ("The train was on time.” Nobody complained about it in Oslo.", []),
    "mark after a dash": (
        "One rule was left —“Never wake the captain before the tide turns”— said Anna Lowe.",
        [("Never wake the captain before the tide turns", "Anna Lowe", "said")],
    ),
    "apostrophes only": (
        "It's the '90s again: workers' pay and rock 'n' roll, and 'twas ever so, he didn't say.",
        [],
    ),
    "possessive after an opening that never closes": (
        "The 'Friends of the Bay met at the fishermen's hall, Anna Lowe said.",
        [],
    ),
}

MIXED: dict[str, tuple[str, list[Row]]] = {
    "called": (
        "Colm Radley called it “deeply regrettable”.",
        [("deeply regrettable", "Colm Radley", "called")],
    ),
    "described as": (
        "She described the bridge as “a monument to vanity.”",
        [("a monument to vanity.", "She", "described")],
    ),
    "that clause": (
        "The minister said that the plan was “dead in the water”.",
        [("dead in the water", "The minister", "said")],
    ),
    "two parts": (
        "Anna Lowe said the road was “a disgrace” and its builders “a pack of wolves”.",
        [("a disgrace", "Anna Lowe", "said"), ("a pack of wolves", "Anna Lowe", "said")],
    ),
    "two verbs, two speakers": (
        "Anna Lowe said the road was “a disgrace”, but Colm Radley called it “a triumph”.",
        [("a disgrace", "Anna Lowe", "said"), ("a triumph", "Colm Radley", "called")],
    ),
    "accused": (
        "The union accused the company of “playing with lives”.",
        [("playing with lives", "The union", "accused")],
    ),
    "said she hoped": (
        "Anna Lowe said she hoped the talks would be “short and dull”.",
        [("short and dull", "Anna Lowe", "said")],
    ),
    "what she called": (
        "Anna Lowe condemned what she called a “cowardly retreat”.",
        [("cowardly retreat", "Anna Lowe", "condemned")],
    ),
    "passive with by": (
        "The plan was described as “half-baked” by Anna Lowe.",
        [("half-baked", "Anna Lowe", "described")],
    ),
    "according to after": (
        "The pilot was “asleep at the wheel”, according to the inspectors.",
        [("asleep at the wheel", "the inspectors", "according to")],
    ),
    "cue after the clause": (
        "The plan is “half-baked”, Anna Lowe said.",
        [("half-baked", "Anna Lowe", "said")],
    ),
    "thought before, said after": (
        "They want to “plough up the whole valley,” Anna Lowe said.",
        [("plough up the whole valley,", "Anna Lowe", "said")],
    ),
    "put it": (
        "The valley is “a bowl of dust”, as Anna Lowe put it.",
        [("a bowl of dust", "Anna Lowe", "put it")],
    ),
}

NOT_QUOTES: dict[str, str] = {
    "scare quotes": "The “smart” meter broke twice in its first week.",
    "so-called": "Anna Lowe said the so-called “green corridor” runs past her door.",
    "nickname": "Jim “Buck” Rowan ran the bar for thirty years.",
    "nickname in a cue's sentence": "Jim “Buck” Rowan said he would sell the bar.",
    "nickname of two words": "Anna “Two Hats” Lowe said she would not run.",
    "film": "The film “Salt and Iron” opens in Oslo on Friday.",
    "book in a cue's sentence": "Anna Lowe said her book “Salt and Iron” had sold well.",
    "song before its noun": "Crowds sang along to the “Harbour Nights” album.",
    "programme": "Colm Radley spoke on the BBC’s “Morning Round” about the fund.",
    "term": "A “ghost net” is one that has been lost at sea.",
    "heading in marks": "‘The Long Road Home’\nThe village has no school.",
    "passive": "A class called “perception” fills in an hour.",
    "initials and numbers": "Grade “A” eggs cost more than grade “B” eggs in June.",
}

SpeakerFields = tuple[str | None, str, str | None, str | None, str | None]
"""Speaker, kind, role, canonical name and via of the only quote."""
SPEAKERS: dict[str, tuple[str, SpeakerFields]] = {
    "title before": (
        "“It is done,” Transport Minister Colm Radley said.",
        ("Colm Radley", "named", "Transport Minister", "Colm Radley", None),
    ),
    "title in lower case": (
        "“It is done,” said union secretary Mairi Gow.",
        ("Mairi Gow", "named", "union secretary", "Mairi Gow", None),
    ),
    "several titles": (
        "“It is done,” said Lt. Gen. Colm Radley.",
        ("Colm Radley", "named", "Lt. Gen.", "Colm Radley", None),
    ),
    "apposition": (
        "“It is done,” said Mairi Gow, a nurse from Skerray.",
        ("Mairi Gow", "named", "a nurse from Skerray", "Mairi Gow", None),
    ),
    "apposition after an age": (
        "“It is done,” said Mairi Gow, 42, a nurse from Skerray, before she left.",
        ("Mairi Gow", "named", "a nurse from Skerray", "Mairi Gow", None),
    ),
    "apposition without an article": (
        "Anna Lowe, chief executive of the port, said: “It is done.”",
        ("Anna Lowe", "named", "chief executive of the port", "Anna Lowe", None),
    ),
    "name in the apposition": (
        "“It is done,” said the mayor, Anna Lowe.",
        ("Anna Lowe", "named", "the mayor", "Anna Lowe", None),
    ),
    "relative clause is no role": (
        "“It is done,” Anna Lowe, who runs the port, said.",
        ("Anna Lowe", "named", None, "Anna Lowe", None),
    ),
    "honorific is no role": (
        "“It is done,” said Dr. Anna Lowe.",
        ("Dr. Anna Lowe", "named", None, "Anna Lowe", None),
    ),
    "organisation": (
        "“It is done,” the White House said in a statement.",
        ("the White House", "named", None, "White House", None),
    ),
    "description": (
        "“It is done,” said a senior official at the treasury.",
        ("a senior official at the treasury", "description", None, None, None),
    ),
    "description with a name in it": (
        "“It is done,” Anna Lowe's lawyer said.",
        ("Anna Lowe's lawyer", "description", None, None, None),
    ),
    "pronoun": ("“It is done,” they said.", ("they", "pronoun", None, None, None)),
    "joint speakers have no one name": (
        "“It is done,” Anna Lowe and Colm Radley said.",
        ("Anna Lowe and Colm Radley", "named", None, None, None),
    ),
    "nobody": (
        "“It was done on the day that the last cranes left.”",
        (None, "none", None, None, None),
    ),
    "via according to": (
        "“It is done,” Anna Lowe said, according to the Northern Herald.",
        ("Anna Lowe", "named", None, "Anna Lowe", "the Northern Herald"),
    ),
    "via reported": (
        "The Northern Herald reported that Anna Lowe called the deal “a swindle”.",
        ("Anna Lowe", "named", None, "Anna Lowe", "The Northern Herald"),
    ),
}


@pytest.mark.parametrize("name", DIRECT)
def test_direct(find: FindQuotes, name: str) -> None:
    text, expected = DIRECT[name]
    quotes = find(text)
    check_invariants(text, quotes)
    assert summarize_quotes(quotes) == expected
    assert {quote.kind for quote in quotes} == {"direct"}


@pytest.mark.parametrize("name", MARKS)
def test_marks(find: FindQuotes, name: str) -> None:
    text, expected = MARKS[name]
    quotes = find(text)
    check_invariants(text, quotes)
    assert summarize_quotes(quotes) == expected


@pytest.mark.parametrize("name", MIXED)
def test_mixed(find: FindQuotes, name: str) -> None:
    text, expected = MIXED[name]
    quotes = find(text)
    check_invariants(text, quotes)
    assert summarize_quotes(quotes) == expected
    assert {quote.kind for quote in quotes} == {"mixed"}


@pytest.mark.parametrize("name", NOT_QUOTES)
def test_not_a_quote(find: FindQuotes, name: str) -> None:
    assert find(NOT_QUOTES[name]) == []


@pytest.mark.parametrize("name", SPEAKERS)
def test_speaker_and_role(find: FindQuotes, name: str) -> None:
    text, expected = SPEAKERS[name]
    (quote,) = find(text)
    found = (quote.speaker, quote.speaker_kind, quote.speaker_role, quote.speaker_name, quote.via)
    assert found == expected


def test_canonical_name_of_a_later_mention(nlp: Language) -> None:
    text = "Colm Radley arrived at noon. “We are late,” Radley said."
    (doc,) = analyse_texts(nlp, [text])
    places = (0, text.rindex("Radley"))
    mentions = [
        Mention(start=start, end=start + len(name), text=name)
        for start, name in zip(places, ("Colm Radley", "Radley"), strict=True)
    ]
    (quote,) = find_quotes_in(doc, text, [make_entity("Colm Radley", "PERSON", *mentions)])
    assert (quote.speaker, quote.speaker_name) == ("Radley", "Colm Radley")


def test_entities_of_other_kinds_name_no_speaker(nlp: Language) -> None:
    text = "“We are late,” the Bergen Accord said."
    start = text.index("the Bergen")
    (doc,) = analyse_texts(nlp, [text])
    mention = Mention(start=start, end=start + 17, text=text[start : start + 17])
    (quote,) = find_quotes_in(doc, text, [make_entity("Bergen Accord", "LAW", mention)])
    assert quote.speaker_name is None


def test_a_speaker_without_any_entity(nlp: Language) -> None:
    text = "“We are late,” Sen. Quillon Vasterby said."
    (doc,) = analyse_texts(nlp, [text])
    (quote,) = find_quotes_in(doc, text, [])
    assert (quote.speaker, quote.speaker_role) == ("Quillon Vasterby", "Sen.")
    assert (quote.speaker_kind, quote.speaker_name) == ("named", None)


def test_quotes_beyond_the_analysed_part_have_no_speaker(nlp: Language) -> None:
    analysed = "“We are late,” Anna Lowe said.\n"
    rest = "“And nobody has told us why the gates were shut at all,” Anna Lowe said. “No.”"
    (doc,) = analyse_texts(nlp, [analysed])
    quotes = find_quotes_in(doc, analysed + rest)
    check_invariants(analysed + rest, quotes)
    assert [(quote.speaker, quote.method) for quote in quotes] == [
        ("Anna Lowe", "subject"),
        (None, "none"),
    ]


def test_hostile_characters_stay_in_the_quote(find: FindQuotes) -> None:
    text = "“We are\x00 late\ud800 again,” Anna Lowe said."
    (quote,) = find(text)
    assert quote.text == "We are\x00 late\ud800 again,"
    assert quote.speaker == "Anna Lowe"


def test_no_speaker_goes_on_after_a_paragraph_without_quotes(find: FindQuotes) -> None:
    text = (
        "“We are late,” Anna Lowe said.\nThe ferry is blue.\n"
        "“Nobody has told us why the gates were shut at all.”"
    )
    assert [quote.speaker for quote in find(text)] == ["Anna Lowe", None]


def test_the_same_text_gives_the_same_records(find: FindQuotes) -> None:
    text = "\n".join(text for text, _ in (*DIRECT.values(), *MARKS.values(), *MIXED.values()))
    quotes = find(text)
    check_invariants(text, quotes)
    assert quotes == find(text)


@pytest.mark.parametrize(
    "form",
    (
        *("said", "tells", "wrote", "tweeted", "notes", "noting", "admitted", "denies", "denying"),
        *("begged", "vows", "quipping", "recalled", "stresses", "testified", "describing"),
    ),
)
def test_inflected_cues(form: str) -> None:
    assert form in CUES


def test_words_that_are_no_cues() -> None:
    assert CUES.isdisjoint(("is", "was", "has", "sayed", "writed", "denyed", "admited", "telled"))


def test_segments_are_continued_only_after_an_open_mark() -> None:
    text = "“One.\n\n“Two.”\n“Three.”"
    assert [(s.is_closed, s.is_continued) for s in quoted_segments(text)] == [
        (False, False),
        (True, True),
        (True, False),
    ]
