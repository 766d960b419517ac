"""The regular expressions that a taxonomy may use: a subset whose cost is bounded.

Imports neither Beam nor spaCy.
"""

import re
from typing import Final, TypeAlias

MAX_MATCH_CHARACTERS: Final = 200
"""The maximum number of characters of a match."""

MAX_WAYS: Final = 1000
"""The maximum number of ways in which a pattern can be tried at one offset of a text."""

PREFIX_CHARACTERS: Final = 2
"""Characters of a match that `list_match_prefixes` looks at."""

Prefixes: TypeAlias = frozenset[str]
"""Prefixes of matches, in lower case: `PREFIX_CHARACTERS` characters, or all of a shorter match."""

_EMPTY_PREFIX: Final = frozenset({""})
_ASCII: Final = [chr(code) for code in range(128)]

# The parts of the safe subset of regular expressions. Python's own parser is private.
_PART: Final = re.compile(
    r"(?P<boundary>\\b)"
    r"|(?P<char>\\[dwsDWSnt]|\\[^\w\s]|[^\\\[\](){}|?*+^$]"
    r"|\[\^?(?:\\[dwsDWSnt]|\\[^\w\s]|[^\[\]\\&|~-]|-(?!-))+\])"
    r"|(?P<open>\(\?:)|(?P<close>\))|(?P<or>\|)"
    r"|(?P<repeat>\?|\{\d{1,3}(?:,\d{1,3})?\})"
    r"|(?P<other>.)",
    re.DOTALL,
)


def find_pattern_problem(pattern: str) -> str | None:
    """Return what is wrong with a pattern, or None if its cost is bounded at every offset.

    The cost is the number of ways in which the pattern can be tried at one offset of a text: the
    product over parts that follow each other, the sum over alternatives.
    """
    # One frame per open group: ways and width of its finished alternatives, then of the current
    # one. The width is the number of characters of the longest match.
    frames = [[0, 0, 1, 0]]
    atom: tuple[int, int] | None = None  # ways and width of the part that a repeat applies to
    is_group = False
    for part in _PART.finditer(pattern):
        kind = part.lastgroup
        top = frames[-1]
        if kind == "repeat":
            low, high = _parse_repeat(part[0])
            if atom is None or high < low or (is_group and part[0] != "?"):
                return f"has {part[0]} in a wrong place; repeat only single characters, or (?:...)?"
            ways, width = atom
            top[2] = top[2] * (ways + 1 if is_group else high - low + 1)
            top[3] += width * high
            atom = None
            continue
        if atom is not None:
            top[2], top[3] = top[2] * atom[0], top[3] + atom[1]
            atom = None
        is_group = kind == "close"
        if kind == "open":
            frames.append([0, 0, 1, 0])
        elif kind in ("or", "close"):
            if kind == "close" and len(frames) == 1:
                return "has a ) too many; remove it"
            top[:] = [top[0] + top[2], max(top[1], top[3]), 1, 0]
            if kind == "close":
                frames.pop()
                atom = (top[0], top[1])
        elif kind == "boundary":
            pass
        elif kind == "char":
            atom = (1, 1)
        else:
            return f"has {part[0]!r}; use only characters, sets, (?:...), |, ? and {{m,n}}"
    if len(frames) > 1:
        return "lacks a ); add it"
    ways, width, last_ways, last_width = frames[0]
    if atom is not None:
        last_ways, last_width = last_ways * atom[0], last_width + atom[1]
    if ways + last_ways > MAX_WAYS or max(width, last_width) > MAX_MATCH_CHARACTERS:
        return "can match in too many ways; shorten its repeats or split it into rules"
    try:
        empty = re.compile(pattern).fullmatch("")
    except (re.error, OverflowError) as error:
        return f"is no regular expression: {error}"
    return "can match nothing at all; make a part of it required" if empty else None


def _concatenate(before: Prefixes, after: Prefixes) -> Prefixes:
    """Return the prefixes of matches that have one part before the other."""
    if all(len(text) == PREFIX_CHARACTERS for text in before):
        return before
    return frozenset((first + second)[:PREFIX_CHARACTERS] for first in before for second in after)


def list_match_prefixes(pattern: str) -> Prefixes:
    """Return how a match of a pattern of the subset can begin, as far as that is ASCII.

    >>> sorted(list_match_prefixes("(?:a|b?c)d")), sorted(list_match_prefixes("x{0,2}y"))
    (['ad', 'bc', 'cd'], ['xx', 'xy', 'y'])
    """
    # One entry per open group: prefixes of its finished alternatives, and of the current one.
    groups: list[tuple[Prefixes, Prefixes]] = [(frozenset(), _EMPTY_PREFIX)]
    # Prefixes of the current alternative without its last character or group, and of that one.
    before = atom = _EMPTY_PREFIX
    for part in _PART.finditer(pattern):
        kind = part.lastgroup
        others, current = groups[-1]
        if kind == "open":
            groups.append((frozenset(), _EMPTY_PREFIX))
        elif kind == "or":
            groups[-1] = (others | current, _EMPTY_PREFIX)
        elif kind == "repeat":
            low, high = _parse_repeat(part[0])
            repeated: Prefixes = frozenset()
            for count in range(low, min(high, low + PREFIX_CHARACTERS) + 1):
                prefixes = before
                for _ in range(min(count, PREFIX_CHARACTERS)):
                    prefixes = _concatenate(prefixes, atom)
                repeated |= prefixes
            groups[-1] = (others, repeated)
        elif kind in ("char", "close"):
            if kind == "char":
                regex = re.compile(part[0], re.IGNORECASE | re.DOTALL)
                atom = frozenset(c.lower() for c in _ASCII if regex.fullmatch(c))
            else:
                atom = others | current
                groups.pop()
                others, current = groups[-1]
            before = current
            groups[-1] = (others, _concatenate(current, atom))
    return groups[0][0] | groups[0][1]


def _parse_repeat(repeat: str) -> tuple[int, int]:
    """Return the minimum and maximum repetitions of `?`, `{m}` or `{m,n}`."""
    if repeat == "?":
        return 0, 1
    low, _, high = repeat[1:-1].partition(",")
    return int(low), int(high or low)
