"""Precision and recall of people, organisations and places, and of their grouping.

Compares Newsbeam with the plain language model. The labels in `entity_labels.tsv` were made by a
reader, who corrected the output of an early Newsbeam. Their columns are document, start, end,
label, and a name for the entity within the document. Only PERSON, ORG and GPE count. The word
"the", titles and a possessive 's are no part of a mention; they are removed from the plain model's
mentions, too.
FOLDER has PolNeAR's development articles in `text/*.txt`; it is not shipped.

A mention is right if its span and its label are right. Grouping is measured by B-cubed (Bagga and
Baldwin, LREC 1998) within articles: once over the mentions that are both in gold and found, and
once over all mentions, where a missing or surplus mention forms its own group in which nothing is
right.

usage: python -m benchmarks.entities FOLDER [--errors]
"""

import csv
import datetime as dt
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import spacy
from spacy.tokens import Doc

from transforms.language.document import read_document
from transforms.language.entities.find import find_entities
from transforms.language.entities.gazetteer import Gazetteer, load_gazetteer
from transforms.language.model import analyse_texts, load_model
from transforms.language.model_check import DEFAULT_MODEL
from transforms.language.record_keys import RecordKeys

LABELS: Final = Path(__file__).with_name("entity_labels.tsv")
SCORED: Final = ("PERSON", "ORG", "GPE")
_THE: Final = re.compile(r"the\s+", re.IGNORECASE)
_POSSESSIVE: Final = re.compile(r"['’]s?$")


class LabelledSpan(NamedTuple):
    """The span of a mention, in code points, and its label."""

    start: int
    end: int
    label: str


Mentions = Mapping[LabelledSpan, str]
"""The mentions of an article, each with the name of its group."""


class WeightedPrecisionRecall(NamedTuple):
    """Precision and recall from weighted sums: what is right weighs differently in each of them."""

    right: float
    found: float
    right_of_gold: float
    gold: float

    @property
    def precision(self) -> float:
        """The share of the found mentions that is right."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """The share of the gold mentions that was found."""
        return self.right_of_gold / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def read_labels(path: Path = LABELS) -> dict[str, dict[LabelledSpan, str]]:
    """Return the labelled mentions by document."""
    documents: dict[str, dict[LabelledSpan, str]] = defaultdict(dict)
    with path.open(encoding="utf-8", newline="") as file:
        for document, start, end, label, group in csv.reader(file, delimiter="\t"):
            documents[document][LabelledSpan(int(start), int(end), label)] = group
    return dict(documents)


def find_model_mentions(texts: Sequence[str]) -> Iterator[dict[LabelledSpan, str]]:
    """Yield the mentions that the language model alone finds, grouped by their text."""
    for text, doc in zip(texts, spacy.load(DEFAULT_MODEL).pipe(texts), strict=True):
        mentions = {}
        for span in doc.ents:
            start, end = span.start_char, span.end_char
            if match := _THE.match(text, start, end):
                start = match.end()
            if match := _POSSESSIVE.search(text[start:end]):
                end = start + match.start()
            if span.label_ in SCORED:
                mentions[LabelledSpan(start, end, span.label_)] = text[start:end]
        yield mentions


def find_newsbeam_mentions(
    texts: Sequence[str], docs: Sequence[Doc], gazetteer: Gazetteer | None
) -> Iterator[dict[LabelledSpan, str]]:
    """Yield the mentions that Newsbeam finds."""
    for text, doc in zip(texts, docs, strict=True):
        keys = RecordKeys("", "", dt.date.min)
        entities = find_entities(read_document(doc, text), keys, gazetteer)
        yield {
            LabelledSpan(mention.start, mention.end, entity.label): entity.entity_id
            for entity in entities
            if entity.label in SCORED
            for mention in entity.mentions
        }


def score_mentions(
    gold: Sequence[Mentions], found: Sequence[Mentions], label: str
) -> WeightedPrecisionRecall:
    """Score the mentions of a label, or of "all" labels."""

    def select(mentions: Mentions) -> set[LabelledSpan]:
        return {span for span in mentions if label in ("all", span.label)}

    right = sum(len(select(a) & select(b)) for a, b in zip(gold, found, strict=True))
    return WeightedPrecisionRecall(
        right, sum(len(select(b)) for b in found), right, sum(len(select(a)) for a in gold)
    )


def score_groups(
    gold: Sequence[Mentions], found: Sequence[Mentions], *, shared: bool
) -> WeightedPrecisionRecall:
    """Score groups by B-cubed, over the mentions in both (``shared``) or in either.

    >>> one, two = LabelledSpan(0, 1, "ORG"), LabelledSpan(2, 3, "ORG")
    >>> score_groups([{one: "a", two: "a"}], [{one: "x", two: "y"}], shared=True)
    WeightedPrecisionRecall(right=2.0, found=2, right_of_gold=1.0, gold=2)
    """
    sums = [0.0, 0, 0.0, 0]
    for gold_mentions, found_mentions in zip(gold, found, strict=True):
        common = gold_mentions.keys() & found_mentions.keys()
        in_gold = {span: gold_mentions[span] for span in (common if shared else gold_mentions)}
        in_found = {span: found_mentions[span] for span in (common if shared else found_mentions)}
        together = Counter((in_gold[span], in_found[span]) for span in common)
        gold_sizes, found_sizes = Counter(in_gold.values()), Counter(in_found.values())
        sums[0] += sum(n * n / found_sizes[group] for (_, group), n in together.items())
        sums[1] += len(in_found)
        sums[2] += sum(n * n / gold_sizes[group] for (group, _), n in together.items())
        sums[3] += len(in_gold)
    return WeightedPrecisionRecall(*sums)


def format_report(
    gold: Sequence[Mentions], found: Mapping[str, Sequence[Mentions]]
) -> Iterator[str]:
    """Yield the lines of the tables."""
    yield f"{'':26}precision  recall     F1"
    for name, mentions in found.items():
        for label in (*SCORED, "all"):
            yield _format_row(f"{name}, {label}", score_mentions(gold, mentions, label))
    for name, mentions in found.items():
        for title, shared in (("groups of shared", True), ("groups of all", False)):
            yield _format_row(f"{name}, {title}", score_groups(gold, mentions, shared=shared))


def _format_row(name: str, ratio: WeightedPrecisionRecall) -> str:
    return f"{name:26}{ratio.precision:9.3f}{ratio.recall:8.3f}{ratio.f1:7.3f}"


def print_errors(
    texts: Mapping[str, str], gold: Sequence[Mentions], found: Sequence[Mentions]
) -> None:
    """Print each missing (-) or surplus (+) mention with the text around it."""
    for (name, text), expected, actual in zip(texts.items(), gold, found, strict=True):
        differences = (
            ("-", expected.keys() - actual.keys()),
            ("+", actual.keys() - expected.keys()),
        )
        for sign, spans in differences:
            for start, end, label in sorted(spans):
                before, after = text[max(0, start - 30) : start], text[end : end + 30]
                around = f"{before}[{text[start:end]}]{after}".replace("\n", "¶")
                print(f"{sign} {label:6} {around}   {name[:30]}")


def main(folder: Path, *, show_errors: bool) -> None:
    """Print the tables and, with ``show_errors``, each wrong mention."""
    labels = read_labels()
    texts = {
        name: (folder / "text" / f"{name}.txt").read_bytes().decode("utf-8") for name in labels
    }
    gold = list(labels.values())
    plain_texts = [*texts.values()]
    docs = [*analyse_texts(load_model(), plain_texts)]
    found = {
        "plain model": list(find_model_mentions(plain_texts)),
        "no gazetteer": list(find_newsbeam_mentions(plain_texts, docs, None)),
        "Newsbeam": list(find_newsbeam_mentions(plain_texts, docs, load_gazetteer())),
    }
    if show_errors:
        print_errors(texts, gold, found["Newsbeam"])
    print(f"{sum(map(len, gold))} mentions in {len(gold)} articles")
    print("\n".join(format_report(gold, found)))


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--errors"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    main(Path(arguments[0]), show_errors="--errors" in sys.argv)
