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
"""The margin by which a declared language may be less likely: natural logarithm, per letter.

English briefs full of foreign names are up to 0.9 behind the language of the names, sentences of
another language at least 1.4 before English.
"""


def detect_language(text: str, declared: Iterable[str | None] = ()) -> str | None:
    """Return the ISO 639-1 code of the language of a text.

    Args:
        text: the text.
        declared: language tags (``en``, ``en-GB``, ``en_GB``) that the page or its feed declares,
            the most specific first.

    Returns:
        The most likely language. In a short text, the declared language that fits it best, unless
        another one is much more likely. None if the text is short and no language is declared.

    >>> detect_language("Ajax 2, Feyenoord 1. Van Dijk scored twice.", ["en-GB"])
    'en'
    >>> detect_language("Die Polizei hat am Montag in Essen 14 Männer festgenommen.", ["en"])
    'de'
    """
    codes = list(dict.fromkeys(filter(None, map(_primary_code, declared))))
    letters = sum(map(str.isalpha, text[: 2 * _LONG_LETTERS]))
    if letters < _MIN_LETTERS and not codes:
        return None
    import py3langid.langid

    ranked = py3langid.langid.rank(text[:_MAX_CHARACTERS])
    scores = {str(code): float(score) for code, score in ranked if len(code) == 2}
    best = max(scores, key=scores.__getitem__)
    if letters >= _LONG_LETTERS:
        return best
    fitting = max(codes, key=lambda code: scores.get(code, -1e9), default=best)
    if fitting not in scores:  # the detector does not know it
        return fitting if letters < _MIN_LETTERS else best
    return best if scores[best] - scores[fitting] > _MAX_LAG_PER_LETTER * letters else fitting


def _primary_code(tag: str | None) -> str | None:
    """Return the ISO 639-1 code of a language tag, or None if it has none."""
    code = (tag or "").strip().replace("_", "-").partition("-")[0].lower()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None
