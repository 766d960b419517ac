"""Tokens of texts and phrases, and the symbols by which they are compared.

A symbol says which tokens match: `word` any case of a word, `=Word` this case only, `wor*` and
`=Wor*` every token with this prefix. Imports neither Beam nor spaCy.
"""

import re
from collections.abc import Iterable
from typing import Final

MAX_PHRASE_WORDS: Final = 8
"""The maximum number of words of a phrase."""

MIN_PREFIX_LETTERS: Final = 3
"""The minimum number of letters before a * in a phrase."""

_APOSTROPHE: Final = "['’ʼ]"
# "U.S." and "I.C.E." are one token each. A possessive 's is not part of a token.
_TOKEN: Final = rf"(?:[^\W\d_]\.){{2,}}|[^\W_]+(?:{_APOSTROPHE}(?![sS]\b)[^\W_]+)*"
_POSSESSIVE: Final = rf"{_APOSTROPHE}[sS]"
# Between two words of a phrase: never the end of a sentence or of a paragraph.
_GAP: Final = re.compile(
    rf"(?:{_APOSTROPHE}[sS]?)?[ \t\u00a0\u2007-\u200a\u202f\u2010-\u2013-]{{1,3}}"
)
_PHRASE_WORD: Final = re.compile(rf"({_TOKEN})(?:{_POSSESSIVE}\b)?(\*?)")

TOKEN_WITH_POSSESSIVE: Final = re.compile(rf"((?:{_TOKEN})(?:{_POSSESSIVE}\b)?)")
"""A token and its possessive 's, in one group, so that `split` returns gaps and tokens in turns."""

POSSESSIVE_END: Final = re.compile(rf"{_POSSESSIVE}\Z")
"""The possessive 's at the end of a match of `TOKEN_WITH_POSSESSIVE`."""


def normalize_token(token: str) -> str:
    """Return a token without the dots of an abbreviation and with a plain apostrophe."""
    return token.replace(".", "").replace("’", "'").replace("ʼ", "'")


def is_phrase_gap(text: str, start: int, end: int) -> bool:
    """Return whether two tokens with these characters between them may be in one phrase.

    Args:
        text: The text.
        start: Offset at which the first token ends, without its possessive 's.
        end: Offset at which the next token starts.
    """
    return _GAP.fullmatch(text, start, end) is not None


def parse_phrase(phrase: str, *, case: bool) -> tuple[str, ...]:
    """Return the symbols of a phrase, one per word.

    >>> parse_phrase("Asylum-seeker*", case=False)
    ('asylum', 'seeker*')
    >>> parse_phrase("Border Patrol", case=True)
    ('=Border', '=Patrol')

    Args:
        phrase: The phrase as written in a taxonomy.
        case: Whether case counts.

    Raises:
        ValueError: no text can match the phrase, or too many would.
    """
    symbols = []
    end = 0
    for match in _PHRASE_WORD.finditer(phrase):
        between = phrase[end : match.start()]
        if not (_GAP.fullmatch(between) if end else between == ""):
            raise ValueError(f"has {between!r} before {match[0]!r}; put a space or hyphen there")
        token = normalize_token(match[1])
        if match[2] and len(token) < MIN_PREFIX_LETTERS:
            raise ValueError(
                f"has a * after fewer than {MIN_PREFIX_LETTERS} letters; write the words out"
            )
        symbols.append(("=" + token if case else token.lower()) + match[2])
        end = match.end()
    if end < len(phrase):
        raise ValueError(f"ends with {phrase[end:]!r}; use words, and * only at the end of one")
    if len(symbols) > MAX_PHRASE_WORDS:
        raise ValueError(f"has more than {MAX_PHRASE_WORDS} words; shorten it")
    return tuple(symbols)


def parse_context_words(words: Iterable[str]) -> list[str]:
    """Return the symbol of each word of a `near` or `not_near`, in which case never counts."""
    return [parse_phrase(word, case=False)[0] for word in words]


def prefix_length(symbol: str) -> int:
    """Return the number of characters of a symbol that are compared."""
    return len(symbol.strip("=*"))


def list_covering_symbols(symbol: str, prefix_lengths: Iterable[int]) -> list[str]:
    """Return the symbols that match every token that a symbol matches, itself among them.

    >>> list_covering_symbols("=Deported", [6])
    ['deported', '=Deported', 'deport*', '=Deport*']
    >>> list_covering_symbols("deported*", [6, 9])
    ['deport*']

    Args:
        symbol: The symbol that is covered.
        prefix_lengths: Lengths of the prefixes to return, in characters.
    """
    token = symbol.strip("=*")
    forms = [("", token.lower())]
    if symbol.startswith("="):
        forms.append(("=", token))
    covering = [] if symbol.endswith("*") else [mark + form for mark, form in forms]
    for length in prefix_lengths:
        covering += [f"{mark}{form[:length]}*" for mark, form in forms if length <= len(form)]
    return covering


def covers(symbol: str, other: str) -> bool:
    """Return whether a symbol matches every token that another symbol matches.

    >>> covers("deport*", "=Deported"), covers("=Deport*", "deported"), covers("the", "the*")
    (True, False, False)
    """
    return symbol in list_covering_symbols(other, [prefix_length(symbol)])
