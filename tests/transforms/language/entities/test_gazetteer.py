import datetime as dt
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from schemas import Entity
from tests.transforms.language.entities.test_find import parse_markup
from transforms.language.document import read_document
from transforms.language.entities.find import find_entities
from transforms.language.entities.gazetteer import (
    HEADER,
    MAX_BYTES,
    SHIPPED,
    SHIPPED_GAZETTEER,
    Gazetteer,
    GazetteerError,
    choose_gazetteer,
    load_gazetteer,
)
from transforms.language.entities.rules import LABELS
from transforms.language.model import analyse_texts, load_model
from transforms.language.record_keys import RecordKeys

KEYS = RecordKeys("a", "r", dt.date.min)
HEAD = "\t".join(HEADER)
LINES = """
Q101\tPERSON\tAda Brook\tAda M. Brook|Ada Márquez Brook
Q102\tPERSON\tIsabel Peña-Wick\tIsabel Peña
Q103\tPERSON\tZoraya\t
Q104\tPERSON\tJim Ellery\t
Q105\tORG\tThe Harbor Times\tHarbor Times|HRBT
Q106\tORG\tFishwire\t
Q107\tORG\tHarbor Safety Department\tDepartment of Harbor Safety|HSD|H.S.D.
\tORG\tKelp's\t
Q109\tGPE\tEllery\tRepublic of Ellery
Q110\tGPE\tWick (state)\tWick state
Q111\tORG\tQX\tQuay Xpress
Q112\tORG\tEllery Fish & Salt\t
"""


@pytest.fixture(scope="session")
def nlp() -> Language:
    return load_model()


@pytest.fixture(scope="session")
def gazetteer(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    path = tmp_path_factory.mktemp("gazetteer") / "names.tsv"
    path.write_text(f"{HEAD}\n# invented{LINES}", encoding="utf-8")
    return load_gazetteer(path)


def find_in_markup(nlp: Language, gazetteer: Gazetteer, markup: str) -> list[tuple[str, ...]]:
    """Return the name, label, Wikidata item and mentions of each entity."""
    doc, text = parse_markup(nlp, markup)
    entities = find_entities(read_document(doc, text), KEYS, gazetteer)
    return [(e.name, e.label, e.wikidata_id or "", *(m.text for m in e.mentions)) for e in entities]


@pytest.mark.parametrize(
    ("markup", "entities"),
    [
        pytest.param(
            "{PERSON|Ada M. Brook} spoke. {PERSON|Brook} left.",
            [("Ada Brook", "PERSON", "Q101", "Ada M. Brook", "Brook")],
            id="alias, and the surname joins it",
        ),
        pytest.param(
            "{PERSON|Brook} and {PERSON|Ada} left.",
            [("Brook", "PERSON", "", "Brook"), ("Ada", "PERSON", "", "Ada")],
            id="surname or given name alone",
        ),
        pytest.param(
            "{ORG|Brook} left. The {ORG|Wick} rose.",
            [("Brook", "PERSON", "", "Brook"), ("Wick", "ORG", "", "Wick")],
            id="known surname that the model took for an organisation",
        ),
        pytest.param(
            "{PERSON|Ned Brook} met {PERSON|Ada Brook}; {PERSON|Brook} left.",
            [
                ("Ned Brook", "PERSON", "", "Ned Brook"),
                ("Ada Brook", "PERSON", "Q101", "Ada Brook"),
                ("Brook", "PERSON", "", "Brook"),
            ],
            id="two people of one surname",
        ),
        pytest.param(
            "{ORG|ISABEL PEÑA}’s aide met {PERSON|Isabel Pena Wick}.",
            [("Isabel Peña-Wick", "PERSON", "Q102", "ISABEL PEÑA", "Isabel Pena Wick")],
            id="accents, capitals, hyphens, possessive, label, and two clusters are one",
        ),
        pytest.param(
            "It was {GPE|Zoraya}.", [("Zoraya", "PERSON", "Q103", "Zoraya")], id="one name"
        ),
        pytest.param(
            "{ORG|The Harbor Times} and {GPE|the Harbor Times}, says HRBT but not hrbt.",
            [("The Harbor Times", "ORG", "Q105", "Harbor Times", "Harbor Times", "HRBT")],
            id="article, and an acronym that the model did not find",
        ),
        pytest.param(
            "The {ORG|Department of Harbor Safety} ({ORG|HSD}) and H.S.D. met.",
            [
                (
                    "Harbor Safety Department",
                    "ORG",
                    "Q107",
                    "Department of Harbor Safety",
                    "HSD",
                    "H.S.D.",
                )
            ],
            id="acronym and expansion",
        ),
        pytest.param(
            "We read of it on Fishwire yesterday, and bought Kelp's.",
            [("Fishwire", "ORG", "Q106", "Fishwire"), ("Kelp's", "ORG", "", "Kelp's")],
            id="one-word names that the model did not find",
        ),
        pytest.param(
            "The Fishwire Ball was in Half-Fishwire; see fishwire.example and @Fishwire.",
            [],
            id="parts of other names",
        ),
        pytest.param(
            "A {ORG|Harbor Times-Fishwire} poll and {ORG|Harbor Times’s Zoraya}.",
            [
                ("The Harbor Times", "ORG", "Q105", "Harbor Times", "Harbor Times"),
                ("Fishwire", "ORG", "Q106", "Fishwire"),
                ("Zoraya", "PERSON", "Q103", "Zoraya"),
            ],
            id="known names joined to one mention",
        ),
        pytest.param(
            "The {ORG|Ada Brook Foundation} and the Ada Brook Library.",
            [("Ada Brook Foundation", "ORG", "", "Ada Brook Foundation")],
            id="person in the name of an organisation",
        ),
        pytest.param(
            "{PERSON|Jim Ellery} spoke. {PERSON|Ellery} left. {PERSON|Ellery} wept.",
            [("Jim Ellery", "PERSON", "Q104", "Jim Ellery", "Ellery", "Ellery")],
            id="surname that is a place elsewhere",
        ),
        pytest.param(
            "They live in {GPE|Ellery}, {GPE|Ohio}.",
            [("Ellery", "GPE", "", "Ellery"), ("Ohio", "GPE", "", "Ohio")],
            id="place of the same name in a state",
        ),
        pytest.param(
            "They live in {GPE|Ellery}. The {ORG|Ellery} navy sailed to {GPE|Ellery}.",
            [("Ellery", "GPE", "Q109", "Ellery", "Ellery", "Ellery")],
            id="place",
        ),
        pytest.param(
            "{GPE|Ellery} Fish & Salt of {GPE|Wick} state.",
            [
                ("Ellery Fish & Salt", "ORG", "Q112", "Ellery Fish & Salt"),
                ("Wick (state)", "GPE", "Q110", "Wick state"),
            ],
            id="longer name than the model found",
        ),
        pytest.param(
            "{PERSON|QX} came; QX left. Then {PERSON|Qx} came.",
            [("QX", "ORG", "Q111", "QX", "QX", "Qx")],
            id="short acronym that the model has found once",
        ),
    ],
)
def test_links_names_to_entries(
    nlp: Language, gazetteer: Gazetteer, markup: str, entities: list[tuple[str, ...]]
) -> None:
    assert find_in_markup(nlp, gazetteer, markup) == entities


def test_without_gazetteer_nothing_is_linked(nlp: Language) -> None:
    doc, text = parse_markup(nlp, "{PERSON|Ada M. Brook} spoke.")
    [entity] = find_entities(read_document(doc, text), KEYS)
    assert (entity.name, entity.wikidata_id) == ("Ada M. Brook", None)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", ":1: no header; begin with the columns wikidata_id, label, name, aliases"),
        ("Q1\tORG\tWick\t", ":1: no header; "),
        (f"{HEAD}\n\nORG\tWick", ":3: 2 columns; write 4, separated by tabs"),
        (f"{HEAD}\nQ1\tORG\tWick\t\t", ":2: 5 columns; "),
        (f"{HEAD}\nQ0\tORG\tWick\t", ":2: 'Q0' is no Wikidata id; write one as Q42 or nothing"),
        (f"{HEAD}\nWick\tORG\tWick\t", ":2: 'Wick' is no Wikidata id"),
        (f"{HEAD}\nQ1\tORG\tWick\t\nQ1\tORG\tPoe\t", ":3: Q1 is the entry of line 2, too; "),
        (f"{HEAD}\nQ1\torg\tWick\t", ":2: unknown label 'org'; write one of EVENT, FAC, "),
        (f"{HEAD}\nQ1\tORG\t\t", ":2: an empty name or alias; "),
        (f"{HEAD}\nQ1\tORG\tWick\tPoe||Ray", ":2: an empty name or alias; "),
        (f"{HEAD}\nQ1\tORG\t...\t", ":2: an empty name or alias; "),
        (f"{HEAD}\nQ1\tORG\tWick\t123", ":2: an empty name or alias; "),
        (f"{HEAD}\nQ1\tORG\tWi\0ck\t", ":2: 'Wi\\x00ck' is no name in print; "),
        (f"{HEAD}\nQ1\tORG\t{'Wick' * 30}\t", "is no name in print; "),
        (f"{HEAD}\nQ1\tORG\t{'W ' * 13}\t", "is no name in print; write up to 12 words"),
        (
            f"{HEAD}\n\tORG\tWick\t\n\tGPE\tPoe\tThe Wick",
            ":3: 'The Wick' stands for the entry of l",
        ),
        (f"{HEAD}\n\tORG\tWíck\tW\n\tGPE\tPoe\tWICK", ":3: 'WICK' stands for the entry of line 2"),
        (f"{HEAD}\n\tPERSON\tAda Brook\tBrook", ":2: 'Brook' is a surname, which many share; "),
        (f"{HEAD}\n\tPERSON\tAl Brook Jr.\tBrook", ":2: 'Brook' is a surname, "),
    ],
)
def test_errors_name_line_and_remedy(tmp_path: Path, lines: str, message: str) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(GazetteerError) as error:
        load_gazetteer(path)
    assert str(error.value).startswith(f"{path}:")
    assert message in str(error.value) and "; " in str(error.value)


def test_unreadable_files(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    with pytest.raises(GazetteerError, match=r"names\.tsv: cannot be read \(.*; give a readable"):
        load_gazetteer(path)
    with pytest.raises(GazetteerError, match="cannot be read"):
        load_gazetteer("a\0b")
    path.write_bytes(f"{HEAD}\nQ1\tORG\tWick\t\nQ2\tORG\tP\u00f6e\t".encode("latin-1"))
    with pytest.raises(GazetteerError, match=r"names\.tsv:3: not UTF-8; save the file as UTF-8"):
        load_gazetteer(path)
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(GazetteerError, match=r"names\.tsv:1: larger than \d+ bytes; leave out"):
        load_gazetteer(path)


def test_ignores_byte_order_marks_and_kinds_of_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_bytes(f"\ufeff# names\r\n{HEAD}\r\n\r\nQ1\tORG\tWick\tWick Inc.\r\n".encode())
    entry = load_gazetteer(path).find_entry("wick inc", "Wick Inc.")
    assert entry == ("Wick", "ORG", "Q1")


def test_chooses_a_gazetteer(tmp_path: Path) -> None:
    assert choose_gazetteer("none") is None
    assert choose_gazetteer(None) == SHIPPED
    assert choose_gazetteer(str(SHIPPED_GAZETTEER)) == load_gazetteer()
    with pytest.raises(GazetteerError):
        choose_gazetteer(str(tmp_path))


def test_the_shipped_gazetteer_is_valid() -> None:
    gazetteer = load_gazetteer()
    assert len({*gazetteer.entries.values()}) > 2000
    assert {entry.label for entry in gazetteer.entries.values()} <= LABELS
    united_nations = gazetteer.find_entry("united nations", "UN")
    assert united_nations == gazetteer.find_entry("united nations", "U.N.")
    assert gazetteer.find_entry("nato", "NATO") and not gazetteer.find_entry("who", "Who")
    assert pickle.loads(pickle.dumps(gazetteer)) == gazetteer


def test_finds_the_longest_name(gazetteer: Gazetteer) -> None:
    text = "Ada M. Brook’s Harbor Times, the HSD. Ada M. Ellery FISH & SALT hsd Wick state"
    matches = [text[m.start : m.end] for m in gazetteer.find_matches(text, len(text))]
    assert matches == ["Ada M. Brook", "Harbor Times", "HSD", "Ellery FISH & SALT", "Wick state"]
    assert not [*gazetteer.find_matches("Isabel. Peña Ada\nBrook, Ada, Brook ada brook", 43)]


WORDS = ["Ada", "Brook", "Harbor", "Times", "HSD", "Peña", "Ellery", "U.S.", "'s", ".", "-", " & "]
PIECES = st.sampled_from([*WORDS, " ", "\n", ", ", "e\u0301", "ʼ", "İ", "ß", "_"]) | st.text(
    max_size=2
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join))
def test_finds_in_any_text(gazetteer: Gazetteer, text: str) -> None:
    last = 0
    for match in gazetteer.find_matches(text, len(text)):
        assert last <= match.start < match.end <= len(text)
        assert text[match.start].isalnum() and "\n" not in text[match.start : match.end]
        last = match.end


CELLS = st.sampled_from(["", "Q1", "Q2", "ORG", "PERSON", "Wick", "Ada Brook", "Brook|Wick", "|"])
ROWS = st.lists(CELLS | st.text(max_size=5), max_size=6).map("\t".join)


@settings(max_examples=300, deadline=None)
@given(
    st.booleans(),
    st.lists(ROWS | st.sampled_from(LINES.split("\n")), max_size=6),
    st.binary(max_size=3),
)
def test_any_file_is_read_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, headed: bool, rows: list[str], tail: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.tsv"
    text = "\n".join([HEAD] * headed + rows)
    path.write_bytes(text.encode("utf-8", "surrogatepass") + tail)
    try:
        gazetteer = load_gazetteer(path)
    except GazetteerError as error:
        assert str(error).startswith(str(path))
    else:
        for entry in gazetteer.entries.values():
            names = [m.entry.name for m in gazetteer.find_matches(entry.name, len(entry.name))]
            assert names[:1] != [""]


def test_same_name_and_id_across_articles(nlp: Language, gazetteer: Gazetteer) -> None:
    texts = ["Ada Brook spoke in Ellery.", "It was Ada M. Brook, wrote the Harbor Times."]
    names: list[set[tuple[str, str | None]]] = []
    for text, doc in zip(texts, analyse_texts(nlp, texts), strict=True):
        entities: list[Entity] = find_entities(read_document(doc, text), KEYS, gazetteer)
        names.append({(e.name, e.wikidata_id) for e in entities})
    assert names[0] & names[1] == {("Ada Brook", "Q101")}


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("The Senate met in Washington. Texas and Ohio had asked the Supreme Court.", True),
        ("Republicans in the Senate and the Supreme Court of the United States agreed.", True),
        ("Kenya's Senate met in Nairobi. The Supreme Court of Kenya had ruled.", False),
        ("The Senate met. The Supreme Court had ruled.", False),
        ("Kenya and Uganda heard that the U.S. Senate and the Senate met.", True),
    ],
)
def test_a_senate_is_american_only_in_an_article_about_the_united_states(
    nlp: Language, text: str, linked: bool
) -> None:
    (doc,) = analyse_texts(nlp, [text])
    entities = find_entities(read_document(doc, text), KEYS, load_gazetteer())
    names = {e.name for e in entities if e.label == "ORG"}
    assert ("United States Senate" in names) is linked
    assert ("Senate" in names) is not linked


def test_a_place_of_a_dateline_gets_title_case(nlp: Language, gazetteer: Gazetteer) -> None:
    text = "MARROWBY, Nov. 3 (UPI) -- The pier was shut on Monday, the council said."
    (doc,) = analyse_texts(nlp, [text])
    entities = find_entities(read_document(doc, text), KEYS, gazetteer)
    assert ("Marrowby", "MARROWBY") in {(e.name, e.mentions[0].text) for e in entities}
