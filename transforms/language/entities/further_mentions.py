"""Find further mentions of known names, which the model did not find.

The input is the clusters of names of an article. The output is the cluster and the span of each
further mention. The method is a search for the names as printed, checked by tags and capitals.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from transforms.language.document import Document
from transforms.language.entities.clustering import MentionsByKey, People
from transforms.language.entities.gazetteer import GazetteerMatch
from transforms.language.entities.labels import Labels
from transforms.language.entities.line_classifier import LineClassifier
from transforms.language.entities.names import find_title_before, normalise, split_person_name
from transforms.language.entities.ner_corrections import WORD_BEFORE, is_in_state, is_part_of_word
from transforms.language.entities.rules import GENERATIONAL_SUFFIXES, ORGANISATION_WORDS
from transforms.language.given_names import GIVEN_NAMES

_WORD = re.compile(r"([^\W_]+)")
_WORD_AFTER = re.compile(r"(?:['’ʼ]s)?[ \xa0-]([^\W_]+)")


class NameSearch:
    """The printed names to search for in the whole text, with the key of the cluster of each.

    These are names of several words, acronyms, aliases, surnames that only one person of the
    article has, and one-word names of people with several mentions.

    Args:
        clusters: the mentions by cluster.
        cluster_labels: the label of each cluster.
        people: the people of the article.
        expansions: the full name of each acronym.
        labels: the labels of the names of the article.
    """

    def __init__(
        self,
        clusters: MentionsByKey,
        cluster_labels: Mapping[str, str],
        people: People,
        expansions: Mapping[str, str],
        labels: Labels,
    ) -> None:
        self._clusters = clusters
        self._cluster_labels = cluster_labels
        self._people = people
        self._labels = labels
        self._cluster_of: dict[str, str] = {}
        # Transcripts print the surname of the speaker in capitals before the words: "POE: No."
        self._cluster_of_transcript_name: dict[str, str] = {}
        for cluster, mentions in clusters.items():
            for name, key in {(m.name, m.key): None for m in mentions}:
                if " " in name or key in expansions or key in labels.full_names:
                    self._cluster_of.setdefault(name, cluster)
                if cluster_labels[cluster] != "PERSON":
                    continue
                if len(split_person_name(key)) > 1:
                    self._add_surname(name, cluster)
                elif len(mentions) > 1:
                    self._cluster_of.setdefault(name, cluster)

    def _add_surname(self, name: str, cluster: str) -> None:
        *_, surname = (
            word for word in name.split() if normalise(word) not in GENERATIONAL_SUFFIXES
        )
        key = normalise(surname)
        if key in self._clusters:  # the mentions of a surname that several people have
            if self._cluster_labels[key] == "PERSON":
                self._cluster_of.setdefault(surname, key)
        elif [*self._people.full_names_by_ending.get(key, ())] == [cluster]:
            self._cluster_of.setdefault(surname, cluster)
            self._cluster_of_transcript_name.setdefault(surname.upper(), cluster)

    def add_one_word_names(
        self, matches: Sequence[GazetteerMatch], names: MentionsByKey, text: str
    ) -> None:
        """Add one-word names of the gazetteer that are not part of longer names of the article.

        Args:
            matches: the matches of one-word names in the text.
            names: the mentions by normalised name.
            text: the text of the article.
        """
        words_of_names = {word for key in names if " " in key for word in key.split()}
        for match in matches:
            printed = text[match.start : match.end]
            if (
                match.entry.label in ("GPE", "ORG")
                and normalise(printed) not in words_of_names
                and not is_in_state(text, match.end)
            ):
                self._cluster_of.setdefault(printed, self._labels.add_entry(match.entry))

    def find_cluster(self, name: str, next_character: str) -> str | None:
        """Return the key of the cluster of a printed name that a character follows, or None."""
        return self._cluster_of.get(name) or (
            self._cluster_of_transcript_name.get(name) if next_character == ":" else None
        )

    def is_certain(self, name: str) -> bool:
        """Return whether a name needs no further check: a full name, or one in a transcript."""
        cluster = self._cluster_of.get(name)
        return not cluster or (" " in name and self._cluster_labels.get(cluster) == "PERSON")

    def lengths_by_first_word(self) -> dict[str, list[int]]:
        """Return the lengths of the names by first word, in code points, the longest first."""
        by_word: dict[str, set[int]] = defaultdict(set)
        for name in {**self._cluster_of, **self._cluster_of_transcript_name}:
            if word := _WORD.match(name):
                by_word[word[0]].add(len(name))
        return {word: sorted(lengths, reverse=True) for word, lengths in by_word.items()}


def find_further_mentions(
    document: Document, lines: LineClassifier, clusters: MentionsByKey, search: NameSearch
) -> Iterator[tuple[str, int, int]]:
    """Yield the cluster, start and end of each further mention. Offsets are code points.

    A name other than a full name of a person must not adjoin other proper nouns: the "Smith" of
    "Smith Foundation" is not a person.

    Args:
        document: the document.
        lines: the headings and credits of the document.
        clusters: the known mentions, by cluster.
        search: the names to search for.
    """
    text, index = document.text, document.index
    lengths = search.lengths_by_first_word()
    covered = bytearray(len(text))
    for mentions in clusters.values():
        for mention in mentions:
            covered[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
    # With the group, `split` returns gaps and words in turns.
    parts = _WORD.split(text[: document.analysed_end])
    ends = [*accumulate(map(len, parts))]
    for number in [n for n, part in enumerate(parts) if part in lengths]:
        start = ends[number - 1]
        for length in lengths[parts[number]]:
            end = start + length
            cluster = search.find_cluster(text[start:end], text[end : end + 1])
            if (
                cluster
                and start in index.number_by_start
                and end in index.number_by_end
                and 1 not in covered[start:end]
                and not is_part_of_word(text, start, end)
                and (
                    search.is_certain(text[start:end])
                    or not _is_part_of_longer_name(document, start, end, lines)
                )
            ):
                yield cluster, start, end
                covered[start:end] = b"\1" * length
                break


def _is_part_of_longer_name(
    document: Document, start: int, end: int, lines: LineClassifier
) -> bool:
    """Return whether tags and capitals around a name show that it is part of a longer one."""
    text, index = document.text, document.index
    first, last = index.number_by_start[start], index.number_by_end[end]
    before = WORD_BEFORE.search(text, max(0, start - 30), start)
    if lines.is_heading(start):  # every word has a capital
        after = _WORD_AFTER.match(text, end)
        return bool(
            (before and before[1].casefold() in GIVEN_NAMES)
            or (after and after[1].casefold() in ORGANISATION_WORDS)
        )
    if not index.may_be_proper_noun(last) or index.is_proper_noun(last + 1):
        return True
    capitalised = before and before[1][0].isupper() and index.is_noun_or_adjective(first - 1)
    return bool(capitalised) and not find_title_before(text, start)
