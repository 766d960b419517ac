"""The regular expressions that a taxonomy may use: a subset whose cost is bounded.

Imports neither Beam nor spaCy.
"""

import re
from typing import Final

MAX_WIDTH: Final = 200
"""Characters that a pattern matches at most."""

MAX_WAYS: Final = 1000
"""Ways in which a pattern can be tried at one place of a text at most."""

_ASCII = [chr(code) for code in range(128)]

# The safe subset of regular expressions, part by part.
_PART = re.compile(
    r"(?P<boundary>\\b)"
    r"|(?P<char>\\[dwsDWSnt]|\\[^\w\s]|[^\\\[\](){}|?*+^$]"
    r"|\[\^?(?:\\[dwsDWSnt]|\\[^\w\s]|[^\[\]\\&|~-]|-(?!-))+\])"
    r"|(?P<open>\(\?:)|(?P<close>\))|(?P<or>\|)"
    r"|(?P<repeat>\?|\{\d{1,3}(?:,\d{1,3})?\})"
    r"|(?P<other>.)",
    re.DOTALL,
)


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with a pattern, or None if its cost is bounded at every place of a text.

    The bound is the number of ways in which the pattern can be tried at one place: the product
    over what follows each other, the sum over alternatives.
    """
    # A frame a group: ways and width of the finished alternatives, then of the current one.
    frames = [[0, 0, 1, 0]]
    atom: tuple[int, int] | None = None  # ways and width of what a repeat would apply to
    is_group = False
    for part in _PART.finditer(pattern):
        kind = part.lastgroup
        top = frames[-1]
        if kind == "repeat":
            low, high = (0, 1) if part[0] == "?" else _bounds(part[0])
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
    if ways + last_ways > MAX_WAYS or max(width, last_width) > MAX_WIDTH:
        return "can match in too many ways; shorten its repeats or split it into rules"
    try:
        empty = re.compile(pattern).fullmatch("")
    except (re.error, OverflowError) as error:
        return f"is no regular expression: {error}"
    return "can match nothing at all; make a part of it required" if empty else None


Beginnings = frozenset[str]
"""Beginnings of up to `BEGINNING` characters, in lower case; a shorter one is a whole match."""

BEGINNING: Final = 2


def _then(before: Beginnings, after: Beginnings) -> Beginnings:
    """The beginnings of what has one of each, one after the other."""
    if all(len(text) == BEGINNING for text in before):
        return before
    return frozenset((one + other)[:BEGINNING] for one in before for other in after)


_NOTHING: Final = frozenset({""})


def beginnings(pattern: str) -> Beginnings:
    """How a match of a pattern of the subset can begin, as far as it begins with ASCII characters.

    >>> sorted(beginnings("(?:a|b?c)d")), sorted(beginnings("x{0,2}y"))
    (['ad', 'bc', 'cd'], ['xx', 'xy', 'y'])
    """
    groups: list[tuple[Beginnings, Beginnings]] = [(frozenset(), _NOTHING)]
    before = part_of = _NOTHING  # what stands before the last character or group, and that
    for part in _PART.finditer(pattern):
        kind = part.lastgroup
        others, current = groups[-1]
        if kind == "open":
            groups.append((frozenset(), _NOTHING))
        elif kind == "or":
            groups[-1] = (others | current, _NOTHING)
        elif kind == "repeat":
            low, high = (0, 1) if part[0] == "?" else _bounds(part[0])
            repeated: Beginnings = frozenset()
            for count in range(low, min(high, low + BEGINNING) + 1):
                times = before
                for _ in range(min(count, BEGINNING)):
                    times = _then(times, part_of)
                repeated |= times
            groups[-1] = (others, repeated)
        elif kind in ("char", "close"):
            if kind == "char":
                one = re.compile(part[0], re.IGNORECASE | re.DOTALL)
                part_of = frozenset(c.lower() for c in _ASCII if one.fullmatch(c))
            else:
                part_of = others | current
                groups.pop()
                others, current = groups[-1]
            before = current
            groups[-1] = (others, _then(current, part_of))
    return groups[0][0] | groups[0][1]


def _bounds(repeat: str) -> tuple[int, int]:
    low, _, high = repeat[1:-1].partition(",")
    return int(low), int(high or low)
