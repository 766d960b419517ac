import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from transforms.language.model import analyse_texts, load_model, shield, split_text
from transforms.language.model_check import ModelError, check_model


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load_model()


def test_docs_are_in_order_for_any_batch_size(nlp: Language) -> None:
    texts = [f"Mayor {name} spoke.\nHe left at {i}." for i, name in enumerate("ABCDEFG")]
    texts[3:3] = ["", "x" * 50]
    one_batch = list(analyse_texts(nlp, texts))
    small_batches = list(analyse_texts(nlp, texts, batch_characters=60))
    assert [doc.text for doc in small_batches] == [shield(text) for text in texts]
    assert [doc.to_json() for doc in small_batches] == [doc.to_json() for doc in one_batch]
    assert list(analyse_texts(nlp, [])) == []


def test_sentences_end_with_their_paragraph(nlp: Language) -> None:
    (doc,) = analyse_texts(nlp, ["The pier is closed and\nthe mayor said so. She left."])
    assert next(s.text.strip() for s in doc.sents) == "The pier is closed and"


def test_only_the_beginning_of_a_long_text_is_analysed(nlp: Language) -> None:
    (doc,) = analyse_texts(nlp, ["The pier is closed until spring."], max_characters=20)
    assert doc.text == "The pier is closed u"


@pytest.mark.parametrize("joint", ["\n", " ", ""])
def test_long_texts_are_analysed_in_pieces(nlp: Language, joint: str) -> None:
    text = joint.join(["Mayor Ann Lee said so on Friday."] * 9)
    pieces = split_text(text, 80)
    assert "".join(pieces) == text and max(map(len, pieces)) <= 80
    (doc,) = analyse_texts(nlp, [text], batch_characters=80)
    assert doc.text == text
    if joint:
        names = [ent.text for ent in doc.ents if ent.label_ == "PERSON"]
        assert names == ["Ann Lee"] * 9
        assert all(text[ent.start_char : ent.end_char] == ent.text for ent in doc.ents)


@given(st.text(alphabet="ab \n\t\x00\x07\ud800“”\"'-_.🙂", max_size=400))
def test_shield_keeps_every_offset(text: str) -> None:
    shielded = shield(text)
    assert len(shielded) == len(text)
    assert all(a in (b, " ") for a, b in zip(shielded, text, strict=True))


def test_shield_does_not_change_ordinary_text() -> None:
    text = "“It’s 5–10 percent...” (she said), at https://a.example/b-c_d?e=f — 'twas!\nNext."
    assert shield(text) == text


def test_a_model_that_is_not_installed() -> None:
    for check_or_load in (check_model, load_model):
        with pytest.raises(ModelError, match="'no_such_model' is not installed"):
            check_or_load("no_such_model")
