"""Quotation marks: a state machine that finds what stands between them, paragraph by paragraph."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

_MARK = re.compile(r"[“”„‟\"＂«»]|``|‘‘|’’|''(?!')")
_OPENERS: Final = frozenset(("“", "„", "«", "‟", "``", "‘‘"))
_CLOSERS: Final = frozenset(("”", "»", "’’"))
# A single mark that opens stands before a word, and one that closes after it; an apostrophe
# never does both in one paragraph, except in the elisions listed.
_SINGLE = re.compile(
    r"(?:(?<![^\s(\[—–])(?P<open>['‘])(?=[^\W\d_])(?!(?:tis|twas|em|til|n)\b)"
    r"|(?<=[^\s'‘’])(?P<close>['’])(?![^\s,.;:!?)\]—–-]))",
    re.IGNORECASE,
)
WORD: Final = re.compile(r"\w[\w'’-]*")
SENTENCE_ENDS: Final = frozenset(".!?…")


class QuotedSegment(NamedTuple):
    """What stands between two marks of one paragraph. All numbers are code points."""

    start: int
    end: int
    """Bounds of the words, without marks and spaces."""
    outer_start: int
    outer_end: int
    """Bounds with the marks."""
    is_closed: bool
    is_continued: bool
    """It goes on with a quote that the paragraph before left open."""

    def covers(self, start: int, end: int) -> bool:
        """Whether the span has words of the segment, or is one of its marks."""
        inside = self.outer_start <= start and end <= self.outer_end
        return inside or (start < self.end and self.start < end)


_Span: TypeAlias = tuple[int, int, int, int, bool]


def quoted_segments(text: str) -> list[QuotedSegment]:
    """Every quoted segment of ``text`` in order; none overlaps, none crosses a newline.

    >>> [text[s.start:s.end] for text in ['“It’s late,” she said.'] for s in quoted_segments(text)]
    ['It’s late,']
    """
    lines = text.split("\n")
    segments = _segments(lines, [[] for _ in lines])
    singles = [
        _single_spans(line, after) for line, after in zip(lines, _next_openings(lines), strict=True)
    ]
    if not any(singles):
        return segments
    # A text has one convention: where double marks prevail, what single ones enclose in a
    # headline or a gloss is no quoted segment.
    with_singles = _segments(lines, singles)
    doubles = sum(s.end - s.start for s in with_singles if not _is_single(text, s))
    return with_singles if 2 * doubles < sum(s.end - s.start for s in with_singles) else segments


def _is_single(text: str, segment: QuotedSegment) -> bool:
    mark = text[segment.outer_start : segment.outer_start + 2]
    return mark[0] in "'‘" and mark not in ("''", "‘‘")


def _segments(lines: list[str], singles: list[list[_Span]]) -> list[QuotedSegment]:
    """What double marks enclose, and the spans of ``singles``, those by line."""
    segments: list[QuotedSegment] = []
    carried = False
    offset = 0
    for line, single in zip(lines, singles, strict=True):
        if line.strip():
            body_start = len(line) - len(line.lstrip())
            spans = _outermost([*_double_spans(line, carried), *single])
            was_carried, carried = carried, False
            for start, end, left, right, closed in spans:
                carried = not closed and right == len(line)
                words = line[start:end]
                if re.search(r"\w", words):
                    segments.append(
                        QuotedSegment(
                            offset + start + len(words) - len(words.lstrip()),
                            offset + end - len(words) + len(words.rstrip()),
                            offset + left,
                            offset + right,
                            closed,
                            was_carried and left <= body_start,
                        )
                    )
        offset += len(line) + 1
    return segments


def _next_openings(lines: list[str]) -> list[str]:
    """For each line the first character of the next line that is not blank."""
    following, openings = "", []
    for line in reversed(lines):
        openings.append(following)
        following = line.lstrip()[:1] or following
    return openings[::-1]


def _outermost(spans: list[_Span]) -> list[_Span]:
    kept: list[_Span] = []
    for span in sorted(spans, key=lambda s: (s[2], -s[3])):
        if not kept or span[2] >= kept[-1][3]:
            kept.append(span)
    return kept


def _double_spans(line: str, carried: bool) -> list[_Span]:
    marks = list(_MARK.finditer(line))
    spans: list[_Span] = []
    opened: re.Match[str] | None = None
    nested = 0
    for number, mark in enumerate(marks):
        opens = _opens(line, mark, opened)
        if opens and opened is not None:
            rest = marks[number + 1 : number + 3]
            if len(rest) == 2 and not any(_opens(line, m, opened) for m in rest):
                nested += 1
                continue
            spans.append((opened.end(), mark.start(), opened.start(), mark.start(), False))
            opened, nested = mark, 0
        elif opens:
            opened = mark
        elif nested:
            nested -= 1
        elif opened is not None:
            spans.append((opened.end(), mark.start(), opened.start(), mark.end(), True))
            opened = None
        elif carried and number == 0:
            spans.append((0, mark.start(), 0, mark.end(), True))
    if opened is not None:
        spans.append((opened.end(), len(line), opened.start(), len(line), False))
    return spans


def _opens(line: str, mark: re.Match[str], opened: re.Match[str] | None) -> bool:
    """Whether a mark opens a quote: by its shape, else by its neighbours, else by turns."""
    shape = mark[0]
    if opened is not None and opened[0] == "„" and shape in "“‟":
        return False
    before = line[mark.start() - 1] if mark.start() else " "
    after = line[mark.end()] if mark.end() < len(line) else " "
    may_open = (before.isspace() or before in "([{—–-/:‘'") and not after.isspace()
    may_close = not before.isspace() and not after.isalnum()
    if shape in _OPENERS:
        return opened is None or may_open or not may_close
    if shape in _CLOSERS:
        return opened is None and may_open and not may_close
    if may_open != may_close:
        return may_open
    return opened is None


def _single_spans(line: str, next_opening: str) -> list[_Span]:
    spans: list[_Span] = []
    opened: re.Match[str] | None = None
    unsure: re.Match[str] | None = None

    for mark in _SINGLE.finditer(line):
        if mark["open"]:
            if opened and unsure:
                spans.extend(_single_span(line, opened, unsure))
            opened, unsure = mark, None
        elif opened and (opened[0] == "'") == (mark[0] == "'"):
            # After an s it may be a possessive: then a later mark is the better end.
            before, after = line[mark.start() - 1], line[mark.end() : mark.end() + 2]
            if before in "sS" and re.match(r"\s\w", after):
                unsure = unsure or mark
            else:
                spans.append((opened.end(), mark.start(), opened.start(), mark.end(), True))
                opened = unsure = None
    if opened and unsure:
        spans.extend(_single_span(line, opened, unsure))
    elif opened and not line[: opened.start()].strip() and next_opening == opened[0]:
        spans.append((opened.end(), len(line), opened.start(), len(line), False))
    return spans


def _single_span(line: str, first: re.Match[str], last: re.Match[str]) -> Iterator[_Span]:
    """What two single marks enclose, if the doubtful second one swallows no double mark."""
    if not _MARK.search(line, first.end(), last.start()):
        yield first.end(), last.start(), first.start(), last.end(), True
