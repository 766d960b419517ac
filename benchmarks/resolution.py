"""Precision and coverage of the resolution of pronouns and descriptions that speak.

The labels in `resolution_labels.tsv` were made by a reader. Their columns are document, start and
end of the speaker, and the name of the person who is meant, or "-" if the article names nobody.
FOLDER has PolNeAR's training articles in `text/*.txt`; it is not shipped.

usage: python -m benchmarks.resolution FOLDER
"""

import csv
import datetime as dt
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from schemas import Quote
from transforms.language.document import read_document
from transforms.language.entities.find import find_entities
from transforms.language.entities.gazetteer import load_gazetteer
from transforms.language.model import analyse_texts, load_model
from transforms.language.quotes.find import find_quotes
from transforms.language.quotes.ranker import load_ranker
from transforms.language.quotes.speaker_resolution import resolve_speakers
from transforms.language.record_keys import RecordKeys

LABELS: Final = Path(__file__).with_name("resolution_labels.tsv")
NOBODY: Final = "-"


class SpeakerLabel(NamedTuple):
    """The name of the person who is meant by a speaker's mention."""

    document: str
    start: int
    end: int
    name: str


def read_labels(path: Path = LABELS) -> list[SpeakerLabel]:
    """Return the labels in the order of the file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t")
        return [
            SpeakerLabel(document, int(start), int(end), name)
            for document, start, end, name in rows
        ]


def find_resolved_quotes(texts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[Quote]]]:
    """Yield the id of each document with its quotes, whose speakers are resolved."""
    documents = list(texts)
    keys = RecordKeys("", "", dt.date.min)
    docs = analyse_texts(load_model(), [text for _, text in documents])
    gazetteer = load_gazetteer()
    for (name, text), doc in zip(documents, docs, strict=True):
        document = read_document(doc, text)
        entities = find_entities(document, keys, gazetteer)
        quotes = find_quotes(document, entities, keys, load_ranker())
        yield name, resolve_speakers(document, quotes, entities)


def is_same_name(name: str, label: str) -> bool:
    """Tell whether all words of one name are in the other.

    >>> is_same_name("Lopez", "Ana López"), is_same_name("Ben López", "Ana López")
    (True, False)
    """
    one, other = _words(name), _words(label)
    return bool(one) and bool(other) and (one <= other or other <= one)


def _words(name: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    return frozenset(re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c))))


def format_report(labels: list[SpeakerLabel], found: dict[str, list[Quote]]) -> Iterator[str]:
    """Yield a table of precision and coverage by kind of speaker."""
    counts: dict[str, Counter[str]] = {k: Counter() for k in ("pronoun", "description", "all")}
    missing = 0
    for label in labels:
        span = (label.start, label.end)
        quote = next(
            (q for q in found[label.document] if (q.speaker_start, q.speaker_end) == span), None
        )
        missing += quote is None
        name = quote.speaker_name if quote else None
        for kind in ("all", quote.speaker_kind) if quote else ("all",):
            count = counts.setdefault(kind, Counter())
            count["named"] += label.name != NOBODY
            count["resolved"] += name is not None
            count["covered"] += name is not None and label.name != NOBODY
            count["right"] += (
                name is not None and label.name != NOBODY and is_same_name(name, label.name)
            )
    yield "speakers      right  resolved  named  precision  coverage"
    for kind, count in counts.items():
        precision = count["right"] / max(1, count["resolved"])
        coverage = count["covered"] / max(1, count["named"])
        yield (
            f"{kind:12} {count['right']:6} {count['resolved']:9} {count['named']:6}"
            f" {precision:10.3f} {coverage:9.3f}"
        )
    yield f"{missing} of {len(labels)} speakers were not found"


def main(folder: Path) -> None:
    """Print tables for all labels, for the first 60, and for the others."""
    labels = read_labels()
    paths = [folder / "text" / f"{name}.txt" for name in sorted({la.document for la in labels})]
    texts = [(path.stem, path.read_bytes().decode("utf-8")) for path in paths]
    found = dict(find_resolved_quotes(texts))
    for title, part in (
        ("All", labels),
        ("The first 60, on which the rules were built", labels[:60]),
        ("The others", labels[60:]),
    ):
        print(f"{title}\n" + "\n".join(format_report(part, found)) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
