"""Classify the lines of a text: headings in title case, and credits of authors and pictures.

The input is the text of an article. A line is a heading by the share of its capitalised words, and
contains credits where a pattern in `CREDIT_RULES` matches. Imports neither Beam nor spaCy.
"""

import re
from bisect import bisect_right
from typing import Final

from transforms.language.entities.rules import CREDIT_RULES

MAX_HEADING_LENGTH: Final = 200
"""The maximum length of a heading, in code points."""
MIN_CAPITAL_SHARE: Final = 0.85
"""The minimum share of the longer words of a heading that begin with a capital."""
_MIN_LONGER_WORDS: Final = 3
"""The minimum number of longer words of a heading."""

_LONGER_WORD = re.compile(r"[^\W\d_]{4,}")
_NAME = (
    r"(?<!\w)[A-Z][\w.'’-]{0,30}(?: (?:[A-Z][\w.'’-]{0,30}|al|bin|da|de|del|der|la|van|von)){1,4}"
)
_CREDIT_PATTERNS = [
    (re.compile(rule.pattern.replace("NAME", _NAME)), rule) for rule in CREDIT_RULES
]


class LineClassifier:
    """The headings and credits of a text. Each line is classified once, on first use."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._headings: dict[int, bool] = {}
        self._credits: dict[int, list[tuple[int, int]]] = {}
        non_empty = [
            n for n, start in enumerate(self._starts) if text[start : self._end(n)].strip()
        ]
        self._number_from_end = {n: i for i, n in enumerate(reversed(non_empty), 1)}

    def _line_number(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def _end(self, number: int) -> int:
        following = self._starts[number + 1 : number + 2]
        return following[0] - 1 if following else len(self._text)

    def is_heading(self, offset: int) -> bool:
        """Return whether the line at an offset is a heading: its words are in Title Case."""
        number = self._line_number(offset)
        if number not in self._headings:
            self._headings[number] = self._looks_like_heading(number)
        return self._headings[number]

    def _looks_like_heading(self, number: int) -> bool:
        start, end = self._starts[number], self._end(number)
        if end - start > MAX_HEADING_LENGTH:
            return False
        words = _LONGER_WORD.findall(self._text, start, end)
        capitals = sum(word[0].isupper() for word in words)
        return len(words) >= _MIN_LONGER_WORDS and capitals >= MIN_CAPITAL_SHARE * len(words)

    def is_credit(self, start: int, end: int) -> bool:
        """Return whether a span of the text is part of a credit of authors or pictures.

        Args:
            start: the first code point of the span.
            end: the end of the span, exclusive.
        """
        number = self._line_number(start)
        if number not in self._credits:
            self._credits[number] = self._find_credits(number)
        return any(first <= start and end <= last for first, last in self._credits[number])

    def _find_credits(self, number: int) -> list[tuple[int, int]]:
        offset = self._starts[number]
        line = self._text[offset : self._end(number)]
        number_from_end = self._number_from_end.get(number, 0)
        return [
            (offset + match.start(), offset + match.end())
            for pattern, rule in _CREDIT_PATTERNS
            if rule.last_lines is None or number_from_end <= rule.last_lines
            for match in pattern.finditer(line)
        ]
