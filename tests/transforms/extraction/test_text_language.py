import pytest

from transforms.extraction.text_language import detect_language

ENGLISH_BRIEFS = [
    "Carrow 3, Skarholm 1. Okonkwo and van der Meer scored. “We held on,” said coach Luca Bertoni.",
    "Polizei chief Jürgen Braun says Hamburg and Lübeck ports reopen on Monday.",
    "Kano: Alhaji Musa Danjuma and Hajiya Amina Bello meet traders at Kurmi market.",
]


@pytest.mark.parametrize("text", ENGLISH_BRIEFS)
@pytest.mark.parametrize("tag", ["en", "en-GB", "en_US", " EN "])
def test_briefs_full_of_names_have_the_declared_language(text: str, tag: str) -> None:
    assert detect_language(text, [tag]) == "en"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Die Fähren nach Skarholm fahren seit Freitag nicht mehr.", "de"),
        ("Le maire de Lyon a annoncé lundi sa démission après le vote du conseil.", "fr"),
        ("De veerboten naar Skarholm varen sinds vrijdag niet meer.", "nl"),
        ("El ministro dijo que las obras del puerto no empezarán hasta la primavera.", "es"),
    ],
)
def test_a_wrong_declaration_does_not_count(text: str, language: str) -> None:
    assert detect_language(text, ["en"]) == language
    assert detect_language(text, ["en", language]) == language


def test_a_long_text_decides_by_itself() -> None:
    text = "The ferries to Skarholm have been laid up since Friday, the harbour office said. " * 6
    assert detect_language(text, ["cy", "de"]) == "en"


@pytest.mark.parametrize(
    ("text", "declared", "language"),
    [
        ("Too short.", [], None),
        ("Too short.", ["en"], "en"),
        ("Too short.", [None, "", "english", "x-default", "pcm"], None),
        ("12345 " * 100, [], None),
        ("", ["en"], "en"),
    ],
)
def test_what_is_too_short_to_tell(
    text: str, declared: list[str | None], language: str | None
) -> None:
    assert detect_language(text, declared) == language


def test_only_codes_of_iso_639_1() -> None:
    text = "Police don arrest 12 people wey rob bank for Ikeja, Lagos, dem tok am for Friday."
    language = detect_language(text)
    assert language is not None and len(language) == 2
