"""Reader of PolNeAR, political news with annotated attributions, as gold for quotes.

The corpus (Newell, Margolin and Ruths, LREC 2018) is not shipped. A folder of it has the texts
in ``text/NAME.txt`` and, in brat's standoff format, the attributions of each annotator in
``attributions/NAME_ANNOTATOR.ann``; the first annotator in sorted order counts.

PolNeAR annotates attributions, not quotes, so the quotes are derived. A segment between double
marks is a quote of an attribution's source if at least half of the segment lies in the content of
that attribution. An attribution without such a segment is indirect. A segment without an
attribution is a title, a nickname or a scare quote.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

Span: TypeAlias = tuple[int, int]
"""Start and end in code points."""

_MARK: Final = re.compile(r"[“”„‟\"＂«»]|``|''(?!')")
_ALWAYS_OPEN: Final = frozenset(("“", "„", "«", "‟", "``"))
_MAY_CLOSE_ONLY: Final = frozenset("”»")
_MARKS: Final = "“”„‟\"＂«»`'‘’"
_DIRECT: Final = 0.9
"""The share of a content's letters that must be quoted for the quote to be direct."""
_TEXT_BOUND = re.compile(r"(T\d+)\t\S+ ([\d ;]+)")
_EVENT = re.compile(r"E\d+\t(.*)")
_ROLE = re.compile(r"\b(?<!-)(Source|Cue|Content)\d*:(T\d+)", re.IGNORECASE)


class Attribution(NamedTuple):
    """An annotated attribution; each part may have several spans."""

    source: list[Span]
    cue: list[Span]
    content: list[Span]


class GoldQuote(NamedTuple):
    """A quote or an indirect attribution in gold."""

    kind: str
    """direct, mixed or indirect."""
    spans: list[Span]
    source: str | None
    cue: str | None


class GoldDocument(NamedTuple):
    """An article with its gold."""

    name: str
    text: str
    quotes: list[GoldQuote]
    indirect: list[GoldQuote]
    unattributed: list[Span]
    """Quoted segments without an attribution."""


def read_documents(folder: Path) -> Iterator[GoldDocument]:
    """Yield the annotated documents of a folder in the order of their names.

    Raises:
        FileNotFoundError: the folder has none.
    """
    annotations: dict[str, Path] = {}
    for path in sorted((folder / "attributions").glob("*.ann")):
        annotations.setdefault(path.stem.rpartition("_")[0], path)
    has_documents = False
    for path in sorted((folder / "text").glob("*.txt")):
        if path.stem in annotations:
            has_documents = True
            text = path.read_bytes().decode("utf-8")
            attributions = read_attributions(annotations[path.stem].read_text(encoding="utf-8"))
            yield derive_gold(path.stem, text, attributions)
    if not has_documents:
        raise FileNotFoundError(f"{folder} has no text/NAME.txt with attributions/NAME_WHO.ann")


def read_attributions(standoff: str) -> list[Attribution]:
    """Return the attributions in a standoff text that have a content.

    >>> read_attributions("T1\\tSource 0 4\\tAnna\\nT2\\tContent 10 14;20 22\\t...\\n"
    ...                   "E1\\tAttribution:T1 Source:T1 Content:T2\\n")
    [Attribution(source=[(0, 4)], cue=[], content=[(10, 14), (20, 22)])]
    """
    spans: dict[str, list[Span]] = {}
    events: list[str] = []
    for line in standoff.splitlines():
        if bound := _TEXT_BOUND.match(line):
            pieces = (piece.split() for piece in bound[2].split(";"))
            spans[bound[1]] = [(int(start), int(end)) for start, end in pieces]
        elif event := _EVENT.match(line):
            events.append(event[1])
    attributions = []
    for event_roles in events:
        parts: dict[str, list[Span]] = {"source": [], "cue": [], "content": []}
        for role, name in _ROLE.findall(event_roles):
            parts[role.lower()] += spans.get(name, [])
        if parts["content"]:
            attributions.append(
                Attribution(*(sorted(parts[r]) for r in ("source", "cue", "content")))
            )
    return attributions


def derive_gold(name: str, text: str, attributions: Sequence[Attribution]) -> GoldDocument:
    """Derive the gold of a text; each segment belongs to the first attribution that it fits."""
    left = find_marked_segments(text)
    quotes: list[GoldQuote] = []
    indirect: list[GoldQuote] = []
    for source, cue, content in attributions:
        mine = [s for s in left if 2 * count_overlap([s], content) >= s[1] - s[0]]
        left = [s for s in left if s not in mine]
        said_by, by_cue = join_spans(text, source) or None, join_spans(text, cue) or None
        if mine:
            quoted = sum(_letters(text[start:end]) for start, end in mine)
            direct = quoted >= _DIRECT * _letters(join_spans(text, content))
            kind = "direct" if direct else "mixed"
            quotes += [GoldQuote(kind, [span], said_by, by_cue) for span in mine]
        else:
            spans = [trim_span(text, start, end) for start, end in content]
            spans = [(start, end) for start, end in spans if start < end]
            if spans:
                indirect.append(GoldQuote("indirect", spans, said_by, by_cue))
    return GoldDocument(name, text, quotes, indirect, left)


def find_marked_segments(text: str) -> list[Span]:
    """Return the spans between double marks, per paragraph, without marks and outer spaces.

    Shares no code with the pipeline's reader of marks, as it is used to evaluate it. An open mark
    runs to the end of its paragraph. A mark may close what the previous paragraph left open.

    >>> text = 'He “went” on.'
    >>> [text[start:end] for start, end in find_marked_segments(text)]
    ['went']
    """
    segments: list[Span] = []
    offset, carried = 0, False
    for line in text.splitlines(keepends=True):
        body = line.rstrip()
        if body:
            found, carried = _paragraph_segments(body, carried)
            for start, end in found:
                words = body[start:end]
                if re.search(r"\w", words):
                    end = start + len(words.rstrip())
                    segments.append((offset + end - len(words.strip()), offset + end))
        offset += len(line)
    return segments


def _paragraph_segments(body: str, carried: bool) -> tuple[list[Span], bool]:
    """Return the bounds between marks, and whether a mark is left open."""
    found: list[Span] = []
    open_at: int | None = None
    for mark in _MARK.finditer(body):
        if _is_opening(body, mark, open_at is not None):
            if open_at is not None:
                found.append((open_at, mark.start()))
            open_at = mark.end()
        elif open_at is not None:
            found.append((open_at, mark.start()))
            open_at = None
        elif carried and not found:
            found.append((0, mark.start()))
    if open_at is not None:
        found.append((open_at, len(body)))
    return found, open_at is not None


def _is_opening(body: str, mark: re.Match[str], is_open: bool) -> bool:
    before = body[mark.start() - 1] if mark.start() else " "
    after = body[mark.end()] if mark.end() < len(body) else " "
    opens = (before.isspace() or before in "([{—–-/:‘'") and not after.isspace()
    closes = not before.isspace() and not after.isalnum()
    if mark[0] in _ALWAYS_OPEN:
        return True
    if mark[0] in _MAY_CLOSE_ONLY and (is_open or not opens):
        return False
    return opens if opens != closes else not is_open


def count_overlap(one: Sequence[Span], other: Sequence[Span]) -> int:
    """Return the number of code points that two lists of spans have in common."""
    return sum(max(0, min(b, d) - max(a, c)) for a, b in one for c, d in other)


def join_spans(text: str, spans: Sequence[Span]) -> str:
    """Return the text of spans, joined by spaces."""
    return " ".join(text[start:end] for start, end in spans)


def trim_span(text: str, start: int, end: int) -> Span:
    """Return a span without the spaces and marks at its ends."""
    while start < end and (text[start].isspace() or text[start] in _MARKS):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in _MARKS):
        end -= 1
    return start, end


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)
