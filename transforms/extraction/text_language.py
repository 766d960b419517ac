"""The language of a text, by the text together with what its page and its feed declare.

Imports no Beam. The language detector is loaded by the first call.
"""

from collections.abc import Iterable
from typing import Final

_MIN_LETTERS: Final = 60
"""The minimum length of a text whose language is detected without a declaration."""
_LONG_LETTERS: Final = 300
"""The length of a text that decides by itself, whatever is declared."""
_MAX_CHARACTERS: Final = 3000
_MAX_LAG_PER_LETTER: Final = 1.1
"""The margin by which a declared language may be less likely: natural logarithm per letter.

In an English brief full of foreign names, English is a little less likely than the language of the
names. In a sentence of another language, it is far less likely. The margin lies between: see the
tests.
"""
_WITHDRAWN_CODES: Final = {"iw": "he", "in": "id", "ji": "yi"}


def detect_language(text: str, declared: Iterable[str | None] = ()) -> str | None:
    """Return the ISO 639-1 code of the language of a text.

    Args:
        text: the text.
        declared: language tags (``en``, ``en-GB``, ``en_GB``) that the page or its feed declares,
            the most specific first.

    Returns:
        The most likely language. In a short text, the first declared language that is not much
        less likely. None if the text is short and no language is declared.

    >>> detect_language("Ajax 2, Feyenoord 1. Van Dijk scored twice.", ["en-GB"])
    'en'
    >>> detect_language("Die Polizei hat am Montag in Essen 14 Männer festgenommen.", ["en"])
    'de'
    """
    codes = list(dict.fromkeys(filter(None, map(_parse_code, declared))))
    letters = sum(map(str.isalpha, text[: 2 * _LONG_LETTERS]))
    if letters < _MIN_LETTERS and not codes:
        return None
    import py3langid.langid

    ranked = py3langid.langid.rank(text[:_MAX_CHARACTERS])
    scores = {str(code): float(score) for code, score in ranked if len(code) == 2}
    best = max(scores, key=scores.__getitem__)
    if letters >= _LONG_LETTERS:
        return best
    least = scores[best] - _MAX_LAG_PER_LETTER * letters
    for code in codes:
        if code in scores and scores[code] >= least:
            return code
        if code not in scores and letters < _MIN_LETTERS:  # the detector does not know it
            return code
    return best


def _parse_code(tag: str | None) -> str | None:
    """Return the ISO 639-1 code of a language tag, or None if it has none."""
    code = (tag or "").strip().replace("_", "-").partition("-")[0].lower()
    code = _WITHDRAWN_CODES.get(code, code)
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None
