"""Quotation marks, and the segments between them.

Each line is a paragraph. A state machine goes over its marks, and a segment never crosses a line.
The marks are of English and of neighbouring conventions: “ ”, " ", ‘ ’, ' ', „ “, « » and the
typewriter forms `` ''.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_DOUBLE_MARK = re.compile(r"[“”„‟\"＂«»]|``|‘‘|’’|''(?!')")
_OPENERS: Final = frozenset(("“", "„", "«", "‟", "``", "‘‘"))
_CLOSERS: Final = frozenset(("”", "»", "’’"))
# An opening single mark stands before a word, a closing one after a word. An apostrophe never does
# both in one paragraph, except in the elisions listed. The pattern begins with the marks, since the
# search for one of a few characters is fast. The group "opens" takes part if the mark opens.
_SINGLE_MARK = re.compile(
    r"['‘’](?:(?<=['‘])(?<![^\s(\[—–].)(?=[^\W\d_])(?!(?:tis|twas|em|til|n)\b)(?P<opens>)"
    r"|(?<=[^\s'‘’]['’])(?![^\s,.;:!?)\]—–-]))",
    re.IGNORECASE,
)
WORD: Final = re.compile(r"\w[\w'’-]*")
SENTENCE_ENDS: Final = frozenset(".!?…")


class QuotedSegment(NamedTuple):
    """The text between two quotation marks of one paragraph.

    Attributes:
        start: The start of the text in code points, without the mark and spaces.
        end: The end of the text in code points, exclusive, without the mark and spaces.
        outer_start: The start with the mark.
        outer_end: The end with the mark, exclusive.
        is_closed: Whether there is a closing mark.
        is_continued: Whether the paragraph before left a quote open that goes on here.
    """

    start: int
    end: int
    outer_start: int
    outer_end: int
    is_closed: bool
    is_continued: bool

    def covers(self, start: int, end: int) -> bool:
        """Return whether a span overlaps the text of the segment, or is one of its marks."""
        is_inside = self.outer_start <= start and end <= self.outer_end
        return is_inside or (start < self.end and self.start < end)


class _LineSpan(NamedTuple):
    """A segment within a line; the fields are as in `QuotedSegment`."""

    start: int
    end: int
    outer_start: int
    outer_end: int
    is_closed: bool


def quoted_segments(text: str) -> list[QuotedSegment]:
    """Return the quoted segments of ``text`` in order.

    Single marks count only in a text that quotes with them: one in which they enclose more
    characters than double marks do.

    Returns:
        Segments that do not overlap and do not cross a newline, with offsets into ``text``.

    >>> text = "“It’s late,” she said."
    >>> [text[segment.start:segment.end] for segment in quoted_segments(text)]
    ['It’s late,']
    """
    lines = text.split("\n")
    segments = _build_segments(lines, [[] for _ in lines])
    single_spans = [
        _find_single_spans(line, next_start)
        for line, next_start in zip(lines, _find_next_line_starts(lines), strict=True)
    ]
    if not any(single_spans):
        return segments
    # A text has one convention. Where double marks prevail, single ones enclose glosses or quotes
    # in a headline, and no quoted segments.
    with_singles = _build_segments(lines, single_spans)
    total = sum(s.end - s.start for s in with_singles)
    in_doubles = sum(s.end - s.start for s in with_singles if not has_single_marks(text, s))
    return with_singles if 2 * in_doubles < total else segments


def has_single_marks(text: str, segment: QuotedSegment) -> bool:
    """Return whether a segment of ``text`` begins with a single quotation mark."""
    mark = text[segment.outer_start : segment.outer_start + 2]
    return mark[:1] in "'‘" and mark not in ("''", "‘‘")


def _build_segments(lines: list[str], single_spans: list[list[_LineSpan]]) -> list[QuotedSegment]:
    """Return the segments between double marks, and those of ``single_spans``, given per line."""
    segments: list[QuotedSegment] = []
    is_open = False
    line_start = 0
    for line, singles in zip(lines, single_spans, strict=True):
        if line.strip():
            body_start = len(line) - len(line.lstrip())
            spans = _select_outermost([*_find_double_spans(line, is_open), *singles])
            was_open, is_open = is_open, False
            for start, end, outer_start, outer_end, is_closed in spans:
                is_open = not is_closed and outer_end == len(line)
                content = line[start:end]
                if re.search(r"\w", content):
                    segments.append(
                        QuotedSegment(
                            line_start + start + len(content) - len(content.lstrip()),
                            line_start + end - len(content) + len(content.rstrip()),
                            line_start + outer_start,
                            line_start + outer_end,
                            is_closed,
                            was_open and outer_start <= body_start,
                        )
                    )
        line_start += len(line) + 1
    return segments


def _find_next_line_starts(lines: list[str]) -> list[str]:
    """Return per line the first character of the next line that is not blank, else ""."""
    next_start, starts = "", []
    for line in reversed(lines):
        starts.append(next_start)
        next_start = line.lstrip()[:1] or next_start
    return starts[::-1]


def _select_outermost(spans: list[_LineSpan]) -> list[_LineSpan]:
    """Return the spans that lie in no other, in order."""
    selected: list[_LineSpan] = []
    for span in sorted(spans, key=lambda s: (s.outer_start, -s.outer_end)):
        if not selected or span.outer_start >= selected[-1].outer_end:
            selected.append(span)
    return selected


def _find_double_spans(line: str, is_open: bool) -> list[_LineSpan]:
    """Return the spans between double marks.

    Args:
        line: The line.
        is_open: Whether a quote of the paragraph before is open.
    """
    marks = list(_DOUBLE_MARK.finditer(line))
    spans: list[_LineSpan] = []
    opened: re.Match[str] | None = None
    nested = 0
    for number, mark in enumerate(marks):
        opens = _opens(line, mark, opened)
        if opens and opened is not None:
            rest = marks[number + 1 : number + 3]
            if len(rest) == 2 and not any(_opens(line, m, opened) for m in rest):
                nested += 1
                continue
            spans.append(_LineSpan(opened.end(), mark.start(), opened.start(), mark.start(), False))
            opened, nested = mark, 0
        elif opens:
            opened = mark
        elif nested:
            nested -= 1
        elif opened is not None:
            spans.append(_LineSpan(opened.end(), mark.start(), opened.start(), mark.end(), True))
            opened = None
        elif is_open and number == 0:
            spans.append(_LineSpan(0, mark.start(), 0, mark.end(), True))
    if opened is not None:
        spans.append(_LineSpan(opened.end(), len(line), opened.start(), len(line), False))
    return spans


def _opens(line: str, mark: re.Match[str], opened: re.Match[str] | None) -> bool:
    """Return whether a mark opens a quote: by its shape, its neighbours, or else in turns."""
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


def _find_single_spans(line: str, next_line_start: str) -> list[_LineSpan]:
    """Return the spans between single marks.

    Args:
        line: The line.
        next_line_start: The first character of the next line. If it is the same mark, an open
            quote at the start of this line goes on there.
    """
    spans: list[_LineSpan] = []
    opened: re.Match[str] | None = None
    possible_end: re.Match[str] | None = None

    for mark in _SINGLE_MARK.finditer(line):
        if mark["opens"] is not None:
            if opened and possible_end:
                spans.extend(_pair_marks(line, opened, possible_end))
            opened, possible_end = mark, None
        elif opened and (opened[0] == "'") == (mark[0] == "'"):
            # After an s it may be a possessive; then a later mark is the better end.
            before, after = line[mark.start() - 1], line[mark.end() : mark.end() + 2]
            if before in "sS" and re.match(r"\s\w", after):
                possible_end = possible_end or mark
            else:
                spans.append(
                    _LineSpan(opened.end(), mark.start(), opened.start(), mark.end(), True)
                )
                opened = possible_end = None
    if opened and possible_end:
        spans.extend(_pair_marks(line, opened, possible_end))
    elif opened and not line[: opened.start()].strip() and next_line_start == opened[0]:
        spans.append(_LineSpan(opened.end(), len(line), opened.start(), len(line), False))
    return spans


def _pair_marks(line: str, first: re.Match[str], last: re.Match[str]) -> Iterator[_LineSpan]:
    """Yield the span between two single marks, unless a double mark stands in it."""
    if not _DOUBLE_MARK.search(line, first.end(), last.start()):
        yield _LineSpan(first.end(), last.start(), first.start(), last.end(), True)
