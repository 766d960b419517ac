import datetime as dt
import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language

from schemas import Quote
from transforms.language.document import Document, read_document
from transforms.language.entities.find import find_entities
from transforms.language.model import analyse_texts, load_model
from transforms.language.quotes.find import find_quotes
from transforms.language.quotes.ranker import load_ranker
from transforms.language.quotes.speaker_resolution import resolve_speakers
from transforms.language.record_keys import RecordKeys

KEYS = RecordKeys("a", "r", dt.date(2026, 11, 24))
MARKED = re.compile(r"“([^”]*)”|\[([^\]]*)\]|\{([^}]*)\}")
PRONOUNS = frozenset(("he", "she", "they", "i", "we"))

Resolve = Callable[[str], list[str | None]]

CASES = [
    # The speaker of the quote before
    ("“We start,” {Ann Lee} said. [She] added, “It is time.”", "Ann Lee"),
    ("“We start,” {David Cole} said.\n\n“It is time,” [he] added.", "David Cole"),
    ("“We start,” {Ann Lee} said.\n\n[She] wrote later: “It is time.”", "Ann Lee"),
    # The subject of the sentence before, or of the same
    ("Thomas Grant opened the bridge. “It will hold,” [he] said.", "Thomas Grant"),
    ("Susan Park left early. [She] called the vote “a sham.”", "Susan Park"),
    ("When Robert Hale resigned, [he] said it was “a relief.”", "Robert Hale"),
    ("Linda Moss said [she] was “ready to go.”", "Linda Moss"),
    # Gender sets two people apart
    ("Karen Wells met Peter Stone on Monday. “It was good,” [she] said.", "Karen Wells"),
    ("Karen Wells met Peter Stone on Monday. “It was good,” [he] said.", "Peter Stone"),
    ("Brian Holt thanked Julia Frost. [She] called him “a friend.”", "Julia Frost"),
    ("Emily Ward sued Kevin Marsh. “I did nothing,” [he] said.", "Kevin Marsh"),
    ("Mr. Okonjo met Ms. Tavener. “We agreed,” [she] said.", "Tavener"),
    ("Mr. Okonjo met Ms. Tavener. “We agreed,” [he] said.", "Okonjo"),
    # Gender by role, by pronouns elsewhere
    (
        "Robin Vance is a spokeswoman. Peter Stone left. “We agreed,” [she] said.",
        "Robin Vance",
    ),
    (
        "Taylor Brandt lost her seat. Mark Dunn won. “I am sorry,” [she] said.",
        "Taylor Brandt",
    ),
    # The subject before others
    ("Daniel Reed wrote to Steven Cross. “I will pay,” [he] said.", "Daniel Reed"),
    ("Nancy Holt spoke of Laura Pike. “I know her,” [she] said.", "Nancy Holt"),
    # Few say their own name
    (
        "Paul Nash and Simon Drew spoke. “Paul Nash is wrong,” [he] said.",
        "Simon Drew",
    ),
    # Roles in front of a name
    ("Sen. Ruth Abelard voted no. “Never,” [the senator] said.", "Ruth Abelard"),
    ("Commissioner Ruth Sobol came. “No,” [the two commissioners] said.", None),
    ("Gov. Henry Walsh came. George Pratt left. “Now,” [the governor] said.", "Henry Walsh"),
    ("Mayor Alice Denton spoke. James Ford listened. “Yes,” [the mayor] said.", "Alice Denton"),
    ("President Maria Costa sat. Luis Vega stood. “No,” [the president] said.", "Maria Costa"),
    ("Rep. Carl Benson ran. “I won,” [the congressman] said.", "Carl Benson"),
    (
        "Judge Helen Price and Sen. Ruth Abelard met. “No,” [the judge] said.",
        "Helen Price",
    ),
    ("Prof. Alan Burke read it. “Odd,” [the professor] said.", "Alan Burke"),
    ("Attorney Diane Foss came. “Odd,” [the lawyer] said.", "Diane Foss"),
    ("Police spokesman Eric Dahl came. “Odd,” [the spokesman] said.", "Eric Dahl"),
    # Roles in an apposition or a predicate
    ("Laura Maris, the mayor, came. “Soon,” [the mayor] said.", "Laura Maris"),
    ("Peter Stone is a nurse. Karen Wells left. “Soon,” [the nurse] said.", "Peter Stone"),
    ("Karen Wells, a biologist, waited. “Soon,” [the biologist] said.", "Karen Wells"),
    # Former holders and deputies
    (
        "Former Gov. Henry Walsh met Gov. Alice Denton. “Hi,” [the governor] said.",
        "Alice Denton",
    ),
    (
        "Former Gov. Henry Walsh met Gov. Alice Denton. “Hi,” [the former governor] said.",
        "Henry Walsh",
    ),
    (
        "President Maria Costa met Vice President Luis Vega. “Hi,” [the president] said.",
        "Maria Costa",
    ),
    (
        "President Maria Costa met Vice President Luis Vega. “Hi,” [the vice president] said.",
        "Luis Vega",
    ),
    # Modifiers set holders apart
    (
        "Ohio senator Ruth Abelard met Texas senator Brian Holt. “Hi,” [the Texas senator] said.",
        "Brian Holt",
    ),
    # An office that the text does not state of the only person
    ("Margaret Boyd won in May. “I am ready,” [the candidate] said.", "Margaret Boyd"),
    # A surname that `find_quotes` takes for a description
    ("Margaret Boyd won in May. “I am ready,” [Boyd] said.", "Margaret Boyd"),
    # Organisations
    (
        "The University of Chicago closed. “We regret it,” [the university] said.",
        "University of Chicago",
    ),
    ("The Chicago Tribune objected. “It is false,” [the newspaper] wrote.", "Chicago Tribune"),
    # Not clear: two of a gender on a par
    ("Paul Nash and Simon Drew spoke. “It is wrong,” [he] said.", None),
    ("Ann Lee and Karen Wells spoke. “It is wrong,” [she] said.", None),
    # Not clear: nobody of the gender, nobody at all
    ("Karen Wells spoke. “It is wrong,” [he] said.", None),
    ("Peter Stone spoke. “It is wrong,” [she] said.", None),
    ("The rain fell on London. “It is wrong,” [he] said.", None),
    # Not clear: an unnamed person has come between
    ("Peter Stone left. A guard spoke. “Stop,” [a guard] said. [He] added, “Now.”", None),
    # A person’s critics or office are not that person
    ("Peter Stone left. “It is wrong,” [his critics] said.", None),
    ("Peter Stone left. “It is wrong,” [Peter Stone’s office] said.", None),
    # Not one person
    ("Peter Stone spoke. “It is wrong,” [they] said.", None),
    ("Peter Stone spoke. “It is wrong,” [I] said.", None),
    ("Peter Stone spoke. “It is wrong,” [we] said.", None),
    # Not clear: two hold the role, or nobody does
    ("Sen. Ruth Abelard met Sen. Brian Holt. “No,” [the senator] said.", None),
    ("Peter Stone spoke. “It is wrong,” [the organizer] said.", None),
    ("Sen. Ruth Abelard left. “It is wrong,” [the judge] said.", None),
    # Not definite
    ("Sen. Ruth Abelard voted no. “Never,” [a senator] said.", None),
    ("Sen. Ruth Abelard voted no. “Never,” [another senator] said.", None),
    # Faded
    ("Peter Stone left." + "\n\nRain fell." * 20 + " “It is wrong,” [he] said.", None),
]


@pytest.fixture(scope="session")
def nlp() -> Language:
    return load_model()


def analyse_document(nlp: Language, text: str) -> Document:
    (doc,) = analyse_texts(nlp, [text])
    return read_document(doc, text)


@pytest.fixture(scope="session")
def resolve(nlp: Language) -> Resolve:
    def run(marked: str) -> list[str | None]:
        text, quotes = parse_marked(marked)
        document = analyse_document(nlp, text)
        entities = find_entities(document, KEYS)
        return [q.speaker_name for q in resolve_speakers(document, quotes, entities)]

    return run


def make_quote(text: str, start: int, end: int) -> Quote:
    return Quote(
        quote_id=f"{start}",
        article_id="a",
        run_id="r",
        day=KEYS.day,
        start=start,
        end=end,
        text=text[start:end],
        kind="direct",
        cue=None,
        cue_start=None,
        cue_end=None,
        speaker=None,
        speaker_start=None,
        speaker_end=None,
        speaker_kind="none",
        speaker_name=None,
        speaker_role=None,
        via=None,
        method="test",
        confidence=1.0,
        topics=[],
    )


def parse_marked(marked: str) -> tuple[str, list[Quote]]:
    """Return the text without brackets, and its quotes; the nth quote has the nth speaker.

    Named speakers are in {}, the others in [].
    """
    text, last = "", 0
    spans: list[tuple[int, int]] = []
    speakers: list[tuple[int, int, str]] = []
    for match in MARKED.finditer(marked):
        text += marked[last : match.start()]
        last = match.end()
        quoted, other, name = match.groups()
        if quoted is not None:
            spans.append((len(text) + 1, len(text) + 1 + len(quoted)))
            text += match[0]
            continue
        kind = "named" if name else "pronoun" if other.lower() in PRONOUNS else "description"
        start = len(text)
        text += name or other
        speakers.append((start, len(text), kind))
    text += marked[last:]
    quotes = [make_quote(text, *span) for span in spans]
    quotes += [make_quote(text, len(text), len(text))] * (len(speakers) - len(quotes))
    return text, [
        replace(
            quote,
            speaker=text[start:end],
            speaker_start=start,
            speaker_end=end,
            speaker_kind=kind,
            speaker_name=text[start:end] if kind == "named" else None,
        )
        for quote, (start, end, kind) in zip(quotes, speakers, strict=True)
    ]


@pytest.mark.parametrize(("marked", "name"), CASES, ids=[case[0][:60] for case in CASES])
def test_speaker_gets_a_name_only_if_it_is_clear(
    resolve: Resolve, marked: str, name: str | None
) -> None:
    assert resolve(marked)[-1] == name


def test_titles_tell_a_couple_apart(resolve: Resolve) -> None:
    marked = "Mr. Harlan waved. Mrs. Harlan spoke. Mark Dunn left. “I stay,” [she] said."
    assert resolve(marked) == ["Harlan"]


def test_resolved_pronoun_is_an_antecedent_itself(resolve: Resolve) -> None:
    marked = "Ann Lee came." + "\n\n“It is time,” [she] said." * 8
    assert resolve(marked) == ["Ann Lee"] * 8


def test_resolved_description_is_an_antecedent_itself(resolve: Resolve) -> None:
    marked = (
        "Sen. Ruth Abelard and Karen Wells met. “No,” [the senator] said. [She] added, “Never.”"
    )
    assert resolve(marked) == ["Ruth Abelard", "Ruth Abelard"]


def test_role_of_a_speaker_resolves_later_descriptions(nlp: Language) -> None:
    text, quotes = parse_marked(
        "“Go,” {Karen Wells} said. Peter Stone left. “Stay,” [the treasurer] said."
    )
    document = analyse_document(nlp, text)
    entities = find_entities(document, KEYS)
    assert resolve_speakers(document, quotes, entities)[-1].speaker_name is None
    quotes[0] = replace(quotes[0], speaker_role="treasurer of the club")
    assert resolve_speakers(document, quotes, entities)[-1].speaker_name == "Karen Wells"


def test_existing_name_stays(nlp: Language) -> None:
    text, quotes = parse_marked("Peter Stone came. “Go,” [he] said.")
    quotes = [replace(quotes[0], speaker_name="Somebody")]
    document = analyse_document(nlp, text)
    entities = find_entities(document, KEYS)
    assert resolve_speakers(document, quotes, entities) == quotes


def test_without_entities_quotes_stay_as_they_are(nlp: Language) -> None:
    text, quotes = parse_marked("“Go,” [he] said.")
    document = analyse_document(nlp, text)
    assert resolve_speakers(document, quotes, []) == quotes


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            (
                "Ann Lee", "Mr. Cole", "Sen. Ruth Abelard", "the senator", "he", "She", "they",
                "said", "told", "“It is time,”", "“", "”", '"Go."', ",", ".", "\n\n", "\n", "The",
                "University of Chicago", "the university", "his", "'", "is a nurse", "the nurse",
                "according to", "Peter Stone, the mayor,", "\u200b", "\x00", "’s", "é́",
            )
        ),
        st.text(max_size=8),
    ),
    max_size=30,
)  # fmt: skip


@given(pieces=PIECES, glue=st.sampled_from((" ", "")))
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_resolution_only_adds_names_of_entities_to_any_text(
    nlp: Language, pieces: list[str], glue: str
) -> None:
    text = glue.join(pieces)
    document = analyse_document(nlp, text)
    entities = find_entities(document, KEYS)
    quotes = find_quotes(document, entities, KEYS, load_ranker())
    resolved = resolve_speakers(document, quotes, entities)
    assert [replace(q, speaker_name=None) for q in resolved] == [
        replace(q, speaker_name=None) for q in quotes
    ]
    names = {entity.name for entity in entities}
    for before, after in zip(quotes, resolved, strict=True):
        if before.speaker_kind not in ("pronoun", "description") or before.speaker_name:
            assert after.speaker_name == before.speaker_name
        else:
            assert after.speaker_name is None or after.speaker_name in names
    assert resolve_speakers(document, quotes, entities) == resolved


@given(spans=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=6))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_speakers_may_be_anywhere_in_the_text(nlp: Language, spans: list[tuple[int, int]]) -> None:
    text = "Sen. Ruth Abelard met Mr. Cole. “No,” the senator said. He left. “Go,” she said."
    document = analyse_document(nlp, text)
    entities = find_entities(document, KEYS)
    kinds = ("pronoun", "description", "named", "none")
    quotes = [
        replace(
            make_quote(text, start, end),
            speaker_start=end,
            speaker_end=start,
            speaker_kind=kinds[(start + end) % 4],
        )
        for start, end in spans
    ]
    assert len(resolve_speakers(document, quotes, entities)) == len(quotes)


def test_time_is_not_quadratic_in_the_length_of_the_text(nlp: Language) -> None:
    marked = (
        "Sen. Ruth Abelard met Mr. Cole, the mayor. “No,” [the senator] said. "
        "“Go on,” [he] said. {Peter Stone} waved. “Yes.”\n\n"
    )

    def seconds(times: int) -> float:
        text, quotes = parse_marked(marked * times)
        document = analyse_document(nlp, text)
        entities = find_entities(document, KEYS)
        durations = []
        for _ in range(3):
            begin = time.process_time()
            resolve_speakers(document, quotes, entities)
            durations.append(time.process_time() - begin)
        return min(durations)

    assert seconds(160) < 40 * seconds(20)  # 64 were it quadratic
