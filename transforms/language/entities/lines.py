"""Tell the kinds of lines in a text: headings in title case, and credits of authors and pictures.

Imports neither Beam nor spaCy.
"""

import re
from bisect import bisect_right
from typing import Final

from transforms.language.entities.rules import CREDITS

MAX_HEADING: Final = 200
"""The most characters of a heading."""
MIN_CAPITAL_SHARE: Final = 0.85
"""The least share of the longer words of a heading that begin with a capital."""
_MIN_WORDS: Final = 3
"""The least number of longer words that a heading must have to be recognised."""

_LONGER_WORD = re.compile(r"[^\W\d_]{4,}")
_NAME = (
    r"(?<!\w)[A-Z][\w.'’-]{0,30}(?: (?:[A-Z][\w.'’-]{0,30}|al|bin|da|de|del|der|la|van|von)){1,4}"
)
_CREDITS = [(re.compile(rule.pattern.replace("NAME", _NAME)), rule) for rule in CREDITS]


class Lines:
    """The kinds of the lines of a text. Each line is judged once, when it is first asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._headings: dict[int, bool] = {}
        self._credits: dict[int, list[tuple[int, int]]] = {}
        filled = [n for n, start in enumerate(self._starts) if text[start : self._end(n)].strip()]
        self._from_last = {number: place for place, number in enumerate(reversed(filled), 1)}

    def _number(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def _end(self, number: int) -> int:
        following = self._starts[number + 1 : number + 2]
        return following[0] - 1 if following else len(self._text)

    def is_heading(self, offset: int) -> bool:
        """Return whether the line at an offset is a heading: its words are in Title Case."""
        number = self._number(offset)
        if number not in self._headings:
            self._headings[number] = self._looks_like_heading(number)
        return self._headings[number]

    def _looks_like_heading(self, number: int) -> bool:
        start, end = self._starts[number], self._end(number)
        if end - start > MAX_HEADING:
            return False
        words = _LONGER_WORD.findall(self._text, start, end)
        capitals = sum(word[0].isupper() for word in words)
        return len(words) >= _MIN_WORDS and capitals >= MIN_CAPITAL_SHARE * len(words)

    def is_credit(self, start: int, end: int) -> bool:
        """Return whether a name is in a credit of the article's authors or pictures."""
        number = self._number(start)
        if number not in self._credits:
            self._credits[number] = self._credits_in(number)
        return any(first <= start and end <= last for first, last in self._credits[number])

    def _credits_in(self, number: int) -> list[tuple[int, int]]:
        offset = self._starts[number]
        line = self._text[offset : self._end(number)]
        from_last = self._from_last.get(number, 0)
        return [
            (offset + match.start(), offset + match.end())
            for pattern, rule in _CREDITS
            if rule.last_lines is None or from_last <= rule.last_lines
            for match in pattern.finditer(line)
        ]
